package export

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	renderer "github.com/yuin/goldmark/renderer/html"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// gfm renders Markdown as GitHub does, but keeps raw HTML.
var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(renderer.WithUnsafe()))

func render(t *testing.T, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := gfm.Convert(write(t, Markdown, r), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	tag   = regexp.MustCompile(`<[^>]*>`)
	known = regexp.MustCompile(`^</?(p|strong|ul|li|table|thead|tbody|tr|t[hd]( style="text-align:right")?)>$`)
	row   = regexp.MustCompile(`(?s)<tr>\n(.*?)</tr>`)
	td    = regexp.MustCompile(`(?s)<td[^>]*>(.*?)</td>`)
	item  = regexp.MustCompile(`(?s)<li>(.*?)</li>`)
	acts  = regexp.MustCompile(`(?i)@\w|#\w|://|www\.|:\w+:|\bgh-\d`) // what GitHub links in plain text
)

func TestMarkdownHostile(t *testing.T) {
	r := hostileReport()
	page := render(t, r)
	for _, tag := range tag.FindAllString(page, -1) {
		if !known.MatchString(tag) {
			t.Errorf("a value is rendered as %s", tag)
		}
	}
	rows := row.FindAllStringSubmatch(page, -1)
	if len(rows) != len(r.Findings)+1 {
		t.Fatalf("%d rows for %d findings", len(rows), len(r.Findings))
	}
	for i, f := range r.Findings {
		cells := td.FindAllStringSubmatch(rows[i+1][1], -1)
		if len(cells) != 10 {
			t.Errorf("%d cells for the name %.40q", len(cells), f.Name)
			continue
		}
		for column, want := range map[int]string{2: message.Name(f.Matrix), 3: message.Clean(f.NodeID), 4: message.Clean(f.Region), 5: message.Clean(f.Status), 9: message.Clean(f.Tags["owner"])} {
			if got := plain(cells[column][1]); got != want {
				t.Errorf("%.60q is rendered as %.60q", want, got)
			}
		}
	}
	if n := len(item.FindAllString(page, -1)); n != len(r.Problems) {
		t.Errorf("%d items for %d problems", n, len(r.Problems))
	}
	if found := acts.FindString(html.UnescapeString(page)); found != "" {
		t.Errorf("GitHub would link %q", found)
	}
}

func TestMarkdownNever(t *testing.T) {
	m := matrix("farm", 2)
	m.Status, m.ExpiresAt = report.StatusFailed, report.Time{Time: time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)}
	text := string(write(t, Markdown, report.Build(rules, report.Listing{Matrices: []*report.Matrix{m}}, now)))
	if !strings.Contains(text, "| never |") || strings.Contains(text, "9999") {
		t.Errorf("no never in %s", text)
	}
}

func TestMarkdownSummary(t *testing.T) {
	for name, want := range map[string]string{
		"usual":      "**Need attention: 11 of 12 matrices** (7 critical, 2 warning, 2 notice; 290 phones), at 2026-11-22 09:00 +08:00.",
		"empty":      "**Need attention: 0 of 0 matrices** (0 critical, 0 warning, 0 notice; 0 phones), at 2026-11-22 09:00 +08:00.",
		"incomplete": "**Need attention: 1 of 1 matrix** (1 critical, 0 warning, 0 notice; 25 phones), at 2026-11-22 09:00 +08:00. **Incomplete: 1 of about 131 could be read.**",
		"failed":     "**The matrices could not be listed**, at 2026-11-22 09:00 +08:00.",
	} {
		if got := summary(scenarios()[name]); got != want {
			t.Errorf("%s\n got %s\nwant %s", name, got, want)
		}
	}
}

func FuzzMarkdownCell(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := matrix("cpn-1", 2)
		m.Name = s
		page := render(t, report.Build(rules, report.Listing{Matrices: []*report.Matrix{m}, Problems: []report.Problem{{Message: s}}}, now))
		for _, tag := range tag.FindAllString(page, -1) {
			if !known.MatchString(tag) {
				t.Errorf("%q is rendered as %s", s, tag)
			}
		}
		cells := td.FindAllStringSubmatch(page, -1)
		if len(cells) != 10 {
			t.Fatalf("%d cells in %s", len(cells), page)
		}
		if got := plain(cells[2][1]); got != message.Name(*m) {
			t.Errorf("%q is rendered as %q", message.Name(*m), got)
		}
		if want := strings.TrimSpace("Hides nothing: " + message.Clean(s)); plain(item.FindStringSubmatch(page)[1]) != want {
			t.Errorf("%q is rendered as %q", want, plain(item.FindStringSubmatch(page)[1]))
		}
		if found := acts.FindString(html.UnescapeString(page)); found != "" {
			t.Errorf("GitHub would link %q in %s", found, page)
		}
	})
}

// plain returns the text of HTML without tags.
func plain(s string) string {
	return strings.ReplaceAll(html.UnescapeString(s), string(zeroWidth), "")
}
