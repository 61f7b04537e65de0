package message

import (
	"strings"
	"testing"
	"testing/fstest"
	"text/template"
)

type item struct {
	Name string
	N    int
	Tags []string
	Sub  struct{ Deep string }
	kept string //lint:ignore U1000 templates must not see it
}

// What the engine renders is what text/template renders.
func TestEngineAgreesWithTextTemplate(t *testing.T) {
	data := item{Name: "a<b>", N: 3, Tags: []string{"x", "y", "z"}}
	data.Sub.Deep = "down"
	for _, text := range []string{
		`plain`, `{{.Name}} {{.N}}`, `{{.Sub.Deep}}`, `{{if .N}}yes{{else}}no{{end}}`, `{{if not .N}}yes{{else if .Name}}name{{end}}`,
		`{{with .Name}}{{.}}{{else}}none{{end}}`, `{{with $x := .Sub}}{{$x.Deep}} {{.Deep}}{{end}}`,
		`{{range .Tags}}[{{.}}]{{end}}`, `{{range $i, $t := .Tags}}{{if $i}}, {{end}}{{$t}}{{$.Name}}{{end}}`, `{{range slice .Tags 0 0}}{{else}}empty{{end}}`,
		`{{$n := .N}}{{if gt $n 2}}{{$n = 9}}{{end}}{{$n}}`, `{{if and .N (eq .Name "a<b>" "c")}}both{{end}}`, `{{or .Sub.Deep "x"}} {{and 0 1}}`,
		`{{if ne .N 3}}ne{{end}}{{if le .N 3}}le{{end}}{{if lt .N 3}}lt{{end}}{{if ge .N 3}}ge{{end}}`, `{{len .Tags}} {{index .Tags 1}}`,
		`{{"q\"uoted"}} {{1}}`, `{{/* nothing */}}{{- " x " -}} y`, `{{.Name | upper}}`, `{{upper (upper "a")}}`, `{{define "p"}}<{{.}}>{{end}}{{template "p" .Name}}{{template "p" 7}}`,
		`{{range .Tags}}{{with $}}{{.N}}{{end}}{{end}}`, `{{(index .Tags 0)}}`,
	} {
		want := new(strings.Builder)
		std := template.Must(template.New("x").Option("missingkey=error").Funcs(template.FuncMap{"upper": strings.ToUpper}).Parse(text))
		if err := std.Execute(want, data); err != nil {
			t.Fatal(err)
		}
		s, err := parseSet(map[string]function{"upper": func(a []any) (any, error) { return strings.ToUpper(a[0].(string)), nil }},
			source{fstest.MapFS{"x": {Data: []byte(text)}}, "x"})
		if err != nil {
			t.Fatal(err)
		}
		if got, err := s.execute("x", data); got != want.String() || err != nil {
			t.Errorf("%s: %q, %v; want %q", text, got, err, want)
		}
	}
}

// Whatever is wrong is told with file and line, and nothing runs for long.
func TestEngineRefuses(t *testing.T) {
	for text, want := range map[string]string{
		"\n{{.Nme}}":             "x:2:2: item has no .Nme",
		`{{.kept}}`:              "item has no .kept",
		`{{.Name.Length}}`:       "there is no .Length",
		`{{.Tags}}`:              "slice cannot be printed",
		`{{range .N}}{{end}}`:    "int is no list",
		`{{template "nowhere"}}`: `there is no part "nowhere"`,
		`{{index .Tags 9}}`:      "out of range",
		`{{gt .Name 1}}`:         "gt: ",
		`{{.Name 1}}`:            "is no function",
		`{{nil}}`:                "",
		`{{define "a"}}{{template "a" .}}{{end}}{{template "a" .}}`: "it does too much",
		`{{range .Tags}}{{break}}{{end}}`:                           "not of this language",
		`{{if`:                                                      "x:1",
		`{{nonsense .N}}`:                                           `"nonsense" not defined`,
		`{{printf "%v" .}}`:                                         `"printf" not defined`,
		`{{1.5}}`:                                                   "not of this language",
	} {
		s, err := parseSet(nil, source{fstest.MapFS{"x": {Data: []byte(text)}}, "x"})
		if err == nil {
			_, err = s.execute("x", item{Name: "n", Tags: []string{"a"}})
		}
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v; want %q", text, err, want)
		}
	}
}

// A template that would print for ever is stopped at a megabyte or so.
func TestEngineBounds(t *testing.T) {
	loop := strings.Repeat("{{range $.Tags}}", 5) + strings.Repeat("x", 100) + strings.Repeat("{{end}}", 5)
	s, err := parseSet(nil, source{fstest.MapFS{"x": {Data: []byte(loop)}}, "x"})
	if err != nil {
		t.Fatal(err)
	}
	out, err := s.execute("x", item{Tags: make([]string, 100)})
	if err == nil || !strings.Contains(err.Error(), "it does too much") || out != "" {
		t.Errorf("%d bytes, %v", len(out), err)
	}
}

// A template of anybody's ends, with a text or an error, never with a panic.
func FuzzEngine(f *testing.F) {
	for _, seed := range []string{
		"{{.Name}}", "{{range $i, $x := .Tags}}{{$i}}{{$x}}{{end}}", "{{define `a`}}{{template `a` .}}{{end}}{{template `a`}}", "{{with $x := .N}}{{$x}}{{end}}",
		"{{slice .Tags 2 1}}", "{{join .Tags .Tags}}", "{{(.Sub).Deep}}", "{{$x := 1}}{{$x = .}}{{$x.Name}}", "{{and}}", "{{not}}", "{{. | len}}", "{{template `x`}}", "{{eq . .}}",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		s, err := parseSet(nil, source{fstest.MapFS{"x": {Data: []byte(text)}}, "x"})
		if err != nil {
			return
		}
		_, _ = s.execute("x", item{Name: "n", Tags: []string{"a", "b"}})
	})
}
