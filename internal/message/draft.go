package message

import (
	"errors"
	"io/fs"
	"slices"
	"sort"
	"text/template"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
	"matrix-expiry-report/templates"
)

// A Draft is a message that is not yet fitted to what a channel accepts. Its
// rows are rendered, up to 64 KB of them.
type Draft struct {
	View     View    // what the parts title, lead and foot show
	message  Message // without groups
	groups   []*group
	parts    *template.Template
	newRow   func(alike []*report.Finding) Row
	fallback func(error) (*Draft, error) // to the built-in templates; nil for these
}

// Compose renders r for a channel: with <channel>.tmpl where it differs from
// message.tmpl. If custom templates fail, the message is made from the built-in
// ones and says so.
func Compose(channel string, r report.Report, o Options) (*Draft, error) {
	c, err := locale.Of(o.Language)
	if err != nil {
		return nil, err
	}
	return compose(channel, r, o, c, maxBytes)
}

// compose is Compose with at most limit bytes of rows. A failed run, undelivered
// reports and tests are never rendered with custom templates.
func compose(channel string, r report.Report, o Options, c *locale.Catalog, limit int) (*Draft, error) {
	if o.Templates == nil || r.Failed() || o.Undelivered || o.Test {
		return newDraft(channel, r, o, c, limit, templates.Files)
	}
	fallback := func(err error) (*Draft, error) {
		refused := r
		refused.Problems = append(slices.Clip(r.Problems), report.Problem{Code: "TemplateRefused", Message: err.Error()})
		return newDraft(channel, refused, o, c, limit, templates.Files)
	}
	d, err := newDraft(channel, r, o, c, limit, templates.Files, o.Templates)
	if err != nil {
		return fallback(err)
	}
	d.fallback = fallback
	return d, nil
}

// newDraft executes every part of the templates in dirs.
func newDraft(channel string, r report.Report, o Options, c *locale.Catalog, limit int, dirs ...fs.FS) (*Draft, error) {
	parts, err := parseParts(channel, c, dirs...)
	if err != nil {
		return nil, err
	}
	execute := func(part string, data any) (lines []Line) {
		if err == nil {
			lines, err = execute(parts, part, data)
		}
		return lines
	}
	v, groups := newView(r, o, c)
	d := &Draft{View: v, groups: groups, parts: parts}
	d.newRow = func(alike []*report.Finding) Row { return newRow(alike, r, o, c) }
	d.message = Message{Severity: v.Severity, Failed: v.Failed, Mentions: v.Mentions, Lead: execute("lead", v), Foot: execute("foot", v)}
	if d.message.Title = join(execute("title", v)).String(); d.message.Title == "" && err == nil {
		err = errors.New("the part title is empty")
	}
	for _, g := range groups {
		g.heading = join(execute("heading", g.Group))
		for _, alike := range g.rows {
			line := join(execute("row", d.newRow(alike)))
			if limit -= len(line.String()) + 1; limit < 0 || err != nil {
				break
			}
			g.lines = append(g.lines, line)
		}
	}
	if err == nil {
		_, err = d.render(0) // for the part more
	}
	return d, err
}

// Title returns the title as plain text.
func (d *Draft) Title() string { return d.message.Title }

// A Section is a group with the first of its rows.
type Section struct {
	Group
	Rows []Row
	More int // matrices that are not in Rows
}

// Urgent returns the critical groups, each with at most rows of its rows.
func (d *Draft) Urgent(rows int) (sections []Section) {
	for _, g := range d.groups {
		if g.Severity != report.Critical {
			break // critical ones come first
		}
		s := Section{Group: g.Group, More: g.Count}
		for _, alike := range g.rows[:min(len(g.rows), rows)] {
			s.Rows = append(s.Rows, d.newRow(alike))
			s.More -= len(alike)
		}
		sections = append(sections, s)
	}
	return sections
}

// Fit returns the message with as many rows as fits allows. It leaves out the
// least urgent ones first, and More says what was left out.
func (d *Draft) Fit(fits func(Message) bool) (Message, error) {
	m, err := d.fit(fits)
	if err == nil || d.fallback == nil {
		return m, err
	}
	if d, err = d.fallback(err); err != nil {
		return Message{}, err
	}
	return d.fit(fits)
}

func (d *Draft) fit(fits func(Message) bool) (Message, error) {
	rows := 0
	for _, g := range d.groups {
		rows += len(g.lines)
	}
	m, err := d.render(rows)
	if err != nil || rows == 0 || fits(m) {
		return m, err
	}
	tooMany := 1 + sort.Search(rows-1, func(i int) bool {
		m, e := d.render(i + 1)
		if e != nil {
			err = e
		}
		return !fits(m)
	})
	if err != nil {
		return Message{}, err
	}
	return d.render(tooMany - 1)
}

// render returns the message with its first rows.
func (d *Draft) render(rows int) (m Message, err error) {
	m = d.message
	var more More
	for _, g := range d.groups {
		n := min(rows, len(g.lines))
		rows -= n
		left := g.Count
		for _, alike := range g.rows[:n] {
			left -= len(alike)
		}
		if n > 0 {
			m.Groups = append(m.Groups, Block{g.Severity, g.heading, g.lines[:n:n]})
		}
		if left > 0 {
			more.Count += left
			more.Kinds = append(more.Kinds, Kind{Count: left, Title: g.Title})
		}
	}
	if more.Count > 0 {
		m.More, err = execute(d.parts, "more", more)
	}
	return m, err
}

// CheckCustom returns an error if the custom templates of a channel fail for a
// sample report.
func CheckCustom(channel string, o Options) error {
	c, err := locale.Of(o.Language)
	if err != nil || o.Templates == nil {
		return err
	}
	now := time.Date(2026, time.November, 22, 9, 7, 0, 0, time.UTC)
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: time.Hour, Location: time.UTC}
	sample := report.Build(rules, report.Listing{
		Total: 3, Regions: []string{"cn-hangzhou"},
		Matrices: []report.Matrix{
			{NodeID: "cpn-1", Name: "one", Status: report.StatusFailed, PhoneCount: 25, Tags: map[string]string{o.OwnerTag: "owner"}},
			{NodeID: "cpn-2", Name: "two", Status: report.StatusRunning, PhoneCount: 25, ExpiresAt: report.Time{Time: now.AddDate(0, 0, 2)}},
		},
		Problems: []report.Problem{{Code: "Sample", Message: "a sample", MayHideMatrices: true}},
	}, now)
	_, err = newDraft(channel, sample, o, c, maxBytes, templates.Files, o.Templates)
	return err
}
