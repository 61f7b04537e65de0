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
	w := textWriter{terminal: t}
	w.paragraphs(colours[m.Severity], Line{{Text: m.Title}})
	w.paragraphs("", m.Lead...)
	w.blocks(m.Groups)
	if len(m.Foot) > 0 {
		w.line("", "")
	}
	w.paragraphs(faint, m.Foot...)
	for _, p := range r.Problems {
		if !p.MayHideMatrices && p.Endpoint != "" { // Lead has the others
			w.paragraphs(faint, Line{{Text: Clean(strings.Join([]string{p.Endpoint, p.Region, p.Code + ":", p.Message}, " "))}})
		}
	}
	_, err = io.WriteString(out, w.text.String())
	return err
}

// A textWriter collects the lines of a text for a terminal.
type textWriter struct {
	terminal Terminal
	text     strings.Builder
}

// line adds a line, in a colour if the terminal has colours.
func (w *textWriter) line(colour, line string) {
	line = strings.TrimRight(line, " ")
	if w.terminal.Colour && line != "" && colour != "" {
		line = colour + line + resetColour
	}
	w.text.WriteString(line + "\n")
}

// paragraphs adds lines that are broken if the terminal is narrower.
func (w *textWriter) paragraphs(colour string, lines ...Line) {
	for _, l := range lines {
		for _, line := range Wrap(plainText(l), cmp.Or(w.terminal.Columns, math.MaxInt)) {
			w.line(colour, line)
		}
	}
}

// blocks adds groups of rows, each after an empty line, in the same columns.
func (w *textWriter) blocks(groups []Block) {
	table := newTable(groups, cmp.Or(w.terminal.Columns, defaultColumns))
	for _, g := range groups {
		w.line("", "")
		w.paragraphs(colours[g.Severity], g.Heading)
		for _, row := range g.Rows {
			first, others := table.row(row)
			w.line("", first)
			for _, line := range others {
				w.line(faint, line)
			}
		}
	}
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
