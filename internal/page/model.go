package page

import (
	"html/template"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A model is what page.html shows.
type model struct {
	Options
	message.View
	Title      string
	Icon       template.URL
	Language   string
	Languages  []*locale.Catalog // the other ones
	Urgent     []message.UrgentGroup
	Timeline   *timeline
	History    *dayChart
	Severities []barItem
	Bars       []barChart
	Filters    []filter
	Filtered   bool // the query has filters
	Table      []row
	Numbers    []string // of the table's parts
	Formats    []link
}

// A filter is one list of the form.
type filter struct {
	Name    string
	Applied string // what the query chose
	Options []option
}

type option struct{ Value, Text string }

// A link is a name and where it leads.
type link struct{ Name, URL string }

// filterNames are the parameters of the filters. The rows have data attributes of
// the same names.
var filterNames = []string{"severity", "reason", "region", "owner"}

// formats are those that the page links to, with the names that readers know.
var formats = []struct{ name, format string }{{"CSV", "csv"}, {"Markdown", "md"}, {"iCalendar", "ics"}, {"JSON", "json"}}

// urgentRows is how many matrices of a critical group the top of the page shows.
// The table has all of them.
const urgentRows = 6

func newModel(r report.Report, d *message.Draft, o Options, c *locale.Catalog) model {
	m := model{
		Options: o, View: d.View, Title: d.Title, Icon: stateIcon(r), Language: c.Language(),
		Urgent: d.Urgent(urgentRows), Timeline: newTimeline(r, o, c), Severities: severityItems(r, o, c), Bars: newBarCharts(r, o, c),
		Filtered: slices.ContainsFunc(filterNames, o.Query.Has), Filters: newFilters(r, o, c),
	}
	for i := range o.Rows {
		m.Table = append(m.Table, newRow(&o.Rows[i], r, o.Message, c))
	}
	if m.History = newDayChart(o.Daily, r.GeneratedAt.Time, c); m.History != nil {
		m.History.Patterns = m.Timeline == nil
	}
	markDays(m.Table, m.Timeline)
	for n := range o.Pages {
		m.Numbers = append(m.Numbers, strconv.Itoa(n+1))
	}
	for _, tag := range locale.Languages() {
		if other, err := locale.Of(tag); err == nil && tag != m.Language {
			m.Languages = append(m.Languages, other)
		}
	}
	for _, f := range formats {
		if u := o.Link(f.format, nil); u != "" {
			m.Formats = append(m.Formats, link{f.name, u})
		}
	}
	return m
}

// newFilters returns the lists of the form. A signed link may not reveal what it
// does not select, so its page offers the values of its rows. It offers none if the
// table has several pages, as only the server could filter the others.
func newFilters(r report.Report, o Options, c *locale.Catalog) []filter {
	if o.Signed && o.Pages > 1 {
		return nil
	}
	severities, reasons, regions, owners := report.Severities, report.Reasons(), r.Regions, o.Owners
	if o.Signed {
		has := func(match func(report.Finding) bool) bool { return slices.ContainsFunc(o.Rows, match) }
		severities = keep(severities, func(s report.Severity) bool {
			return has(func(f report.Finding) bool { return f.Severity == s })
		})
		reasons = keep(reasons, func(reason report.Reason) bool {
			return has(func(f report.Finding) bool { return slices.Contains(f.Reasons(), reason) })
		})
		regions = keep(regions, func(id string) bool { return has(func(f report.Finding) bool { return f.Region == id }) })
		owners = keep(owners, func(owner string) bool {
			return has(func(f report.Finding) bool { return f.Tags[o.Message.OwnerTag] == owner })
		})
	}
	return []filter{
		newFilter(o, "severity", severities, func(s report.Severity) string { return c.Text("page_" + string(s)) }),
		newFilter(o, "reason", reasons, func(reason report.Reason) string { return message.ReasonName(c, reason) }),
		newFilter(o, "region", regions, c.Region),
		newFilter(o, "owner", owners, strings.Clone),
	}
}

// keep returns the values for which ok returns true.
func keep[T any](values []T, ok func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(values), func(v T) bool { return !ok(v) })
}

func newFilter[T ~string](o Options, name string, values []T, text func(T) string) filter {
	f := filter{Name: name}
	if !o.Signed {
		f.Applied = message.Clean(strings.Join(o.Query[name], ","))
	}
	for _, v := range values {
		v = T(message.Clean(string(v)))
		f.Options = append(f.Options, option{string(v), text(v)})
	}
	return f
}

// stateIcon returns the favicon of a report. That of one without findings is a
// warning unless it is certain.
func stateIcon(r report.Report) template.URL {
	switch {
	case r.Failed():
		return icon(report.Critical)
	case len(r.Findings) > 0:
		return icon(r.Findings[0].Severity)
	case !r.Complete || r.HasWarnings() || r.Listed == 0:
		return icon(report.Warning)
	}
	return icon("")
}

// Local reports whether the script can filter the table by itself: it has every
// row, and the server has left out none that a filter could bring back.
func (m model) Local() bool { return m.Pages == 1 && (m.Signed || !m.Filtered) }

// With returns the URL of the page with one parameter changed.
func (m model) With(name, value string) string { return m.Link("html", map[string]string{name: value}) }

// Unfiltered returns the URL of the page without filters.
func (m model) Unfiltered() string {
	none := map[string]string{}
	for _, name := range filterNames {
		none[name] = ""
	}
	return m.Link("html", none)
}

// Whole returns the URL of the page of all matrices, or of the findings alone if
// the page has all.
func (m model) Whole() string {
	if m.All {
		return m.With("all", "")
	}
	return m.Link("html", map[string]string{"all": "1", "severity": "", "reason": ""})
}

// fragment returns the fragment of an address that filters by one value.
func fragment(name, value string) string { return url.Values{name: {value}}.Encode() }
