package report

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func zone(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func at(t testing.TB, loc *time.Location, s string) time.Time {
	t.Helper()
	v, err := time.ParseInLocation("2006-01-02 15:04:05", s, loc)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

func defaults(loc *time.Location) Rules {
	return Rules{Days: 30, Thresholds: Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: loc}
}

// TestClassify has every rule on both sides of its limit. A rule that is the
// reason of no case fails it.
func TestClassify(t *testing.T) {
	shanghai := zone(t, "Asia/Shanghai")
	now := at(t, shanghai, "2026-11-22 09:00:00")
	in := func(d time.Duration) Time { return Time{now.Add(d)} }
	const day = 24 * time.Hour
	year := in(365 * day)
	cases := []struct {
		name     string
		m        Matrix
		reason   Reason // empty if the matrix needs no attention
		severity Severity
		also     []Reason
	}{
		{"running, expires in a year", Matrix{Status: "RUNNING", ExpiresAt: year}, "", "", nil},
		{"running until 2099", Matrix{Status: "RUNNING", ExpiresAt: Time{at(t, shanghai, "2099-12-31 23:59:59")}}, "", "", nil},
		{"failed", Matrix{Status: "FAILED", ExpiresAt: year}, Failed, Critical, nil},
		{"failed and expired", Matrix{Status: "FAILED", ExpiresAt: in(-day)}, Failed, Critical, []Reason{Expired}},
		{"failed without an expiry", Matrix{Status: "FAILED"}, Failed, Critical, []Reason{NoExpiry}},
		{"expires now", Matrix{Status: "RUNNING", ExpiresAt: in(0)}, Expired, Critical, nil},
		{"expired a second ago", Matrix{Status: "RUNNING", ExpiresAt: in(-time.Second)}, Expired, Critical, nil},
		{"expires in a second", Matrix{Status: "RUNNING", ExpiresAt: in(time.Second)}, Expiring, Critical, nil},
		{"expired while being created", Matrix{Status: "CREATING", CreatedAt: in(-time.Hour), ExpiresAt: in(-time.Second)}, Expired, Critical, nil},
		{"end of the last critical day", Matrix{Status: "RUNNING", ExpiresAt: Time{at(t, shanghai, "2026-11-26 00:00:00")}}, Expiring, Critical, nil},
		{"first warning second", Matrix{Status: "RUNNING", ExpiresAt: Time{at(t, shanghai, "2026-11-26 00:00:01")}}, Expiring, Warning, nil},
		{"end of the last warning day", Matrix{Status: "RUNNING", ExpiresAt: Time{at(t, shanghai, "2026-11-30 00:00:00")}}, Expiring, Warning, nil},
		{"first notice second", Matrix{Status: "RUNNING", ExpiresAt: Time{at(t, shanghai, "2026-11-30 00:00:01")}}, Expiring, Notice, nil},
		{"end of day N", Matrix{Status: "RUNNING", ExpiresAt: Time{at(t, shanghai, "2026-12-23 00:00:00")}}, Expiring, Notice, nil},
		{"day N+1, first second", Matrix{Status: "RUNNING", ExpiresAt: Time{at(t, shanghai, "2026-12-23 00:00:01")}}, "", "", nil},
		{"creating for exactly the limit", Matrix{Status: "CREATING", CreatedAt: in(-day), ExpiresAt: year}, "", "", nil},
		{"creating for a second longer", Matrix{Status: "CREATING", CreatedAt: in(-day - time.Second), ExpiresAt: year}, Stuck, Warning, nil},
		{"node ready for too long", Matrix{Status: "NODE_READY", CreatedAt: in(-2 * day), ExpiresAt: year}, Stuck, Warning, nil},
		{"stuck and expiring in weeks", Matrix{Status: "CREATING", CreatedAt: in(-2 * day), ExpiresAt: in(20 * day)}, Expiring, Warning, []Reason{Stuck}},
		{"stuck without an expiry", Matrix{Status: "CREATING", CreatedAt: in(-2 * day)}, Stuck, Warning, []Reason{NoExpiry}},
		{"freshly creating without an expiry", Matrix{Status: "CREATING", CreatedAt: in(-time.Hour)}, "", "", nil},
		{"creating without a creation time", Matrix{Status: "CREATING"}, NoExpiry, Warning, nil},
		{"created in the future", Matrix{Status: "CREATING", CreatedAt: in(8 * time.Hour)}, "", "", nil},
		{"running without an expiry", Matrix{Status: "RUNNING"}, NoExpiry, Warning, nil},
		{"running with an expiry that cannot be parsed", Matrix{Status: "RUNNING", ExpiresRaw: "in May"}, NoExpiry, Warning, nil},
		{"freshly creating with an expiry that cannot be parsed", Matrix{Status: "CREATING", CreatedAt: in(-time.Hour), ExpiresRaw: "in May"}, NoExpiry, Warning, nil},
		{"a deleted bandwidth package", Matrix{Status: "RUNNING", ExpiresAt: year, BandwidthStatus: "2"}, NoBandwidth, Warning, nil},
		{"a new bandwidth package", Matrix{Status: "RUNNING", ExpiresAt: year, BandwidthStatus: "0"}, "", "", nil},
		{"a normal bandwidth package", Matrix{Status: "RUNNING", ExpiresAt: year, BandwidthStatus: "1"}, "", "", nil},
		{"a deleted bandwidth package, expiring in weeks", Matrix{Status: "RUNNING", ExpiresAt: in(20 * day), BandwidthStatus: "2"}, Expiring, Warning, []Reason{NoBandwidth}},
		{"a deleted bandwidth package while deleting", Matrix{Status: "DELETING", ExpiresAt: year, BandwidthStatus: "2"}, "", "", nil},
		{"deleting for too long", Matrix{Status: "DELETING", ModifiedAt: in(-2 * day), ExpiresAt: in(-day)}, Stuck, Warning, nil},
		{"deleting for an hour, expired", Matrix{Status: "DELETING", CreatedAt: in(-90 * day), ModifiedAt: in(-time.Hour), ExpiresAt: in(-day)}, "", "", nil},
		{"deleting without any time", Matrix{Status: "DELETING"}, "", "", nil},
		{"deleted", Matrix{Status: "DELETED", ExpiresAt: in(-day)}, "", "", nil},
		{"an undocumented status", Matrix{Status: "MAINTAINING", ExpiresAt: year}, UnknownStatus, Notice, nil},
		{"no status", Matrix{ExpiresAt: year}, UnknownStatus, Notice, nil},
		{"an undocumented status, expired", Matrix{Status: "EXPIRED", ExpiresAt: in(-day)}, Expired, Critical, []Reason{UnknownStatus}},
	}
	tested := map[Reason]bool{}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			f, ok := defaults(shanghai).Classify(c.m, now)
			if ok != (c.reason != "") || f.Reason != c.reason || f.Severity != c.severity || !slices.Equal(f.OtherReasons, c.also) {
				t.Errorf("got %q, %s, also %q; want %q, %s, also %q", f.Reason, f.Severity, f.OtherReasons, c.reason, c.severity, c.also)
			}
		})
		tested[c.reason] = true
	}
	for _, r := range Reasons() {
		if !tested[r] {
			t.Errorf("no case has the reason %q", r)
		}
	}
}

func TestZeroDaysMeansToday(t *testing.T) {
	loc := zone(t, "Asia/Shanghai")
	r := defaults(loc)
	r.Days = 0
	now := at(t, loc, "2026-11-22 09:00:00")
	for expiry, want := range map[string]bool{"2026-11-22 09:00:01": true, "2026-11-23 00:00:00": true, "2026-11-23 00:00:01": false} {
		if _, got := r.Classify(Matrix{Status: "RUNNING", ExpiresAt: Time{at(t, loc, expiry)}}, now); got != want {
			t.Errorf("%s: flagged %t, want %t", expiry, got, want)
		}
	}
}

// Days are counted in the given zone, whatever zone the times are in. A day of 23
// or 25 hours is one day.
func TestDaysBetween(t *testing.T) {
	for _, c := range []struct {
		zone, now, expiry string
		want              int
	}{
		{"Asia/Shanghai", "2026-11-22 23:59:59", "2026-11-23 00:00:00", 1},
		{"Asia/Shanghai", "2026-11-22 00:00:00", "2026-11-22 23:59:59", 0},
		{"UTC", "2026-02-28 12:00:00", "2026-03-01 00:00:00", 1},
		{"UTC", "2028-02-28 12:00:00", "2028-03-01 00:00:00", 2},
		{"Europe/Berlin", "2026-03-28 23:30:00", "2026-03-30 00:30:00", 2}, // 29 March has 23 hours
		{"Europe/Berlin", "2026-10-24 00:30:00", "2026-10-26 23:30:00", 2}, // 25 October has 25
		{"America/St_Johns", "2026-03-07 23:59:59", "2026-03-09 00:00:00", 2},
		{"Pacific/Apia", "2011-12-29 12:00:00", "2011-12-31 12:00:00", 2}, // it skipped 30 December
		{"Asia/Shanghai", "2026-11-22 09:00:00", "2026-11-20 23:59:59", -2},
		{"UTC", "2026-11-22 09:00:00", "9999-12-31 23:59:59", 2912117}, // beyond the range of a Duration
	} {
		loc := zone(t, c.zone)
		now, expiry := at(t, loc, c.now), at(t, loc, c.expiry)
		for _, other := range []*time.Location{time.UTC, zone(t, "America/Los_Angeles")} {
			if got := DaysBetween(now.In(other), expiry.In(other), loc); got != c.want {
				t.Errorf("%s: %s to %s is %d days, want %d", c.zone, c.now, c.expiry, got, c.want)
			}
		}
	}
}

func TestClassifyRandomMatrices(t *testing.T) {
	rnd := rand.New(rand.NewPCG(1, 2))
	statuses := []string{StatusCreating, StatusNodeReady, StatusRunning, StatusFailed, StatusDeleting, StatusDeleted, "", "NEW"}
	zones := []*time.Location{time.UTC, zone(t, "Asia/Shanghai"), zone(t, "Europe/Berlin"), zone(t, "America/New_York")}
	base := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for range 20_000 {
		loc := zones[rnd.IntN(len(zones))]
		now := base.Add(time.Duration(rnd.Int64N(int64(3 * 365 * 24 * time.Hour))))
		r := Rules{Days: rnd.IntN(60), Thresholds: Thresholds{CriticalDays: rnd.IntN(5), WarningDays: 5 + rnd.IntN(9)}, StuckAfter: time.Hour, Location: loc}
		m := Matrix{Status: statuses[rnd.IntN(len(statuses))]}
		for _, field := range []*Time{&m.ExpiresAt, &m.CreatedAt, &m.ModifiedAt} {
			if rnd.IntN(4) > 0 {
				*field = Time{now.Add(time.Duration(rnd.Int64N(int64(200*24*time.Hour))) - 100*24*time.Hour)}
			}
		}
		f, found := r.Classify(m, now)
		what := fmt.Sprintf("%+v at %s in %s with %+v", m, now, loc, r)
		expired := !m.ExpiresAt.IsZero() && !m.ExpiresAt.After(now)
		switch {
		case m.Status == StatusDeleted && found:
			t.Fatalf("deleted matrix has a finding: %s", what)
		case m.Status == StatusDeleting && found && f.Reason != Stuck:
			t.Fatalf("deleting matrix has the reason %s: %s", f.Reason, what)
		case m.Status == StatusFailed && f.Reason != Failed:
			t.Fatalf("failed matrix has the reason %q: %s", f.Reason, what)
		case expired && m.Status != StatusDeleted && m.Status != StatusDeleting && f.Severity != Critical:
			t.Fatalf("expired matrix has the severity %q: %s", f.Severity, what)
		case found && slices.Contains(f.OtherReasons, f.Reason):
			t.Fatalf("its reason is repeated: %s", what)
		case found && f.Reason == Expiring && *f.DaysLeft < 0:
			t.Fatalf("expiring with %d days left: %s", *f.DaysLeft, what)
		}
		// More days never hide a finding.
		r.Days++
		if _, still := r.Classify(m, now); found && !still {
			t.Fatalf("no finding with one more day: %s", what)
		}
	}
}

// Every reason has one heading. What has expired comes first.
func TestHeadingOrder(t *testing.T) {
	order := HeadingOrder()
	if want := slices.Sorted(slices.Values(Reasons())); !slices.Equal(slices.Sorted(slices.Values(order)), want) || order[0] != Expired {
		t.Errorf("got the headings %q, want each of %q once, and %s first", order, want, Expired)
	}
}

func TestSeverity(t *testing.T) {
	thresholds := Thresholds{CriticalDays: 3, WarningDays: 7}
	for _, c := range []struct {
		reason Reason
		days   int
		want   Severity
	}{
		{Failed, 365, Critical}, {Expired, -1, Critical}, {Stuck, 0, Warning}, {NoExpiry, 0, Warning}, {UnknownStatus, 0, Notice},
		{Expiring, 0, Critical}, {Expiring, 3, Critical}, {Expiring, 4, Warning}, {Expiring, 7, Warning}, {Expiring, 8, Notice},
		{"of_a_later_version", 0, Notice},
	} {
		if got := thresholds.Severity(c.reason, c.days); got != c.want {
			t.Errorf("%s with %d days left is %s, want %s", c.reason, c.days, got, c.want)
		}
	}
}

// The primary reason is the most severe, which need not be the first.
func TestPrimaryReason(t *testing.T) {
	thresholds := Thresholds{CriticalDays: 3, WarningDays: 7}
	for _, c := range []struct {
		days   int
		reason Reason
		others []Reason
		want   Reason
	}{
		{2, Expiring, nil, Expiring},
		{5, Expiring, []Reason{Stuck}, Expiring},
		{20, Expiring, []Reason{Stuck}, Stuck},
		{20, Expiring, []Reason{UnknownStatus}, Expiring},
		{20, Expiring, []Reason{UnknownStatus, Stuck}, Stuck},
		{-1, Failed, []Reason{Expired}, Failed},
	} {
		f := Finding{Reason: c.reason, OtherReasons: c.others, DaysLeft: &c.days}
		if got := thresholds.PrimaryReason(f); got != c.want {
			t.Errorf("%s, also %s, with %d days left: got %s, want %s", c.reason, c.others, c.days, got, c.want)
		}
	}
}
