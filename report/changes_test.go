package report_test

import (
	"fmt"
	"maps"
	"slices"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

func TestWithChanges(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*60*60)
	now := time.Date(2026, 11, 24, 9, 0, 0, 0, shanghai)
	base := report.Report{GeneratedAt: report.Time{Time: now}, Findings: []report.Finding{
		{Matrix: report.Matrix{NodeID: "a"}}, {Matrix: report.Matrix{NodeID: "b"}}, {Matrix: report.Matrix{NodeID: "b", Account: "other"}},
	}}
	expires := report.Time{Time: now.AddDate(0, 1, 0).UTC()}
	r := base.WithChanges(now.AddDate(0, 0, -1).UTC(), []report.Change{
		{NodeID: "b", Kind: report.New, ExpiresAt: expires}, {NodeID: "b", Kind: report.Renewed}, {NodeID: "gone", Kind: report.Released},
	})
	if got := r.ChangesSince.Format(time.RFC3339); got != "2026-11-23T09:00:00+08:00" {
		t.Errorf("since %s", got)
	}
	if want := map[string]int{"new": 1, "escalated": 0, "renewed": 1, "recovered": 0, "released": 1}; !maps.Equal(r.Changes, want) {
		t.Errorf("counts %v, want %v", r.Changes, want)
	}
	var marks []report.ChangeKind
	for _, f := range r.Findings {
		marks = append(marks, f.Change)
	}
	if want := []report.ChangeKind{"", report.New, ""}; !slices.Equal(marks, want) {
		t.Errorf("marks %q, want %q", marks, want)
	}
	if len(r.Changed) != 3 || r.Changed[0].ExpiresAt.Format(time.RFC3339) != "2026-12-24T09:00:00+08:00" || !r.Changed[0].WasExpiresAt.IsZero() {
		t.Errorf("changed %+v", r.Changed)
	}
	if base.Findings[1].Change != "" || base.Changes != nil {
		t.Errorf("the original has changed: %+v", base)
	}
	var many []report.Change
	for i := range 1001 {
		many = append(many, report.Change{NodeID: fmt.Sprint(i), Kind: report.Released})
	}
	if r := base.WithChanges(now, many); len(r.Changed) != 1000 || r.Changes["released"] != 1001 {
		t.Errorf("%d of %d changes are listed", len(r.Changed), r.Changes["released"])
	}
}

func TestSchemaHasEveryKindOfChange(t *testing.T) {
	s := load(t)
	var kinds []string
	for _, k := range report.ChangeKinds {
		kinds = append(kinds, string(k))
	}
	if got := s.Defs["kind"].Enum; !slices.Equal(got, kinds) {
		t.Errorf("the schema has the kinds %q, want %q", got, kinds)
	}
	if got, want := slices.Sorted(maps.Keys(s.Properties["changes"].Properties)), slices.Sorted(slices.Values(kinds)); !slices.Equal(got, want) {
		t.Errorf("the schema counts %q, want %q", got, want)
	}
}
