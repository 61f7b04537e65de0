package page

import (
	"fmt"
	"html/template"
	"io"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A dayChart shows how many matrices needed attention on each day, in units of the
// picture: an area for each severity, with a gap for each day without a report.
type dayChart struct {
	Summary                  string // the chart in words
	Width, Height, Top, Base int
	Room, MarkY, LabelY      int // Room is the height of the areas
	Most                     int
	Areas                    []dayArea
	Lines, Gaps, Incomplete  []span // Lines is the axis, below the days with a report
	Labels                   []dayLabel
	Patterns                 bool // no other chart of the page has the patterns of the severities
}

// A dayArea is what one severity adds to the days: the data of a path.
type dayArea struct {
	Severity report.Severity
	Path     string
}

// A span is successive days.
type span struct{ X, Width string }

type dayLabel struct{ X, Text string }

const (
	minChartDays = 28 // so that a day of a short history is not as wide as a month
	maxChartDays = 366
	monthsFrom   = 63 // days; a shorter chart labels weeks
	dayChartBase = 130
	dayChartTop  = 24
)

// newDayChart draws the last year of days, which are in order, until now. It returns
// nil if there are none.
func newDayChart(days []report.Day, now time.Time, c *locale.Catalog) *dayChart {
	days = slices.DeleteFunc(slices.Clone(days), func(d report.Day) bool {
		ago := -d.Date.DaysUntil(now)
		return ago < 0 || ago >= maxChartDays
	})
	if len(days) == 0 {
		return nil
	}
	ago := func(d report.Day) int { return -d.Date.DaysUntil(now) }
	first, last := ago(days[0]), min(1, ago(days[len(days)-1])) // today may still get its report
	count := max(first-last+1, minChartDays)
	x := func(i int) string { return strconv.FormatFloat(float64(i)*timelineWidth/float64(count), 'f', 1, 64) }
	chart := &dayChart{
		Summary: summarizeDays(days, now, last, c), Width: timelineWidth, Height: dayChartBase + 30,
		Top: dayChartTop, Base: dayChartBase, Room: dayChartBase - dayChartTop, MarkY: dayChartBase + 4, LabelY: dayChartBase + 24,
	}
	columns := make([]*report.Day, count) // nil for a day without a report
	for i := range days {
		columns[count-1-(ago(days[i])-last)] = &days[i]
		chart.Most = max(chart.Most, days[i].Findings)
	}
	spans := func(from int, is func(*report.Day) bool) (all []span) {
		for _, r := range runs(columns[from:], is) {
			all = append(all, span{x(from + r[0]), x(r[1] - r[0])})
		}
		return all
	}
	start := count - 1 - (first - last)
	chart.Gaps = spans(start, func(d *report.Day) bool { return d == nil })
	chart.Lines = spans(0, func(d *report.Day) bool { return d != nil })
	chart.Incomplete = spans(0, func(d *report.Day) bool { return d != nil && !d.Complete })
	chart.addAreas(columns, x)
	chart.addLabels(now.AddDate(0, 0, -last-count+1), count, x, c)
	return chart
}

// runs returns the successive elements for which is reports true, each as the first
// index and the one after the last.
func runs(columns []*report.Day, is func(*report.Day) bool) (all [][2]int) {
	for i, d := range columns {
		switch {
		case !is(d):
		case len(all) > 0 && all[len(all)-1][1] == i:
			all[len(all)-1][1]++
		default:
			all = append(all, [2]int{i, i + 1})
		}
	}
	return all
}

// addAreas stacks the severities, the worst at the bottom.
func (chart *dayChart) addAreas(columns []*report.Day, x func(int) string) {
	tops := slices.Repeat([]int{dayChartBase}, len(columns))
	for _, severity := range report.Severities {
		bottoms := slices.Clone(tops)
		found := func(d *report.Day) bool { return d != nil && d.Severities[string(severity)] > 0 }
		var path strings.Builder
		for _, r := range runs(columns, found) {
			fmt.Fprintf(&path, "M%s %d", x(r[0]), bottoms[r[0]])
			for i := r[0]; i < r[1]; i++ {
				tops[i] -= max(3, columns[i].Severities[string(severity)]*(dayChartBase-dayChartTop)/chart.Most)
				fmt.Fprintf(&path, "V%dH%s", tops[i], x(i+1))
			}
			for i := r[1] - 1; i >= r[0]; i-- {
				fmt.Fprintf(&path, "V%dH%s", bottoms[i], x(i))
			}
			path.WriteByte('Z')
		}
		if path.Len() > 0 {
			chart.Areas = append(chart.Areas, dayArea{severity, path.String()})
		}
	}
}

// addLabels labels the first day of each month, or each week of a short chart.
func (chart *dayChart) addLabels(first time.Time, count int, x func(int) string, c *locale.Catalog) {
	for i := range count {
		switch day := first.AddDate(0, 0, i); {
		case count >= monthsFrom && day.Day() == 1 && i < count-7:
			chart.Labels = append(chart.Labels, dayLabel{x(i), c.Text("month_" + strconv.Itoa(int(day.Month())))})
		case count < monthsFrom && i%7 == 0:
			chart.Labels = append(chart.Labels, dayLabel{x(i), dayText(c, day)})
		}
	}
}

// dayText returns a day without its weekday and year.
func dayText(c *locale.Catalog, t time.Time) string {
	return c.Text("day", strconv.Itoa(t.Day()), c.Text("month_"+strconv.Itoa(int(t.Month()))))
}

// summarizeDays returns the chart in words. The last of the days is so many days
// ago, unless it has no report.
func summarizeDays(days []report.Day, now time.Time, last int, c *locale.Catalog) string {
	least, most, incomplete := days[0].Findings, 0, 0
	for _, d := range days {
		least, most = min(least, d.Findings), max(most, d.Findings)
		if !d.Complete {
			incomplete++
		}
	}
	newest := days[len(days)-1]
	period := daysText(days[0].Date, newest.Date, now, c)
	parts := []string{c.Text("history_range", most, period, least), c.Text("history_newest", newest.Findings)}
	if least == most {
		parts = []string{c.Text("history_same", most, period)}
	}
	if gaps := -days[0].Date.DaysUntil(now) - last + 1 - len(days); gaps > 0 {
		parts = append(parts, c.Text("history_gaps", gaps))
	}
	if incomplete > 0 {
		parts = append(parts, c.Text("history_incomplete", incomplete))
	}
	return strings.Join(parts, " · ")
}

// daysText returns a day, or the first and the last of several.
func daysText(first, last report.Date, now time.Time, c *locale.Catalog) string {
	if first == last {
		return c.Date(first.Time(), now)
	}
	return c.Text("from_to", c.Date(first.Time(), now), c.Date(last.Time(), now))
}

// HistoryOptions control the page of a history.
type HistoryOptions struct {
	Language string
	Path     string // of the request
	Since    string // the day that was requested; may be empty
}

// A languageLink leads to the page in another language.
type languageLink struct {
	*locale.Catalog
	URL string
}

// A dayRow is a day of the table, or several without a report.
type dayRow struct {
	Text string
	*report.Day
}

// WriteHistory writes h as a page.
func WriteHistory(w io.Writer, h report.History, o HistoryOptions) error {
	c, err := locale.Of(o.Language)
	if err != nil {
		return err
	}
	now := h.GeneratedAt.Time
	m := struct {
		HistoryOptions
		Title, When string
		Icon        template.URL
		Others      []languageLink
		Chart       *dayChart
		Severities  []report.Severity
		Rows        []dayRow
		Lead        []string
		Changes     []message.ChangeGroup
		Problems    []string
	}{
		HistoryOptions: o, Title: c.Text("page_history"), When: c.DateTime(now), Icon: icon(""),
		Chart: newDayChart(h.Days, now, c), Severities: report.Severities, Rows: dayRows(h.Days, now, c),
	}
	m.Language = c.Language()
	for _, tag := range locale.Languages() {
		if other, err := locale.Of(tag); err == nil && tag != m.Language {
			query := url.Values{"lang": {tag}}
			if o.Since != "" {
				query.Set("since", o.Since)
			}
			m.Others = append(m.Others, languageLink{other, o.Path + "?" + query.Encode()})
		}
	}
	if m.Chart != nil {
		m.Chart.Patterns = true
	}
	if h.Comparison != nil {
		m.Lead, m.Changes = message.ComparisonLead(c, *h.Comparison), message.ChangeGroups(c, *h.Comparison)
	}
	for _, p := range h.Problems {
		m.Problems = append(m.Problems, message.Clean(p.Message))
	}
	return execute(w, "history.html", c, m)
}

// dayRows returns the rows of a table of days, the newest first. Days without a
// report in between share a row.
func dayRows(days []report.Day, now time.Time, c *locale.Catalog) (rows []dayRow) {
	for i := range slices.Backward(days) {
		rows = append(rows, dayRow{c.Date(days[i].Date.Time(), now), &days[i]})
		if i == 0 {
			break
		}
		before, after := days[i-1].Date.AddDays(1), days[i].Date.AddDays(-1)
		if !before.Time().After(after.Time()) {
			rows = append(rows, dayRow{Text: daysText(before, after, now, c)})
		}
	}
	return rows
}
