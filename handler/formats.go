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
	"time"

	"matrix-expiry-report/internal/export"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/internal/page"
	"matrix-expiry-report/report"
)

// A format is a form that a report can be had in.
type format struct {
	name        string
	path        string
	contentType string
	file        string // what browsers may save it as; empty for what they show
	write       func(io.Writer, answer) error
}

// formats in the order in which Accept is tried; the first is for whoever has
// no wish.
var formats = []format{
	{"json", "/report.json", "application/json; charset=utf-8", "", writeReport},
	{"html", "/report.html", "text/html; charset=utf-8", "", writePage},
	{"txt", "/report.txt", "text/plain; charset=utf-8", "", func(w io.Writer, a answer) error {
		return message.Text(w, a.report, a.options, false)
	}},
	{"csv", "/report.csv", "text/csv; charset=utf-8; header=present", "csv", func(w io.Writer, a answer) error {
		return export.CSV(w, a.listed(), a.options.OwnerTag)
	}},
	{"md", "/report.md", "text/markdown; charset=utf-8; variant=GFM", "", func(w io.Writer, a answer) error {
		return export.Markdown(w, a.listed(), a.options.OwnerTag)
	}},
	{"ics", "/calendar.ics", "text/calendar; charset=utf-8", "ics", func(w io.Writer, a answer) error {
		return export.Calendar(w, a.listed(), a.report.GeneratedAt.Time)
	}},
	{"metrics", "/metrics", "text/plain; version=0.0.4; charset=utf-8", "", func(w io.Writer, a answer) error {
		return export.Metrics(w, a.listed(), a.took)
	}},
}

// otherForms are what the page offers besides itself.
var otherForms = map[string]string{"CSV": "/report.csv", "JSON": "/report.json", "Markdown": "/report.md", "iCalendar": "/calendar.ics"}

func formatNames() []string {
	var names []string
	for _, f := range formats {
		names = append(names, f.name)
	}
	return names
}

func formatNamed(name string) format {
	for _, f := range formats {
		if f.name == name {
			return f
		}
	}
	return format{}
}

// formatOf goes by the path, then by what the caller accepts.
func formatOf(r *http.Request) (string, error) {
	for _, f := range formats {
		if f.path == r.URL.Path {
			return f.name, nil
		}
	}
	accepts := strings.Join(r.Header.Values("Accept"), ",")
	if strings.TrimSpace(accepts) == "" {
		return "json", nil
	}
	best, quality := "", 0.0
	for part := range strings.SplitSeq(accepts, ",") {
		media, params, err := mime.ParseMediaType(part)
		if err != nil {
			continue
		}
		q := 1.0
		if v, err := strconv.ParseFloat(params["q"], 64); err == nil {
			q = v
		}
		if name := accepted(media); name != "" && q > quality {
			best, quality = name, q
		}
	}
	if best == "" {
		return "json", errNotAcceptable
	}
	return best, nil
}

var errNotAcceptable = errors.New("Accept names no format that there is: " + strings.Join(formatNames(), ", "))

// accepted is the first format that a media range takes.
func accepted(media string) string {
	kind, any := strings.CutSuffix(media, "/*")
	for _, f := range formats {
		own, _, _ := strings.Cut(f.contentType, ";")
		if media == "*/*" || media == own || any && strings.HasPrefix(own, kind+"/") {
			return f.name
		}
	}
	return ""
}

// writeReport writes JSON; with all, every matrix is listed beside the findings.
func writeReport(w io.Writer, a answer) error {
	r := a.report
	if a.query.all {
		r.Page, r.Pages = a.query.page, a.pages
		for _, f := range a.rows {
			r.Matrices = append(r.Matrices, f.Matrix)
		}
	}
	return json.NewEncoder(w).Encode(r)
}

// writePage writes the page. One that was reached by a signed link goes on with
// it, and offers no other form, which it would not open.
func writePage(w io.Writer, a answer) error {
	o := page.Options{
		Message: a.options, Path: a.path, Query: a.values, Owners: a.owners,
		Rows: a.rows, All: a.query.all, Page: a.query.page, Pages: a.pages,
	}
	o.Message.Age = a.age
	if a.query.signature != "" {
		o.Carry = []string{"until", "signature"}
		return page.Write(w, a.report, o)
	}
	o.Formats = otherForms
	return page.Write(w, a.report, o)
}

// fileName is what a download is saved as: the day and what it is.
func (f format) fileName(r report.Report) string {
	return fmt.Sprintf("matrices-%s.%s", strings.ReplaceAll(r.GeneratedAt.Format(time.DateOnly), "-", ""), f.file)
}
