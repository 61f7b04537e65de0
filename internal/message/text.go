package message

import (
	"cmp"
	"io"
	"math"
	"slices"
	"strings"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// Terminal colours by severity (ECMA-48). The text never depends on them.
var colours = map[report.Severity]string{
	report.Critical: "\x1b[1;31m", report.Warning: "\x1b[33m", report.Notice: "\x1b[36m", "": "\x1b[32m",
}

const faint, resetColour = "\x1b[2m", "\x1b[0m"

// A Terminal is what a text is written for. The zero value is a file or a pipe, for
// which a table has at most 80 columns, and other lines are not broken.
type Terminal struct {
	Columns int
	Colour  bool
}

const defaultColumns = 80

// Text writes r for a terminal: every finding, in columns, and every problem. Lines
// that are wider than the terminal are broken, except within a word.
func Text(out io.Writer, r report.Report, o Options, t Terminal) error {
	o.Mentions = nil
	c, err := locale.Of(o.Language)
	if err != nil {
		return err
	}
	d, err := compose("text", r, o, c, true)
	if err != nil {
		return err
	}
	m, err := d.Fit(func(Message) bool { return true })
	if err != nil {
		return err
	}
	var b strings.Builder
	write := func(code, line string) {
		line = strings.TrimRight(line, " ")
		if t.Colour && line != "" && code != "" {
			line = code + line + resetColour
		}
		b.WriteString(line + "\n")
	}
	paragraphs := func(code string, lines ...Line) {
		for _, l := range lines {
			for _, line := range wrap(plainText(l), cmp.Or(t.Columns, math.MaxInt)) {
				write(code, line)
			}
		}
	}
	paragraphs(colours[m.Severity], Line{{Text: m.Title}})
	paragraphs("", m.Lead...)
	table := newTable(m.Groups, cmp.Or(t.Columns, defaultColumns))
	for _, g := range m.Groups {
		write("", "")
		paragraphs(colours[g.Severity], g.Heading)
		for _, row := range g.Rows {
			first, others := table.row(row)
			write("", first)
			for _, line := range others {
				write(faint, line)
			}
		}
	}
	if len(m.Foot) > 0 {
		write("", "")
	}
	paragraphs(faint, m.Foot...)
	for _, p := range r.Problems {
		if !p.MayHideMatrices && p.Endpoint != "" { // Lead has the others
			paragraphs(faint, Line{{Text: Clean(p.Endpoint + " " + p.Region + " " + ProblemText(c, p))}})
		}
	}
	_, err = io.WriteString(out, b.String())
	return err
}

// plainText returns a line with the addresses of its links.
func plainText(l Line) string {
	l = slices.Clone(l)
	for i, r := range l {
		if r.Style == Link {
			l[i].Text += " " + r.URL
		}
	}
	return l.String()
}
