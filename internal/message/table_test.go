package message

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"matrix-expiry-report/report"
)

// tableReport returns a report with names, regions and owners of several lengths.
func tableReport() report.Report {
	var l report.Listing
	for i, name := range []string{"prod-hz-01", "运营-上海-测试机器-超长名称-02", "a-name-that-is-longer-than-the-column-of-names", "QA 1", ""} {
		m := &report.Matrix{
			NodeID: fmt.Sprintf("cpn-%015d", i), Name: name, Region: "ap-southeast-1", Status: report.StatusRunning, PhoneCount: 25,
			ExpiresAt: report.Time{Time: testNow.AddDate(0, 0, 3*i)}, Tags: map[string]string{"owner": "team-" + strings.Repeat("x", i)},
		}
		if i == 4 {
			m.Status, m.ExpiresAt, m.CreatedAt = report.StatusCreating, report.Time{}, report.Time{Time: testNow.AddDate(0, 0, -5)}
		}
		l.Matrices = append(l.Matrices, m)
	}
	return testReport(l)
}

// terminalText returns r as a terminal of that width shows it.
func terminalText(t *testing.T, r report.Report, language string, terminal Terminal) string {
	t.Helper()
	var b strings.Builder
	if err := Text(&b, r, Options{Language: language, OwnerTag: "owner", ConsoleURL: "https://console.example.com/renew"}, terminal); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// No line is wider than the terminal, and none loses a cell.
func TestTextFitsTerminal(t *testing.T) {
	for _, language := range []string{"en", "zh"} {
		for _, width := range []int{40, 60, 80, 99, 100, 120, 160, 300} {
			got := terminalText(t, tableReport(), language, Terminal{Columns: width})
			for line := range strings.Lines(got) {
				if line = strings.TrimSuffix(line, "\n"); columns(line) > width || strings.HasSuffix(line, " ") {
					t.Errorf("%s, %d columns: a line has %d: %q", language, width, columns(line), line)
				}
			}
			for _, f := range tableReport().Findings {
				if !strings.Contains(got, f.NodeID) || !strings.Contains(got, f.Tags["owner"]) {
					t.Errorf("%s, %d columns: no %s in\n%s", language, width, f.NodeID, got)
				}
			}
		}
	}
}

// In a file or a pipe, rows have at most 80 columns. Other lines are whole, so that
// other programs can search them.
func TestTextWithoutTerminal(t *testing.T) {
	for _, language := range []string{"en", "zh"} {
		file, terminal := terminalText(t, tableReport(), language, Terminal{}), terminalText(t, tableReport(), language, Terminal{Columns: 80})
		lead := strings.Split(file, "\n")[1]
		if columns(lead) <= 80 || !strings.HasSuffix(lead, "https://console.example.com/renew") {
			t.Errorf("%s: the second line is %q", language, lead)
		}
		rows := func(text string) string {
			return strings.Join(regexp.MustCompile(`(?m)^  .*\n`).FindAllString(text, -1), "")
		}
		if rows(file) == "" || rows(file) != rows(terminal) {
			t.Errorf("%s: got\n%s\nwant the rows of\n%s", language, file, terminal)
		}
	}
}

// A wide terminal shows a row in one line, whose cells begin in the same columns, a
// narrow one in two.
func TestTextRows(t *testing.T) {
	for width, want := range map[int]string{
		200: "  prod-hz-01                ap-southeast-1  today 09:07",
		80:  "  prod-hz-01                today 09:07\n    ap-southeast-1 · 25 phones · team- · cpn-000000000000000\n",
	} {
		if got := terminalText(t, tableReport(), "en", Terminal{Columns: width}); !strings.Contains(got, want) {
			t.Errorf("%d columns: no\n%s\nin\n%s", width, want, got)
		}
	}
	var starts []int
	for line := range strings.Lines(terminalText(t, tableReport(), "zh", Terminal{Columns: 200})) {
		if i := strings.Index(line, "cpn-"); i > 10 {
			starts = append(starts, columns(line[:i]))
		}
	}
	if slices.Sort(starts); len(starts) != 4 || len(slices.Compact(starts)) != 1 { // the fifth has its id as its name
		t.Errorf("the ids begin in the columns %v", starts)
	}
}

func TestTextCutsNames(t *testing.T) {
	got := terminalText(t, tableReport(), "en", Terminal{Columns: 80})
	for _, want := range []string{"\n  a-name-that-is-longer-t…  ", "\n  运营-上海-测试机器-超长…  "} {
		if !strings.Contains(got, want) {
			t.Errorf("no %q in\n%s", want, got)
		}
	}
}

// Colours surround whole lines, so that they change neither texts nor widths.
func TestTextColours(t *testing.T) {
	coloured := terminalText(t, tableReport(), "en", Terminal{Columns: 60, Colour: true})
	plain := regexp.MustCompile(`\x1b\[[0-9;]*m`).ReplaceAllString(coloured, "")
	if want := terminalText(t, tableReport(), "en", Terminal{Columns: 60}); plain != want || coloured == plain {
		t.Errorf("got\n%s\nwant\n%s", plain, want)
	}
}

func TestWrap(t *testing.T) {
	for _, c := range []struct {
		in   string
		want []string
	}{
		{"", []string{""}},
		{"one two", []string{"one two"}},
		{"one two three four", []string{"one two", "three four"}},
		{"one · two three", []string{"one ·", "two three"}},
		{"one two · three", []string{"one two ·", "three"}},
		{"go to Renew https://example.com/long now", []string{"go to", "Renew https://example.com/long", "now"}},
		{"abcdefghijklmnop q", []string{"abcdefghijklmnop", "q"}},
		{"三天内到期，今晚", []string{"三天内到", "期，今晚"}},
		{"今天到期了（两台", []string{"今天到期了", "（两台"}},
		{"今天都到期，两台", []string{"今天都到", "期，两台"}},
	} {
		if got := Wrap(c.in, 10); !slices.Equal(got, c.want) {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

// Wrapping loses nothing but spaces, and a line is too wide only if it has no place
// to break.
func FuzzWrap(f *testing.F) {
	f.Add("one · two three https://example.com", 10)
	f.Add("三天内到期，今晚（两台）", 7)
	f.Add("a\u0301 \xff  b", 1)
	f.Fuzz(func(t *testing.T, s string, limit int) {
		limit = max(limit, 1)
		lines := Wrap(s, limit)
		if got, want := strings.ReplaceAll(strings.Join(lines, ""), " ", ""), strings.ReplaceAll(s, " ", ""); got != want {
			t.Errorf("%q became %q", want, got)
		}
		for _, line := range lines {
			if columns(line) > limit && lineBreak(line, limit) < len(line) && strings.Trim(line, " ") != "" {
				t.Errorf("%q of %q has %d columns, more than %d", line, s, columns(line), limit)
			}
		}
	})
}
