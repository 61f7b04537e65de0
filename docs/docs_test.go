package docs

import (
	"context"
	"errors"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/cli"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// docs changes to the root of the repository and returns every document by its
// path.
func docs(t *testing.T) map[string]string {
	t.Helper()
	texts := map[string]string{}
	t.Chdir("..")
	for _, pattern := range []string{"*.md", "docs/*.md", "deploy/*/*.md"} {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(b)
		}
	}
	return texts
}

var (
	fence    = regexp.MustCompile("(?ms)^ *```(\\w*)\n(.*?)^ *```$")
	headings = regexp.MustCompile(`(?m)^(#+) (.*)$`)
	link     = regexp.MustCompile(`(?:\]\(|<img src=")([^)"\s]+)`)
	image    = regexp.MustCompile(`!\[|<img [^>]*>`)
	comment  = regexp.MustCompile(`(?m) +#.*$`)
	span     = regexp.MustCompile("`[^`]+`")
	logRow   = regexp.MustCompile("(?m)^\\| `([^`]+)` \\| (?:debug|info|warn|error) \\|")
	logCall  = regexp.MustCompile(`\.(?:Debug|Info|Warn|Error)\("([^"]+)"`)
	testName = regexp.MustCompile("`((?:Test|Fuzz|Benchmark)[A-Z]\\w*)`")
)

// A document and its translation have the same headings, code blocks and tables,
// and each row of a table has the same code spans.
func TestTranslationsHaveTheSameStructure(t *testing.T) {
	texts := docs(t)
	pairs, rows, blocks := 0, 0, 0
	for file, text := range texts {
		zh, ok := texts[strings.TrimSuffix(file, ".md")+".zh.md"]
		if !ok {
			continue
		}
		pairs++
		a, b := shapeOf(text), shapeOf(zh)
		compareLists(t, file, "levels of headings", a.levels, b.levels)
		compareLists(t, file, "blocks", a.blocks, b.blocks)
		compareLists(t, file, "rows of tables", a.rows, b.rows)
		rows += len(a.rows)
		blocks += len(a.blocks)
	}
	if pairs < 4 || rows < 40 || blocks < 5 {
		t.Errorf("only %d translations with %d rows and %d blocks found", pairs, rows, blocks)
	}
}

// shape is what a document and its translation have in common.
type shape struct{ levels, blocks, rows []string }

func shapeOf(text string) (s shape) {
	for _, m := range fence.FindAllStringSubmatch(text, -1) {
		s.blocks = append(s.blocks, m[1]+"\n"+comment.ReplaceAllString(m[2], ""))
	}
	text = fence.ReplaceAllString(text, "")
	for _, m := range headings.FindAllStringSubmatch(text, -1) {
		s.levels = append(s.levels, m[1])
	}
	for line := range strings.Lines(text) {
		if strings.HasPrefix(line, "| ") {
			spans := span.FindAllString(line, -1)
			slices.Sort(spans)
			s.rows = append(s.rows, strings.Join(slices.Compact(spans), " "))
		}
	}
	return s
}

func compareLists(t *testing.T, file, what string, a, b []string) {
	t.Helper()
	if len(a) != len(b) {
		t.Errorf("%s and its translation have %d and %d %s", file, len(a), len(b), what)
		return
	}
	for i := range a {
		if a[i] != b[i] {
			t.Errorf("%s: %s: English has\n%s\nChinese has\n%s", file, what, a[i], b[i])
		}
	}
}

func TestLinksWithinTheRepositoryExist(t *testing.T) {
	texts := docs(t)
	anchors := func(text string) (all []string) {
		for _, m := range headings.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			anchor := strings.Map(func(r rune) rune {
				switch {
				case r == ' ':
					return '-'
				case strings.ContainsRune("`'.,:;!?()/&\"", r):
					return -1
				}
				return r
			}, strings.ToLower(m[2]))
			all = append(all, anchor)
		}
		return all
	}
	checked := 0
	for file, text := range texts {
		for _, m := range link.FindAllStringSubmatch(fence.ReplaceAllString(text, ""), -1) {
			if strings.Contains(m[1], "://") || m[1] == "../../releases/latest" { // beside the files, on the site of the repository
				continue
			}
			checked++
			path, anchor, _ := strings.Cut(m[1], "#")
			target := filepath.Join(filepath.Dir(file), path)
			if path == "" {
				target = file
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
			}
			if anchor != "" && !slices.Contains(anchors(texts[target]), anchor) {
				t.Errorf("%s links to %s: no such heading", file, m[1])
			}
		}
	}
	if checked < 30 {
		t.Errorf("only %d links found", checked)
	}
}

// The pictures of the READMEs fit on a phone's first screen.
func TestPicturesAreSmall(t *testing.T) {
	texts := docs(t)
	for _, file := range []string{"README.md", "README.zh.md"} {
		images := image.FindAllString(texts[file], -1)
		if len(images) != 1 || !strings.Contains(images[0], `width="560"`) || !strings.Contains(images[0], `alt="`) {
			t.Errorf("%s has the images %q, want one 560 pixels wide with a description", file, images)
		}
	}
}

// Every test that a document names exists.
func TestNamedTestsExist(t *testing.T) {
	var code strings.Builder
	texts := docs(t)
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err == nil && strings.HasSuffix(path, "_test.go") {
			var b []byte
			b, err = os.ReadFile(path)
			code.Write(b)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for file, text := range texts {
		for _, m := range testName.FindAllStringSubmatch(text, -1) {
			checked++
			if !strings.Contains(code.String(), "func "+m[1]+"(") {
				t.Errorf("%s names %s, which does not exist", file, m[1])
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d names found", checked)
	}
}

// The table of the log in docs/operating.md has exactly the messages that the
// program logs.
func TestLogMessagesAreDocumented(t *testing.T) {
	table := docs(t)["docs/operating.md"]
	_, table, _ = strings.Cut(table, "## The log\n")
	table, _, _ = strings.Cut(table, "\n## ")
	documented := map[string]bool{}
	for _, m := range logRow.FindAllStringSubmatch(table, -1) {
		documented[m[1]] = true
	}
	logged := map[string]bool{}
	for _, text := range sources(t, "handler/*.go", "internal/*/*.go") {
		for _, m := range logCall.FindAllStringSubmatch(text, -1) {
			logged[m[1]] = true
		}
	}
	for msg := range logged {
		if !documented[msg] {
			t.Errorf("the log message %q is not documented", msg)
		}
	}
	for msg := range documented {
		if !logged[msg] {
			t.Errorf("the program does not log %q", msg)
		}
	}
	if len(logged) < 5 {
		t.Errorf("only %d log messages found", len(logged))
	}
}

// CHANGELOG.md has the form of Keep a Changelog.
func TestChangelog(t *testing.T) {
	kinds := []string{"Added", "Changed", "Deprecated", "Removed", "Fixed", "Security"}
	version := regexp.MustCompile(`^\[(\d+\.\d+\.\d+)\] - (\d{4}-\d{2}-\d{2})$`)
	var dates []string
	for i, m := range headings.FindAllStringSubmatch(docs(t)["CHANGELOG.md"], -1) {
		v := version.FindStringSubmatch(m[2])
		switch {
		case m[1] == "#" && i == 0 && m[2] == "Changelog":
		case m[1] == "##" && i == 1 && m[2] == "[Unreleased]":
		case m[1] == "##" && v != nil:
			if _, err := time.Parse(time.DateOnly, v[2]); err != nil {
				t.Error(err)
			}
			dates = append(dates, v[2])
		case m[1] == "###" && i > 1 && slices.Contains(kinds, m[2]):
		default:
			t.Errorf("unexpected heading %s", m[0])
		}
	}
	slices.Reverse(dates)
	if len(dates) == 0 || !slices.IsSorted(dates) {
		t.Errorf("the dates of the versions are %v", dates)
	}
}

// Every command in a block that is marked console succeeds.
func TestCommandsOfTheDocuments(t *testing.T) {
	api, room := httptest.NewServer(&fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())}), httptest.NewServer(&fakechat.Server{})
	defer api.Close()
	defer room.Close()
	function := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = w.Write([]byte("{}")) }))
	defer function.Close()
	env := map[string]string{
		"EDS_AIC_ENDPOINT": api.URL, "SLACK_WEBHOOK_URL": room.URL + "/services/T0/B0/x", "HTTP_AUTH": "trigger",
		"ALIBABA_CLOUD_ACCESS_KEY_ID": "emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET": "emulator-secret",
	}
	for name, value := range env {
		t.Setenv(name, value) // the credentials library reads the process environment
	}
	ran := 0
	for file, text := range docs(t) {
		trial := filepath.Join(t.TempDir(), "try.env")
		for _, m := range fence.FindAllStringSubmatch(text, -1) {
			if m[1] != "console" {
				if strings.HasPrefix(m[2], "EDS_AIC_ENDPOINT=") {
					settings := strings.NewReplacer("T=http://127.0.0.1:8080", "T="+api.URL, "L=http://127.0.0.1:8080", "L="+room.URL).Replace(m[2])
					if err := os.WriteFile(trial, []byte(settings), 0o600); err != nil {
						t.Fatal(err)
					}
				}
				if strings.Contains(m[2], "matrix-expiry-report report") && m[1] != "text" {
					t.Errorf("%s has commands in a block that is not marked console or text:\n%s", file, m[2])
				}
				continue
			}
			for line := range strings.Lines(comment.ReplaceAllString(m[2], "")) {
				args := strings.Fields(line)
				switch {
				case len(args) == 0, strings.HasPrefix(line, "go test "), strings.HasPrefix(line, "go build "): // would run this test again; writes here
					continue
				case strings.HasPrefix(line, "go run . "):
					args = args[2:]
				case args[0] != "matrix-expiry-report" && args[0] != "./matrix-expiry-report":
					t.Errorf("%s: unknown command %q", file, line)
					continue
				}
				args = args[1:]
				ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
				switch args[0] {
				case "invoke":
					args[1] = function.URL
				case "serve", "emulator": // run until they are interrupted
					args = append(args, "--listen", "127.0.0.1:0")
					time.AfterFunc(200*time.Millisecond, cancel)
				}
				getenv := func(name string) string { return env[name] }
				if i := slices.Index(args, "try.env"); i > 0 { // whose settings are all that there are
					args[i], getenv = trial, func(string) string { return "" }
				}
				var out, complaints strings.Builder
				p := cli.Program{Getenv: getenv, Stdout: &out, Stderr: &complaints}
				err := p.Run(ctx, args)
				cancel()
				if err != nil && !errors.Is(err, cli.ErrAttention) || out.Len() == 0 {
					t.Errorf("%s: %s: %v\n%s%s", file, strings.TrimSpace(line), err, out.String(), complaints.String())
				}
				ran++
			}
		}
	}
	if ran < 12 {
		t.Errorf("only %d commands found", ran)
	}
}

// sample matches a link to a file and, right after it, the block that quotes it.
var sample = regexp.MustCompile("From \\[([\\w./]+)\\]\\(\\.\\./([\\w./]+)\\):\n\n```\\w+\n((?s:.*?))```")

// The samples of developers.md stand in files that the tests compile and run.
func TestSamplesAreQuoted(t *testing.T) {
	text := docs(t)["docs/developers.md"]
	samples := sample.FindAllStringSubmatch(text, -1)
	for _, s := range samples {
		b, err := os.ReadFile(s[2])
		if err != nil {
			t.Error(err)
			continue
		}
		if s[1] != s[2] || !strings.Contains(string(b), s[3]) {
			t.Errorf("%s does not contain what developers.md quotes from it:\n%s", s[2], s[3])
		}
	}
	if sections := strings.Count(text, "\n## Adding a "); len(samples) != sections || sections < 5 {
		t.Errorf("%d sections on adding something have %d samples", sections, len(samples))
	}
}
