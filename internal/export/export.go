// Package export writes a report in formats for other programs: CSV for
// spreadsheets, Markdown for issues and wikis, an iCalendar feed, and metrics for
// Prometheus. It only writes to an io.Writer; it has no network access and no log.
//
// To add a format, write a file like csv.go. Add its function to the handler's table
// of formats, and to the table in export_test.go, which tests every format with
// hostile, empty and very long reports.
package export

import (
	"strings"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// maxRegions is how many missing regions are named.
const maxRegions = 3

// Unread returns what an incomplete report lacks, in English: "118 matrices read;
// eu-central-1 could not be read, its number is unknown". It returns "" for a
// complete report.
func Unread(r report.Report) string {
	c, err := locale.Of(locale.Default)
	if err != nil || r.Complete {
		return ""
	}
	return unread(r, c)
}

// unread is Unread for an incomplete report in another language.
func unread(r report.Report, c *locale.Catalog) string {
	regions := r.UnreadRegions()
	names := make([]string, len(regions))
	for i, id := range regions {
		names[i] = c.Region(message.Clean(id))
	}
	what := strings.Join(names[:min(len(names), maxRegions)], c.Text("list_comma"))
	if rest := len(names) - maxRegions; rest > 0 {
		what += c.Text("and_places", rest, len(names))
	} else if what == "" {
		what = c.Text("part")
	}
	switch {
	case r.TotalKnown():
		return c.Text("unread_about", r.Listed, r.Total, what)
	case len(names) == 0:
		return c.Text("lead_unread_part", c.Text("matrices", r.Listed))
	}
	return c.Text("lead_unread", len(names), c.Text("matrices", r.Listed), what)
}

// hour returns the time of day of t: 24:00 of the last day for midnight.
func hour(t report.Time) string {
	if t.IsMidnight() {
		return "24:00"
	}
	return t.Format("15:04")
}
