// Package export writes a report in formats for other programs: CSV for
// spreadsheets, Markdown for issues and wikis, an iCalendar feed, and metrics for
// Prometheus. It only writes to an io.Writer; it has no network access and no log.
//
// To add a format, write a file like csv.go. Add its function to the handler's table
// of formats, and to the table in export_test.go, which tests every format with
// hostile, empty and very long reports.
package export

import "fmt"

// counted returns n with the singular or plural of a word.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
