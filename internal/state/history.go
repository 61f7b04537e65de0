package state

import (
	"slices"
	"time"

	"matrix-expiry-report/report"
)

// A Day is what the last report of a day counted.
type Day struct {
	Date       string                  `json:"date"`  // 2006-01-02
	First      int64                   `json:"first"` // the first record of the day
	At         time.Time               `json:"at"`
	Complete   bool                    `json:"complete"`
	Matrices   int                     `json:"matrices"` // that were listed
	Reasons    map[report.Reason]int   `json:"reasons,omitempty"`
	Severities map[report.Severity]int `json:"severities,omitempty"`
}

// maxDays is how many days are kept.
const maxDays = 366

// addDay returns days with the counts of a snapshot, which a record with that
// sequence holds. The latest complete report of a day counts, or else the
// latest.
func addDay(days []Day, s Snapshot, sequence int64, loc *time.Location) []Day {
	d := Day{
		Date: s.At.In(loc).Format(time.DateOnly), First: sequence, At: s.At, Complete: s.Complete,
		Reasons: map[report.Reason]int{}, Severities: map[report.Severity]int{},
	}
	for _, m := range s.Matrices {
		if !m.Seen.IsZero() {
			continue
		}
		d.Matrices++
		if m.Reason != "" {
			d.Reasons[m.Reason]++
			d.Severities[m.Severity]++
		}
	}
	days = slices.Clone(days)
	i, found := slices.BinarySearchFunc(days, d.Date, compareDay)
	switch {
	case !found:
		days = slices.Insert(days, i, d)
	case d.Complete && !days[i].Complete, d.Complete == days[i].Complete && d.At.After(days[i].At):
		d.First = days[i].First
		days[i] = d
	}
	return days[max(0, len(days)-maxDays):]
}
