package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
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

	r := h.Report(t.Context())
	if len(r.Findings) != 900 {
		t.Errorf("a run has %d findings", len(r.Findings))
	}
}

// The same question soon after, or at the same time, is asked of the service
// once; a listing that is not whole is not kept.
func TestListingsAreShared(t *testing.T) {
	w := setup(t, "CACHE_SECONDS=60")
	now := time.Now()
	w.Now = func() time.Time { return now }
	calls := func(target string) int {
		before := len(w.cloud.Calls())
		rec := w.do("GET", target)
		if rec.Code != 200 && rec.Code != 502 {
			t.Errorf("%s: %d %s", target, rec.Code, rec.Body)
		}
		return len(w.cloud.Calls()) - before
	}
	first := calls("/report")
	if first == 0 {
		t.Fatal("nothing was asked")
	}
	for _, target := range []string{"/report", "/report?days=3", "/report.csv?severity=critical", "/metrics"} {
		if n := calls(target); n != 0 {
			t.Errorf("%s: %d calls, want none", target, n)
		}
	}
	now = now.Add(59 * time.Second)
	rec := w.do("GET", "/report")
	var r report.Report
	if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil || rec.Header().Get("Age") != "59" || now.Sub(r.GeneratedAt.Time).Round(time.Second) != 59*time.Second {
		t.Errorf("the age is %s, generated at %s, now %s", rec.Header().Get("Age"), r.GeneratedAt, now)
	}
	if n := calls("/report?region=cn-hangzhou"); n == 0 {
		t.Error("another region was answered from what is kept")
	}
	now = now.Add(2 * time.Second)
	if n := calls("/report"); n != first {
		t.Errorf("after a minute: %d calls, want %d", n, first)
	}

	// What cannot be refreshed is not served from before.
	now = now.Add(time.Hour)
	w.cloud.Faults = []fakecloud.Fault{{Answer: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	if rec := w.do("GET", "/report"); rec.Code != 502 || !strings.Contains(rec.Body.String(), "Forbidden.RAM") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	w.cloud.Faults = nil
	if n := calls("/report"); n == 0 {
		t.Error("the failure was kept")
	}
	// A timer lists for itself.
	before := len(w.cloud.Calls())
	w.invoke(t, timer(""))
	if len(w.cloud.Calls()) == before {
		t.Error("the timer's report was made of what was kept")
	}
	w.Settings.Cache = 0
	calls("/report")
	if n := calls("/report"); n == 0 {
		t.Error("CACHE_SECONDS=0 keeps something")
	}
}

func TestQuestionsAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var listings atomic.Int64
		w := &world{Handler: bare(sourceFunc(func(ctx context.Context, _ []string) report.Listing {
			listings.Add(1)
			time.Sleep(time.Second)
			if ctx.Err() != nil {
				return report.Listing{Problems: []report.Problem{{Code: "Canceled", MayHideMatrices: true}}}
			}
			return report.Listing{Matrices: []report.Matrix{{NodeID: "cpn-1", Status: "FAILED"}}, Total: 1}
		}))}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := httptest.NewRequestWithContext(ctx, "GET", "/report", nil)
				if i == 0 {
					time.AfterFunc(time.Second/2, cancel) // whoever came first leaves
				} else {
					time.Sleep(time.Millisecond)
				}
				rec := httptest.NewRecorder()
				w.ServeHTTP(rec, r)
				if want := map[bool]int{true: 502, false: 200}[i == 0]; rec.Code != want {
					t.Errorf("%d: %d %s, want %d", i, rec.Code, rec.Body, want)
				}
			})
		}
		wg.Wait()
		if n := listings.Load(); n != 1 {
			t.Errorf("listed %d times for 20 who asked at once", n)
		}
	})
}
