package chat

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"matrix-expiry-report/internal/config"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMessages(t *testing.T) {
	for file, want := range scenarioFiles(t) {
		t.Run(scenarioName(file), func(t *testing.T) {
			s := parseScenario(t, want)
			got := &txtar.Archive{Comment: want.Comment, Files: slices.Concat(want.Files[:1], s.messages(t, strings.Contains(string(want.Comment), "bodies")))}
			if *update {
				if err := os.WriteFile(file, txtar.Format(got), 0o644); err != nil {
					t.Fatal(err)
				}
				return
			}
			compare(t, file, got.Files, want.Files)
		})
	}
}

// messages returns the messages of every kind in every language, with the
// bodies in the default language, and the text for a terminal.
func (s scenario) messages(t *testing.T, bodies bool) (files []txtar.File) {
	r, o := s.report(t)
	for _, kind := range Kinds {
		for _, lang := range locale.Languages() {
			o.Language = lang
			m := post(t, kind.Name, r, o)
			text := m.Title + "\n\n" + strings.TrimSpace(m.Text) + "\n"
			if kind.Name == "webhook" { // its body is the report
				text = m.Title + "\n"
			}
			if len(m.Mentions) > 0 {
				text += fmt.Sprintf("\nmentions %q\n", m.Mentions)
			}
			files = append(files, txtar.File{Name: kind.Name + "." + lang, Data: []byte(text)})
			if bodies && lang == locale.Default {
				var b bytes.Buffer
				if err := json.Indent(&b, m.Body, "", " "); err != nil {
					t.Fatal(err)
				}
				files = append(files, txtar.File{Name: kind.Name + ".json", Data: append(b.Bytes(), '\n')})
			}
		}
	}
	var text bytes.Buffer
	o.Language = locale.Default
	if err := message.Text(&text, r, o, message.Terminal{}); err != nil {
		t.Fatal(err)
	}
	return append(files, txtar.File{Name: "text." + locale.Default, Data: text.Bytes()})
}

// compare compares files by name. A language without a golden file is only
// logged: its messages were delivered.
func compare(t *testing.T, file string, got, want []txtar.File) {
	golden := map[string]string{}
	languages := map[string]bool{}
	for _, f := range want {
		golden[f.Name] = string(f.Data)
		languages[path.Ext(f.Name)] = true
	}
	for _, f := range got {
		text, ok := golden[f.Name]
		delete(golden, f.Name)
		switch {
		case !ok && !languages[path.Ext(f.Name)]:
			t.Logf("%s lacks %s: go test ./internal/chat -update adds it", file, f.Name)
		case text != string(f.Data):
			t.Errorf("%s of %s differs (go test ./internal/chat -update accepts it):\n%s", f.Name, file, firstDifference(string(f.Data), text))
		}
	}
	for name := range golden {
		t.Errorf("nothing renders %s of %s", name, file)
	}
}

// post sends r to an emulated chat, which refuses what the service would.
func post(t *testing.T, kind string, r report.Report, o message.Options) fakechat.Message {
	t.Helper()
	room := &fakechat.Server{}
	server := httptest.NewServer(room)
	defer server.Close()
	webhooks := fakechat.Webhooks(server.URL)
	env := config.NewEnv(func(name string) string { return webhooks[name] })
	channels := Load(env)
	i := slices.IndexFunc(channels, func(c *Channel) bool { return c.Name() == kind })
	if err := env.Err(); err != nil || i < 0 {
		t.Fatalf("%s has no address in fakechat.Webhooks: %v", kind, err)
	}
	if err := channels[i].Send(t.Context(), r, o, "golden"); err != nil {
		t.Fatal(err)
	}
	posted := room.Messages()
	if len(posted) != 1 || !posted[0].Accepted {
		t.Fatalf("%s: %+v", kind, posted)
	}
	return posted[0]
}

func firstDifference(got, want string) string {
	g, w := strings.Split(got, "\n"), strings.Split(want, "\n")
	for i := range min(len(g), len(w)) {
		if g[i] != w[i] {
			return fmt.Sprintf("line %d\n got %s\nwant %s", i+1, g[i], w[i])
		}
	}
	return fmt.Sprintf("%d lines, want %d", len(g), len(w))
}
