package report_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

func TestSnooze(t *testing.T) {
	shanghai := time.FixedZone("CST", 8*60*60)
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, shanghai)
	first := time.Date(2026, 12, 1, 9, 0, 0, 0, shanghai)
	soon := report.Time{Time: now.AddDate(0, 0, 20)}
	tags := func(pairs ...string) map[string]string {
		m := map[string]string{}
		for i := 0; i < len(pairs); i += 2 {
			m[pairs[i]] = pairs[i+1]
		}
		return m
	}
	expired := func(days int) report.Time { return report.Time{Time: now.AddDate(0, 0, -days)} }
	for _, c := range []struct {
		name    string
		matrix  report.Matrix
		ignore  []string
		at      time.Time
		out     bool
		until   string
		problem string
	}{
		{"no tags", report.Matrix{ExpiresAt: soon}, nil, now, false, "", ""},
		{"another tag", report.Matrix{ExpiresAt: soon, Tags: tags("owner", "ignore")}, nil, now, false, "", ""},
		{"a reason alone", report.Matrix{ExpiresAt: soon, Tags: tags("expiry-report-reason", "moving")}, nil, now, false, "", ""},
		{"for good", report.Matrix{ExpiresAt: soon, Tags: tags("expiry-report", "ignore")}, nil, now, true, "", ""},
		{"spaces and capitals", report.Matrix{ExpiresAt: soon, Tags: tags("expiry-report", " Ignore ")}, nil, now, true, "", ""},
		{"until a day", report.Matrix{ExpiresAt: soon, Tags: tags("expiry-report", "ignore", "expiry-report-until", "2026-11-23")}, nil, now, true, "2026-11-23", ""},
		{"until a day, alone", report.Matrix{ExpiresAt: soon, Tags: tags("expiry-report-until", "2026-12-31")}, nil, now, true, "2026-12-31", ""},
		{"until today", report.Matrix{ExpiresAt: soon, Tags: tags("expiry-report", "ignore", "expiry-report-until", "2026-11-22")}, nil, now, false, "", ""},
		{"until a day in the zone of the report", report.Matrix{ExpiresAt: soon, Tags: tags("expiry-report-until", "2026-11-23")}, nil, time.Date(2026, 11, 22, 16, 0, 0, 0, time.UTC), false, "", ""},
		{"a healthy one", report.Matrix{ExpiresAt: report.Time{Time: now.AddDate(1, 0, 0)}, Tags: tags("expiry-report", "ignore")}, nil, now, false, "", ""},
		{"an unreadable value", report.Matrix{ExpiresAt: soon, Tags: tags("expiry-report", "ignroe")}, nil, now, false, "", `expiry-report="ignroe" is not ignore`},
		{"an unreadable day", report.Matrix{ExpiresAt: soon, Tags: tags("expiry-report", "ignore", "expiry-report-until", "31.12.2026")}, nil, now, false, "", `"31.12.2026" is not a day`},
		{"no such day", report.Matrix{ExpiresAt: soon, Tags: tags("expiry-report-until", "2026-02-30")}, nil, now, false, "", "is not a day"},
		{"an unreadable tag of a deleted one", report.Matrix{Status: report.StatusDeleted, Tags: tags("expiry-report", "x")}, nil, now, false, "", ""},
		{"by id", report.Matrix{ExpiresAt: soon}, []string{"other", "cpn-1"}, now, true, "", ""},
		{"by another id", report.Matrix{ExpiresAt: soon}, []string{"cpn-", "cpn-12"}, now, false, "", ""},
		{"by name", report.Matrix{Name: "test-7/a", ExpiresAt: soon}, []string{"test-*"}, now, true, "", ""},
		{"by another name", report.Matrix{Name: "a test-7", ExpiresAt: soon}, []string{"test-*"}, now, false, "", ""},
		{"by id, and until a day", report.Matrix{ExpiresAt: soon, Tags: tags("expiry-report-until", "2026-11-01")}, []string{"cpn-1"}, now, true, "", ""},
		{"expired long ago", report.Matrix{ExpiresAt: expired(100), Tags: tags("expiry-report", "ignore")}, nil, now, true, "", ""},
		{"expired long ago, on the first of a month", report.Matrix{ExpiresAt: expired(100), Tags: tags("expiry-report", "ignore")}, nil, first, false, "", ""},
		{"expired recently, on the first of a month", report.Matrix{ExpiresAt: expired(80), Tags: tags("expiry-report", "ignore")}, nil, first, true, "", ""},
		{"failed long ago, on the first of a month", report.Matrix{Status: report.StatusFailed, CreatedAt: expired(100), Tags: tags("expiry-report", "ignore")}, nil, first, false, "", ""},
		{"expiring, on the first of a month", report.Matrix{ExpiresAt: soon, CreatedAt: expired(300), Tags: tags("expiry-report", "ignore")}, nil, first, true, "", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.matrix.NodeID = "cpn-1"
			if c.matrix.Status == "" {
				c.matrix.Status = report.StatusRunning
			}
			rules := report.Rules{Days: 30, Location: shanghai, Ignore: c.ignore}
			l := report.Listing{Matrices: []*report.Matrix{&c.matrix}, Total: 1}
			r, left := report.Build(rules, l, c.at), report.BuildIgnored(rules, l, c.at)
			if (r.Ignored > 0) != c.out || len(left.Findings) != r.Ignored || left.Ignored != r.Ignored || r.IgnoredUntil.String() != c.until {
				t.Errorf("%d left out until %q, %d listed; want %t and %q", r.Ignored, r.IgnoredUntil, len(left.Findings), c.out, c.until)
			}
			if c.out && (len(r.Findings) > 0 || r.PhonesAffected > 0) || rules.Ignores(c.matrix, c.at) != c.out {
				t.Errorf("findings %+v", r.Findings)
			}
			if all := rules.AllMatrices(r.Findings, l, c.at); len(all) != 1 {
				t.Errorf("all matrices are %+v", all)
			}
			i := slices.IndexFunc(r.Problems, func(p report.Problem) bool { return p.Code == "UnreadableTag" && !p.MayHideMatrices })
			if i < 0 != (c.problem == "") || i >= 0 && !strings.Contains(r.Problems[i].Message, c.problem) {
				t.Errorf("problems %+v, want %q", r.Problems, c.problem)
			}
		})
	}
}

func TestIgnoredUntilIsTheFirstDay(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	var l report.Listing
	for _, until := range []string{"2027-01-01", "2026-12-24", "", "bad", "worse"} {
		m := &report.Matrix{NodeID: "cpn-" + until, Status: report.StatusRunning, ExpiresAt: report.Time{Time: now}, Tags: map[string]string{"expiry-report": "ignore", "expiry-report-until": until}}
		l.Matrices = append(l.Matrices, m)
	}
	r := report.Build(report.Rules{Location: time.UTC}, l, now)
	if r.Ignored != 3 || r.IgnoredUntil.String() != "2026-12-24" || len(r.Findings) != 2 {
		t.Errorf("%d left out until %s, %d findings", r.Ignored, r.IgnoredUntil, len(r.Findings))
	}
	if len(r.Problems) != 1 || !strings.HasPrefix(r.Problems[0].Message, "2 matrices are not left out, such as cpn-bad") {
		t.Errorf("problems %+v", r.Problems)
	}
}
