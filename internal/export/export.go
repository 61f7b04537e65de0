// Package export writes a report in formats for other programs: CSV for
// spreadsheets, Markdown for issues and wikis, an iCalendar feed, and metrics for
// Prometheus. It only writes to an io.Writer; it has no network access and no log.
//
// To add a format, write a file like csv.go. Add its function to the handler's table
// of formats, and to the table in export_test.go, which tests every format with
// hostile, empty and very long reports.
package export

import "matrix-expiry-report/report"

// hour returns the time of day of t: 24:00 of the last day for midnight.
func hour(t report.Time) string {
	if t.IsMidnight() {
		return "24:00"
	}
	return t.Format("15:04")
}
