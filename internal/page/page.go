// Package page writes a report as a web page.
//
// The page is self-contained: its style and script are inline, and its
// Content-Security-Policy admits only them, by hash. It works without the script,
// which sorts and filters the rows in the browser. page.go writes the page,
// model.go and row.go have the fields that templates/page.html uses, chart.go draws
// the bars and the timeline, and error.go writes the page of an error.
package page

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"html/template"
	"io"
	"net/url"
	"strings"
	"sync"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
	"matrix-expiry-report/templates"
)

// Options control what a page shows in addition to the report.
type Options struct {
	Message message.Options  // language, links and the owner's tag
	Path    string           // of the request
	Query   url.Values       // of the request
	Signed  bool             // the page was opened by a signed link, whose query cannot be changed
	Owners  []string         // owners of all matrices, for the filter
	Rows    []report.Finding // rows of the table
	All     bool             // Rows has matrices that need no attention, too
	Page    int              // which part of the table Rows is, from 1
	Pages   int              // how many such parts there are
	PerPage int              // how many rows a part has

	Daily      []report.Day // the last year of reports, for the chart; none without a store
	HistoryURL string       // of the page of the history; empty for no link

	// Link returns the URL of what the page shows in a format, with some
	// parameters changed. It is empty if the reader cannot open it.
	Link func(format string, change map[string]string) string
}

// Policy returns the Content-Security-Policy of the page: its own style and
// script, and nothing else. See https://www.w3.org/TR/CSP3/.
func Policy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(string(style())) + "; script-src " + hash(string(script())) +
		"; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// Write writes r as a page. After an error, w may have a part of it.
func Write(w io.Writer, r report.Report, o Options) error {
	c, err := locale.Of(o.Message.Language)
	if err != nil {
		return err
	}
	d, err := message.Compose("text", r, o.Message)
	if err != nil {
		return err
	}
	return execute(w, "page.html", c, newModel(r, d, o, c))
}

// execute writes a template in the language of c.
func execute(w io.Writer, name string, c *locale.Catalog, data any) error {
	t := template.Must(parsed().Clone()).Funcs(template.FuncMap{"t": c.Lookup, "region": c.Region})
	out := bufio.NewWriter(w)
	if err := t.ExecuteTemplate(out, name, data); err != nil {
		return fmt.Errorf("page: %w", err)
	}
	return out.Flush()
}

// parsed returns the templates. Each page executes a clone with the functions of
// its language.
var parsed = sync.OnceValue(func() *template.Template {
	var c *locale.Catalog
	t := template.New("").Funcs(template.FuncMap{
		"t": c.Lookup, "region": c.Region, "join": strings.Join, "style": style, "script": script,
	})
	return template.Must(t.ParseFS(templates.Files, "page.html", "error.html", "history.html"))
})

// style and script return the files as values that html/template writes
// unchanged: it strips comments from a literal style or script, whose hash
// would then differ.
func style() template.CSS { return template.CSS(file("page.css")) }
func script() template.JS { return template.JS(file("page.js")) }

func file(name string) string {
	b, err := templates.Files.ReadFile(name)
	if err != nil {
		panic(err) // not embedded
	}
	return string(b)
}
