package handler_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

// findings returns a source of 20,000 matrices that all expire within 30 days.
func findings(now time.Time) sourceFunc {
	l := report.Listing{Regions: []string{"cn-hangzhou"}}
	for i := range 20_000 {
		l.Matrices = append(l.Matrices, &report.Matrix{
			NodeID: fmt.Sprintf("cpn-%012d", i), Name: fmt.Sprint("matrix-", i), Region: "cn-hangzhou", Status: report.StatusRunning,
			ServerType: "cpm.gx7.10xlarge", PhoneCount: 25, Tags: map[string]string{"owner": fmt.Sprint("team-", i%5)},
			CreatedAt: report.Time{Time: now.AddDate(-1, 0, 0)}, ExpiresAt: report.Time{Time: now.Add(time.Duration(i*7919%(720*60)) * time.Minute)},
		})
	}
	l.Total = len(l.Matrices)
	return func(context.Context, []string) report.Listing { return l }
}

// BenchmarkForms writes 20,000 findings of a cached listing in every format.
func BenchmarkForms(b *testing.B) {
	now := time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC)
	h := newHandler(findings(now))
	h.Settings.OwnerTag, h.Settings.Days, h.Settings.StuckAfter, h.Settings.Cache = "owner", 30, time.Hour, time.Hour
	h.Now = func() time.Time { return now }
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/report.json", nil)) // lists
	for _, f := range formats {
		b.Run(f.path[1:], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, httptest.NewRequest("GET", f.path, nil))
				if rec.Code != 200 || rec.Body.Len() < 1000 {
					b.Fatalf("%d %s", rec.Code, rec.Body)
				}
				b.SetBytes(int64(rec.Body.Len()))
			}
		})
	}
}
