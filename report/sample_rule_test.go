package report

import (
	"slices"
	"testing"
	"time"
)

// NoPhones is the reason of a running matrix without phones.
const NoPhones Reason = "no_phones"

// noPhones is a row of the table of rules.
var noPhones = rule{
	reason: NoPhones, severity: always(Warning), heading: 7, deleting: false,
	matches: func(e evaluation) bool { return e.Status == StatusRunning && e.PhoneCount == 0 },
}

// A row in the table is all that a rule needs: the lists of reasons, their
// order and the findings follow from it.
func TestSampleRule(t *testing.T) {
	builtIn := rules
	rules = append(slices.Clip(rules), noPhones)
	defer func() { rules = builtIn }()

	now := time.Date(2026, 11, 26, 9, 7, 0, 0, time.UTC)
	m := Matrix{NodeID: "cpn-1", Status: StatusRunning, ExpiresAt: Time{now.AddDate(1, 0, 0)}}
	r := Build(defaults(time.UTC), Listing{Matrices: []*Matrix{&m}}, now)
	if len(r.Findings) != 1 || r.Findings[0].Reason != NoPhones || r.Findings[0].Severity != Warning || r.Counts["no_phones"] != 1 {
		t.Errorf("findings %+v, counts %v", r.Findings, r.Counts)
	}
	if !slices.Contains(Reasons(), NoPhones) || !slices.Contains(HeadingOrder(), NoPhones) {
		t.Errorf("reasons %q, headings %q", Reasons(), HeadingOrder())
	}
	m.PhoneCount = 25
	if f, ok := defaults(time.UTC).Classify(m, now); ok {
		t.Errorf("a matrix with phones is a finding: %+v", f)
	}
}
