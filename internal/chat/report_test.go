package chat

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/report"
)

// badDay returns a report with so many findings: failed, expired, expiring and
// others.
func badDay(findings int) report.Report {
	now := time.Date(2026, 11, 22, 9, 7, 0, 0, time.FixedZone("", 8*3600))
	var l report.Listing
	for i := range findings {
		m := &report.Matrix{
			NodeID: fmt.Sprintf("cpn-%014d", i), Name: names[i%len(names)], Region: []string{"cn-hangzhou", "cn-shanghai", "eu-central-1"}[i%3],
			Status: "RUNNING", PhoneCount: 25, ExpiresAt: report.Time{Time: now.AddDate(0, 0, i%31)},
		}
		switch i % 50 {
		case 3:
			m.Status, m.CreatedAt = "FAILED", report.Time{Time: now.AddDate(0, 0, -3)}
		case 4:
			m.ExpiresAt = report.Time{}
		case 5:
			m.Status = "MAINTAINING"
		}
		l.Matrices = append(l.Matrices, m)
	}
	l.Matrices = append(l.Matrices, &report.Matrix{NodeID: "cpn-fine", Name: "fine", Region: "cn-hangzhou", Status: "RUNNING", ExpiresAt: report.Time{Time: now.AddDate(1, 0, 0)}})
	l.Total, l.Regions = len(l.Matrices), []string{"cn-hangzhou", "cn-shanghai", "eu-central-1"}
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: now.Location()}
	return report.Build(rules, l, now)
}

// names are names that are hard to show, and the hostile ones.
var names = slices.Concat([]string{
	"x", "prod-hz-03", strings.Repeat("长", 128), strings.Repeat("😀", 128), "👩‍👩‍👧‍👦 family", "مصفوفة الهواتف", "e\u0301\u0301\u0301 combining",
	"invalid \xff\xfe UTF-8", "a & b < c > d", "prod_hz_03 _x_", strings.Repeat("&<>", 42),
}, hostile)
