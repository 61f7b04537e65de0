package message

import (
	"encoding/json"
	"regexp"
	"testing"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// A heading, a title and the rows count the same matrices.
func TestNumbersAgree(t *testing.T) {
	loc := time.UTC
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, loc)
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: loc}
	var l report.Listing
	for i := range 300 {
		m := report.Matrix{NodeID: "cpn-" + string(rune('a'+i%26)) + string(rune('a'+i/26)), Status: "RUNNING", Region: []string{"cn-hangzhou", "cn-shanghai"}[i%2], PhoneCount: 25}
		if i%9 > 0 {
			m.ExpiresAt = report.Time{Time: now.AddDate(0, 0, i%40-3)}
		}
		if i%11 == 0 {
			m.Status = "FAILED"
		}
		l.Matrices = append(l.Matrices, m)
	}
	r := report.Build(rules, l, now)
	d, err := Compose("text", r, Options{Language: "en", OwnerTag: "owner"})
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{0, 1, 7, 40, 1 << 20} {
		m, err := d.Fit(func(m Message) bool {
			rows := 0
			for _, g := range m.Groups {
				rows += len(g.Rows)
			}
			return rows <= limit
		})
		if err != nil {
			t.Fatal(err)
		}
		shown, left := 0, 0
		for gi, g := range m.Groups {
			for ri := range g.Rows {
				shown += len(d.groups[gi].rows[ri])
			}
		}
		for _, g := range d.groups {
			n := 0
			for _, alike := range g.rows {
				n += d.newRow(alike).Count
			}
			if n != g.Count {
				t.Errorf("the rows of %q count %d, its heading %d", g.Title, n, g.Count)
			}
			left += n
		}
		left -= shown
		more := regexp.MustCompile(`and (\d+) more`).FindStringSubmatch(m.More)
		switch {
		case shown+left != len(r.Findings):
			t.Errorf("%d rows: %d shown and %d left of %d", limit, shown, left, len(r.Findings))
		case left == 0 && m.More != "":
			t.Errorf("%d rows: nothing is left, but %q", limit, m.More)
		case left > 0 && (more == nil || more[1] != itoa(left)):
			t.Errorf("%d rows: %d are left, but %q", limit, left, m.More)
		}
	}
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// A problem is told in the reader's language where the catalogue knows its
// code, with what a person needs to act on it.
func TestProblemsInWords(t *testing.T) {
	denied := report.Problem{Code: "Forbidden.RAM", Message: "the role may not", RequestID: "R-1", Permission: "eds-aic:X"}
	for _, c := range []struct {
		lang string
		p    report.Problem
		want string
	}{
		{"en", denied, "the role may not"},
		{"zh", denied, "该角色无权列出矩阵：请附加 README 中的权限策略；缺少的权限：eds-aic:X（请求 R-1）"},
		{"zh", report.Problem{Code: "ConnectionFailed", Message: "dial tcp: refused"}, "与服务的连接失败：dial tcp: refused"},
		{"zh", report.Problem{Code: "Odd.Code", Message: "what it says"}, "what it says"},
	} {
		w, err := locale.Of(c.lang)
		if err != nil {
			t.Fatal(err)
		}
		if got := problemText(w, c.p); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.lang, c.p.Code, got, c.want)
		}
	}
}
