package handler_test

import (
	"context"
	"fmt"
	"net/http/httptest"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

// A needy account: every matrix needs somebody.
type needy struct{ now time.Time }

func (n needy) List(context.Context, []string, func(*report.Matrix) report.Fate) (l report.Listing) {
	for i := range 20_000 {
		l.Matrices = append(l.Matrices, report.Matrix{
			NodeID: fmt.Sprintf("cpn-%012d", i), Name: fmt.Sprint("matrix-", i), Region: "cn-hangzhou", Status: report.StatusRunning,
			ServerType: "cpm.gx7.10xlarge", PhoneCount: 25, Tags: map[string]string{"owner": fmt.Sprint("team-", i%5)},
			CreatedAt: report.Time{Time: n.now.AddDate(-1, 0, 0)}, ExpiresAt: report.Time{Time: n.now.Add(time.Duration(i*7919%(720*60)) * time.Minute)},
		})
	}
	l.Regions, l.Total = []string{"cn-hangzhou"}, len(l.Matrices)
	return l
}

// Every form of 20,000 findings that are listed already.
func BenchmarkForms(b *testing.B) {
	source := needy{time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC)}
	h := bare(source)
	h.Settings.OwnerTag, h.Settings.Rules.Days, h.Settings.StuckAfter, h.Settings.Cache = "owner", 30, time.Hour, time.Hour
	h.Now = func() time.Time { return source.now }
	h.ServeHTTP(httptest.NewRecorder(), httptest.NewRequest("GET", "/report.json", nil)) // lists
	for _, path := range []string{"/report.json", "/report.html", "/report.txt", "/report.csv", "/report.md", "/calendar.ics", "/metrics"} {
		b.Run(path[1:], func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				rec := httptest.NewRecorder()
				h.ServeHTTP(rec, httptest.NewRequest("GET", path, nil))
				if rec.Code != 200 || rec.Body.Len() < 1000 {
					b.Fatalf("%d %s", rec.Code, rec.Body)
				}
				b.SetBytes(int64(rec.Body.Len()))
			}
		})
	}
}
