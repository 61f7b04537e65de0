package chat_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"

	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/config"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A scenario is a listing from which messages of every kind are made. Its file
// also has the messages as the emulated chats received them.
type scenario struct {
	Now      report.Time
	Days     int // 30 if 0
	Healthy  int // further matrices that need no attention
	Settings map[string]string
	report.Listing
}

func (s scenario) report(t *testing.T) (report.Report, message.Options) {
	t.Helper()
	env := config.NewEnv(func(name string) string { return s.Settings[name] })
	settings := config.Load(env)
	if err := env.Err(); err != nil {
		t.Fatal(err)
	}
	for i := range s.Healthy {
		s.Matrices = append(s.Matrices, &report.Matrix{
			NodeID: fmt.Sprintf("cpn-healthy%06d", i), Name: fmt.Sprintf("healthy-%d", i), Region: "cn-shanghai", Status: "RUNNING",
			ExpiresAt: report.Time{Time: s.Now.AddDate(0, 3, i%200)}, PhoneCount: 25,
		})
	}
	return report.Build(settings.Rules, s.Listing, s.Now.Time), message.Options{
		ConsoleURL: settings.ConsoleURL, ReportURL: settings.ReportURL, OwnerTag: settings.OwnerTag, Mentions: settings.Mentions, RequestID: "1-6921a0b2-15d63510",
	}
}

var update = flag.Bool("update", false, "rewrite the golden files")

func TestMessages(t *testing.T) {
	files, err := filepath.Glob("testdata/messages/*.txtar")
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios: %v", err)
	}
	for _, file := range files {
		t.Run(strings.TrimSuffix(filepath.Base(file), ".txtar"), func(t *testing.T) {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			want := txtar.Parse(b)
			var s scenario
			if err := json.Unmarshal(want.Files[0].Data, &s); err != nil {
				t.Fatalf("%s: %v", want.Files[0].Name, err)
			}
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
	for _, kind := range chat.Kinds {
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
	if err := message.Text(&text, r, o, false); err != nil {
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
	channels := chat.Load(env)
	i := slices.IndexFunc(channels, func(c *chat.Channel) bool { return c.Name() == kind })
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
