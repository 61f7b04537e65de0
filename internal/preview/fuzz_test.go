package preview

import (
	"context"
	"encoding/json"
	"math"
	"testing"
	"time"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// The preview of any report's JSON does not panic, whatever its numbers are.
func FuzzMessages(f *testing.F) {
	now := time.Date(2026, time.November, 22, 9, 7, 0, 0, time.UTC)
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: time.Hour, Location: time.UTC}
	var matrices []*report.Matrix
	for i := range 4 {
		matrices = append(matrices, &report.Matrix{NodeID: "cpn-1", Region: "cn-hangzhou", Status: report.StatusRunning, ExpiresAt: report.Time{Time: now.AddDate(0, 0, i)}})
	}
	b, err := json.Marshal(report.Build(rules, report.Listing{Matrices: matrices, Problems: []report.Problem{{Code: "X", MayHideMatrices: true}}}, now))
	if err != nil {
		f.Fatal(err)
	}
	const findings = `,"findings":[{"reason":"expiring","severity":"critical","days_left":1},{"reason":"expiring","days_left":0},{"reason":"expiring","days_left":9223372036854775807}]}`
	f.Add(b, 30, 1)
	for _, text := range []string{
		`{}`, `{"days":-1` + findings, `{"days":-9223372036854775808` + findings, `{"days":9223372036854775807` + findings, `{"days":4611686018427387904` + findings,
		`{"findings":[{"reason":"","severity":"","days_left":-9223372036854775808},{"reason":"stuck"},{"reason":"failed"},{"also":["expired",""]}]}`,
		`{"listed":-1,"total":-5,"complete":true,"counts":{"deleted":9223372036854775807},"phones_affected":-1}`,
		`{"generated_at":null,"next_expiry":{"expires_at":null},"problems":[{}],"deliveries":[{}],"matrices":[{}]}`,
		`{"generated_at":"9999-12-31T23:59:59Z","next_expiry":{"expires_at":"0000-01-01T00:00:00Z"}}`,
	} {
		f.Add([]byte(text), -2, math.MinInt)
		f.Add([]byte(text), 1<<60, 1<<60-1)
	}
	f.Fuzz(func(t *testing.T, b []byte, days, left int) {
		var r report.Report
		if json.Unmarshal(b, &r) != nil {
			return
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second) // a chat may refuse what the report has
		defer cancel()
		for range 2 {
			messages, _ := Messages(ctx, r, message.Options{OwnerTag: "owner"})
			Page(messages)
			Text(messages)
			r.Days = days // and once more with any numbers
			for i := range r.Findings {
				r.Findings[i].DaysLeft = &left
			}
		}
	})
}
