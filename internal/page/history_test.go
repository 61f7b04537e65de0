package page

import (
	"bytes"
	"fmt"
	"html"
	"strings"
	"testing"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// testDay returns a day before pageNow with critical findings and notices.
func testDay(ago, critical, notices int, complete bool) report.Day {
	severities := map[report.Severity]int{report.Critical: critical, report.Notice: notices}
	return report.NewDay(pageNow.AddDate(0, 0, -ago), complete, 40, map[report.Reason]int{report.Failed: critical, report.Expiring: notices}, severities)
}

func english(t *testing.T) *locale.Catalog {
	t.Helper()
	c, err := locale.Of("en")
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// A day without a report is a gap, a day without findings is not.
func TestDayChart(t *testing.T) {
	const width = float64(timelineWidth) / minChartDays
	at := func(column, columns int) string {
		return fmt.Sprint(span{fmt.Sprintf("%.1f", float64(column)*width), fmt.Sprintf("%.1f", float64(columns)*width)})
	}
	type days = []report.Day
	for _, c := range []struct {
		name                    string
		days                    days
		gaps, lines, incomplete string
		summary                 string
	}{
		{"a gap, and a day without findings", days{testDay(5, 0, 4, true), testDay(4, 0, 0, true), testDay(1, 2, 1, true), testDay(0, 2, 1, false)},
			at(24, 2), at(22, 2) + " " + at(26, 2), at(27, 1),
			"Tue 17 Nov to Sun 22 Nov: 0 to 4 matrices needed attention each day · 3 in the newest report · no report on 2 days · incomplete on 1 day"},
		{"today may still get a report", days{testDay(2, 0, 4, true), testDay(1, 0, 4, true)}, "", at(26, 2), "", "Fri 20 Nov to Sat 21 Nov: 4 matrices needed attention each day"},
		{"it stopped three days ago", days{testDay(4, 0, 1, true)}, at(25, 3), at(24, 1), "", "Wed 18 Nov: 1 matrix needed attention each day · no report on 3 days"},
		{"more than a year ago", days{testDay(366, 0, 9, true), testDay(0, 0, 0, true)}, "", at(27, 1), "", "Sun 22 Nov: 0 matrices needed attention each day"},
		{"in the future", days{testDay(0, 0, 2, true), testDay(-1, 0, 9, true)}, "", at(27, 1), "", "Sun 22 Nov: 2 matrices needed attention each day"},
	} {
		chart := newDayChart(c.days, pageNow, english(t))
		texts := func(spans []span) string { return strings.Trim(fmt.Sprint(spans), "[]") }
		if got := texts(chart.Gaps); got != c.gaps {
			t.Errorf("%s: the gaps are %s, want %s", c.name, got, c.gaps)
		}
		if got := texts(chart.Lines); got != c.lines {
			t.Errorf("%s: the axis is %s, want %s", c.name, got, c.lines)
		}
		if got := texts(chart.Incomplete); got != c.incomplete {
			t.Errorf("%s: incomplete are %s, want %s", c.name, got, c.incomplete)
		}
		if chart.Summary != c.summary {
			t.Errorf("%s: %s, want %s", c.name, chart.Summary, c.summary)
		}
	}
	if newDayChart(nil, pageNow, english(t)) != nil || newDayChart([]report.Day{testDay(400, 1, 1, true)}, pageNow, english(t)) != nil {
		t.Error("there is a chart without a day")
	}
}

// The areas are stacked, the worst at the bottom, and in proportion.
func TestDayChartAreas(t *testing.T) {
	chart := newDayChart([]report.Day{testDay(27, 0, 2, true), testDay(26, 1, 3, true), testDay(24, 3, 1, true)}, pageNow, english(t))
	var got []string
	for _, a := range chart.Areas {
		got = append(got, string(a.Severity)+" "+a.Path)
	}
	// The columns are 33.2 wide, a finding is 26 high, and the last column is yesterday.
	want := []string{
		"critical M66.4 130V104H99.6V130H66.4Z" + "M132.9 130V51H166.1V130H132.9Z",
		"notice M33.2 130V77H66.4V25H99.6V104H66.4V130H33.2Z" + "M132.9 51V25H166.1V51H132.9Z",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}

func TestDayChartLabels(t *testing.T) {
	labels := func(days int) (all string) {
		for _, l := range newDayChart([]report.Day{testDay(days-1, 0, 1, true), testDay(0, 0, 1, true)}, pageNow, english(t)).Labels {
			all += l.Text + " "
		}
		return all
	}
	if got := labels(28); got != "26 Oct 2 Nov 9 Nov 16 Nov " {
		t.Errorf("four weeks have the labels %s", got)
	}
	if got := labels(366); got != "Dec Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov " {
		t.Errorf("a year has the labels %s", got)
	}
}

func historyPage(t *testing.T, h report.History, language string) string {
	t.Helper()
	h.GeneratedAt = report.Time{Time: pageNow}
	var b bytes.Buffer
	if err := WriteHistory(&b, h, HistoryOptions{Language: language, Path: "/history", Since: "2026-11-01"}); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// text returns what a reader reads of a page.
func text(page string) string {
	return strings.Join(strings.Fields(html.UnescapeString(visible.ReplaceAllString(page, " "))), " ")
}

func TestHistoryPage(t *testing.T) {
	comparison := report.Compared(pageNow.AddDate(0, 0, -21), pageNow, false, []report.Change{
		{NodeID: "cpn-1", Name: "<i>farm", Region: "cn-hangzhou", Kind: report.New, Reason: report.Failed},
		{NodeID: "cpn-2", Kind: report.Renewed, WasExpiresAt: report.Time{Time: pageNow}, ExpiresAt: report.Time{Time: pageNow.AddDate(0, 1, 0)}},
	})
	full := report.History{
		Days: []report.Day{testDay(9, 1, 4, true), testDay(7, 0, 1200, false), testDay(2, 0, 3, true), testDay(1, 0, 4, true)}, Comparison: &comparison,
		Problems: []report.Problem{{Message: "1 record could not be read"}},
	}
	for _, c := range []struct {
		name, language string
		history        report.History
		want           []string
	}{
		{"in English", "en", full, []string{
			"3 to 1,200 matrices needed attention", "1 record could not be read", "1 new, 1 renewed", "The later report is incomplete", "New · 1 <i>farm cpn-1 cn-hangzhou Creation failed",
			"cpn-2 no region Sun 22 Nov → Tue 22 Dec",
			"Day Need attention critical warning notice Matrices Sat 21 Nov 4 0 0 4 40 Fri 20 Nov 3 0 0 3 40 Mon 16 Nov to Thu 19 Nov no report Sun 15 Nov incomplete report 1,200 0 0 1,200 40 Sat 14 Nov no report Fri 13 Nov 5 1 0 4 40",
		}},
		{"in Chinese", "zh", full, []string{"历史", "5 天没有报告", "已续费（1）", "需处理 紧急 警告 提醒 矩阵总数", "报告不完整"}},
		{"empty", "en", report.History{}, []string{"No report is recorded yet."}},
	} {
		page := historyPage(t, c.history, c.language)
		for _, want := range c.want {
			if got := text(page); !strings.Contains(got, want) {
				t.Errorf("%s: no %q in %s", c.name, want, got)
			}
		}
		wellFormed(t, page)
	}
	if page := historyPage(t, full, "en"); !strings.Contains(page, `href="/history?lang=zh&amp;since=2026-11-01"`) || !strings.Contains(page, `value="2026-11-01"`) {
		t.Error("the page does not keep the day")
	}
}

// The page of a report has the chart, with the patterns once, and a link if there is
// a page to lead to.
func TestPageWithHistory(t *testing.T) {
	days := []report.Day{testDay(2, 1, 4, true), testDay(0, 0, 3, true)}
	for name, findings := range map[string][]*report.Matrix{"with a timeline": {expiring("farm", 2)}, "without": {expiring("farm", 200)}} {
		page := pageOf(t, pageReport(report.Listing{Matrices: findings}), func(o *Options) { o.Daily, o.HistoryURL = days, "/history?lang=en" })
		if n := strings.Count(page, `id="hatch"`); n != 1 {
			t.Errorf("%s: the patterns are there %d times", name, n)
		}
		if !strings.Contains(page, `<a href="/history?lang=en">`) || !strings.Contains(page, `aria-label="Fri 20 Nov to Sun 22 Nov: 3 to 5 matrices`) {
			t.Errorf("%s: no history in %s", name, text(page))
		}
		wellFormed(t, page)
	}
	if page := pageOf(t, pageReport(report.Listing{Matrices: []*report.Matrix{expiring("farm", 2)}})); strings.Contains(page, `id="history"`) {
		t.Error("a page without a history mentions it")
	}
}
