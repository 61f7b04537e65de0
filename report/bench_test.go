package report

import (
	"fmt"
	"testing"
	"time"
)

// fleet returns n matrices, of which one in every needs attention.
func fleet(n, every int, now time.Time) (l Listing) {
	for i := range n {
		m := &Matrix{
			NodeID: fmt.Sprintf("cpn-%012d", i), Name: fmt.Sprint("matrix-", i), Region: "cn-hangzhou", Status: StatusRunning,
			ServerType: "cpm.gx7.10xlarge", PhoneCount: 25, Tags: map[string]string{"owner": fmt.Sprint("team-", i%5)},
			CreatedAt: Time{now.AddDate(-1, 0, 0)}, ExpiresAt: Time{now.Add(time.Duration(i*7919%(720*60)) * time.Minute)},
		}
		if i%every != 0 {
			m.ExpiresAt = Time{now.AddDate(1, 0, 0)}
		}
		l.Matrices = append(l.Matrices, m)
	}
	return l
}

var benchRules = Rules{Days: 30, Thresholds: Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: time.FixedZone("UTC+8", 8*60*60)}

// BenchmarkBuild builds the report of 20,000 matrices that all need attention.
func BenchmarkBuild(b *testing.B) {
	now := time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC)
	l := fleet(20_000, 1, now)
	b.ReportAllocs()
	for b.Loop() {
		if r := Build(benchRules, l, now); len(r.Findings) != 20_000 {
			b.Fatalf("%d findings", len(r.Findings))
		}
	}
}
