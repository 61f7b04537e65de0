package message

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// textOf returns the report of matrices as text.
func textOf(t *testing.T, language string, matrices ...*report.Matrix) string {
	t.Helper()
	now := time.Date(2026, time.November, 22, 9, 7, 0, 0, time.UTC)
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: time.Hour, Location: time.UTC}
	regions := map[string]bool{}
	l := report.Listing{Matrices: matrices, Total: len(matrices)}
	for _, m := range matrices {
		if !regions[m.Region] {
			l.Regions = append(l.Regions, m.Region)
		}
		regions[m.Region] = true
	}
	var b strings.Builder
	if err := Text(&b, report.Build(rules, l, now), Options{Language: language}, Terminal{}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var soon = report.Time{Time: time.Date(2026, time.November, 24, 2, 0, 34, 0, time.UTC)}

// A matrix without a status, or one that shows nothing, has no status in words.
func TestNoStatus(t *testing.T) {
	for language, want := range map[string]string{"en": "no status", "zh": "无状态"} {
		for _, status := range []string{"", " ", "\x00", "\u202e"} {
			for _, m := range []report.Matrix{
				{NodeID: "cpn-1", Region: "cn-hangzhou", Status: status, ExpiresAt: report.Time{Time: soon.AddDate(1, 0, 0)}},
				{NodeID: "cpn-1", Region: "cn-hangzhou", Status: status, ExpiresAt: soon},
			} {
				if text := textOf(t, language, &m); !strings.Contains(text, want) || strings.Contains(text, "why_") || strings.Contains(text, "%!") {
					t.Errorf("%s, status %q: no %q in\n%s", language, status, want, text)
				}
			}
		}
	}
}

// A matrix without a region has no region in words, which counts as none.
func TestNoRegion(t *testing.T) {
	for language, want := range map[string][]string{"en": {"no region", "in 1 region "}, "zh": {"无地域", "1 个地域"}} {
		text := textOf(t, language, &report.Matrix{NodeID: "cpn-1", Status: "FAILED"}, &report.Matrix{NodeID: "cpn-2", Region: "cn-hangzhou", Status: "FAILED"})
		for _, want := range want {
			if !strings.Contains(text, want) {
				t.Errorf("%s: no %q in\n%s", language, want, text)
			}
		}
	}
}

// The last day of the year 9999 means never: it is not the next expiry, and is
// not counted in days.
func TestNever(t *testing.T) {
	for _, at := range []string{"9999-12-31T00:00:00+08:00", "9999-12-31T23:59:59Z"} {
		expiry, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		m := report.Matrix{NodeID: "cpn-1", Region: "cn-hangzhou", Status: "RUNNING", ExpiresAt: report.Time{Time: expiry}}
		if text := textOf(t, "en", &m); !strings.Contains(text, "No upcoming expiries") || strings.Contains(text, "9999") || strings.Contains(text, "1067") {
			t.Errorf("%s:\n%s", at, text)
		}
		c, err := locale.Of("en")
		if err != nil {
			t.Fatal(err)
		}
		if got := Why(c, report.Expiring, &report.Finding{Matrix: m}, true, time.Now()); got != "never" {
			t.Errorf("%s: got %q, want never", at, got)
		}
	}
}

// Every reason has words for a matrix without any value, in every language: never
// an id of the catalogue.
func TestReasonsOfEmptyMatrix(t *testing.T) {
	id := regexp.MustCompile(`\b(why|also|fact|heading|page)_[a-z]|%!|BADINDEX`)
	for _, language := range locale.Languages() {
		c, err := locale.Of(language)
		if err != nil {
			t.Fatal(err)
		}
		for _, reason := range report.Reasons() {
			for _, status := range []string{"", report.StatusCreating, report.StatusDeleting, "NEW"} {
				f := report.Finding{Matrix: report.Matrix{Status: status}, Reason: reason}
				if got := Why(c, reason, &f, true, time.Now()); got == "" || id.MatchString(got) {
					t.Errorf("%s, %s, status %q: got %q", language, reason, status, got)
				}
			}
		}
	}
}
