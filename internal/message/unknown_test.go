package message

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

func pageReport(l report.Listing) report.Report {
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: time.FixedZone("", 8*3600)}
	return report.Build(rules, l, pageNow)
}

var pageNow = time.Date(2026, 11, 22, 9, 7, 0, 0, time.FixedZone("", 8*3600))

func expiring(name string, days int) report.Matrix {
	return report.Matrix{NodeID: "cpn-" + name, Name: name, Region: "cn-hangzhou", Status: "RUNNING", PhoneCount: 25, ExpiresAt: report.Time{Time: pageNow.AddDate(0, 0, days)}, Tags: map[string]string{"owner": "team-a"}}
}

// A report of a later version may have reasons and severities that nobody knows
// here: they are shown, and nothing breaks.
func TestReportsOfALaterVersion(t *testing.T) {
	r := pageReport(report.Listing{Matrices: []report.Matrix{expiring("farm", 2), expiring("other", 9)}})
	r.Findings[0].Reason, r.Findings[0].Severity = "haunted", "grave"
	for _, format := range []string{"slack", "dingtalk", "webhook"} {
		d, err := Compose(format, r, Options{Language: "en", OwnerTag: "owner"})
		if err != nil {
			t.Fatal(err)
		}
		if m, err := d.Whole(); err != nil || !strings.Contains(fmt.Sprint(m), "farm") {
			t.Errorf("%s: %v, %v", format, m, err)
		}
	}
}

// A test message says what it is, and nothing about any matrix.
func TestATestMessage(t *testing.T) {
	for language, want := range map[string]string{"en": "A test of the matrix report", "zh": "矩阵报告测试消息"} {
		d, err := Compose("slack", pageReport(report.Listing{Matrices: []report.Matrix{expiring("farm", 2)}}), Options{Language: language, Test: true, OwnerTag: "owner", Mentions: map[string][]string{"team-a": {"U012AB3CD"}}})
		if err != nil {
			t.Fatal(err)
		}
		m, err := d.Whole()
		if text := fmt.Sprint(m); err != nil || m.Title != "🔔 "+want || strings.Contains(text, "farm") || strings.Contains(text, "✅") || strings.Contains(text, "U012AB3CD") || len(m.Groups) > 0 {
			t.Errorf("%s: %v, %v", language, m, err)
		}
	}
	// Nor does the message about channels that did not get the report.
	d, err := Compose("dingtalk", pageReport(report.Listing{Matrices: []report.Matrix{expiring("farm", 2)}}), Options{Language: "en", Undelivered: true, OwnerTag: "owner", Mentions: map[string][]string{"team-a": {"13800138000"}}})
	if err != nil {
		t.Fatal(err)
	}
	if m, err := d.Whole(); err != nil || len(m.Mentions) > 0 {
		t.Errorf("people are called again: %v, %v", m, err)
	}
}
