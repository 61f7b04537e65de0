// Package message turns a report into a message for a chat or a terminal, in
// any language.
//
// It knows no chat service and no markup. A part is a named template, such as
// "title" or "row". [Compose] renders the parts of templates/message.tmpl, of
// <channel>.tmpl if there is one, and of the operator's own templates. The text of
// a part becomes lines of styled spans ([Line]), which a channel writes in its own
// markup. The fields of the parts are documented at [View] (title, lead and foot),
// [Group] (heading), [Row] (row) and [More] (more). External values are cleaned
// ([Clean]) before a template gets them.
//
// Read message.go (the message and how it is fitted to a limit), view.go (what
// templates use), groups.go and row.go (how findings become rows), templates.go and
// line.go (how templates are parsed and executed), and text.go (the terminal).
package message

import (
	"errors"
	"io/fs"
	"math"
	"slices"
	"sort"
	"sync"
	"text/template"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
	"matrix-expiry-report/templates"
)

// Options control how a report is rendered.
type Options struct {
	Language    string              // one of locale.Languages
	ConsoleURL  string              // where to renew; empty for no link
	ReportURL   string              // the full report; empty for no link
	RequestID   string              // of the run, for a report that failed
	NextRun     time.Time           // for a report that failed; zero if it is not known
	Remembered  int                 // matrices of the last report, for one that failed; 0 if not known
	Age         time.Duration       // since the data was read; shown from one second
	Regions     []string            // the only ones queried; empty for all
	Needing     int                 // findings before the report was filtered; 0 if it was not
	LeftOut     bool                // the findings are those that reports leave out
	Test        bool                // the message is a test, without the report
	Undelivered bool                // the message lists the channels that did not get the report
	OwnerTag    string              // the tag that names a matrix's owner
	Mentions    map[string][]string // ids of people in the chats, by owner
	Templates   fs.FS               // custom templates, by the names of the built-in ones; nil for none
}

// A Message is a rendered report, as much of it as fits.
type Message struct {
	Severity report.Severity // the worst; empty if nothing needs attention
	Failed   bool            // nothing could be read
	Title    string          // plain text
	Lead     []Line
	Groups   []Block
	More     []Line // what was omitted; empty if nothing was
	Foot     []Line
	Mentions []string // ids of the people mentioned in Lead
}

// A Block is a rendered group of findings: its heading and its rows.
type Block struct {
	Severity report.Severity
	Heading  Line
	Rows     []Line
}

// Quiet reports whether nothing needs attention, so that a channel may show the
// message in a compact layout. That of a failed run is not quiet.
func (m Message) Quiet() bool { return m.Severity == "" && !m.Failed }

// lines returns the number of lines of the message.
func (m Message) lines() int {
	n := 1 + len(m.Lead) + len(m.More) + len(m.Foot)
	for _, g := range m.Groups {
		n += 1 + len(g.Rows)
	}
	return n
}

// A Draft is a message that is not yet fitted to the limit of a channel. It is not
// safe for concurrent use.
type Draft struct {
	Title      string // plain text
	View       View   // the fields of the parts title, lead and foot
	message    Message
	groups     []*group
	parts      *template.Template
	err        error // of the first part that failed
	all        bool  // there is no limit of rows
	catalog    *locale.Catalog
	newRow     func([]*report.Finding) Row
	renderRows func()                      // up to 64 KB of them, when first called
	fallback   func(error) (*Draft, error) // to the built-in templates; nil for these
}

// Compose renders r for a channel. The parts in <channel>.tmpl replace those of
// message.tmpl. If a custom template fails, the message is rendered with the
// built-in ones and says so.
func Compose(channel string, r report.Report, o Options) (*Draft, error) {
	c, err := locale.Of(o.Language)
	if err != nil {
		return nil, err
	}
	return compose(channel, r, o, c, false)
}

// compose is Compose, or with all every finding has a row and nothing limits the
// message. A failed run, undelivered reports and tests are never rendered with custom
// templates.
func compose(channel string, r report.Report, o Options, c *locale.Catalog, all bool) (*Draft, error) {
	if o.Templates == nil || r.Failed() || o.Undelivered || o.Test {
		return newDraft(channel, r, o, c, all, templates.Files)
	}
	fallback := func(err error) (*Draft, error) {
		refused := r
		refused.Problems = append(slices.Clip(r.Problems), report.Problem{Code: "TemplateRefused", Message: err.Error()})
		return newDraft(channel, refused, o, c, all, templates.Files)
	}
	d, err := newDraft(channel, r, o, c, all, templates.Files, o.Templates)
	if err != nil {
		return fallback(err)
	}
	d.fallback = fallback
	return d, nil
}

// newDraft executes the parts of the templates in dirs. Those of custom templates
// are all executed, to find out whether they fail.
func newDraft(channel string, r report.Report, o Options, c *locale.Catalog, all bool, dirs ...fs.FS) (*Draft, error) {
	parts, err := parseParts(channel, c, dirs...)
	if err != nil {
		return nil, err
	}
	v, groups := newView(r, o, c)
	d := &Draft{View: v, groups: groups, parts: parts, all: all, catalog: c}
	limit := maxBytes
	if all {
		limit = math.MaxInt
		for _, g := range groups {
			g.rows = each(g.findings)
		}
	} else {
		chooseRows(groups, r, c)
	}
	d.Title = join(d.execute("title", v)).String()
	d.message = Message{
		Severity: v.Severity, Failed: v.Failed, Title: d.Title, Mentions: v.Mentions,
		Lead: d.execute("lead", v), Foot: d.execute("foot", v),
	}
	if d.Title == "" && d.err == nil {
		d.err = errors.New("the part title is empty")
	}
	d.newRow = func(findings []*report.Finding) Row { return newRow(findings, r, o, c) }
	d.renderRows = sync.OnceFunc(func() {
		for _, g := range groups {
			g.heading = join(d.execute("heading", g.Group))
			for _, findings := range g.rows {
				line := join(d.execute("row", d.newRow(findings)))
				if limit -= len(line.String()) + 1; limit < 0 || d.err != nil {
					break
				}
				g.lines = append(g.lines, line)
			}
		}
	})
	if len(dirs) > 1 {
		d.renderRows()
		d.render(0) // for the part more
	}
	return d, d.err
}

// execute returns the lines of a part, or none after an error.
func (d *Draft) execute(part string, data any) (lines []Line) {
	if d.err == nil {
		lines, d.err = execute(d.parts, part, data)
	}
	return lines
}

// An UrgentGroup is a critical group with its first rows.
type UrgentGroup struct {
	Group
	Rows []Row
	More int // matrices that are not in Rows
}

// Urgent returns the critical groups, each with at most the given number of rows,
// for the top of the web page.
func (d *Draft) Urgent(rows int) (urgent []UrgentGroup) {
	for _, g := range d.groups {
		if g.Severity != report.Critical {
			break // critical ones come first
		}
		u := UrgentGroup{Group: g.Group, More: g.Count}
		for _, row := range each(g.findings[:min(len(g.findings), rows)]) {
			u.Rows = append(u.Rows, d.newRow(row))
			u.More--
		}
		urgent = append(urgent, u)
	}
	return urgent
}

// Fit returns the message with as many rows as fits accepts, and with at most 40
// lines. It omits the least urgent rows first, and the message's More counts what
// was omitted.
func (d *Draft) Fit(fits func(Message) bool) (m Message, err error) {
	d.renderRows()
	try := func(rows int) bool {
		m = d.render(rows)
		return d.err == nil && (d.all || m.lines() <= maxLines) && fits(m)
	}
	rows := 0
	for _, g := range d.groups {
		rows += len(g.lines)
	}
	if !try(rows) {
		try(sort.Search(max(0, rows-1), func(i int) bool { return !try(i + 1) }))
	}
	if d.err == nil || d.fallback == nil {
		return m, d.err
	}
	if d, err = d.fallback(d.err); err != nil {
		return m, err
	}
	return d.Fit(fits)
}

// render returns the message with its first rows.
func (d *Draft) render(rows int) Message {
	m := d.message
	more := More{ReportURL: d.View.ReportURL}
	for _, g := range d.groups {
		n := min(rows, len(g.lines))
		rows -= n
		left := g.Count
		for _, findings := range g.rows[:n] {
			left -= len(findings)
		}
		if n > 0 {
			m.Groups = append(m.Groups, Block{g.Severity, g.heading, g.lines[:n:n]})
		}
		if left > 0 {
			more.Count += left
			id, days := g.id, d.catalog.Text("days", g.days)
			if id == string(report.Expiring) {
				id, more.Days = "left_expiring", days
			}
			more.Facts = append(more.Facts, d.catalog.Text("fact_"+id, left, days))
		}
	}
	if len(more.Facts) > 1 {
		more.Days = ""
	}
	if more.Count > 0 {
		m.More = d.execute("more", more)
	}
	return m
}

// CheckCustom returns an error if the custom templates of a channel fail for a
// sample report.
func CheckCustom(channel string, o Options) error {
	c, err := locale.Of(o.Language)
	if err != nil || o.Templates == nil {
		return err
	}
	now := time.Date(2026, time.November, 22, 9, 7, 0, 0, time.UTC)
	sample := report.Build(report.Rules{Days: 30, Location: time.UTC}, report.Listing{
		Matrices: []*report.Matrix{
			{NodeID: "cpn-1", Name: "one", Status: report.StatusFailed, PhoneCount: 25, Tags: map[string]string{o.OwnerTag: "owner"}},
			{NodeID: "cpn-2", Name: "two", Status: report.StatusRunning, PhoneCount: 25, ExpiresAt: report.Time{Time: now.AddDate(0, 0, 2)}},
		},
		Problems: []report.Problem{{Code: "Sample", Message: "a sample", MayHideMatrices: true}},
	}, now)
	_, err = newDraft(channel, sample, o, c, false, templates.Files, o.Templates)
	return err
}
