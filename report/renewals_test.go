package report_test

import (
	"testing"

	"matrix-expiry-report/report"
)

func TestRenewals(t *testing.T) {
	var r report.Renewals
	for i, want := range []report.Renewals{{1, 5, 5}, {2, 5, 9}, {3, -2, 9}, {4, -2, 9}} {
		if r = r.Add([]int{5, 9, -2, 0}[i]); r != want {
			t.Errorf("after %d renewals: %+v, want %+v", i+1, r, want)
		}
	}
}

func TestOverdue(t *testing.T) {
	left := 4
	for _, c := range []struct {
		finding report.Finding
		want    bool
	}{
		{report.Finding{DaysLeft: &left}, false},
		{report.Finding{Renewals: &report.Renewals{Times: 1, Least: 9, Most: 9}}, false},
		{report.Finding{DaysLeft: &left, Renewals: &report.Renewals{Times: 2, Least: 5, Most: 9}}, true},
		{report.Finding{DaysLeft: &left, Renewals: &report.Renewals{Times: 2, Least: 4, Most: 9}}, false},
	} {
		if got := c.finding.Overdue(); got != c.want {
			t.Errorf("%+v: %t", c.finding, got)
		}
	}
}
