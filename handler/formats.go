package handler

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"matrix-expiry-report/internal/export"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/internal/page"
	"matrix-expiry-report/report"
)

// A format is a representation of a report.
type format struct {
	name        string
	path        string
	contentType string
	extension   string // of the file that a browser saves; empty for what it shows
	write       func(io.Writer, result) error
}

// formats lists the formats in the order in which they are tried for Accept;
// the first is the default. The error of a write function may leave a part of
// the output written.
var formats = []format{
	{"json", "/report.json", "application/json; charset=utf-8", "", writeResult},
	{"html", "/report.html", "text/html; charset=utf-8", "", writePage},
	{"txt", "/report.txt", "text/plain; charset=utf-8", "", func(w io.Writer, res result) error {
		return message.Text(w, res.report, res.options, message.Terminal{})
	}},
	{"csv", "/report.csv", "text/csv; charset=utf-8; header=present", "csv", func(w io.Writer, res result) error {
		return export.CSV(w, res.withRows())
	}},
	{"md", "/report.md", "text/markdown; charset=utf-8; variant=GFM", "", func(w io.Writer, res result) error {
		return export.Markdown(w, res.withRows(), res.options.Needing, res.options.Language)
	}},
	{"ics", "/calendar.ics", "text/calendar; charset=utf-8", "ics", func(w io.Writer, res result) error {
		return export.Calendar(w, res.withRows(), res.options.Language, res.options.ConsoleURL)
	}},
	{"metrics", "/metrics", "text/plain; version=0.0.4; charset=utf-8", "", func(w io.Writer, res result) error {
		return export.Metrics(w, res.withRows(), res.took)
	}},
}

// formatNames returns the names of all formats.
func formatNames() (names []string) {
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// findFormat returns the first format for which match is true, or one without a
// name.
func findFormat(match func(format) bool) format {
	if i := slices.IndexFunc(formats, match); i >= 0 {
		return formats[i]
	}
	return format{}
}

// formatNamed returns the format of that name.
func formatNamed(name string) format {
	return findFormat(func(f format) bool { return f.name == name })
}

var errNotAcceptable = errors.New("Accept: no available format; available: " + strings.Join(formatNames(), ", "))

// negotiateFormat returns the format that the path of a request names or, if it
// names none, the one that Accept prefers.
func negotiateFormat(r *http.Request) (string, error) {
	if f := findFormat(func(f format) bool { return f.path == r.URL.Path }); f.name != "" {
		return f.name, nil
	}
	accept := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accept) == "" {
		return formats[0].name, nil
	}
	best, bestQuality := "", 0.0
	for part := range strings.SplitSeq(accept, ",") {
		mediaRange, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		quality := 1.0
		if q, err := strconv.ParseFloat(params["q"], 64); err == nil {
			quality = q
		}
		kind, anySubtype := strings.CutSuffix(mediaRange, "/*")
		f := findFormat(func(f format) bool {
			mediaType, _, _ := strings.Cut(f.contentType, ";")
			return mediaRange == "*/*" || mediaRange == mediaType || anySubtype && strings.HasPrefix(mediaType, kind+"/")
		})
		if f.name != "" && quality > bestQuality {
			best, bestQuality = f.name, quality
		}
	}
	if best == "" {
		return formats[0].name, errNotAcceptable
	}
	return best, nil
}

// writeResult writes a report as JSON. If all matrices were requested, it lists
// a page of them beside the findings.
func writeResult(w io.Writer, res result) error {
	r := res.report
	if res.query.all {
		r.Page, r.Pages = res.query.page, res.pages
		for _, f := range res.rows {
			r.Matrices = append(r.Matrices, f.Matrix)
		}
	}
	return writeReport(w, r)
}

// writeReport writes a report as JSON. It encodes one finding at a time, so that
// a large report takes no memory of its own and stops when w is full.
func writeReport(w io.Writer, r report.Report) error {
	findings, matrices := r.Findings, r.Matrices
	r.Matrices = nil
	head, err := r.Brief()
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w) // returns its first error from every further write
	_, _ = b.Write(head[:len(head)-1])
	err = writeArray(b, "findings", findings)
	if len(matrices) > 0 && err == nil {
		err = writeArray(b, "matrices", matrices)
	}
	_, _ = b.WriteString("}\n")
	return cmp.Or(err, b.Flush())
}

// writeArray writes a further field of a JSON object, an element per line.
func writeArray[T any](w *bufio.Writer, name string, elements []T) error {
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	_, _ = fmt.Fprintf(w, ",%q:[", name)
	for i := range elements {
		if i > 0 {
			_ = w.WriteByte(',')
		}
		if err := enc.Encode(&elements[i]); err != nil {
			return err
		}
	}
	return w.WriteByte(']')
}

// writePage writes the page. That of a signed link has no filters for the server,
// which the link cannot open.
func writePage(w io.Writer, res result) error {
	o := page.Options{
		Message: res.options, Path: res.url.Path, Query: res.url.Query(), Link: res.link, Signed: res.query.signature != "",
		Owners: res.owners, Rows: res.rows, All: res.query.all, Page: res.query.page, Pages: res.pages, PerPage: rowsPerPage,
	}
	o.Message.Age = res.age
	if res.query.signature == "" { // a signed link does not open the history
		o.Daily, o.HistoryURL = res.days, "/history?"+url.Values{"lang": {res.options.Language}}.Encode()
	}
	return page.Write(w, res.report, o)
}
