package state

import (
	"slices"
	"time"

	"matrix-expiry-report/report"
)

// A Schedule says when NOTIFY_ON=changes sends a report in which nothing
// changed.
type Schedule struct {
	RemindAt  []int        // days left at which an expiring matrix is reported again
	DigestDay time.Weekday // of the weekly summary
	Digest    bool         // there is a weekly summary
	Location  *time.Location
}

// Due says why a report is to be sent. The zero value says that it is not.
type Due struct {
	First      bool // the channel has had no report yet
	Changed    bool
	Reminders  []Reminder
	Critical   bool // a critical finding, which is reported daily until it is solved, also if it is not listed
	Digest     bool // the weekly summary
	Incomplete bool // the listing is incomplete in a new way
}

// A Reminder is a matrix whose days left have reached a mark of REMIND_AT since
// the channel's last report.
type Reminder struct {
	Matrix Matrix
	Mark   int
}

// Any reports whether there is a reason to send a report.
func (d Due) Any() bool {
	return d.First || d.Changed || len(d.Reminders) > 0 || d.Critical || d.Digest || d.Incomplete
}

// Due returns why a report of now is to be sent to a channel that knows k, nil
// for a channel without a report. Previous holds the problems of the run before.
func (s Schedule) Due(k *Known, previous []string, now Snapshot) (d Due) {
	if k == nil {
		return Due{First: true}
	}
	for _, c := range Compare(*k, now) {
		// A matrix that was never reported can leave without notice.
		d.Changed = d.Changed || c.Kind != report.Released || c.Was.Reason != ""
	}
	today, last := dayNumber(now.At, s.Location), dayNumber(k.At, s.Location)
	for _, m := range now.Matrices {
		if m.Reason == "" {
			continue
		}
		if !m.Seen.IsZero() { // not listed, so that nothing is known of it today
			d.Critical = d.Critical || m.Severity == report.Critical && today > last
			continue
		}
		if was, found := k.find(m); found && m.Severity == report.Critical {
			d.Critical = d.Critical || today > dayNumber(was.Seen, s.Location)
		}
		if mark, due := s.mark(*k, m, now.At); due {
			d.Reminders = append(d.Reminders, Reminder{m, mark})
		}
	}
	d.Digest = s.Digest && lastWeekday(today, s.DigestDay) > last
	for _, p := range now.Problems {
		d.Incomplete = d.Incomplete || !slices.Contains(k.Problems, p) || !slices.Contains(previous, p)
	}
	return d
}

// mark returns the lowest mark that m has reached since the report that showed
// it last. What is new, or was renewed, is reported as a change.
func (s Schedule) mark(k Known, m Matrix, at time.Time) (mark int, due bool) {
	was, found := k.find(m)
	if !found || was.Reason == "" || m.Expires.IsZero() || was.Expires.IsZero() || m.Expires.After(was.Expires) {
		return 0, false
	}
	before, left := daysLeft(was.Seen, was.Expires, s.Location), daysLeft(at, m.Expires, s.Location)
	for _, n := range slices.Sorted(slices.Values(s.RemindAt)) {
		if left <= n && n < before {
			return n, true
		}
	}
	return 0, false
}

// lastWeekday returns the number of the last day, up to today, that is a w.
func lastWeekday(today int, w time.Weekday) int {
	const epoch = time.Thursday // day 0
	weekday := (int(epoch) + today%7 + 7) % 7
	return today - (weekday-int(w)+7)%7
}
