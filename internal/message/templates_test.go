package message

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

func custom(name, text string) Options {
	return Options{Language: locale.Default, Templates: fstest.MapFS{name: {Data: []byte(text)}}}
}

// A custom file replaces the parts that it defines, in all channels or in one.
func TestCustomTemplatesReplaceParts(t *testing.T) {
	o := Options{Templates: fstest.MapFS{
		"message.tmpl": {Data: []byte(`{{define "heading"}}[{{.Title}}: {{.Count}}]{{end}}{{define "foot"}}{{end}}`)},
		"one.tmpl":     {Data: []byte(`{{define "row"}}{{bold .Name}} **{{.Why}}** {{if eq .Severity "critical"}}NOW{{end}}{{end}}`)},
	}}
	one, other := whole(t, "one", manyFindings(5), o), whole(t, "other", manyFindings(5), o)
	for _, m := range []Message{one, other} {
		if got := m.Groups[0].Heading.String(); got != "[Expires within 3 days: 3]" || len(m.Foot) > 0 {
			t.Errorf("got the heading %q and the foot %v", got, m.Foot)
		}
	}
	// Literal markup is text.
	want := Line{{Bold, "00000", ""}, {Plain, " **Mon 23 Nov 09:07, tomorrow** NOW", ""}}
	if got := one.Groups[0].Rows[0]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got the row %q, want %q", got, want)
	}
	if got := other.Groups[0].Rows[0].String(); !strings.Contains(got, "cn-hangzhou") {
		t.Errorf("the other channel has the row %q", got)
	}
}

// refused are templates that cannot be used, with a part of the error.
var refused = map[string]struct{ text, err string }{
	"syntax error":            {`{{define "row"}}{{.Name}`, "one.tmpl:1"},
	"unknown field":           {`{{define "row"}}{{.Nmae}}{{end}}`, "one.tmpl:1:18: executing \"row\" at <.Nmae>"},
	"unknown function":        {`{{define "row"}}{{env "HOME"}}{{end}}`, `function "env" not defined`},
	"unknown message":         {`{{define "row"}}{{t "nonsense"}}{{end}}`, "nonsense"},
	"missing value of t":      {`{{define "row"}}{{t "phones"}}{{end}}`, "0 values, needs 1"},
	"fails for one row":       {`{{define "row"}}{{if eq .ID "cpn-00199"}}{{.Oops}}{{end}}{{end}}`, "Oops"},
	"fails in more":           {`{{define "more"}}{{.Oops}}{{end}}`, "Oops"},
	"fails in foot":           {`{{define "foot"}}{{index .Problems 9}}{{end}}`, "out of range"},
	"empty title":             {`{{define "title"}}{{end}}`, "title is empty"},
	"uses itself":             {`{{define "foot"}}{{template "a" .}}{{end}}{{define "a"}}{{template "foot" .}}{{end}}`, "includes itself"},
	"prints too much":         {`{{define "row"}}` + strings.Repeat("x", maxBytes+1) + `{{end}}`, "more than 64 KB"},
	"prints too many spaces":  {`{{define "foot"}}` + strings.Repeat(" ", maxBytes+1) + `{{end}}`, "more than 64 KB"},
	"prints too much in runs": {`{{define "row"}}{{$x := bold "` + strings.Repeat("x", 9000) + `"}}` + strings.Repeat("{{$x}}", 8) + `{{end}}`, "more than 64 KB"},
	"join returns too much":   {`{{define "title"}}{{$x := "` + strings.Repeat("x", maxBytes) + `"}}{{join .Facts $x}}{{end}}`, "join: more than 64 KB"},
	"large number":            {`{{define "row"}}{{if gt .Phones 1001}}x{{end}}{{end}}`, "1001 is above 1000"},
	"large negative number":   {`{{define "row"}}{{if gt .Phones -1e9}}x{{end}}{{end}}`, "is above 1000"},
	"range over a number":     {`{{define "row"}}{{range 9}}x{{end}}{{end}}`, "range over int"},
	"range over a field":      {`{{define "row"}}{{range .Phones}}x{{end}}{{end}}`, "range over int"},
	"range over a variable":   {`{{define "row"}}{{$n := .Phones}}{{range $i := $n}}x{{end}}{{end}}`, "range over int"},
	"calls a method":          {`{{define "foot"}}{{.Severity.String}}{{end}}`, "String"},
	"internal function":       {`{{define "row"}}{{list .Name}}{{end}}`, `function "list" not defined`},
	"no data":                 {`{{define "x"}}{{bold $}}{{end}}{{define "row"}}{{template "x"}}{{end}}`, "invalid value; expected string"},
}

func init() {
	for i, part := range []string{`{{len (slice .Name 0 1001)}}`, `{{if 1001}}{{end}}`, `{{with .Name}}{{else}}{{1001}}{{end}}`, `{{template "links" 1001}}`,
		`{{range .Name}}{{1001}}{{end}}`, `{{$x := 1001}}`, `{{.Name | slice 0 1001}}`, `{{(index .Name 1001).X}}`, `{{'😀'}}`} {
		refused[fmt.Sprint("large number ", i)] = struct{ text, err string }{`{{define "row"}}` + part + `{{end}}`, "is above 1000"}
	}
	for _, name := range []string{"print", "printf", "println", "html", "js", "urlquery", "call"} {
		refused["function "+name] = struct{ text, err string }{`{{define "row"}}{{` + name + ` .Name}}{{end}}`, `function "` + name + `" not defined`}
	}
}

// If a custom template fails, the message is the built-in one and says so.
func TestRefusedTemplatesFallBack(t *testing.T) {
	builtIn := whole(t, "one", manyFindings(200), Options{})
	for name, c := range refused {
		t.Run(name, func(t *testing.T) {
			m := whole(t, "one", manyFindings(200), custom("one.tmpl", c.text))
			lead := text(Message{Lead: m.Lead})
			if !strings.Contains(lead, "TemplateRefused") || !strings.Contains(lead, c.err) {
				t.Errorf("the message does not say %q:\n%s", c.err, lead)
			}
			m.Lead = builtIn.Lead
			if text(m) != text(builtIn) {
				t.Errorf("not the built-in message:\n%s", text(m))
			}
		})
	}
}

// A part may fail only for what a limit leaves out. Even then the message is
// the built-in one.
func TestFitFallsBack(t *testing.T) {
	o := custom("one.tmpl", `{{define "more"}}{{if eq .Count 195}}{{.Oops}}{{end}}{{end}}`)
	d, err := Compose("one", manyFindings(200), o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Fit(func(m Message) bool { return len(m.Groups) == 0 || len(m.Groups) == 1 && len(m.Groups[0].Rows) <= 5 })
	if err != nil || !strings.Contains(text(m), "TemplateRefused") || !strings.Contains(text(m), "and 195 more") {
		t.Errorf("%v, %s", err, text(m))
	}
}

// Doctor finds out what a good day hides.
func TestCheckCustom(t *testing.T) {
	for name, c := range refused {
		if strings.Contains(c.text, "cpn-00199") || strings.Contains(c.text, "join .Facts") {
			continue // of another report
		}
		if err := CheckCustom("one", custom("one.tmpl", c.text)); err == nil || !strings.Contains(err.Error(), c.err) {
			t.Errorf("%s: %v, want %q", name, err, c.err)
		}
	}
	for name, o := range map[string]Options{"none": {Language: locale.Default}, "of another channel": custom("other.tmpl", "{{"), "good": custom("one.tmpl", `{{define "foot"}}{{.When}}{{end}}`)} {
		if err := CheckCustom("one", o); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Custom templates do not change messages about failures, and test messages.
func TestCustomTemplatesLeaveFailures(t *testing.T) {
	failed := testReport(report.Listing{Problems: []report.Problem{{Code: "Forbidden", MayHideMatrices: true}}})
	failed.Deliveries = []report.Delivery{{Channel: "x"}}
	for want, o := range map[string]Options{"No report today": {}, "did not reach": {Undelivered: true}, "A test of": {Test: true}} {
		o.Templates = fstest.MapFS{"message.tmpl": {Data: []byte(`{{define "title"}}mine{{end}}`)}}
		if m := whole(t, "x", failed, o); !strings.Contains(m.Title, want) {
			t.Errorf("got the title %q, want %q", m.Title, want)
		}
	}
}

// A message has at most 64 KB of rows, however many there are.
func TestFitLimitsText(t *testing.T) {
	o := custom("one.tmpl", `{{define "row"}}`+strings.Repeat("x", 9000)+`{{end}}`)
	d, err := Compose("one", manyFindings(200), o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Fit(func(Message) bool { return true })
	if err != nil || len(text(m)) > maxBytes+2000 || len(m.More) == 0 || strings.Contains(text(m), "TemplateRefused") {
		t.Errorf("%d bytes, %v, %v", len(text(m)), m.More, err)
	}
	if m := whole(t, "one", manyFindings(200), o); len(text(m)) < 200*9000 {
		t.Errorf("%d bytes in all", len(text(m)))
	}
}

// Styles do not nest: the outer one counts.
func TestStylesDoNotNest(t *testing.T) {
	m := whole(t, "one", manyFindings(1), custom("one.tmpl", `{{define "row"}}{{bold (link "a" "https://x.example/")}} {{link (code "b") "https://y.example/"}} {{t "news_released" (mention "c")}} {{bold ""}}{{end}}`))
	want := Line{{Bold, "a", ""}, {Plain, " ", ""}, {Link, "b", "https://y.example/"}, {Plain, " Released: ", ""}, {Person, "c", ""}}
	if got := m.Groups[0].Rows[0]; fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// FuzzTemplate: any template ends with a message, never with a panic.
func FuzzTemplate(f *testing.F) {
	for _, c := range refused {
		f.Add(c.text)
	}
	for _, seed := range []string{
		`{{define "row"}}{{range $i, $x := .Facts}}{{$i}}{{$x}}{{end}}{{end}}`, `{{define "lead"}}{{with $x := .Needing}}{{$x}}{{end}}{{end}}`,
		`{{define "foot"}}{{slice .Facts 2 1}}{{join .Facts .Facts}}{{end}}`, `{{define "title"}}{{$x := 1}}{{$x = .}}{{$x.Title}}{{and}}{{not}}{{. | len}}{{end}}`,
		"{{define \"title\"}}\U000F0000\U000F0001\ue000{{bold \"\U000F0000\"}}{{end}}", `{{break}}{{continue}}{{define "more"}}{{range .Omitted}}{{break}}{{else}}{{end}}{{end}}`,
	} {
		f.Add(seed)
	}
	r := manyFindings(3)
	f.Fuzz(func(t *testing.T, source string) {
		m := whole(t, "one", r, custom("one.tmpl", source))
		if m.Title == "" {
			t.Error("the title is empty")
		}
		checkLines(t, m.Lead)
		for _, g := range m.Groups {
			checkLines(t, append(g.Rows, g.Heading))
		}
		checkLines(t, m.More)
		checkLines(t, m.Foot)
	})
}
