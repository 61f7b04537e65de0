package message

import (
	"cmp"
	"slices"
	"strings"
	"unicode"

	"golang.org/x/text/width"
)

const (
	maxNameColumns   = 24
	minReasonColumns = 12   // beside a name, in however narrow a terminal
	indent           = "  " // of a row; what follows on further lines has two
	gap              = "  " // between columns
)

// A table arranges the rows of all groups in the same columns. If they are wider
// than the limit, each row has two lines: the first and the third cell, which are
// the name and the reason, and below them the others.
type table struct {
	widths []int // of the columns
	limit  int   // of a line
	fits   bool  // a row has one line
}

// newTable returns the table for the rows of groups.
func newTable(groups []Block, limit int) table {
	t := table{limit: limit}
	for _, g := range groups {
		for _, row := range g.Rows {
			for i, cell := range cells(row) {
				if i == len(t.widths) {
					t.widths = append(t.widths, 0)
				}
				t.widths[i] = max(t.widths[i], columns(cell))
			}
		}
	}
	total := len(indent) - len(gap)
	for _, width := range t.widths {
		total += len(gap) + width
	}
	t.fits = total <= limit
	return t
}

// cells returns the cells of a row, which tabs separate.
func cells(row Line) []string {
	all := strings.Split(plainText(row), "\t")
	all[0] = cutColumns(all[0], maxNameColumns)
	return all
}

// row returns the lines of a row.
func (t table) row(row Line) (first string, others []string) {
	cells := cells(row)
	if t.fits {
		for i, cell := range cells {
			cells[i] = pad(cell, t.widths[i])
		}
		return indent + strings.Join(cells, gap), nil
	}
	name, reason, rest := cells[0], "", cells[1:]
	if len(rest) > 1 {
		reason = rest[1]
		rest = slices.Delete(rest, 1, 2)
	}
	margin := indent + pad("", t.widths[0]) + gap
	lines := Wrap(reason, max(t.limit-len(margin), minReasonColumns))
	first = indent + pad(name, t.widths[0]) + gap + lines[0]
	for _, line := range lines[1:] {
		others = append(others, margin+line)
	}
	rest = slices.DeleteFunc(rest, func(cell string) bool { return cell == "" })
	for _, line := range Wrap(strings.Join(rest, " · "), t.limit-2*len(indent)) {
		others = append(others, indent+indent+line)
	}
	return first, others
}

// pad appends spaces to s until it takes n columns.
func pad(s string, n int) string { return s + strings.Repeat(" ", max(0, n-columns(s))) }

// cutColumns returns s, truncated to n columns.
func cutColumns(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	for i, r := range s {
		if n -= runeColumns(r); n < 1 { // one is for the ellipsis
			return s[:i] + "…"
		}
	}
	return s
}

// Wrap breaks s into lines of at most limit columns, except within a word.
func Wrap(s string, limit int) (lines []string) {
	s = strings.TrimRight(s, " ")
	for {
		i := lineBreak(s, limit)
		lines = append(lines, strings.TrimRight(s[:i], " "))
		if i == len(s) {
			return lines
		}
		s = strings.TrimLeft(s[i:], " ")
	}
}

// lineBreak returns where to end the first line of s: at its end if it fits, else
// after the last separator within limit columns, else at the last place where a line
// may end or, if there is none, at the first one.
func lineBreak(s string, limit int) int {
	separator, last, n, before := 0, 0, 0, ' '
	for i, r := range s {
		if i > 0 && mayBreak(before, r, s[i:]) {
			if n > limit && last > 0 {
				return cmp.Or(separator, last)
			}
			last = i
			if before == '·' {
				separator = i
			}
		}
		n += runeColumns(r)
		before = r
	}
	if n <= limit {
		return len(s)
	}
	return cmp.Or(separator, last, len(s))
}

// mayBreak reports whether a line may end between two characters: before a space,
// unless a separator or the address of a link follows, and beside a Chinese character,
// but not before a closing mark or after an opening one.
func mayBreak(before, r rune, rest string) bool {
	if r == ' ' {
		return !strings.HasPrefix(rest, " ·") && !strings.HasPrefix(rest, " http")
	}
	wide := runeColumns(before) == 2 || runeColumns(r) == 2
	return wide && before != '（' && !strings.ContainsRune("，。：；、）", r)
}

// columns returns how many columns of a terminal s takes.
func columns(s string) (n int) {
	for _, r := range s {
		n += runeColumns(r)
	}
	return n
}

// runeColumns returns how many columns of a terminal a character takes: a Chinese one
// takes two, a combining mark none.
func runeColumns(r rune) int {
	if r < unicode.MaxASCII {
		return 1
	}
	switch kind := width.LookupRune(r).Kind(); {
	case unicode.In(r, unicode.Mn, unicode.Me, unicode.Cf):
		return 0
	case kind == width.EastAsianWide, kind == width.EastAsianFullwidth:
		return 2
	}
	return 1
}
