package handler

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
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
		return message.Text(w, res.report, res.options, false)
	}},
	{"csv", "/report.csv", "text/csv; charset=utf-8; header=present", "csv", func(w io.Writer, res result) error {
		return export.CSV(w, res.withRows(), res.options.OwnerTag)
	}},
	{"md", "/report.md", "text/markdown; charset=utf-8; variant=GFM", "", func(w io.Writer, res result) error {
		return export.Markdown(w, res.withRows(), res.options.OwnerTag)
	}},
	{"ics", "/calendar.ics", "text/calendar; charset=utf-8", "ics", func(w io.Writer, res result) error {
		return export.Calendar(w, res.withRows(), res.report.GeneratedAt.Time)
	}},
	{"metrics", "/metrics", "text/plain; version=0.0.4; charset=utf-8", "", func(w io.Writer, res result) error {
		return export.Metrics(w, res.withRows(), res.took)
	}},
}

// pageFormats holds the paths of the formats that the page links to.
var pageFormats = map[string]string{"CSV": "/report.csv", "JSON": "/report.json", "Markdown": "/report.md", "iCalendar": "/calendar.ics"}

// formatNames returns the names of all formats.
func formatNames() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

// formatNamed returns the format of that name.
func formatNamed(name string) format {
	for _, f := range formats {
		if f.name == name {
			return f
		}
	}
	return format{}
}

var errNotAcceptable = errors.New("Accept: no available format; available: " + strings.Join(formatNames(), ", "))

// negotiateFormat returns the format that the path of a request names or, if it
// names none, the one that Accept prefers.
func negotiateFormat(r *http.Request) (string, error) {
	for _, f := range formats {
		if f.path == r.URL.Path {
			return f.name, nil
		}
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
		if name := formatFor(mediaRange); name != "" && quality > bestQuality {
			best, bestQuality = name, quality
		}
	}
	if best == "" {
		return formats[0].name, errNotAcceptable
	}
	return best, nil
}

// formatFor returns the first format within a media range, or "".
func formatFor(mediaRange string) string {
	kind, anySubtype := strings.CutSuffix(mediaRange, "/*")
	for _, f := range formats {
		mediaType, _, _ := strings.Cut(f.contentType, ";")
		if mediaRange == "*/*" || mediaRange == mediaType || anySubtype && strings.HasPrefix(mediaType, kind+"/") {
			return f.name
		}
	}
	return ""
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
	if _, err := w.Write(head[:len(head)-1]); err != nil {
		return err
	}
	if err := writeArray(w, "findings", findings); err != nil {
		return err
	}
	if len(matrices) > 0 {
		if err := writeArray(w, "matrices", matrices); err != nil {
			return err
		}
	}
	_, err = io.WriteString(w, "}\n")
	return err
}

// writeArray writes a further field of a JSON object, an element per line.
func writeArray[T any](w io.Writer, name string, elements []T) error {
	if _, err := fmt.Fprintf(w, ",%q:[", name); err != nil {
		return err
	}
	enc := json.NewEncoder(w)
	enc.SetEscapeHTML(false)
	for i := range elements {
		if i > 0 {
			if _, err := io.WriteString(w, ","); err != nil {
				return err
			}
		}
		if err := enc.Encode(&elements[i]); err != nil {
			return err
		}
	}
	_, err := io.WriteString(w, "]")
	return err
}

// writePage writes the page. A page of a signed link has neither filters nor
// links to other formats, which the link cannot read.
func writePage(w io.Writer, res result) error {
	o := page.Options{
		Message: res.options, Path: res.path, Query: res.values, Owners: res.owners,
		Rows: res.rows, All: res.query.all, Page: res.query.page, Pages: res.pages,
	}
	o.Message.Age = res.age
	if res.query.signature != "" {
		o.Fixed = true
	} else {
		o.Formats = pageFormats
	}
	return page.Write(w, res.report, o)
}
