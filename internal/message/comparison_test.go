package message

import (
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

// testComparison returns a comparison with a change of every kind.
func testComparison() report.Comparison {
	at := func(days int) report.Time { return report.Time{Time: testNow.AddDate(0, 0, days)} }
	change := func(kind report.ChangeKind, id, name string, reason report.Reason, was, expires report.Time) report.Change {
		return report.Change{NodeID: id, Name: name, Region: "cn-hangzhou", Kind: kind, Reason: reason, WasExpiresAt: was, ExpiresAt: expires}
	}
	return report.Compared(testNow.AddDate(0, 0, -21), testNow, true, []report.Change{
		change(report.New, "cpn-1", "prod-hz-01", report.Expiring, at(20), at(20)),
		change(report.New, "cpn-2", "", report.Failed, report.Time{}, report.Time{}),
		change(report.Escalated, "cpn-3", "运营-03", report.Expired, at(-1), at(-1)),
		change(report.Renewed, "cpn-4", "prod-hz-04", "", at(9), at(40)),
		change(report.Renewed, "cpn-5", "prod-hz-05", "", at(9), report.Time{Time: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}),
		change(report.Recovered, "cpn-\a6", "<b>\x1b[31m", "", at(60), at(60)),
		change(report.Released, "cpn-7", "old", "", at(-3), report.Time{}),
	})
}

func TestComparison(t *testing.T) {
	incomplete := report.Compared(testNow, testNow, false, nil)
	many := testComparison()
	many.Changes = map[string]int{"new": 1002}
	many.Changed = many.Changed[:2]
	for _, c := range []struct {
		name, language string
		comparison     report.Comparison
		want           string
	}{
		{"every kind", "en", testComparison(), `
Sun 1 Nov 2026 09:07 UTC+8 to Sun 22 Nov 2026 09:07 UTC+8: 2 new, 1 more urgent,
2 renewed, 1 recovered, 1 released

New · 2
  prod-hz-01  cn-hangzhou  Expiring, Sat 12 Dec        cpn-1
  cpn-2       cn-hangzhou  Creation failed

More urgent · 1
  运营-03     cn-hangzhou  Expired, Sat 21 Nov         cpn-3

Renewed · 2
  prod-hz-04  cn-hangzhou  Tue 1 Dec → Fri 1 Jan 2027  cpn-4
  prod-hz-05  cn-hangzhou  Tue 1 Dec → never           cpn-5

Recovered · 1
  <b>[31m     cn-hangzhou  expiry Thu 21 Jan 2027      cpn-6

Released · 1
  old         cn-hangzhou  date unknown                cpn-7
`},
		{"in Chinese", "zh", testComparison(), `
2026年11月1日 周日 09:07 UTC+8 至 2026年11月22日 周日 09:07 UTC+8：新增 2 台，更
紧急 1 台，已续费 2 台，已恢复 1 台，已释放 1 台

新增（2）
  prod-hz-01  杭州  即将到期，12月12日 周六           cpn-1
  cpn-2       杭州  创建失败

更紧急（1）
  运营-03     杭州  已过期，11月21日 周六             cpn-3

已续费（2）
  prod-hz-04  杭州  12月1日 周二 → 2027年1月1日 周五  cpn-4
  prod-hz-05  杭州  12月1日 周二 → 永不到期           cpn-5

已恢复（1）
  <b>[31m     杭州  到期日 2027年1月21日 周四         cpn-6

已释放（1）
  old         杭州  日期未知                          cpn-7
`},
		{"incomplete", "en", incomplete, `
No changes from Sun 22 Nov 2026 09:07 UTC+8 to Sun 22 Nov 2026 09:07 UTC+8
The later report is incomplete, so nothing in it counts as recovered or
released.
`},
		{"more than are listed", "en", many, `
Sun 1 Nov 2026 09:07 UTC+8 to Sun 22 Nov 2026 09:07 UTC+8: 1,002 new

New · 1,002
  prod-hz-01      cn-hangzhou  Expiring, Sat 12 Dec  cpn-1
  cpn-2           cn-hangzhou  Creation failed
  and 1,000 more
`},
	} {
		t.Run(c.name, func(t *testing.T) {
			var b strings.Builder
			if err := Comparison(&b, c.comparison, c.language, Terminal{Columns: 80}); err != nil {
				t.Fatal(err)
			}
			if got := b.String(); got != strings.TrimPrefix(c.want, "\n") {
				t.Errorf("got\n%s\nwant%s", got, c.want)
			}
		})
	}
}
