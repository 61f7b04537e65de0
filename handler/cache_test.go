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

// TestCachedListingServesAllQueries checks that one listing serves requests for
// other days, owners and matrices.
func TestCachedListingServesAllQueries(t *testing.T) {
	now := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	listings := 0
	w := &world{Handler: newHandler(sourceFunc(func(context.Context, []string) (l report.Listing) {
		listings++
		for i := range 12_000 { // 30 expire on each day
			l.Matrices = append(l.Matrices, &report.Matrix{
				NodeID: fmt.Sprint("cpn-", i), Status: "RUNNING", ExpiresAt: report.Time{Time: now.AddDate(0, 0, 1+i%400)}, Tags: map[string]string{"owner": fmt.Sprint("team-", i%3)},
			})
		}
		return l
	}))}
	w.Settings.OwnerTag, w.Settings.Days, w.Settings.StuckAfter = "owner", 30, time.Hour
	w.Now = func() time.Time { return now }
	for target, findings := range map[string]int{
		"/report": 900, "/report?days=3": 90, "/report?owner=team-2": 300, "/report?days=60": 1800, "/report?all=1": 900, "/report?days=90": 2700,
	} {
		if r := w.get(t, target); len(r.Findings) != findings || r.Listed != 12_000 || !r.Complete {
			t.Errorf("%s: %d findings, %d listed, want %d of 12000", target, len(r.Findings), r.Listed, findings)
		}
	}
	if listings != 1 {
		t.Errorf("listed %d times, want once", listings)
	}
}

// TestListingsAreCached checks that a listing serves requests for CACHE_SECONDS,
// unless it is incomplete or of other regions.
func TestListingsAreCached(t *testing.T) {
	w := setup(t, "CACHE_SECONDS=60")
	now := time.Now()
	w.Now = func() time.Time { return now }
	calls := func(target string) int {
		t.Helper()
		before := len(w.cloud.Calls())
		if rec := w.do("GET", target); rec.Code != 200 {
			t.Errorf("%s: %d %s", target, rec.Code, rec.Body)
		}
		return len(w.cloud.Calls()) - before
	}
	first := calls("/report")
	if first == 0 {
		t.Fatal("no calls")
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
		t.Errorf("Age %s, generated at %s, now %s", rec.Header().Get("Age"), r.GeneratedAt, now)
	}
	if n := calls("/report?region=cn-hangzhou"); n == 0 {
		t.Error("the listing of all regions served a request for one")
	}
	if n := calls("/report?region=cn-hangzhou,cn-shanghai"); n == 0 {
		t.Error("the listing of one region served a request for two")
	}
	if n := calls("/report?region=cn-shanghai,cn-hangzhou"); n != 0 {
		t.Errorf("%d calls for the same regions in another order, want none", n)
	}
	now = now.Add(time.Second)
	if n := calls("/report"); n != first {
		t.Errorf("after 60 s: %d calls, want %d", n, first)
	}
	before := len(w.cloud.Calls())
	w.invoke(t, timer(""))
	if len(w.cloud.Calls()) == before {
		t.Error("a timer used the cached listing")
	}
	w.Settings.Cache = 0
	calls("/report")
	if n := calls("/report"); n == 0 {
		t.Error("CACHE_SECONDS=0 caches")
	}
}

// TestIncompleteListingIsNotCached checks that no earlier listing is served in
// its place, and that the next request lists again.
func TestIncompleteListingIsNotCached(t *testing.T) {
	w := setup(t, "CACHE_SECONDS=60")
	now := time.Now()
	w.Now = func() time.Time { return now }
	w.get(t, "/report")
	now = now.Add(time.Hour)
	w.cloud.Faults = []fakecloud.Fault{{Respond: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	if rec := w.do("GET", "/report"); rec.Code != 502 || !strings.Contains(rec.Body.String(), "Forbidden.RAM") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	w.cloud.Faults = nil
	if r := w.get(t, "/report"); !r.Complete {
		t.Error("the incomplete listing was cached")
	}
}

// TestOneListingIsCached checks that a listing drops the one before.
func TestOneListingIsCached(t *testing.T) {
	listings := 0
	w := &world{Handler: newHandler(sourceFunc(func(_ context.Context, regions []string) report.Listing {
		listings++
		return report.Listing{Regions: regions}
	}))}
	for _, region := range []string{"cn-a", "cn-a", "cn-b", "cn-b", "cn-a"} {
		w.get(t, "/report?region="+region)
	}
	if listings != 3 {
		t.Errorf("listed %d times, want 3", listings)
	}
}

// TestConcurrentRequestsShareListing checks that the listing of 20 requests is
// one, and continues if the request that began it is cancelled.
func TestConcurrentRequestsShareListing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var listings atomic.Int64
		h := newHandler(sourceFunc(func(ctx context.Context, _ []string) report.Listing {
			listings.Add(1)
			time.Sleep(time.Second)
			if ctx.Err() != nil {
				return report.Listing{Problems: []report.Problem{{Code: "Canceled", MayHideMatrices: true}}}
			}
			return report.Listing{Matrices: []*report.Matrix{{NodeID: "cpn-1", Status: "FAILED"}}, Total: 1}
		}))
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				want := 200
				if i == 0 { // begins first and ends early
					want = 502
					time.AfterFunc(time.Second/2, cancel)
				} else {
					time.Sleep(time.Millisecond)
				}
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, "GET", "/report", nil))
				if rec.Code != want {
					t.Errorf("request %d: %d %s, want %d", i, rec.Code, rec.Body, want)
				}
			})
		}
		wg.Wait()
		if n := listings.Load(); n != 1 {
			t.Errorf("listed %d times for 20 requests", n)
		}
	})
}

// TestListingLeavesTimeToRender checks how long before the deadline of a request
// its listing ends: two seconds, or an eighth of the time.
func TestListingLeavesTimeToRender(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		time.Minute:     58 * time.Second,
		8 * time.Second: 7 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			var listed time.Duration
			h := newHandler(sourceFunc(func(ctx context.Context, _ []string) report.Listing {
				start := time.Now()
				<-ctx.Done()
				listed = time.Since(start)
				return report.Listing{Matrices: []*report.Matrix{{NodeID: "cpn-1", Status: "FAILED"}}, Problems: []report.Problem{{Code: "DeadlineExceeded", MayHideMatrices: true}}}
			}))
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			rec := httptest.NewRecorder()
			h.ServeHTTP(rec, httptest.NewRequestWithContext(ctx, "GET", "/report", nil))
			if listed != want || rec.Code != 200 {
				t.Errorf("with %s, the listing had %s, want %s; status %d", timeout, listed, want, rec.Code)
			}
		})
	}
}
