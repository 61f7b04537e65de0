package message

import (
	"io"
	"math"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// Terminal colours by severity (ECMA-48). A word always says the same.
var colours = map[report.Severity]string{
	report.Critical: "\x1b[1;31m", report.Warning: "\x1b[33m", report.Notice: "\x1b[36m", "": "\x1b[32m",
}

const (
	faint       = "\x1b[2m"
	resetColour = "\x1b[0m"
)

// Text writes r for a terminal: every finding, in columns, and every problem.
func Text(out io.Writer, r report.Report, o Options, colour bool) error {
	o.Mentions = nil
	c, err := locale.Of(o.Language)
	if err != nil {
		return err
	}
	d, err := compose("text", r, o, c, math.MaxInt)
	if err != nil {
		return err
	}
	m, err := d.Fit(func(Message) bool { return true })
	if err != nil {
		return err
	}
	var b strings.Builder
	line := func(colourCode, s string) {
		s = strings.TrimRight(s, " ")
		if colour && s != "" && colourCode != "" {
			s = colourCode + s + resetColour
		}
		b.WriteString(s + "\n")
	}
	line(colours[m.Severity], m.Title)
	for _, l := range m.Lead {
		line("", plainText(l))
	}
	widths := columnWidths(m.Groups)
	for _, g := range m.Groups {
		line("", "")
		line(colours[g.Severity], plainText(g.Heading))
		for _, row := range g.Rows {
			line("", "  "+alignCells(plainText(row), widths))
		}
	}
	if len(m.Foot) > 0 {
		line("", "")
	}
	for _, l := range m.Foot {
		line(faint, plainText(l))
	}
	for _, p := range r.Problems {
		if !p.MayHideMatrices && p.Endpoint != "" { // Lead has the others
			line(faint, Clean(strings.Join([]string{p.Endpoint, p.Region, p.Code + ":", p.Message}, " ")))
		}
	}
	_, err = io.WriteString(out, b.String())
	return err
}

// plainText returns a line with the addresses of its links.
func plainText(l Line) string {
	var b strings.Builder
	for _, r := range l {
		b.WriteString(r.Text)
		if r.Style == Link {
			b.WriteString(" " + r.URL)
		}
	}
	return b.String()
}

// columnWidths returns the widest cell of each column. Tabs separate cells.
func columnWidths(groups []Block) []int {
	var widths []int
	for _, g := range groups {
		for _, row := range g.Rows {
			for i, cell := range strings.Split(plainText(row), "\t") {
				if i == len(widths) {
					widths = append(widths, 0)
				}
				widths[i] = max(widths[i], columns(cell))
			}
		}
	}
	return widths
}

// alignCells pads every cell but the last to its column.
func alignCells(row string, widths []int) string {
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
