package state

import (
	"fmt"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

func TestDayCounts(t *testing.T) {
	zone := time.FixedZone("UTC+8", 8*60*60)
	at := time.Date(2026, 11, 22, 15, 0, 0, 0, time.UTC) // 23:00 there
	soon := at.Add(day)
	first := Advance(Snapshot{}, listing(at, expiring("a", report.Critical, soon), expiring("b", report.Notice, soon), fine("c", soon)), zone)
	days := addDay(nil, first, 5, zone)
	if len(days) != 1 || days[0].Date != "2026-11-22" || days[0].First != 5 || days[0].Matrices != 3 || !days[0].Complete ||
		days[0].Reasons[report.Expiring] != 2 || days[0].Severities[report.Critical] != 1 {
		t.Errorf("got %+v", days)
	}
	later := Advance(first, incomplete(listing(at.Add(30*time.Minute), fine("c", soon))), zone)
	if got := addDay(days, later, 6, zone); got[0].Matrices != 3 {
		t.Errorf("an incomplete report replaced a complete one: %+v", got)
	}
	if got := addDay(nil, later, 6, zone); got[0].Matrices != 1 || len(got[0].Reasons) != 0 {
		t.Errorf("what was not listed is counted: %+v", got)
	}
	later.Complete = true
	if got := addDay(days, later, 6, zone); got[0].Matrices != 1 || got[0].First != 5 {
		t.Errorf("the later report does not count: %+v", got)
	}
	if got := addDay(addDay(nil, Advance(first, incomplete(listing(at.Add(30*time.Minute))), zone), 5, zone), first, 6, zone); !got[0].Complete {
		t.Errorf("a complete report that is recorded later does not count: %+v", got)
	}
	earlier := Advance(Snapshot{}, listing(at.Add(-time.Hour)), zone)
	if got := addDay(days, earlier, 6, zone); got[0].Matrices != 3 {
		t.Errorf("an earlier report replaced a later one: %+v", got)
	}
	next := Advance(first, listing(at.Add(time.Hour)), zone)
	if got := addDay(days, next, 7, zone); len(got) != 2 || got[1].Date != "2026-11-23" || got[1].First != 7 {
		t.Errorf("the next day: %+v", got)
	}
}

func TestAYearOfDaysIsKept(t *testing.T) {
	var days []Day
	for i := range 500 {
		days = addDay(days, Snapshot{At: testTime.AddDate(0, 0, i)}, int64(i+1), time.UTC)
	}
	if len(days) != 366 || days[365].First != 500 || days[0].First != 135 {
		t.Errorf("%d days, from record %d to %d", len(days), days[0].First, days[len(days)-1].First)
	}
}

func TestRenewalsAreRemembered(t *testing.T) {
	at := func(days int) time.Time { return testTime.Add(time.Duration(days) * day) }
	var s Snapshot
	step := func(d, expires int) Matrix {
		s = Advance(s, listing(at(d), fine("a", at(expires))), time.UTC)
		return s.Matrices[0]
	}
	if m := step(0, 30); m.Renewals.Times != 0 {
		t.Errorf("renewed before any renewal: %+v", m.Renewals)
	}
	step(21, 61) // 9 days ahead
	step(54, 91) // 7
	m := step(80, 121)
	if m.Renewals != (report.Renewals{Times: 3, Least: 7, Most: 11}) || !m.RenewedTo.Equal(at(121)) {
		t.Errorf("got %+v, to %s", m.Renewals, m.RenewedTo)
	}
	// A listing that is older than the state does not count a renewal twice.
	step(79, 91)
	if m := step(81, 121); m.Renewals.Times != 3 {
		t.Errorf("one renewal was counted twice: %+v", m.Renewals)
	}
	// Neither does one that is incomplete and lacks the matrix.
	s = Advance(s, incomplete(listing(at(82))), time.UTC)
	if m := step(83, 121); m.Renewals.Times != 3 {
		t.Errorf("got %+v after a gap", m.Renewals)
	}
	for i := range 20 {
		m = step(123+i*30, 151+i*30) // two days late
	}
	if m.Renewals != (report.Renewals{Times: 23, Least: -2, Most: 11}) {
		t.Errorf("after 20 more: %+v", m.Renewals)
	}
}

func TestStaleRecords(t *testing.T) {
	sequences := func(n int) (all []int64) {
		for i := range n {
			all = append(all, int64(i+1))
		}
		return all
	}
	now := testTime
	dayBefore := func(days int, first int64) Day { return Day{First: first, At: now.Add(-time.Duration(days) * day)} }
	for _, test := range []struct {
		name    string
		newest  Record
		records int
		want    string
	}{
		{"few records are kept for ever", Record{Days: []Day{dayBefore(200, 1), dayBefore(1, 10)}}, 10, "[]"},
		{"records of the last 90 days", Record{Days: []Day{dayBefore(91, 1), dayBefore(90, 4), dayBefore(0, 18)}}, 20, "[1 2 3]"},
		{"never fewer than 10", Record{Days: []Day{dayBefore(91, 1), dayBefore(0, 11)}}, 12, "[1 2]"},
		{"what a baseline needs", Record{Days: []Day{dayBefore(91, 1), dayBefore(0, 11)}, Baselines: []Baseline{{Snapshot: 1}}}, 12, "[2]"},
		{"at most 1,000", Record{Days: []Day{dayBefore(1, 1)}}, 1003, "[1 2 3]"},
		{"no days", Record{}, 20, "[]"},
		{"bounded", Record{Days: []Day{dayBefore(91, 1), dayBefore(0, 900)}}, 900, fmt.Sprint(sequences(50))},
	} {
		if got := fmt.Sprint(stale(test.newest, sequences(test.records), now)); got != test.want {
			t.Errorf("%s: %s, want %s", test.name, got, test.want)
		}
	}
}
