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
