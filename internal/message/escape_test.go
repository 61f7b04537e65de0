package message

import (
	"bytes"
	"flag"
	"html/template"
	"io"
	"os"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

var update = flag.Bool("update", false, "write page.escaped.html anew")

// ofTheLibrary is page.html as html/template has it, escaped for where each
// value stands.
func ofTheLibrary(t testing.TB, words *locale.Catalog) *template.Template {
	t.Helper()
	b, err := os.ReadFile("../../templates/page.html")
	if err != nil {
		t.Fatal(err)
	}
	set, err := template.New("page").Funcs(template.FuncMap{"t": words.Lookup}).Parse(string(b))
	if err != nil {
		t.Fatal(err)
	}
	return set
}

type libraryPage struct {
	page
	Style  template.CSS
	Script template.JS
}

func wordsFor(t testing.TB, language string) *locale.Catalog {
	t.Helper()
	w, err := locale.Of(language)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// The page has the escapers that html/template finds, each where it finds it.
func TestThePageIsEscapedByHtmlTemplate(t *testing.T) {
	set := ofTheLibrary(t, wordsFor(t, "en"))
	if err := set.Execute(io.Discard, libraryPage{}); err != nil {
		t.Fatal(err)
	}
	want := strings.ReplaceAll(set.Tree.Root.String(), "_html_template_", "")
	if *update {
		if err := os.WriteFile("../../templates/page.escaped.html", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("../../templates/page.escaped.html")
	if err != nil || string(got) != want {
		t.Errorf("page.escaped.html is not of page.html: go test ./templates -update (%v)", err)
	}
	for _, own := range []string{"{{.Style | cssvaluefilter}}", "{{.Script | jsvalescaper}}"} {
		_, name, _ := strings.Cut(own, "| ")
		if strings.Count(want, strings.TrimSuffix(name, "}}")) != 1 || !strings.Contains(want, own) {
			t.Errorf("%s is not the only one of its kind: what passes there is not escaped", own)
		}
	}
}

var hostile = []string{
	"", "plain", "<script>alert(1)</script>", `"'&+<>`, "\x00\x01\x7f", "javascript:alert(1)", "JaVaScRiPt://x", "data:text/html,x", "mailto:a@b", "HTTPS://x/?a=b&c=d#e", "/a b?c=%zz&d=%41",
	"//evil.example", "a:b", "a/b:c", "héhé 世界 \U0001F600", "\xff\xfe", "x\u2028y", "{{.}}", "`${x}`", "-->", "]]>", "ftp:x", "%", "%4", "%4g", "\ufdd0", "\uffff",
}

// Each escaper does what html/template's does, in the place that it is for.
func FuzzEscapers(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	places := map[string]string{
		"htmlescaper": `<p>{{.}}</p>`, "attrescaper": `<p title="{{.}}">`, "rcdataescaper": `<title>{{.}}</title>`,
	}
	sets := map[string]*template.Template{"url": template.Must(template.New("").Parse(`<a href="{{.}}">`))}
	for name, text := range places {
		sets[name] = template.Must(template.New("").Parse(text))
	}
	f.Fuzz(func(t *testing.T, s string) {
		rendered := func(name string) string {
			var b bytes.Buffer
			if err := sets[name].Execute(&b, s); err != nil {
				t.Fatal(err)
			}
			return b.String()
		}
		for name, text := range places {
			ours, err := escapers()[name]([]any{s})
			if err != nil {
				t.Fatal(err)
			}
			if got, want := strings.Replace(text, "{{.}}", ours.(string), 1), rendered(name); got != want {
				t.Errorf("%s of %q: got %q, want %q", name, s, got, want)
			}
		}
		var v any = s
		for _, name := range []string{"urlfilter", "urlnormalizer", "attrescaper"} {
			v, _ = escapers()[name]([]any{v})
		}
		if got, want := `<a href="`+v.(string)+`">`, rendered("url"); got != want {
			t.Errorf("%q as an address: got %q, want %q", s, got, want)
		}
	})
}

// The whole page is byte by byte what html/template makes of it.
func TestThePageIsThatOfHtmlTemplate(t *testing.T) {
	var l report.Listing
	for i, s := range hostile {
		m := expiring(s, i%40)
		m.NodeID, m.Region, m.ServerType, m.InstanceType, m.Tags = s, s, s, s, map[string]string{"owner": s}
		if i%5 == 0 {
			m.Status = s
		}
		l.Matrices = append(l.Matrices, m, expiring("x", i))
	}
	l.Regions = hostile
	l.Problems = []report.Problem{{Endpoint: "e", Code: "<b>", Message: `"<i>`, MayHide: true}}
	for _, language := range []string{"en", "zh"} {
		for name, r := range map[string]report.Report{"hostile": pageReport(l), "nothing": pageReport(report.Listing{}), "fine": pageReport(report.Listing{Matrices: []report.Matrix{expiring("later", 200)}})} {
			for _, url := range hostile {
				o := PageOptions{
					Options: Options{Language: language, OwnerTag: "owner", ConsoleURL: url, Age: time.Duration(len(url)) * time.Minute}, Path: "/report.html", Rows: r.Findings, Page: 1, Pages: 3,
					Owners: hostile, Query: map[string][]string{"owner": {url}, "severity": {"critical"}}, Carry: []string{"owner"}, Formats: map[string]string{"CSV": "/report.csv"},
				}
				var got bytes.Buffer
				if err := Page(&got, r, o); err != nil {
					t.Fatal(err)
				}
				words := wordsFor(t, language)
				d, err := Compose("text", r, o.Options)
				if err != nil {
					t.Fatal(err)
				}
				p := newPage(r, d, o, words)
				var want bytes.Buffer
				if err := ofTheLibrary(t, words).Execute(&want, libraryPage{p, template.CSS(p.Style), template.JS(p.Script)}); err != nil {
					t.Fatal(err)
				}
				if got.String() != want.String() {
					i := 0
					for i < min(got.Len(), want.Len()) && got.Bytes()[i] == want.Bytes()[i] {
						i++
					}
					t.Fatalf("%s in %s, %q: got …%.80s…, want …%.80s…", name, language, url, got.Bytes()[i:], want.Bytes()[i:])
				}
			}
		}
	}
}
