package report

import (
	"encoding/json"
	"testing"
	"time"
)

// A subscription that never ends may have an expiry at the end of the year 9999,
// which is the year 10000 in time zones to the east.
func TestExpiryBeyond9999(t *testing.T) {
	east := time.FixedZone("UTC+8", 8*3600)
	for _, c := range []struct {
		t    time.Time
		want string
	}{
		{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).In(east), `"9999-12-31T23:59:59Z"`},
		{time.Date(9999, 1, 2, 3, 4, 5, 0, east), `"9999-01-02T03:04:05+08:00"`},
	} {
		if b, err := json.Marshal(Time{c.t}); err != nil || string(b) != c.want {
			t.Errorf("%s: got %s and the error %v, want %s", c.t, b, err, c.want)
		}
	}
}

func TestTimeNull(t *testing.T) {
	v := Time{time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)}
	if err := json.Unmarshal([]byte("null"), &v); err != nil || !v.IsZero() {
		t.Errorf("null: got %s and the error %v, want an absent time", v, err)
	}
	if got := (Time{}).In(time.FixedZone("", 3600)); got != (Time{}) {
		t.Errorf("an absent time in another zone is %v", got)
	}
}

func TestTimeCompare(t *testing.T) {
	early, late := Time{time.Unix(1, 0)}, Time{time.Unix(2, 0)}
	for _, c := range []struct {
		a, b Time
		want int
	}{
		{early, late, -1}, {late, early, 1}, {early, early, 0}, {early, Time{}, -1}, {Time{}, early, 1}, {Time{}, Time{}, 0},
	} {
		if got := c.a.compare(c.b); got != c.want {
			t.Errorf("%s compared with %s is %d, want %d", c.a, c.b, got, c.want)
		}
	}
}

// What ends at midnight ends on the day before, also where clocks skip midnight or
// a whole day.
func TestLastDay(t *testing.T) {
	for _, c := range []struct {
		zone, expiry, lastDay string
		midnight              bool
		daysLeft              int // at noon of 28 November 2026
	}{
		{"Asia/Shanghai", "2026-12-01 00:00:00", "2026-11-30", true, 2},
		{"Asia/Shanghai", "2026-12-01 00:00:01", "2026-12-01", false, 3},
		{"Asia/Shanghai", "2026-11-30 23:59:59", "2026-11-30", false, 2},
		{"Asia/Shanghai", "2026-11-28 00:00:00", "2026-11-27", true, -1},
		{"UTC", "2027-01-01 00:00:00", "2026-12-31", true, 33},
		{"Africa/Cairo", "2026-04-24 01:00:00", "2026-04-23", true, -219},     // at 24:00 clocks went to 01:00
		{"Pacific/Apia", "2011-12-31 00:00:00", "2011-12-29", true, -5448},    // there was no 30 December
		{"America/New_York", "2026-11-01 01:00:00", "2026-11-01", false, -27}, // an hour that came twice
		{"UTC", "9999-12-31 23:59:59", "9999-12-31", false, 2912111},
	} {
		loc := zone(t, c.zone)
		now, expiry := at(t, loc, "2026-11-28 12:00:00"), Time{at(t, loc, c.expiry)}
		if got := expiry.LastDay(); got.String() != c.lastDay || expiry.IsMidnight() != c.midnight || got.DaysUntil(now) != c.daysLeft {
			t.Errorf("%s %s: the last day is %s, midnight %t, %d days left; want %s, %t, %d",
				c.zone, c.expiry, got, expiry.IsMidnight(), got.DaysUntil(now), c.lastDay, c.midnight, c.daysLeft)
		}
	}
	if never := (Time{}); !never.LastDay().IsZero() || never.IsMidnight() || never.LastDay().String() != "" {
		t.Error("an absent time has a last day")
	}
}

func TestDateJSON(t *testing.T) {
	for text, want := range map[string]Date{`"2026-11-30"`: {2026, time.November, 30}, `null`: {}, `"9999-12-31"`: {9999, time.December, 31}} {
		var got Date
		if err := json.Unmarshal([]byte(text), &got); err != nil || got != want {
			t.Errorf("%s is %v, %v; want %v", text, got, err, want)
		}
		if b, err := json.Marshal(want); err != nil || string(b) != text {
			t.Errorf("%v is %s, %v; want %s", want, b, err, text)
		}
	}
	if b, err := json.Marshal(Date{12000, time.May, 1}); err != nil || string(b) != `"9999-12-31"` {
		t.Errorf("a date beyond the year 9999 is %s, %v", b, err)
	}
	for _, text := range []string{`"2026-11-31"`, `"30.11.2026"`, `20261130`, `""`} {
		var got Date
		if err := json.Unmarshal([]byte(text), &got); err == nil {
			t.Errorf("%s is %v, want an error", text, got)
		}
	}
}
