// Package export writes a report in formats for other programs: CSV for
// spreadsheets, Markdown for issues and wikis, an iCalendar feed, and metrics for
// Prometheus. It only writes to an io.Writer; it has no network access and no log.
//
// To add a format, write a file like csv.go. Add its function to the handler's table
// of formats, and to the table in export_test.go, which tests every format with
// hostile, empty and very long reports.
package export

import (
	"fmt"
	"slices"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// totalKnown reports whether r.Total counts the matrices that could not be read.
// It does not if a region is missing of which the API returned no total.
func totalKnown(r report.Report) bool { return r.Complete || r.Total > r.Listed }

// unreadRegions returns the ids of the regions whose matrices r may lack, sorted.
func unreadRegions(r report.Report) (ids []string) {
	for _, p := range r.Problems {
		if id := message.Visible(p.Region); p.MayHideMatrices && id != "" {
			ids = append(ids, id)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}

// counted returns n with the singular or plural of a word.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
