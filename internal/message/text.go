package message

import (
	"io"
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"matrix-expiry-report/report"
)

// Terminal colours by severity (ECMA-48); always with a word beside.
var colours = map[report.Severity]string{
	report.Critical: "\x1b[1;31m", report.Warning: "\x1b[33m", report.Notice: "\x1b[36m", "": "\x1b[32m",
}

const (
	faint      = "\x1b[2m"
	colourless = "\x1b[0m"
)

// Text writes r for a person at a terminal: every finding, in columns, with
// every problem. Colour is for terminals that have it.
func Text(out io.Writer, r report.Report, o Options, colour bool) error {
	d, err := Compose("text", r, o)
	if err != nil {
		return err
	}
	m, err := d.Whole()
	if err != nil {
		return err
	}
	paint := func(code, s string) string {
		if !colour || s == "" {
			return s
		}
		return code + s + colourless
	}
	var b strings.Builder
	line := func(s string) { b.WriteString(strings.TrimRight(s, " ") + "\n") }
	line(paint(colours[m.Severity], m.Title))
	for _, s := range m.Lead {
		line(s)
	}
	widths := columnWidths(m.Groups)
	for i, g := range m.Groups {
		line("")
		line(paint(colours[d.groups[i].Severity], g.Heading))
		for _, row := range g.Rows {
			line("  " + alignCells(row, widths))
		}
	}
	if m.Foot != "" {
		line("")
		line(paint(faint, m.Foot))
	}
	for _, p := range r.Problems {
		if !p.MayHideMatrices && p.Endpoint != "" { // the others stand above
			line(paint(faint, clean(strings.TrimSpace(strings.Join([]string{p.Endpoint, p.Region, p.Code + ":", p.Message}, " ")))))
		}
	}
	_, err = io.WriteString(out, b.String())
	return err
}

func columnWidths(groups []RenderedGroup) []int {
	var widths []int
	for _, g := range groups {
		for _, row := range g.Rows {
			for i, cell := range strings.Split(row, "\t") {
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

// columns counts what s takes on a terminal: a Chinese character takes two, a
// combining mark none.
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
