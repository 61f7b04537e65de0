package docs

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"matrix-expiry-report/report"
)

// reasonRow matches a row of a README's table of reasons: the reason, the
// condition and the severities.
var reasonRow = regexp.MustCompile("(?m)^\\| `([a-z_]+)`.* \\| (.*) \\| (.*) \\|$")

// The READMEs list the rules, in order, each with its severities.
func TestReasons(t *testing.T) {
	texts := docs(t)
	for file, words := range map[string]map[report.Severity]string{
		"README.md":    {report.Critical: "critical", report.Warning: "warning", report.Notice: "notice"},
		"README.zh.md": {report.Critical: "紧急", report.Warning: "警告", report.Notice: "提醒"},
	} {
		var listed []report.Reason
		for _, row := range reasonRow.FindAllStringSubmatch(texts[file], -1) {
			reason := report.Reason(row[1])
			listed = append(listed, reason)
			want := severities(reason)
			for severity, word := range words {
				if has := strings.Contains(row[3], word); has != want[severity] {
					t.Errorf("%s: %s has the severities %q; the rule has %q", file, reason, row[3], slices.Sorted(maps.Keys(want)))
				}
			}
		}
		if !slices.Equal(listed, report.Reasons()) {
			t.Errorf("%s lists the reasons %q, want %q", file, listed, report.Reasons())
		}
	}
}

// severities returns the severities that a reason can have.
func severities(reason report.Reason) map[report.Severity]bool {
	all := map[report.Severity]bool{}
	for days := range 10 {
		all[report.Thresholds{CriticalDays: 3, WarningDays: 7}.Severity(reason, days)] = true
	}
	return all
}
