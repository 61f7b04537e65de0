// Package message turns a report into a message for a chat or a terminal, in
// any language.
//
// It knows no chat service and no markup. [Compose] renders the parts of
// templates/message.tmpl, of <channel>.tmpl where there is one, and of an
// operator's own templates. Each part becomes lines of runs ([Line]), which a
// channel writes in its own markup. What a part can use is documented at
// [View], [Group], [Row] and [More]; values from outside are cleaned ([Clean])
// before a template gets them.
//
// Read message.go (the message and how it is fitted to a limit), view.go (what
// templates use), groups.go and words.go (how that is made from a report),
// templates.go and line.go (how templates are parsed and executed), and text.go
// (the terminal).
package message

import (
	"io/fs"
	"sort"
	"time"

	"matrix-expiry-report/report"
)

// Options say what a message contains in addition to the report.
type Options struct {
	Language    string              // one of locale.Languages
	ConsoleURL  string              // where to renew; empty for no link
	ReportURL   string              // the full report; empty for no link
	RequestID   string              // of the run, for a report that failed
	Age         time.Duration       // since the data was read; shown from one second
	Regions     []string            // the only ones queried; empty for all
	Needing     int                 // findings before the report was filtered; 0 if it was not
	Test        bool                // the message is a test, without the report
	Undelivered bool                // the message lists the channels that did not get the report
	OwnerTag    string              // the tag that names a matrix's owner
	Mentions    map[string][]string // by owner: ids of people, as the channel calls them
	NoBar       bool                // leave out the bar of block characters
	Templates   fs.FS               // custom templates, by the names of the built-in ones; nil for none
}

// A Message is a rendered report.
type Message struct {
	Severity report.Severity // the worst; empty if nothing needs attention
	Failed   bool            // nothing could be read
	Title    string          // plain text
	Lead     []Line
	Groups   []Block
	More     []Line // what was left out; empty if nothing was
	Foot     []Line
	Mentions []string // ids of the people mentioned in Lead
}

// A Block is a heading with rows.
type Block struct {
	Severity report.Severity
	Heading  Line
	Rows     []Line
}

// Quiet reports whether the message has good news only.
func (m Message) Quiet() bool { return m.Severity == "" && !m.Failed }

// A Draft is a message that is not yet fitted to what a channel accepts. It is
// not safe for concurrent use.
type Draft struct {
	message  Message // without groups
	view     View
	groups   []*group
	parts    *parts
	newRow   func(alike []*report.Finding) Row
	rows     map[[2]int]Line             // rendered, by group and row
	fallback func(error) (*Draft, error) // to the built-in templates; nil for these
}

// Title returns the title as plain text.
func (d *Draft) Title() string { return d.message.Title }

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

// Fit returns the message with as many rows as fits allows. It leaves out the
// least urgent ones first, and More says what was left out.
func (d *Draft) Fit(fits func(Message) bool) (Message, error) {
	return d.orBuiltIn(func(d *Draft) (Message, error) {
		rows, err := d.rowsWithin(maxBytes)
		if err != nil {
			return Message{}, err
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
	})
}

// Whole returns the message with all rows.
func (d *Draft) Whole() (Message, error) {
	return d.orBuiltIn(func(d *Draft) (Message, error) { return d.render(-1) })
}

// orBuiltIn calls render with d and, if custom templates fail, with the
// built-in ones.
func (d *Draft) orBuiltIn(render func(*Draft) (Message, error)) (Message, error) {
	m, err := render(d)
	if err == nil || d.fallback == nil {
		return m, err
	}
	builtIn, err := d.fallback(err)
	if err != nil {
		return Message{}, err
	}
	return render(builtIn)
}

// rowsWithin returns how many rows have at most size bytes of text.
func (d *Draft) rowsWithin(size int) (rows int, err error) {
	for i, g := range d.groups {
		for j := range g.rows {
			line, err := d.row(i, j)
			if err != nil {
				return 0, err
			}
			if size -= len(line.String()) + 1; size < 0 {
				return rows, nil
			}
			rows++
		}
	}
	return rows, nil
}

// render returns the message with its first rows; -1 is all of them.
func (d *Draft) render(rows int) (Message, error) {
	m := d.message
	var more More
	for i, g := range d.groups {
		b := Block{Severity: g.Severity}
		left := g.Count
		for j, alike := range g.rows {
			if rows == 0 {
				break
			}
			rows--
			left -= len(alike)
			line, err := d.row(i, j)
			if err != nil {
				return m, err
			}
			b.Rows = append(b.Rows, line)
		}
		if len(b.Rows) > 0 {
			heading, err := d.parts.execute("heading", g.Group)
			if err != nil {
				return m, err
			}
			b.Heading = join(heading)
			m.Groups = append(m.Groups, b)
		}
		if left > 0 {
			more.Count += left
			more.Kinds = append(more.Kinds, Kind{Count: left, Title: g.Title})
		}
	}
	if more.Count == 0 {
		return m, nil
	}
	var err error
	m.More, err = d.parts.execute("more", more)
	return m, err
}

func (d *Draft) row(group, row int) (Line, error) {
	at := [2]int{group, row}
	if line, ok := d.rows[at]; ok {
		return line, nil
	}
	lines, err := d.parts.execute("row", d.newRow(d.groups[group].rows[row]))
	d.rows[at] = join(lines)
	return d.rows[at], err
}
