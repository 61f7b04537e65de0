package page

import (
	"html/template"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

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
	Severities []report.Severity
	Bars       []barChart
	Filters    []filter
	Table      []row
	Numbers    []string // of the table's pages
}

// A filter is one list of the form.
type filter struct {
	Name    string
	Applied string // what the query chose
	Options []option
}

type option struct{ Value, Text string }

// urgentRows is how many matrices of a critical group the top of the page shows.
// The table has all of them.
const urgentRows = 6

func newModel(r report.Report, d *message.Draft, o Options, c *locale.Catalog) model {
	m := model{
		Options: o, View: d.View, Title: d.Title, Icon: stateIcon(r), Language: c.Language(),
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

// stateIcon returns the favicon of a report. That of one without findings is a
// warning unless the report is certain.
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

// With returns the URL of the page with one parameter changed.
func (m model) With(name, value string) string {
	query := url.Values{}
	maps.Copy(query, m.Query)
	query.Set(name, value)
	return (&url.URL{Path: m.Path, RawQuery: query.Encode()}).String()
}

// In returns the URL of the page in another format.
func (m model) In(path string) string {
	query := maps.Clone(m.Query)
	query.Del("format")
	query.Del("page")
	return (&url.URL{Path: path, RawQuery: query.Encode()}).String()
}

// A row is one matrix of the table. Rank and At are what the script sorts by.
type row struct {
	Name, ID, Region, Owner, Type, Severity, SeverityText, Why, Since, Also, Expires, Distance string
	Reasons                                                                                    []report.Reason
	Rank, Phones                                                                               int
	At                                                                                         int64
}

// noExpiry is the At of a matrix without an expiry: it sorts last.
const noExpiry = 1 << 40

func newRow(f *report.Finding, r report.Report, ownerTag string, c *locale.Catalog) row {
	now := r.GeneratedAt.Time
	row := row{
		Name: message.Name(f.Matrix), ID: message.Clean(f.NodeID), Region: message.Clean(f.Region), Phones: f.PhoneCount,
		Owner: message.Clean(f.Tags[ownerTag]), Type: message.Clean(f.ServerType + " " + f.InstanceType),
		Severity: string(f.Severity), Rank: slices.Index(report.Severities, f.Severity), At: noExpiry, Expires: c.Text("date_unknown"),
	}
	switch t := f.ExpiresAt; {
	case t.IsZero():
	case t.IsNever():
		row.Expires = c.Text("never")
	default:
		row.At, row.Expires = t.Unix(), c.Date(t.Time, now)+t.Format(" 15:04")
		row.Distance = c.Distance(report.DaysBetween(now, t.Time, now.Location()))
	}
	if f.Reason == "" {
		row.Severity, row.SeverityText, row.Rank, row.Why = "fine", c.Text("page_fine"), len(report.Severities), message.Clean(f.Status)
		return row
	}
	row.SeverityText = c.Text("page_" + row.Severity)
	primary := r.PrimaryReason(*f)
	row.Why = reasonOf(c, primary, f)
	if primary == report.Failed || primary == report.Stuck { // the date of the failure differs from the expiry
		row.Since = message.Why(c, primary, f, true, now)
	}
	row.Reasons = append([]report.Reason{f.Reason}, f.OtherReasons...)
	var also []string
	for _, reason := range row.Reasons {
		if reason != primary {
			also = append(also, reasonOf(c, reason, f))
		}
	}
	row.Also = strings.Join(also, c.Text("comma"))
	return row
}

// reasonOf returns the text of a reason of a finding without its date, which has a
// column of its own.
func reasonOf(c *locale.Catalog, reason report.Reason, f *report.Finding) string {
	if reason == report.UnknownStatus || reason == report.NoExpiry && f.ExpiresRaw != "" {
		return message.Why(c, reason, f, true, time.Time{})
	}
	return reasonText(c, reason)
}

// reasonText names a reason.
func reasonText(c *locale.Catalog, reason report.Reason) string {
	if reason == report.Expiring {
		return c.Text("page_expiring")
	}
	return c.Text("heading_" + string(reason))
}
