// Package message turns a report into words: the message of each chat
// service and the text for a terminal, in every language.
//
// A format is a *.tmpl file here and a line in the table formats: the file may
// redefine any part of message.tmpl. A language is a file in locale, named by
// its tag. What the parts see is documented at [View], [Group], [Row] and
// [More]; every value from outside is made inert for the format before a
// template sees it, so that a template's author cannot forget to.
package message

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sort"
	"strings"
	"sync"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
	"matrix-expiry-report/templates"
)

// Options are what a message holds besides the report.
type Options struct {
	Language    string              // a file of locale; "en" or "zh"
	ConsoleURL  string              // where people renew; empty for no link
	ReportURL   string              // the whole report; empty for no link
	RequestID   string              // told when the run failed
	Age         time.Duration       // since the data was read; told where it is a second or more
	Regions     []string            // that alone were asked for; none for all
	Needing     int                 // findings before the report was narrowed; 0 where it was not
	Test        bool                // no report, but a message that says that it is a test
	Undelivered bool                // not the report, but which channels did not get it
	OwnerTag    string              // the tag that names a matrix's owner
	Mentions    map[string][]string // by owner: ids of people in whatever service; see the table formats
	Own         fs.FS               // templates of the user's, by the names of those here; nil for none
}

// A Message is a report in the markup of one format, in parts, for a channel
// to put into its envelope.
type Message struct {
	Severity report.Severity // the worst; empty when nothing needs anybody
	Failed   bool            // nothing could be read
	Title    string          // plain text: the push notification
	Lead     []string        // lines
	Groups   []RenderedGroup
	More     string // what was left out; empty if nothing
	Foot     string
	Mentions []string // ids of the people that Lead calls
}

// A RenderedGroup is a heading and the rows under it.
type RenderedGroup struct {
	Heading string
	Rows    []string
}

// Quiet tells whether the message is nothing but good news.
func (m Message) Quiet() bool { return m.Severity == "" && !m.Failed }

// A Draft is a message that is not yet cut to what a channel can take.
type Draft struct {
	set      *set
	view     View
	title    string
	lead     []string
	foot     string
	groups   []*group
	mentions []string
	newRow   func(alike []*report.Finding) Row
	rows     map[[2]int]string // that were rendered
}

// Compose renders r for the format. Where the user's own templates cannot be
// used, the message is made from the built-in ones and says so.
func Compose(format string, r report.Report, o Options) (*Draft, error) {
	f, ok := formats[format]
	if !ok {
		return nil, fmt.Errorf("no format %q", format)
	}
	words, err := locale.Of(o.Language)
	if err != nil {
		return nil, err
	}
	if o.Own != nil && !r.Failed() && !o.Undelivered && !o.Test { // whose words are not to be got wrong
		d, err := f.own(format, r, o, words)
		if err == nil && d != nil {
			return d, nil
		}
		if err != nil {
			r.Problems = append(slices.Clone(r.Problems), report.Problem{Code: "TemplateRefused", Message: err.Error()})
		}
	}
	set, err := f.builtIn(format, words)
	if err != nil {
		return nil, err
	}
	return draft(set, f, r, o, words)
}

// own composes with the user's templates, if there are any for the format, and
// tries all that a channel may ask for, so that no mistake shows up later.
func (f format) own(name string, r report.Report, o Options, w *locale.Catalog) (d *Draft, err error) {
	defer func() {
		if p := recover(); p != nil {
			d, err = nil, fmt.Errorf("a template does something that makes no sense: %v", p)
		}
	}()
	from := []source{{templates.Files, "message.tmpl"}, {o.Own, "message.tmpl"}, {templates.Files, name + ".tmpl"}, {o.Own, name + ".tmpl"}}
	if from = slices.DeleteFunc(from, source.absent); len(from) == 2 {
		return nil, nil
	}
	set, err := parseSet(f.functions(w), from...)
	if err != nil {
		return nil, err
	}
	if d, err = draft(set, f, r, o, w); err != nil {
		return nil, err
	}
	m, err := d.cut(maxRows)
	switch {
	case err == nil && m.size() > maxOutputBytes:
		err = errTooMuch
	case err == nil && m.Title == "":
		err = errors.New("the title is empty")
	}
	return d, err
}

// CheckOwn tells what is wrong with the user's templates of a format, if there
// are any.
func CheckOwn(name string, o Options) error {
	w, err := locale.Of(o.Language)
	if err != nil {
		return err
	}
	now := time.Now()
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: time.Hour, Location: time.UTC}
	sample := report.Build(rules, report.Listing{
		Total: 3, Regions: []string{"cn-hangzhou"},
		Matrices: []report.Matrix{
			{NodeID: "cpn-1", Name: "one", Status: report.StatusFailed, PhoneCount: 25, Tags: map[string]string{o.OwnerTag: "owner"}},
			{NodeID: "cpn-2", Name: "two", Status: report.StatusRunning, PhoneCount: 25, ExpiresAt: report.Time{Time: now.AddDate(0, 0, 2)}},
		},
		Problems: []report.Problem{{Code: "Sample", Message: "a sample", MayHideMatrices: true}},
	}, now)
	_, err = formats[name].own(name, sample, o, w)
	return err
}

func (m Message) size() int {
	n := len(m.Title) + len(m.Foot) + len(m.More)
	for _, l := range m.Lead {
		n += len(l)
	}
	for _, g := range m.Groups {
		n += len(g.Heading)
		for _, row := range g.Rows {
			n += len(row)
		}
	}
	return n
}

func draft(set *set, f format, r report.Report, o Options, w *locale.Catalog) (*Draft, error) {
	view, groups := newView(r, o, w, f)
	d := &Draft{set: set, view: view, groups: groups, rows: map[[2]int]string{}}
	d.newRow = func(alike []*report.Finding) Row { return newRow(alike, r, o, w, f.inert) }
	if !o.Test && !o.Undelivered { // which call nobody
		d.mentions = mentioned(r, o, f)
	}
	var err error
	if d.title, err = d.part("title", view); err != nil {
		return nil, err
	}
	d.title = Plain(strings.Join(strings.Fields(d.title), " "))
	lead, err := d.part("lead", view)
	if err != nil {
		return nil, err
	}
	for line := range strings.Lines(lead) {
		if line = strings.TrimSpace(line); line != "" {
			d.lead = append(d.lead, line)
		}
	}
	if d.foot, err = d.part("foot", view); err != nil {
		return nil, err
	}
	return d, nil
}

// Title returns the title as plain text.
func (d *Draft) Title() string { return d.title }

// View returns what the parts title, lead and foot show.
func (d *Draft) View() View { return d.view }

// A Section is a group with the first of its rows.
type Section struct {
	Group
	Rows []Row
}

// Sections returns the groups, each with at most rows of its rows.
func (d *Draft) Sections(rows int) (sections []Section) {
	for _, g := range d.groups {
		s := Section{Group: g.Group}
		for _, alike := range g.rows[:min(len(g.rows), rows)] {
			s.Rows = append(s.Rows, d.newRow(alike))
		}
		sections = append(sections, s)
	}
	return sections
}

func (d *Draft) part(name string, data any) (string, error) {
	text, err := d.set.execute(name, data)
	if err != nil {
		return "", fmt.Errorf("template %s: %w", name, err)
	}
	return strings.TrimSpace(text), nil
}

// maxRows is more than any chat service takes in one message.
const maxRows = 1000

// Fit returns the message with as many rows as fits allows, the least urgent
// left out first, and says what was left out.
func (d *Draft) Fit(fits func(Message) bool) (Message, error) {
	total := 0
	for _, g := range d.groups {
		total += len(g.rows)
	}
	var failed error
	at := func(rows int) Message {
		m, err := d.cut(rows)
		if err != nil {
			failed = err
		}
		return m
	}
	if total <= maxRows {
		if m := at(total); failed != nil || fits(m) {
			return m, failed
		}
	}
	tooMany := 1 + sort.Search(min(total, maxRows)-1, func(rows int) bool { return !fits(at(rows + 1)) })
	return at(tooMany - 1), failed
}

// Whole returns the message with every row.
func (d *Draft) Whole() (Message, error) { return d.cut(-1) }

// cut renders the message with its first rows; -1 is all of them.
func (d *Draft) cut(keep int) (Message, error) {
	m := Message{Severity: d.view.Severity, Failed: d.view.Failed, Title: d.title, Lead: d.lead, Foot: d.foot, Mentions: d.mentions}
	var more More
	for gi, g := range d.groups {
		shown := RenderedGroup{}
		left := g.Count
		for ri, alike := range g.rows {
			if keep == 0 {
				break
			}
			keep--
			left -= len(alike)
			text, err := d.row(gi, ri, alike)
			if err != nil {
				return m, err
			}
			shown.Rows = append(shown.Rows, text)
		}
		if len(shown.Rows) > 0 {
			heading, err := d.part("heading", g.Group)
			if err != nil {
				return m, err
			}
			shown.Heading = heading
			m.Groups = append(m.Groups, shown)
		}
		if left > 0 {
			more.Count += left
			more.Kinds = append(more.Kinds, Kind{Count: left, Title: g.Title})
		}
	}
	if more.Count > 0 {
		var err error
		if m.More, err = d.part("more", more); err != nil {
			return m, err
		}
	}
	return m, nil
}

func (d *Draft) row(gi, ri int, alike []*report.Finding) (string, error) {
	if text, ok := d.rows[[2]int{gi, ri}]; ok {
		return text, nil
	}
	text, err := d.part("row", d.newRow(alike))
	text = strings.ReplaceAll(text, "\n", " ")
	d.rows[[2]int{gi, ri}] = text
	return text, err
}

// parsed templates, by format and language, made when first asked for.
var parsed sync.Map

func (f format) builtIn(name string, w *locale.Catalog) (*set, error) {
	key := [2]string{name, w.Language()}
	if s, ok := parsed.Load(key); ok {
		return s.(*set), nil
	}
	set, err := parseSet(f.functions(w), source{templates.Files, "message.tmpl"}, source{templates.Files, name + ".tmpl"})
	if err != nil {
		return nil, err
	}
	parsed.Store(key, set)
	return set, nil
}

func (f format) functions(w *locale.Catalog) map[string]function {
	return map[string]function{
		"t":    func(a []any) (any, error) { return w.Lookup(a[0].(string), a[1:]...) },
		"bold": func(a []any) (any, error) { return f.bold(a[0].(string)), nil },
		"code": func(a []any) (any, error) { return f.code(a[0].(string)), nil },
		"link": func(a []any) (any, error) { return f.link(a[0].(string), a[1].(string)), nil },
	}
}
