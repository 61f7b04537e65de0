package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

// A large account, of which only what is wanted is kept.
type large struct {
	now      time.Time
	listings int
	kept     int // of the last listing
}

func (l *large) List(_ context.Context, _ []string, fate func(*report.Matrix) report.Fate) report.Listing {
	l.listings++
	var all report.Listing
	for i := range 12_000 {
		m := report.Matrix{
			NodeID: fmt.Sprint("cpn-", i), Status: "RUNNING", ExpiresAt: report.Time{Time: l.now.AddDate(0, 0, 1+i%400)}, Tags: map[string]string{"owner": fmt.Sprint("team-", i%3)},
		}
		if fate == nil || fate(&m) != report.Drop {
			all.Matrices = append(all.Matrices, m)
		} else {
			all.Others++
		}
	}
	all.Total, l.kept = all.Listed(), len(all.Matrices)
	return all
}

func TestOfALargeAccountWhatNobodyNeedsIsNotKept(t *testing.T) {
	source := &large{now: time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)}
	h := bare(source)
	h.Settings.OwnerTag, h.Settings.Rules.Days, h.Settings.StuckAfter = "owner", 30, time.Hour
	h.Now = func() time.Time { return source.now }
	look := func(target string, listings, findings int) {
		t.Helper()
		rec := httptest.NewRecorder()
		before := source.listings
		h.ServeHTTP(rec, httptest.NewRequest("GET", target, nil))
		var r report.Report
		if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil || rec.Code != 200 {
			t.Fatalf("%s: %d %v", target, rec.Code, err)
		}
		if len(r.Findings) != findings || r.Listed != 12_000 || !r.Complete {
			t.Errorf("%s: %d findings, %d listed, want %d of 12000", target, len(r.Findings), r.Listed, findings)
		}
		if n := source.listings - before; n != listings {
			t.Errorf("%s: listed %d times, want %d", target, n, listings)
		}
	}
	look("/report", 1, 900)
	look("/report?days=3", 0, 90)
	look("/report?owner=team-2", 0, 300)
	look("/report?days=60", 1, 1800) // of which not all were kept
	look("/report?days=30", 0, 900)
	look("/report?all=1", 1, 900)
	if source.kept != 12_000 {
		t.Errorf("%d of 12000 were kept though all were asked for", source.kept)
	}
	look("/report?days=90", 0, 2700)

	r := h.Look(t.Context())
	if len(r.Findings) != 900 {
		t.Errorf("a run has %d findings", len(r.Findings))
	}
}

// What a run keeps while it lists is decided for the moment at which it began,
// so the report is of that moment.
func TestAReportIsOfTheMomentThatItBegan(t *testing.T) {
	began := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	source := &large{now: began}
	h := bare(source)
	h.Settings.Rules.Days = 1
	now := began
	h.Now = func() time.Time { defer func() { now = now.Add(36 * time.Hour) }(); return now }
	r := h.Look(t.Context())
	if !r.GeneratedAt.Equal(began) || len(r.Findings) != 30 || r.Counts["expiring"] != 30 {
		t.Errorf("%d findings %v at %s, want the 30 that expire within a day of %s", len(r.Findings), r.Counts, r.GeneratedAt, began)
	}
}
