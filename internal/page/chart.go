package page

import (
	"cmp"
	"slices"
	"strconv"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A barChart counts findings by one property, most first.
type barChart struct {
	ID, Title string
	Items     []barItem
}

// A barItem is a bar that leads to the rows that it counts.
type barItem struct {
	Value, Text, URL, Filter string // URL may be empty; Filter is the fragment
	Count, Share, Phones     int    // Share is of the largest, in percent
}

func newBarCharts(r report.Report, o Options, c *locale.Catalog) []barChart {
	reasons := func(f report.Finding) (values []string) {
		for _, reason := range f.Reasons() {
			values = append(values, string(reason))
		}
		return values
	}
	region := func(f report.Finding) []string { return []string{message.Clean(f.Region)} }
	return []barChart{
		{"reasons", c.Text("page_reasons"), barItems(r, o, "reason", reasons, func(v string) string { return message.ReasonName(c, report.Reason(v)) })},
		{"regions", c.Text("page_regions"), barItems(r, o, "region", region, c.Region)},
	}
}

// severityItems counts findings by severity, in the order of the severities.
func severityItems(r report.Report, o Options, c *locale.Catalog) []barItem {
	severity := func(f report.Finding) []string { return []string{string(f.Severity)} }
	items := barItems(r, o, "severity", severity, func(v string) string { return c.Text("page_" + v) })
	slices.SortFunc(items, func(a, b barItem) int {
		return slices.Index(report.Severities, report.Severity(a.Value)) - slices.Index(report.Severities, report.Severity(b.Value))
	})
	return items
}

// barItems counts findings by the values of one filter, most first.
func barItems(r report.Report, o Options, name string, values func(report.Finding) []string, text func(string) string) (items []barItem) {
	index := map[string]int{}
	for _, f := range r.Findings {
		for _, v := range values(f) {
			i, ok := index[v]
			if !ok {
				i = len(items)
				index[v] = i
				items = append(items, barItem{Value: v, Text: text(v), Filter: fragment(name, v)})
			}
			items[i].Count++
			items[i].Phones += f.PhoneCount
		}
	}
	slices.SortFunc(items, func(a, b barItem) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Text, b.Text)) })
	for i := range items {
		items[i].Share = max(1, items[i].Count*100/items[0].Count)
		if items[i].Value != "" {
			items[i].URL = o.Link("html", map[string]string{name: items[i].Value})
		}
	}
	return items
}

// A timeline shows how many matrices expire on each day, a column each, in
// units of the picture.
type timeline struct {
	Width, Height, Base, Room, DayY, MonthY, ColumnWidth int
	Columns                                              []column
}

// A column is a day, or several in a long timeline. It leads to the rows of its
// days.
type column struct {
	Text, URL, Filter      string
	Count, Left, X, Middle int // X is that of the bar
	Top                    int
	Parts                  []part
	Day, Month             string // labels of the axis; Month is empty unless it begins
	from, to               string // the days
}

// A part is what one severity adds to a column.
type part struct {
	Y, Height int
	Severity  report.Severity
}

const (
	maxColumns      = 31
	maxTimelineDays = 100_000
	timelineWidth   = 930
	barWidth        = 22
	timelineHeight  = 170
	timelineTop     = 24
	labelWidth      = 20
	maxColumnWidth  = 60 // so that a phone shows a week without scrolling
)

// inTimeline reports whether a finding expires within the report's days.
func inTimeline(f report.Finding, r report.Report) bool {
	return f.DaysLeft != nil && *f.DaysLeft >= 0 && *f.DaysLeft <= r.Days && f.Reason != report.Expired
}

// newTimeline draws the expiries within the report's days. It returns nil if
// there are none, or if there are too many days, as in a report read from JSON.
func newTimeline(r report.Report, o Options, c *locale.Catalog) *timeline {
	if r.Days < 0 || r.Days > maxTimelineDays {
		return nil
	}
	columns := make([]column, min(r.Days+1, maxColumns))
	counts := make([]map[report.Severity]int, len(columns))
	first := make([]int, len(columns)) // index of the first finding of each
	most := 0
	for index, f := range r.Findings {
		if !inTimeline(f, r) {
			continue
		}
		i := *f.DaysLeft * len(columns) / (r.Days + 1)
		if columns[i].Count == 0 {
			counts[i], first[i] = map[report.Severity]int{}, index
		}
		counts[i][f.Severity]++
		columns[i].Count++
		most = max(most, columns[i].Count)
	}
	if most == 0 {
		return nil
	}
	width, month := min(timelineWidth/len(columns), maxColumnWidth), r.GeneratedAt.Month()
	for i := range columns {
		col := &columns[i]
		dayOf := func(i int) int { return (i*(r.Days+1) + len(columns) - 1) / len(columns) } // the first of a column
		from, to := r.GeneratedAt.AddDate(0, 0, dayOf(i)), r.GeneratedAt.AddDate(0, 0, dayOf(i+1)-1)
		col.Left, col.Middle = i*width, i*width+width/2
		col.X, col.Top = col.Middle-barWidth/2, timelineHeight
		col.from, col.to = from.Format("2006-01-02"), to.Format("2006-01-02")
		col.Text, col.Filter = c.Date(from, r.GeneratedAt.Time), fragment("day", col.from)
		if col.from != col.to {
			col.Text, col.Filter = col.Text+" – "+c.Date(to, r.GeneratedAt.Time), fragment("day", col.from+".."+col.to)
		}
		for _, s := range report.Severities {
			height := 0
			if n := counts[i][s]; n > 0 {
				height = max(3, n*(timelineHeight-timelineTop)/most)
			}
			col.Top -= height
			col.Parts = append(col.Parts, part{col.Top, height, s})
		}
		col.Top -= 5
		col.Day = strconv.Itoa(from.Day())
		switch {
		case i == 0:
			col.Month = c.Text("today")
		case from.Month() != month || width > 2*labelWidth:
			col.Month = c.Text("month_" + strconv.Itoa(int(from.Month())))
		}
		month = from.Month()
		if col.URL = "#" + col.Filter; o.Pages > 1 {
			col.URL = o.Link("html", map[string]string{"page": strconv.Itoa(first[i]/o.PerPage + 1)}) + col.URL
		}
	}
	return &timeline{
		Width: timelineWidth, Height: timelineHeight + 40, Base: timelineHeight, Room: timelineHeight - timelineTop,
		DayY: timelineHeight + 17, MonthY: timelineHeight + 35, ColumnWidth: width, Columns: columns,
	}
}
