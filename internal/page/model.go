package page

import (
	"html/template"
	"maps"
	"net/url"
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
	Language   string
	Languages  []*locale.Catalog // the other ones
	Style      template.CSS
	Script     template.JS
	Urgent     []message.Section
	Timeline   *timeline
	Severities []report.Severity
	Bars       []barChart
	Filters    []filter
	Table      []row
	Numbers    []string // of the pages
}

// A filter is one list of the form.
type filter struct {
	Name    string
	Applied string // what the query chose
	Options []option
}

type option struct{ Value, Text string }

// urgentRows is how many matrices of a critical group the top of the page
// shows; the table has them all.
const urgentRows = 6

func newModel(r report.Report, d *message.Draft, o Options, c *locale.Catalog) model {
	m := model{
		Options: o, View: d.View, Title: d.Title(), Language: c.Language(), Style: style(), Script: script(),
		Urgent: d.Urgent(urgentRows), Timeline: newTimeline(r, c), Severities: report.Severities, Bars: newBarCharts(r, c),
		Filters: []filter{
			newFilter(o, "severity", report.Severities, func(s report.Severity) string { return c.Text("page_" + string(s)) }),
			newFilter(o, "reason", report.Reasons(), func(reason report.Reason) string { return reasonText(c, reason) }),
			newFilter(o, "region", r.Regions, c.Region),
			newFilter(o, "owner", o.Owners, strings.Clone),
		},
	}
	for i := range o.Rows {
		m.Table = append(m.Table, newRow(&o.Rows[i], r, o.Message.OwnerTag, c))
	}
	for n := range o.Pages {
		m.Numbers = append(m.Numbers, strconv.Itoa(n+1))
	}
	for _, tag := range locale.Languages() {
		if other, err := locale.Of(tag); err == nil && tag != m.Language {
			m.Languages = append(m.Languages, other)
		}
	}
	return m
}

func newFilter[T ~string](o Options, name string, values []T, text func(T) string) filter {
	f := filter{Name: name, Applied: message.Clean(strings.Join(o.Query[name], ","))}
	for _, v := range values {
		v = T(message.Clean(string(v)))
		f.Options = append(f.Options, option{string(v), text(v)})
	}
	return f
}

// With returns the page's own address with one parameter changed.
func (m model) With(name, value string) string {
	query := url.Values{}
	maps.Copy(query, m.Query)
	query.Set(name, value)
	return (&url.URL{Path: m.Path, RawQuery: query.Encode()}).String()
}

// In returns the address of another format of the page.
func (m model) In(path string) string {
	query := maps.Clone(m.Query)
	query.Del("format")
	query.Del("page")
	return (&url.URL{Path: path, RawQuery: query.Encode()}).String()
}
