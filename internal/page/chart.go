package page

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A barChart counts findings by one property, most first.
type barChart struct {
	ID, Title string
	Items     []barItem
}

type barItem struct {
	Text                 string
	Count, Share, Phones int // Share is of the largest, in percent
}

func newBarCharts(r report.Report, c *locale.Catalog) []barChart {
	return []barChart{
		{"reasons", c.Text("page_reasons"), barItems(r, func(f report.Finding) string { return reasonText(c, f.Reason) })},
		{"regions", c.Text("page_regions"), barItems(r, func(f report.Finding) string { return c.Region(message.Clean(f.Region)) })},
	}
}

func barItems(r report.Report, text func(report.Finding) string) (items []barItem) {
	index := map[string]int{}
	for _, f := range r.Findings {
		text := text(f)
		i, ok := index[text]
		if !ok {
			i = len(items)
			index[text] = i
			items = append(items, barItem{Text: text})
		}
		items[i].Count++
		items[i].Phones += f.PhoneCount
	}
	slices.SortFunc(items, func(a, b barItem) int { return cmp.Or(b.Count-a.Count, cmp.Compare(a.Text, b.Text)) })
	for i := range items {
		items[i].Share = max(1, items[i].Count*100/items[0].Count)
	}
	return items
}

// A timeline shows how many matrices expire on each day, a column each, in
// units of the picture.
type timeline struct {
	Width, Height, Base, LabelY int
	Description                 string
	Columns                     []column
}

type column struct {
	Count, Middle, Top int
	Parts              []part
	Label              string
	LabelX             int
}

type part struct {
	X, Y, Width, Height int
	Severity            report.Severity
}

const (
	timelineWidth  = 930
	barWidth       = 22
	timelineHeight = 170
	timelineTop    = 24
	labelEvery     = 5
	labelWidth     = 40
)

// newTimeline draws the expiries within the report's days. It returns nil if
// there are none.
func newTimeline(r report.Report, c *locale.Catalog) *timeline {
	counts := message.Timeline(r)
	columns := make([]column, len(counts))
	most := 0
	for _, count := range counts {
		most = max(most, count.Count)
	}
	if most == 0 {
		return nil
	}
	width := timelineWidth / len(columns)
	var texts []string
	for i := range columns {
		col := &columns[i]
		day := r.GeneratedAt.AddDate(0, 0, (i*(r.Days+1)+len(columns)-1)/len(columns)) // the first of the column
		col.Count, col.Middle, col.Top = counts[i].Count, i*width+width/2, timelineHeight
		for _, s := range report.Severities {
			if n := counts[i].BySeverity[s]; n > 0 {
				height := max(3, n*(timelineHeight-timelineTop)/most)
				col.Top -= height
				col.Parts = append(col.Parts, part{col.Middle - barWidth/2, col.Top, barWidth, height, s})
			}
		}
		col.Top -= 5
		col.LabelX = max(col.Middle, 20)
		switch {
		case i == 0:
			col.Label = c.Text("today")
		case i%labelEvery == 0 && i < len(columns)-2, width > 2*labelWidth:
			col.Label = c.Text("page_day", strconv.Itoa(day.Day()), c.Text("month_"+strconv.Itoa(int(day.Month()))))
		}
		if col.Count > 0 {
			texts = append(texts, c.Date(day, r.GeneratedAt.Time)+": "+strconv.Itoa(col.Count))
		}
	}
	return &timeline{timelineWidth, timelineHeight + 24, timelineHeight, timelineHeight + 17, strings.Join(texts, c.Text("comma")), columns}
}
