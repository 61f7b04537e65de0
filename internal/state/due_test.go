package state

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

// reportDays runs a schedule over a channel, a report each of the days, and
// returns those days on which the report is sent and why.
func reportDays(s Schedule, days []int, at func(day int) Listing) (sent []string) {
	var state Snapshot
	var known *Known
	for _, d := range days {
		previous := state.Problems
		state = Advance(state, at(d), s.Location)
		due := s.Due(known, previous, state)
		if !due.Any() {
			continue
		}
		why := ""
		for _, reason := range []struct {
			name string
			is   bool
		}{{"first", due.First}, {"changed", due.Changed}, {"critical", due.Critical}, {"digest", due.Digest}, {"incomplete", due.Incomplete}} {
			if reason.is {
				why += " " + reason.name
			}
		}
		for _, r := range due.Reminders {
			why += fmt.Sprint(" ", r.Matrix.ID, "@", r.Mark)
		}
		sent = append(sent, fmt.Sprint(d, why))
		k := baseline("c", known, state).known(state)
		known = &k
	}
	return sent
}

func everyDay(n int) (days []int) {
	for d := range n {
		days = append(days, d)
	}
	return days
}

// daily returns the listing of a day, with matrices that expire that many days
// after testTime, by the report's rules.
func daily(expiries map[string]int) func(int) Listing {
	return func(d int) Listing {
		at := testTime.Add(time.Duration(d) * day)
		l := listing(at)
		for id, days := range expiries {
			m := fine(id, testTime.Add(time.Duration(days)*day))
			switch left := days - d; {
			case left <= 0:
				m.Reason, m.Severity = report.Expired, report.Critical
			case left <= 3:
				m.Reason, m.Severity = report.Expiring, report.Critical
			case left <= 7:
				m.Reason, m.Severity = report.Expiring, report.Warning
			case left <= 30:
				m.Reason, m.Severity = report.Expiring, report.Notice
			}
			l.Matrices = append(l.Matrices, m)
		}
		return l
	}
}

func TestDue(t *testing.T) {
	marks := Schedule{RemindAt: []int{30, 14, 7, 3, 1, 0}, Location: time.UTC}
	digest := Schedule{Digest: true, DigestDay: time.Monday, Location: time.UTC}
	for _, test := range []struct {
		name     string
		schedule Schedule
		days     []int
		listing  func(int) Listing
		want     []string
	}{
		{"each mark once", marks, everyDay(20), daily(map[string]int{"a": 32}), []string{"0 first", "2 changed", "18 a@14"}},
		{"a day was missed", marks, []int{0, 2, 17, 19, 20}, daily(map[string]int{"a": 32}), []string{"0 first", "2 changed", "19 a@14"}},
		{"several marks were missed", Schedule{RemindAt: []int{30, 14, 12, 10}, Location: time.UTC}, []int{0, 2, 21, 22}, daily(map[string]int{"a": 32}), []string{"0 first", "2 changed", "21 a@12", "22 a@10"}},
		{"critical daily until solved", marks, everyDay(8), daily(map[string]int{"a": 6}), []string{"0 first", "3 changed critical a@3", "4 critical", "5 critical a@1", "6 critical a@0", "7 critical"}},
		{"twice a day", marks, []int{0, 3, 3}, daily(map[string]int{"a": 6}), []string{"0 first", "3 changed critical a@3"}},
		{"digest", digest, everyDay(10), daily(nil), []string{"0 first", "1 digest", "8 digest"}}, // testTime is a Sunday
		{"digest of a missed day", digest, []int{0, 3, 4, 8}, daily(nil), []string{"0 first", "3 digest", "8 digest"}},
		{"incomplete in a new way", marks, everyDay(6), func(d int) Listing {
			l := daily(nil)(d)
			if d == 1 || d == 2 || d == 4 {
				return incomplete(l)
			}
			return l
		}, []string{"0 first", "1 incomplete", "4 incomplete"}},
		{"a release of what was never reported", marks, everyDay(3), func(d int) Listing {
			return daily(map[int]map[string]int{0: {"a": 99, "b": 20}, 1: {"b": 20}, 2: {}}[d])(d)
		}, []string{"0 first", "2 changed"}},
		{"not listed on the day of the mark", marks, everyDay(20), func(d int) Listing {
			if d == 18 {
				return incomplete(listing(testTime.Add(18 * day)))
			}
			return daily(map[string]int{"a": 32})(d)
		}, []string{"0 first", "2 changed", "18 incomplete", "19 a@14"}},
		{"critical and not listed for days", marks, everyDay(7), func(d int) Listing {
			if d >= 4 {
				return incomplete(listing(testTime.Add(time.Duration(d) * day)))
			}
			return daily(map[string]int{"a": 6})(d)
		}, []string{"0 first", "3 changed critical a@3", "4 critical incomplete", "5 critical", "6 critical"}},
		{"an expiry that moves earlier", marks, everyDay(13), func(d int) Listing {
			if d >= 3 {
				return daily(map[string]int{"a": 23})(d)
			}
			return daily(map[string]int{"a": 29})(d)
		}, []string{"0 first", "9 a@14"}},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := reportDays(test.schedule, test.days, test.listing); !slices.Equal(got, test.want) {
				t.Errorf("got %q\nwant %q", got, test.want)
			}
		})
	}
}

func TestANewExpiryHasItsOwnMarks(t *testing.T) {
	marks := Schedule{RemindAt: []int{14}, Location: time.UTC}
	got := reportDays(marks, everyDay(40), func(d int) Listing {
		expires := 20
		if d >= 10 {
			expires = 45
		}
		return daily(map[string]int{"a": expires})(d)
	})
	if want := []string{"0 first", "6 a@14", "10 changed", "15 changed", "31 a@14", "38 changed"}; !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
}

func TestDaysLeftIsThatOfTheLastDay(t *testing.T) {
	shanghai := time.FixedZone("UTC+8", 8*60*60)
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, shanghai)
	for expires, want := range map[time.Time]int{
		time.Date(2026, 11, 23, 0, 0, 0, 0, shanghai):    0, // which is 24:00 of the 22nd
		time.Date(2026, 11, 23, 0, 0, 0, 1, shanghai):    1,
		time.Date(2026, 11, 22, 0, 0, 0, 0, shanghai):    -1,
		time.Date(2026, 11, 22, 23, 59, 59, 0, shanghai): 0,
		time.Date(2026, 12, 22, 16, 0, 0, 0, time.UTC):   30,
	} {
		if got := daysLeft(at, expires, shanghai); got != want {
			t.Errorf("%s: %d days left, want %d", expires, got, want)
		}
	}
}

func TestDigestIsOnItsWeekday(t *testing.T) {
	for d := range 14 {
		date := time.Date(2026, 11, 16+d, 0, 0, 0, 0, time.UTC) // a Monday and the days after
		for w := range time.Weekday(7) {
			last := lastWeekday(dayNumber(date, time.UTC), w)
			if got := time.Unix(int64(last)*86400, 0).UTC(); got.Weekday() != w || got.After(date) || date.Sub(got) > 6*day {
				t.Errorf("the last %s up to %s is %s", w, date, got)
			}
		}
	}
}
