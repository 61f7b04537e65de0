package state

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

// recordDays records a report on each of the days after testTime, which expect
// one more matrix each day.
func recordDays(t *testing.T, o Objects, days ...int) {
	t.Helper()
	for _, d := range days {
		at := testTime.Add(time.Duration(d) * day)
		var all []Matrix
		for i := range d + 1 {
			all = append(all, expiring(fmt.Sprintf("m%02d", i), report.Notice, at.Add(20*day)))
		}
		s := Open(o)
		s.now = func() time.Time { return at }
		deliverBy(t, s, intent(fmt.Sprint("day ", d), listing(at, all...)))
	}
}

func TestChangesSinceADay(t *testing.T) {
	o := Folder(t.TempDir())
	recordDays(t, o, 0, 1, 3) // 22, 23 and 25 Nov
	// A run that posted to no channel repeats the state of the day before.
	claim(t, o, intent("day 4", listing(testTime.Add(4*day))))
	for _, test := range []struct{ since, want string }{
		{"2026-11-21", "no record reaches back to 2026-11-21 (they are kept for 90 days); the oldest one is of 2026-11-22"},
		{"2026-11-22", "from 22 Nov to 25 Nov: 4 changes"}, // the first on that day: 3 new, 1 renewed
		{"2026-11-23", "from 22 Nov to 25 Nov: 4 changes"},
		{"2026-11-24", "from 23 Nov to 25 Nov: 4 changes"}, // 2 new, 2 renewed
		{"2026-11-25", "from 23 Nov to 25 Nov: 4 changes"},
		{"2026-11-26", "no report since 2026-11-26 is recorded; the last one is of 2026-11-25"},
	} {
		p, err := Open(o).Since(t.Context(), test.since)
		got := fmt.Sprintf("from %s to %s: %d changes", p.From.Format("2 Jan"), p.To.Format("2 Jan"), len(p.Changes))
		if err != nil {
			got = err.Error()
		}
		if got != test.want || err == nil && !p.Complete {
			t.Errorf("since %s: %s, want %s", test.since, got, test.want)
		}
	}
	p, err := Open(o).Since(t.Context(), "2026-11-24")
	if got := kinds(p.Changes); err != nil || got != "new m02, new m03, renewed m00, renewed m01" {
		t.Errorf("%v: %s", err, got)
	}
	if _, err := Open(Folder(t.TempDir())).Since(t.Context(), "2026-11-24"); err == nil || err.Error() != "no report is recorded yet" {
		t.Errorf("an empty store: %v", err)
	}
}

// A matrix that needed attention on both days and was left out in between is not new.
func TestLeftOutInBetweenIsNoChange(t *testing.T) {
	o := Folder(t.TempDir())
	expired := func(m Matrix) Matrix {
		m.Reason, m.Severity = report.Expired, report.Critical
		return m
	}
	a := fine("a", testTime.Add(-day))
	snoozed := a
	snoozed.Snoozed = true
	for d, m := range []Matrix{expired(a), snoozed, expired(a)} {
		at := testTime.Add(time.Duration(d) * day)
		s := Open(o)
		s.now = func() time.Time { return at }
		deliverBy(t, s, intent(fmt.Sprint("day ", d), listing(at, m)))
	}
	if p, err := Open(o).Since(t.Context(), "2026-11-22"); err != nil || len(p.Changes) != 0 {
		t.Errorf("%v: %s", err, kinds(p.Changes))
	}
}

// Records that were pruned, or cannot be read, are replaced by the one before.
func TestChangesSinceALostRecord(t *testing.T) {
	o := Folder(t.TempDir())
	var all []int
	for d := range 100 {
		all = append(all, d)
	}
	recordDays(t, o, all...)
	oldest := testTime.Add(9 * day).Format(time.DateOnly) // 90 days before the last
	for _, since := range []string{oldest, testTime.Add(8 * day).Format(time.DateOnly)} {
		p, err := Open(o).Since(t.Context(), since)
		if since == oldest && (err != nil || p.From.Format(time.DateOnly) != oldest) {
			t.Errorf("since the oldest record: %v, from %s", err, p.From)
		}
		if since != oldest && (err == nil || !strings.HasSuffix(err.Error(), "is of "+oldest)) {
			t.Errorf("since a day without a record: %v", err)
		}
	}
	s := Open(o)
	newest := s.Latest(t.Context())
	torn := newest.Days[50].First - 1
	decode := s.decode
	s.decode = func(object []byte) (Record, error) {
		r, err := decode(object)
		if r.Sequence == torn {
			return r, errUnreadable
		}
		return r, err
	}
	p, err := s.Since(t.Context(), newest.Days[50].Date)
	if err != nil || p.From.Format(time.DateOnly) != newest.Days[49].Date {
		t.Errorf("beside a torn record: %v, from %s, want %s", err, p.From, newest.Days[49].Date)
	}
	wantCodes(t, s, CodeUnreadable)
}
