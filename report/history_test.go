package report_test

import (
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

// histories returns histories of every shape, by name.
func histories() map[string]report.History {
	zone := time.FixedZone("Asia/Shanghai", 8*60*60)
	at := time.Date(2026, 11, 22, 9, 0, 0, 0, zone)
	empty := report.History{Version: report.Version, GeneratedAt: report.Time{Time: at}, TimeZone: "Asia/Shanghai", Days: []report.Day{}, Problems: []report.Problem{}}
	full := empty
	full.Days = []report.Day{report.NewDay(at, false, 9, map[report.Reason]int{report.Failed: 2, report.Stuck: 1}, map[report.Severity]int{report.Critical: 2, report.Warning: 1})}
	full.Problems = []report.Problem{{Code: "StateUnreadable", Message: "one record could not be read"}}
	comparison := report.Compared(at.AddDate(0, 0, -9).UTC(), at, true, []report.Change{
		{NodeID: "a", Kind: report.New, Reason: report.Failed}, {NodeID: "b", Kind: report.Renewed, ExpiresAt: report.Time{Time: at.UTC()}},
	})
	full.Comparison = &comparison
	unchanged := full
	none := report.Compared(at, at, false, nil)
	unchanged.Comparison = &none
	return map[string]report.History{"empty": empty, "full": full, "unchanged": unchanged}
}

func TestHistorySchema(t *testing.T) {
	s := loadFile(t, "history.schema.json")
	for _, d := range drift(s, reflect.TypeFor[report.History]()) {
		t.Error(d)
	}
	compiled := compileFile(t, "history.schema.json")
	for name, h := range histories() {
		if err := compiled.Validate(decode(t, h)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	full := decode(t, histories()["full"]).(map[string]any)
	delete(full["days"].([]any)[0].(map[string]any)["counts"].(map[string]any), "failed")
	if compiled.Validate(full) == nil {
		t.Error("a day without the count of failed ones is accepted")
	}
	// What both schemas define is the same.
	other := load(t)
	for _, name := range []string{"change", "kind", "reason", "problem"} {
		if !reflect.DeepEqual(s.Defs[name], other.Defs[name]) {
			t.Errorf("the definition of %s differs from that of schema.json", name)
		}
	}
	reasons := strings.Join(s.Defs["reason"].Enum, " ")
	if got := strings.Join(s.Defs["day"].Properties["counts"].Required, " "); got != reasons {
		t.Errorf("a day counts %s, want %s", got, reasons)
	}
}

func TestNewDay(t *testing.T) {
	d := histories()["full"].Days[0]
	if d.Date.String() != "2026-11-22" || d.Findings != 3 || d.Counts["failed"] != 2 || d.Severities["warning"] != 1 {
		t.Errorf("got %+v", d)
	}
	if got, want := len(d.Counts), len(report.Reasons()); got != want {
		t.Errorf("%d counts, want %d", got, want)
	}
}

func TestCompared(t *testing.T) {
	c := histories()["full"].Comparison
	if got := c.From.Format(time.RFC3339); got != "2026-11-13T09:00:00+08:00" {
		t.Errorf("from %s", got)
	}
	if want := map[string]int{"new": 1, "escalated": 0, "renewed": 1, "recovered": 0, "released": 0}; !maps.Equal(c.Changes, want) {
		t.Errorf("counts %v, want %v", c.Changes, want)
	}
	if got := c.Changed[1].ExpiresAt.Format(time.RFC3339); len(c.Changed) != 2 || got != "2026-11-22T09:00:00+08:00" {
		t.Errorf("changed %+v", c.Changed)
	}
	many := slices.Repeat([]report.Change{{Kind: report.Released}}, 1001)
	now := time.Now()
	if c := report.Compared(now, now, true, many); len(c.Changed) != 1000 || c.Changes["released"] != 1001 {
		t.Errorf("%d of %d changes are listed", len(c.Changed), c.Changes["released"])
	}
}
