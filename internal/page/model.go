package page

import (
	"html/template"
	"maps"
	"net/url"
	"slices"
	"strconv"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A model is what page.html shows. Texts from outside are cleaned.
type model struct {
	Language, Headline, Tone, When, Next, ConsoleURL string
	Languages                                        []language // the other ones
	Lead, Problems                                   []string
	Age, Days                                        int // seconds since the data was read; days ahead
	Style                                            template.CSS
	Script                                           template.JS
	Urgent                                           []message.Section
	Timeline                                         *timeline
	Severities                                       []item
	Bars                                             []barChart
	All, Complete                                    bool
	Action                                           string
	Hidden                                           []item
	Filters                                          []filter
	Shown, ShownScript, Nothing                      string
	Headers                                          []header
	Rows                                             []row
	Pager, Formats                                   []link
}

type (
	item     struct{ Value, Text string }
	language struct{ URL, Tag, Name string }
	link     struct{ URL, Text string }
	header   struct {
		Text   string
		Number bool
	}
)

func newModel(r report.Report, d *message.Draft, o Options, c *locale.Catalog) model {
	v := d.View
	m := model{
		Language: c.Language(), Headline: d.Title(), Tone: string(v.Severity), When: v.When, ConsoleURL: o.Message.ConsoleURL,
		Age: v.Age, Days: r.Days, All: o.All, Complete: r.Complete, Action: o.Path, Problems: v.Problems,
		Style: style(), Script: script(),
		Lead: newLead(v, c), Urgent: d.Urgent(urgentRows), Timeline: newTimeline(r, c), Bars: newBarCharts(r, c),
		Hidden: newHidden(o), Filters: newFilters(r, o, c), Rows: newRows(r, o, c),
		Languages: newLanguages(o), Pager: newPager(o), Formats: newFormats(o),
	}
	if v.OtherProblems > 0 {
		m.Problems = append(m.Problems, c.Text("other_problems", v.OtherProblems))
	}
	if v.Next != "" {
		m.Next = c.Text("page_next", v.Next, v.NextDate)
	}
	for _, s := range report.Severities {
		m.Severities = append(m.Severities, item{string(s), c.Text("page_" + string(s))})
	}
	for _, id := range []string{"page_severity", "page_matrix", "page_region", "page_reason", "page_expires", "page_phones", "page_owner", "page_type"} {
		m.Headers = append(m.Headers, header{c.Text(id), id == "page_phones"})
	}
	shown := func(n, of string) string {
		if o.Pages > 1 {
			return c.Text("page_shown_of_page", n, of, o.Page, o.Pages)
		}
		return c.Text("page_shown", n, of)
	}
	rows := strconv.Itoa(len(m.Rows))
	m.Shown, m.ShownScript = shown(rows, rows), shown("{shown}", "{total}")
	switch {
	case !r.Complete:
		m.Nothing = c.Text("page_nothing_known")
	case v.NeedingInAll > 0:
		m.Nothing = c.Text("page_nothing_asked")
	default:
		m.Nothing = c.Text("page_nothing")
	}
	return m
}

func newLead(v message.View, c *locale.Catalog) (lead []string) {
	if v.NeedingInAll > 0 {
		lead = append(lead, c.Text("lead_narrowed", v.Needing, v.NeedingInAll, v.Total))
	} else {
		lead = append(lead, c.Text("page_needing", v.Needing, v.Total))
	}
	if v.Listed < v.Total || !v.Complete {
		lead = append(lead, c.Text("page_read", v.Listed))
	}
	if v.Phones > 0 {
		lead = append(lead, c.Text("phones", v.Phones))
	}
	return lead
}

// urgentRows is how many matrices of a critical group the top of the page
// shows; the table has them all.
const urgentRows = 6

func newLanguages(o Options) (others []language) {
	for _, tag := range locale.Languages() {
		c, err := locale.Of(tag)
		if err == nil && tag != o.Message.Language {
			others = append(others, language{with(o, "lang", tag), tag, c.Name()})
		}
	}
	return others
}

func newPager(o Options) (pages []link) {
	if o.Pages < 2 {
		return nil
	}
	for n := 1; n <= o.Pages; n++ {
		l := link{"", strconv.Itoa(n)}
		if n != o.Page {
			l.URL = with(o, "page", l.Text)
		}
		pages = append(pages, l)
	}
	return pages
}

func newFormats(o Options) (formats []link) {
	query := maps.Clone(o.Query)
	maps.DeleteFunc(query, func(name string, _ []string) bool { return name == "format" || name == "page" })
	for _, name := range slices.Sorted(maps.Keys(o.Formats)) {
		formats = append(formats, link{(&url.URL{Path: o.Formats[name], RawQuery: query.Encode()}).String(), name})
	}
	return formats
}

// with returns the page's own address with one parameter changed.
func with(o Options, name, value string) string {
	query := url.Values{}
	maps.Copy(query, o.Query)
	query.Set(name, value)
	return (&url.URL{Path: o.Path, RawQuery: query.Encode()}).String()
}
