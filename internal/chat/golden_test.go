package chat_test

import (
	"bytes"
	"encoding/json"
	"flag"
	"fmt"
	"net/http/httptest"
	"os"
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

// A scenario is what the service said, from which every message is made. Its
// file holds them as the chat room took them; -update writes them anew.
type scenario struct {
	Now      report.Time
	Days     int // 30 if 0
	Healthy  int // so many more that need nobody
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
		s.Matrices = append(s.Matrices, report.Matrix{
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
			want, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			archive := txtar.Parse(want)
			var s scenario
			if err := json.Unmarshal(archive.Files[0].Data, &s); err != nil {
				t.Fatalf("%s: %v", archive.Files[0].Name, err)
			}
			r, o := s.report(t)
			made := &txtar.Archive{Comment: archive.Comment, Files: slices.Clip(archive.Files[:1])}
			for _, kind := range chat.Kinds {
				for _, lang := range locale.Languages() {
					o.Language = lang
					m := post(t, kind.Name, r, o)
					text := m.Title + "\n\n" + strings.TrimSpace(m.Text) + "\n"
					if kind.Name == "webhook" { // the report itself; its form is checked elsewhere
						text = m.Title + "\n"
					}
					if len(m.Mentions) > 0 {
						text += fmt.Sprintf("\nmentions %q\n", m.Mentions)
					}
					made.Files = append(made.Files, txtar.File{Name: kind.Name + "." + lang, Data: []byte(text)})
					if strings.Contains(string(archive.Comment), "bodies") && lang == "en" {
						var b bytes.Buffer
						if err := json.Indent(&b, m.Body, "", " "); err != nil {
							t.Fatal(err)
						}
						made.Files = append(made.Files, txtar.File{Name: kind.Name + ".json", Data: append(b.Bytes(), '\n')})
					}
				}
			}
			var text bytes.Buffer
			o.Language = "en"
			if err := message.Text(&text, r, o, false); err != nil {
				t.Fatal(err)
			}
			made.Files = append(made.Files, txtar.File{Name: "text.en", Data: text.Bytes()})
			got := txtar.Format(made)
			if *update {
				if err := os.WriteFile(file, got, 0o644); err != nil {
					t.Fatal(err)
				}
			} else if !bytes.Equal(got, want) {
				t.Errorf("other messages than in %s (go test ./internal/chat -update writes them):\n%s", file, firstDifference(string(got), string(want)))
			}
		})
	}
}

// post sends r to an emulated chat room, which refuses what the service would.
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
