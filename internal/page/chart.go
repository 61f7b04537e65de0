package page

import (
	"maps"
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
	if len(r.Findings) == 0 {
		return nil
	}
	regions, reasons := map[string]*barItem{}, map[string]*barItem{}
	for _, f := range r.Findings {
		for text, items := range map[string]map[string]*barItem{c.Region(message.Clean(f.Region)): regions, reasonText(c, f.Reason, &report.Finding{}): reasons} {
			if items[text] == nil {
				items[text] = &barItem{Text: text}
			}
			items[text].Count++
			items[text].Phones += f.PhoneCount
		}
	}
	return []barChart{
		{"reasons", c.Text("page_reasons"), barItems(reasons)},
		{"regions", c.Text("page_regions"), barItems(regions)},
	}
}

func barItems(counts map[string]*barItem) (items []barItem) {
	most := 1
	for _, text := range slices.Sorted(maps.Keys(counts)) {
		items = append(items, *counts[text])
		most = max(most, counts[text].Count)
	}
	for i := range items {
		items[i].Share = max(1, items[i].Count*100/most)
	}
	slices.SortStableFunc(items, func(a, b barItem) int { return b.Count - a.Count })
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
	Label              *axisLabel
}

type part struct {
	X, Y, Width, Height int
	Severity            report.Severity
}

type axisLabel struct {
	X    int
	Text string
}

const (
	timelineColumns = 31 // at most; with more days a column has several
	timelineWidth   = 930
	barWidth        = 22
	timelineHeight  = 170
	timelineTop     = 24
	labelEvery      = 5
	labelWidth      = 40
)

// newTimeline draws the expiries within the report's days. It returns nil if
// there are none.
func newTimeline(r report.Report, c *locale.Catalog) *timeline {
	columns := min(r.Days+1, timelineColumns)
	counts := make([]map[report.Severity]int, columns)
	for i := range counts {
		counts[i] = map[report.Severity]int{}
	}
	sum := func(i int) (n int) {
		for _, count := range counts[i] {
			n += count
		}
		return n
	}
	most := 0
	for _, f := range r.Findings {
		if f.DaysLeft == nil || *f.DaysLeft < 0 || *f.DaysLeft > r.Days || f.Reason == report.Expired {
			continue
		}
		i := *f.DaysLeft * columns / (r.Days + 1)
		counts[i][f.Severity]++
		most = max(most, sum(i))
	}
	if most == 0 {
		return nil
	}
	width := timelineWidth / columns
	t := &timeline{Width: timelineWidth, Height: timelineHeight + 24, Base: timelineHeight, LabelY: timelineHeight + 17}
	var texts []string
	for i := range columns {
		first := (i*(r.Days+1) + columns - 1) / columns // the first day that falls into the column
		day := c.Date(r.GeneratedAt.AddDate(0, 0, first), r.GeneratedAt.Time)
		col := column{Count: sum(i), Middle: i*width + width/2, Top: timelineHeight}
		for _, s := range report.Severities {
			if n := counts[i][s]; n > 0 {
				height := max(3, n*(timelineHeight-timelineTop)/most)
				col.Top -= height
				col.Parts = append(col.Parts, part{col.Middle - barWidth/2, col.Top, barWidth, height, s})
			}
		}
		col.Top -= 5
		if i%labelEvery == 0 && (i < columns-2 || i == 0) || width > 2*labelWidth {
			text := c.Text("today")
			if i > 0 {
				text = c.Text("page_day", strconv.Itoa(r.GeneratedAt.AddDate(0, 0, first).Day()), c.Text("month_"+strconv.Itoa(int(r.GeneratedAt.AddDate(0, 0, first).Month()))))
			}
			col.Label = &axisLabel{max(col.Middle, 20), text}
		}
		if col.Count > 0 {
			texts = append(texts, day+": "+strconv.Itoa(col.Count))
		}
		t.Columns = append(t.Columns, col)
	}
	t.Description = strings.Join(texts, c.Text("comma"))
	return t
}
