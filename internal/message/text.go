package message

import (
	"io"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// Terminal colours by severity (ECMA-48). The text never depends on them.
var colours = map[report.Severity]string{
	report.Critical: "\x1b[1;31m", report.Warning: "\x1b[33m", report.Notice: "\x1b[36m", "": "\x1b[32m",
}

const faint, resetColour = "\x1b[2m", "\x1b[0m"

// Text writes r for a terminal: every finding, in columns, and every problem.
func Text(out io.Writer, r report.Report, o Options, colour bool) error {
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
	write := func(code string, lines ...Line) {
		for _, l := range lines {
			s := strings.TrimRight(plainText(l), " ")
			if colour && s != "" && code != "" {
				s = code + s + resetColour
			}
			b.WriteString(s + "\n")
		}
	}
	write(colours[m.Severity], Line{{Text: m.Title}})
	write("", m.Lead...)
	widths := columnWidths(m.Groups)
	for _, g := range m.Groups {
		write("", nil)
		write(colours[g.Severity], g.Heading)
		for _, row := range g.Rows {
			write("", Line{{Text: "  " + alignCells(plainText(row), widths)}})
		}
	}
	if len(m.Foot) > 0 {
		write("", nil)
	}
	write(faint, m.Foot...)
	for _, p := range r.Problems {
		if !p.MayHideMatrices && p.Endpoint != "" { // Lead has the others
			write(faint, Line{{Text: Clean(strings.Join([]string{p.Endpoint, p.Region, p.Code + ":", p.Message}, " "))}})
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

// columnWidths returns the widest cell of each column. Tabs separate cells.
func columnWidths(groups []Block) map[int]int {
	widths := map[int]int{}
	for _, g := range groups {
		for _, row := range g.Rows {
			for i, cell := range strings.Split(plainText(row), "\t") {
				widths[i] = max(widths[i], columns(cell))
			}
		}
	}
	return widths
}

// alignCells pads every cell but the last to its column.
func alignCells(row string, widths map[int]int) string {
	cells := strings.Split(row, "\t")
	for i, cell := range cells[:len(cells)-1] {
		cells[i] = cell + strings.Repeat(" ", widths[i]-columns(cell))
	}
	return strings.Join(cells, "  ")
}

// columns returns how many columns of a terminal s takes: a Chinese character
// takes two, a combining mark none.
func columns(s string) int {
	n := 0
	for _, r := range s {
		switch kind := width.LookupRune(r).Kind(); {
		case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		case kind == width.EastAsianWide, kind == width.EastAsianFullwidth:
			n += 2
		default:
			n++
		}
	}
	return n
}
