package message

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// composed returns a message of a chat, with at most so many rows.
func composed(t *testing.T, r report.Report, o Options, rows int) Message {
	t.Helper()
	o.OwnerTag, o.Language = "owner", cmp.Or(o.Language, locale.Default)
	d, err := Compose("x", r, o)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Fit(func(m Message) bool {
		n := 0
		for _, g := range m.Groups {
			n += len(g.Rows)
		}
		return n <= rows
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// fleet returns so many matrices for each number of days, named after prefix.
func fleet(prefix string, matrices int, days ...int) (all []*report.Matrix) {
	for _, d := range days {
		for range matrices {
			m := expiring(fmt.Sprintf("%s-%02d", prefix, len(all)+1), d)
			m.ExpiresAt.Time = m.ExpiresAt.Add(time.Hour)
			all = append(all, m)
		}
	}
	return all
}

// Up to 25 findings have a row each. Of more, the first 25 critical ones have one,
// then the others by date with their names, then the warnings while lines remain, and
// then the notices in one row.
func TestRowsOfLongReports(t *testing.T) {
	for name, c := range map[string]struct {
		matrices []*report.Matrix
		o        Options
		rows     int
		last     string // row
		more     string
		zhLast   string
		zhMore   string
	}{
		"25 notices": {fleet("n", 5, 10, 11, 12, 13, 14), Options{}, 25,
			"n-25 · cn-hangzhou · Sun 6 Dec 10:07, in 14 days · 25 phones · team-a · cpn-n-25", "",
			"n-25 · 杭州 · 12月6日 周日 10:07（还有 14 天） · 25 部云手机 · team-a · cpn-n-25", ""},
		"26 notices": {fleet("n", 13, 16, 23), Options{}, 1,
			"8 Dec 13 · 15 Dec 13", "", "12月8日 13 台 · 12月15日 13 台", ""},
		"next year": {append(fleet("n", 25, 9), fleet("y", 1, 50)...), Options{}, 1,
			"1 Dec 25 · 11 Jan 1", "", "12月1日 25 台 · 1月11日 1 台", ""},
		"26 critical": {fleet("prod-hz", 26, 2), Options{}, 26,
			"prod-hz-26 · cn-hangzhou · Tue 24 Nov 10:07, in 2 days · 25 phones · team-a · cpn-prod-hz-26", "",
			"prod-hz-26 · 杭州 · 11月24日 周二 10:07（还有 2 天） · 25 部云手机 · team-a · cpn-prod-hz-26", ""},
		"100 critical": {fleet("prod-hz", 100, 2), Options{}, 26,
			"prod-hz-25, prod-hz-26, prod-hz-27 and 72 more · cn-hangzhou · Tue 24 Nov 10:07, in 2 days · 1,875 phones · team-a", "",
			"prod-hz-25、prod-hz-26、prod-hz-27 等 75 台 · 杭州 · 11月24日 周二 10:07（还有 2 天） · 1,875 部云手机 · team-a", ""},
		"two critical groups": {append(fleet("gone", 20, -2), fleet("c", 20, 2)...), Options{}, 26,
			"c-06, c-07, c-08 and 12 more · cn-hangzhou · Tue 24 Nov 10:07, in 2 days · 375 phones · team-a", "",
			"c-06、c-07、c-08 等 15 台 · 杭州 · 11月24日 周二 10:07（还有 2 天） · 375 部云手机 · team-a", ""},
		"critical on many dates": {append(fleet("gone", 5, -12, -11, -10, -9, -8, -7, -6, -5, -4, -3, -2, -1), fleet("c", 10, 1, 2)...), Options{}, 27,
			"c-01, c-02, c-03 and 17 more · cn-hangzhou · 500 phones · team-a", "",
			"c-01、c-02、c-03 等 20 台 · 杭州 · 500 部云手机 · team-a", ""},
		// 25 rows, one for the last of the second day, one for the third day, and six warnings
		"299": {slices.Concat(fleet("c", 13, 1, 2, 3), fleet("w", 38, 5), fleet("n", 6, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29, 30), fleet("m", 84, 20)), Options{}, 33,
			"w-06 · cn-hangzhou · Fri 27 Nov 10:07, in 5 days · 25 phones · team-a · cpn-w-06", "and 254 more: 32 within 7 days, 222 within 30 days",
			"w-06 · 杭州 · 11月27日 周五 10:07（还有 5 天） · 25 部云手机 · team-a · cpn-w-06", "另有 254 台：7 天内到期 32 台，30 天内到期 222 台"},
		"full report": {slices.Concat(fleet("w", 34, 5), fleet("n", 7, 8, 9, 10, 11, 12, 13, 14)), Options{ReportURL: "https://r.example/"}, 34,
			"w-34 · cn-hangzhou · Fri 27 Nov 10:07, in 5 days · 25 phones · team-a · cpn-w-34", "and 49 more, all within 30 days · Full report",
			"w-34 · 杭州 · 11月27日 周五 10:07（还有 5 天） · 25 部云手机 · team-a · cpn-w-34", "另有 49 台，均在 30 天内到期 · 完整报告"},
	} {
		for language, want := range map[string][2]string{"en": {c.last, c.more}, "zh": {c.zhLast, c.zhMore}} {
			rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, Location: testNow.Location()}
			if name == "next year" {
				rules.Days = 60
			}
			r := report.Build(rules, report.Listing{Matrices: c.matrices}, testNow)
			r.Findings = slices.Clone(r.Findings)
			c.o.Language = language
			m := composed(t, r, c.o, maxLines)
			var rows []Line
			for _, g := range m.Groups {
				rows = append(rows, g.Rows...)
			}
			if len(rows) != c.rows || rows[len(rows)-1].String() != want[0] || join(m.More).String() != want[1] {
				t.Errorf("%s, %s: %d rows, want %d, the last\n%s\n%s\nand more\n%s\n%s", name, language, len(rows), c.rows, rows[len(rows)-1], want[0], join(m.More), want[1])
			}
		}
	}
}

// Rows that are shared have a reason and a date in common, and what else is the
// same for all of their matrices.
func TestSharedRows(t *testing.T) {
	var l report.Listing
	for i := range 40 {
		m := &report.Matrix{NodeID: fmt.Sprintf("cpn-%02d", i), Region: "cn-hangzhou", Status: report.StatusFailed, CreatedAt: report.Time{Time: testNow.AddDate(0, 0, -i/10)}}
		if i == 39 {
			m.Region = "cn-shanghai"
		}
		l.Matrices = append(l.Matrices, m)
	}
	m := composed(t, testReport(l), Options{}, maxLines)
	if rows := m.Groups[0].Rows; len(m.Groups) != 1 || len(rows) != 27 ||
		rows[25].String() != "cpn-25, cpn-26, cpn-27 and 2 more · cn-hangzhou · Fri 20 Nov, 2 days ago · 0 phones" ||
		rows[26].String() != "cpn-30, cpn-31, cpn-32 and 7 more · Thu 19 Nov, 3 days ago · 0 phones" {
		t.Errorf("got\n%s", text(m))
	}
}

// The day on which the most matrices expire is shown unless it is today, the only
// one, or one of several.
func TestBusiest(t *testing.T) {
	for _, c := range []struct {
		matrices []*report.Matrix
		en, zh   string
	}{
		{slices.Concat(fleet("a", 4, 9), fleet("b", 3, 2)), "Busiest: Tue 1 Dec, 4", "最集中：12月1日 周二，4 台"},
		{slices.Concat(fleet("a", 3, 9), fleet("b", 3, 2)), "", ""},
		{slices.Concat(fleet("a", 3, 9), fleet("b", 4, 2, 4)), "", ""},
		{slices.Concat(fleet("a", 3, 9), fleet("b", 4, 0)), "", ""},
		{slices.Concat(fleet("a", 2, 9), fleet("b", 2, 2)), "", ""},
		{fleet("a", 9, 9), "", ""},
		{append(fleet("a", 9, -9), fleet("b", 1, 2)...), "", ""},
	} {
		for language, want := range map[string]string{"en": c.en, "zh": c.zh} {
			m := composed(t, testReport(report.Listing{Matrices: c.matrices}), Options{Language: language}, maxLines)
			got := ""
			if len(m.Lead) > 1 {
				got = m.Lead[len(m.Lead)-1].String()
			}
			if got != want {
				t.Errorf("%s: got %q, want %q", language, got, want)
			}
		}
	}
}

// randomReport returns a report of n findings of every kind.
func randomReport(rng *rand.Rand, n int) (report.Report, Options) {
	l := report.Listing{}
	span := 1 + rng.IntN(40) // of days, some of which have many
	kinds := 1 + rng.IntN(20)
	for i := range n {
		m := expiring(fmt.Sprintf("m-%04d", i), 0)
		m.ExpiresAt.Time = testNow.Add(time.Duration(1+rng.IntN(span)*24) * time.Hour)
		m.Region = []string{"cn-hangzhou", "cn-shanghai"}[rng.IntN(2)]
		past := report.Time{Time: testNow.AddDate(0, 0, -2-rng.IntN(60))}
		switch rng.IntN(kinds) {
		case 1:
			m.ExpiresAt = past
		case 2:
			m.Status, m.CreatedAt = report.StatusFailed, past
		case 3:
			m.Status, m.CreatedAt = report.StatusCreating, past
		case 4:
			m.ExpiresAt = report.Time{}
		case 5:
			m.Status, m.ExpiresAt.Time = "NEW", testNow.AddDate(1, 0, 0)
		case 6:
			m.BandwidthStatus, m.ExpiresAt.Time = "2", testNow.AddDate(1, 0, 0)
		case 7:
			m.ExpiresAt.Time = time.Date(2026, 11, 23, 0, 0, 0, 0, testNow.Location())
		}
		l.Matrices = append(l.Matrices, m)
	}
	for i := range rng.IntN(2) * rng.IntN(9) {
		l.Problems = append(l.Problems, report.Problem{Endpoint: "e", Region: fmt.Sprint("region-", i), Code: fmt.Sprint("Code", i), MayHideMatrices: true})
	}
	days := []int{3, 30, 60, 365, 3650}[rng.IntN(5)]
	rules := report.Rules{Days: max(days, span), Thresholds: report.Thresholds{CriticalDays: rng.IntN(4), WarningDays: 3 + rng.IntN(10)}, StuckAfter: time.Hour, Location: testNow.Location()}
	o := Options{ReportURL: "https://r.example/", Mentions: map[string][]string{"team-a": {"ada"}}}
	return report.Build(rules, l, testNow), o
}

// numbers matches the numbers of a message in one language.
type numbers struct{ fact, heading, names, date, more *regexp.Regexp }

var numbersOf = map[string]numbers{
	"en": {regexp.MustCompile(`(?:^|, |: |least )([\d,]+) `), regexp.MustCompile(` · ([\d,]+)$`), regexp.MustCompile(` and ([\d,]+) more$`), regexp.MustCompile(`([\d,]+)(?: · |$)`), regexp.MustCompile(`^and ([\d,]+) more`)},
	"zh": {regexp.MustCompile(`([\d,]+) 台`), regexp.MustCompile(`（([\d,]+)）$`), regexp.MustCompile(` 等 ([\d,]+) 台$`), regexp.MustCompile(`([\d,]+) 台`), regexp.MustCompile(`^另有 ([\d,]+) 台`)},
}

// sum returns the sum of the numbers that re matches.
func sum(re *regexp.Regexp, s string) (total int) {
	for _, m := range re.FindAllStringSubmatch(s, -1) {
		n, _ := strconv.Atoi(strings.ReplaceAll(m[1], ",", ""))
		total += n
	}
	return total
}

// matricesIn returns how many matrices a row shows.
func (n numbers) matricesIn(row Line, separator string) int {
	if row[0].Style != Bold {
		return sum(n.date, row.String())
	}
	names := len(strings.Split(row[0].Text, separator))
	if m := n.names.FindString(row[0].Text); m == "" {
		return names
	} else if strings.Contains(m, "more") {
		return names + sum(n.names, row[0].Text)
	}
	return sum(n.names, row[0].Text)
}

// Whatever the report, a message has at most 40 lines, and the numbers in title,
// headings, rows and the line about the rest agree.
func TestNumbersAddUp(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for i := range 150 {
		n := []int{0, 1, 2, 25, 26, 300, 1 + rng.IntN(60), 1 + rng.IntN(600)}[rng.IntN(8)]
		if i < 2 {
			n = 5000
		}
		r, o := randomReport(rng, n)
		for _, o.Language = range locale.Languages() {
			c, err := locale.Of(o.Language)
			if err != nil {
				t.Fatal(err)
			}
			limit := maxLines
			if rng.IntN(3) == 0 {
				limit = rng.IntN(maxLines)
			}
			m := composed(t, r, o, limit)
			if lines := strings.Count(text(m), "\n"); lines > 40 {
				t.Errorf("%d lines in\n%s", lines, text(m))
			}
			num := numbersOf[o.Language]
			_, title, _ := strings.Cut(m.Title, " ")
			title, _, _ = strings.Cut(strings.Replace(title, "；", ";", 1), ";")
			if got := sum(num.fact, title); len(r.Findings) > 1 && got != len(r.Findings) {
				t.Errorf("the title counts %d of %d findings: %s", got, len(r.Findings), title)
			}
			rows, more := 0, join(m.More).String()
			left := sum(num.more, more)
			for _, g := range m.Groups {
				inGroup := 0
				for _, row := range g.Rows {
					inGroup += num.matricesIn(row, c.Text("list_comma"))
				}
				heading := sum(num.heading, g.Heading.String())
				if inGroup > heading || inGroup < heading && left == 0 {
					t.Errorf("the heading %s has %d matrices:\n%s", g.Heading, inGroup, text(m))
				}
				rows += inGroup
			}
			if rows+left != len(r.Findings) {
				t.Errorf("%d in rows and %d more of %d:\n%s", rows, left, len(r.Findings), text(m))
			}
			_, facts, ok := strings.Cut(strings.Replace(more, "：", ": ", 1), ": ")
			if got := sum(num.fact, facts); ok && got != left {
				t.Errorf("%d do not add up to %d: %s", got, left, more)
			}
			if limit == maxLines && len(r.Findings) <= 25 && len(m.Groups) < 5 && len(r.Problems) == 0 && left > 0 {
				t.Errorf("%d of only %d findings have no row:\n%s", left, len(r.Findings), text(m))
			}
		}
	}
}
