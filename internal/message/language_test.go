package message

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// allKinds returns a report of each kind that has messages of its own.
func allKinds() map[string]struct {
	r report.Report
	o Options
} {
	unread := report.Problem{Endpoint: "host", Region: "cn-x", Code: "Forbidden", Message: "no", MayHideMatrices: true}
	stuck := &report.Matrix{NodeID: "cpn-s", Status: report.StatusCreating, CreatedAt: report.Time{Time: testNow.AddDate(0, 0, -3)}, ExpiresAt: report.Time{Time: testNow.AddDate(0, 0, 5)}}
	deleting := &report.Matrix{NodeID: "cpn-d", Status: report.StatusDeleting, ModifiedAt: report.Time{Time: testNow.AddDate(0, 0, -3)}}
	gone := report.Report{GeneratedAt: report.Time{Time: testNow}, Deliveries: []report.Delivery{{Channel: "x", Error: "x: gone"}}}
	type kind = struct {
		r report.Report
		o Options
	}
	return map[string]kind{
		"many":                 {manyFindings(100), Options{ConsoleURL: "https://c.example/", ReportURL: "https://r.example/", Mentions: map[string][]string{"team-a": {"ada"}}, Age: 1e10}},
		"all reasons":          {testReport(report.Listing{Matrices: []*report.Matrix{expiring("a", 0), expiring("b", -2), stuck, deleting, {NodeID: "f", Status: report.StatusFailed}, {NodeID: "n", Status: report.StatusRunning}, {NodeID: "u", Status: "NEW"}}}), Options{}},
		"filtered":             {manyFindings(2), Options{Needing: 9}},
		"nothing matches":      {testReport(report.Listing{Matrices: []*report.Matrix{expiring("a", 90)}}), Options{Needing: 9}},
		"fine":                 {testReport(report.Listing{Matrices: []*report.Matrix{expiring("a", 90)}}), Options{}},
		"empty":                {testReport(report.Listing{}), Options{}},
		"empty region":         {testReport(report.Listing{}), Options{Regions: []string{"cn-x"}}},
		"incomplete":           {testReport(report.Listing{Total: 9, Matrices: []*report.Matrix{expiring("a", 2)}, Problems: []report.Problem{unread, {Code: "A"}, {Code: "B"}, {Code: "C"}}}), Options{}},
		"quiet but incomplete": {testReport(report.Listing{Total: 9, Matrices: []*report.Matrix{expiring("a", 90)}, Problems: []report.Problem{unread}}), Options{}},
		"failed":               {testReport(report.Listing{Problems: []report.Problem{unread}}), Options{RequestID: "1-2"}},
		"test":                 {report.Report{GeneratedAt: report.Time{Time: testNow}}, Options{Test: true}},
		"undelivered":          {gone, Options{Undelivered: true}},
	}
}

// A language needs one file with its name. Everything else is in English.
func TestLanguageWithNameAloneIsEnglish(t *testing.T) {
	english, err := locale.Of(locale.Default)
	if err != nil {
		t.Fatal(err)
	}
	german, err := locale.Parse("de", []byte(`{"language_name": "Deutsch"}`))
	if err != nil {
		t.Fatal(err)
	}
	for name, k := range allKinds() {
		k.o.OwnerTag = "owner"
		rendered := map[*locale.Catalog]string{}
		for _, c := range []*locale.Catalog{english, german} {
			d, err := compose("x", k.r, k.o, c, false)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			m, err := d.Fit(func(m Message) bool { return len(m.Groups) < 2 })
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			rendered[c] = text(m)
		}
		if rendered[german] != rendered[english] || rendered[german] == "" {
			t.Errorf("%s: got\n%s\nwant\n%s", name, rendered[german], rendered[english])
		}
	}
}

// Every language has a text for every part of every kind of message.
func TestMessagesInEveryLanguage(t *testing.T) {
	id := regexp.MustCompile(`\b(title|lead|fact|heading|foot|page|why|also|hint)_[a-z]`)
	for _, language := range locale.Languages() {
		for name, k := range allKinds() {
			k.o.Language = language
			m := whole(t, "x", k.r, k.o)
			if got := text(m); id.MatchString(got) || strings.Contains(got, "%!") || m.Title == "" {
				t.Errorf("%s, %s: %s", language, name, got)
			}
			var terminal bytes.Buffer
			if err := Text(&terminal, k.r, k.o, Terminal{Columns: 10_000, Colour: true}); err != nil || !strings.Contains(terminal.String(), m.Title) {
				t.Errorf("%s, %s: %s, %v", language, name, &terminal, err)
			}
		}
	}
}

// Code names no language but the default one, and no chat service.
func TestCodeNamesNoLanguageAndNoService(t *testing.T) {
	service := regexp.MustCompile(`(?i)slack|dingtalk|feishu|lark\b|wecom|teams|webhook`)
	for _, pattern := range []string{"*.go", "../locale/*.go", "../../templates/*.tmpl"} {
		files, err := filepath.Glob(pattern)
		if err != nil || len(files) == 0 {
			t.Fatalf("%s: no files, %v", pattern, err)
		}
		for _, file := range files {
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			if found := service.FindString(string(b)); found != "" {
				t.Errorf("%s names the service %s", file, found)
			}
			for _, language := range locale.Languages() {
				if strings.Contains(string(b), `"`+language+`"`) && !strings.Contains(string(b), `const Default = "`+language+`"`) {
					t.Errorf("%s names the language %s", file, language)
				}
			}
		}
	}
}

// Every error code in docs/operating.md has a text in every other language.
func TestErrorCodesAreTranslated(t *testing.T) {
	b, err := os.ReadFile("../../docs/operating.md")
	if err != nil {
		t.Fatal(err)
	}
	_, table, _ := strings.Cut(string(b), "## Error codes\n")
	table, _, _ = strings.Cut(table, "\n## ")
	code := regexp.MustCompile("`([A-Za-z]+)…?`")
	codes := 0
	for line := range strings.Lines(table) {
		cell, _, ok := strings.Cut(strings.TrimPrefix(line, "| "), " | ")
		if !ok {
			continue
		}
		for _, m := range code.FindAllStringSubmatch(cell, -1) {
			codes++
			for _, language := range locale.Languages() {
				c, err := locale.Of(language)
				if err != nil {
					t.Fatal(err)
				}
				text := ProblemText(c, report.Problem{Code: m[1], Message: "MESSAGE"})
				if language != locale.Default && (text == m[1]+c.Text("colon")+"MESSAGE" || !strings.Contains(text, "MESSAGE")) {
					t.Errorf("%s: the code %s has the text %q", language, m[1], text)
				}
			}
		}
	}
	if codes < 25 {
		t.Errorf("only %d codes found", codes)
	}
}
