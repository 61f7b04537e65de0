package handler_test

import (
	"encoding/json"
	"strings"
	"testing"

	"matrix-expiry-report/report"
)

func TestFilters(t *testing.T) {
	w := setup(t)
	for query, want := range map[string]func(report.Finding) bool{
		"severity=critical":         func(f report.Finding) bool { return f.Severity == report.Critical },
		"severity=critical,warning": func(f report.Finding) bool { return f.Severity != report.Notice },
		"reason=failed":             func(f report.Finding) bool { return f.Reason == report.Failed },
		"reason=stuck,no_expiry":    func(f report.Finding) bool { return f.Reason != report.Failed && f.Reason != report.Expired },
		"region=cn-hangzhou":        func(f report.Finding) bool { return f.Region == "cn-hangzhou" },
		"owner=team-a":              func(f report.Finding) bool { return f.Tags["owner"] == "team-a" },
		"days=3&severity=": func(f report.Finding) bool {
			return f.DaysLeft == nil || *f.DaysLeft <= 3 || f.Reason != report.Expiring
		},
		"": func(report.Finding) bool { return true },
	} {
		rec := w.do("GET", "/report?"+query)
		var r report.Report
		if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil || rec.Code != 200 {
			t.Errorf("%s: %d %s", query, rec.Code, rec.Body)
			continue
		}
		counted := 0
		for reason, n := range r.Counts {
			if reason != "deleted" {
				counted += n
			}
		}
		if len(r.Findings) == 0 || counted != len(r.Findings) || query != "" && query != "days=3&severity=" && !strings.HasPrefix(query, "region") && r.Listed != 131 {
			t.Errorf("%s: %d findings, %d counted of %d listed", query, len(r.Findings), counted, r.Listed)
		}
		for _, f := range r.Findings {
			if !want(f) {
				t.Errorf("%s: has %s, %s, %s, %s", query, f.NodeID, f.Severity, f.Reason, f.Region)
			}
		}
	}
	for query, says := range map[string]string{
		"days=-1": "from 0 to 3650", "days=1,2": "from 0 to 3650", "days=1e3": "from 0 to 3650", "region=Moon": "cn-hangzhou",
		"severity=bad": "critical, warning, notice", "reason=old": "failed, expired, expiring, stuck, no_",
		"owner=nobody": "team-a", "lang=de": "en, zh", "format=pdf": "json, ", "all=yes": "0, 1", "all=1&page=0": "from 1", "all=1&page=9": "page: 9 is beyond the last page, 1",
		"all=1&format=txt": "csv, md", "sort=up": "available: all, days", "days=x&lang=y&reason=z": "reason",
	} {
		if rec := w.do("GET", "/report?"+query); rec.Code != 400 || !strings.Contains(rec.Body.String(), says) {
			t.Errorf("%s: %d %s; want 400 with %q", query, rec.Code, rec.Body, says)
		}
	}
	if rec := w.do("GET", "/report?days=x&lang=y&reason=z"); strings.Count(rec.Body.String(), "is not") != 3 {
		t.Errorf("three mistakes: %s", rec.Body)
	}
}

// Whoever narrows a report is not told that all is well, nor that there is no
// more than what was asked for.
func TestNarrowedReportsClaimNothing(t *testing.T) {
	w := setup(t)
	for query, want := range map[string]string{
		"severity=notice&region=eu-central-1&reason=failed": "Nothing of what was asked for; 4 of",
		"severity=critical": "7 of the 23 that need attention, of 131 matrices",
		"owner=team-a":      "of the 23 that need attention",
		"":                  "23 of 131 matrices need",
		"region=cn-shanghai&days=0&severity=notice": "Nothing of what was asked for;",
	} {
		for _, path := range []string{"/report.txt?", "/report.html?"} {
			body := w.do("GET", path+query).Body.String()
			if !strings.Contains(body, want) || strings.Contains(body, "are fine") || strings.Contains(body, "Nothing needs anybody") {
				t.Errorf("%s%s: no %q in %.2500s", path, query, want, body[strings.Index(body, "</style>")+1:])
			}
		}
	}
}
