package message

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Line is one line of a message: runs of text. A channel writes them in its
// own markup and escapes their text.
type Line []Run

// A Run is a piece of a line in one style.
type Run struct {
	Style Style
	Text  string // without line breaks; of a Person, an id of the channel
	URL   string // of a Link
}

// A Style is how a run is shown, as far as the channel's markup can.
type Style int

const (
	Plain Style = iota
	Bold
	Code
	Link
	Person // mentions a person or a group
)

// String returns the text of the line without styles.
func (l Line) String() string {
	var b strings.Builder
	for _, r := range l {
		b.WriteString(r.Text)
	}
	return b.String()
}

// maxValueRunes bounds a value from outside. The API allows names of 128, and
// problems are up to maxProblemRunes.
const maxValueRunes = 320

// Visible returns s as one line of visible characters: no control characters,
// none that changes the direction of what follows, no invalid UTF-8, and no
// private-use characters, which mark runs.
func Visible(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return s // as most are
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200c' || r == '\u200d': // joiners, which scripts and emoji need
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// Clean returns Visible(s), truncated to 320 characters.
func Clean(s string) string { return shorten(Visible(s), maxValueRunes) }

// shorten returns the first runes of s.
func shorten(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes-1]) + "…"
}

// A template prints a run as marked text. A mark is a private-use character and
// sets the style of what follows: firstMark is that of Plain, and the next ones
// are those of the other styles and of the URL of a link.
const (
	firstMark = '\uE000'
	linkURL   = Person + 1
)

func isMark(r rune) bool { return r >= firstMark && r <= firstMark+rune(linkURL) }

// mark returns a run as templates print it. Styles do not nest: of marked text,
// the text remains.
func mark(style Style, text, url string) string {
	if text = join(parseLines(text)).String(); text == "" {
		return ""
	}
	url = join(parseLines(url)).String()
	return string(firstMark+rune(style)) + text + string(firstMark+rune(linkURL)) + url + string(firstMark)
}

// parseLines parses what a part printed: lines of runs, without empty ones.
func parseLines(printed string) (lines []Line) {
	for text := range strings.Lines(visible(printed)) {
		text = strings.TrimSpace(text)
		var line Line
		style, start := Plain, 0
		add := func(end int) {
			switch part := text[start:end]; {
			case part == "":
			case style != linkURL:
				line = append(line, Run{Style: style, Text: part})
			case len(line) > 0:
				line[len(line)-1].URL = part
			}
		}
		for i, r := range text {
			if isMark(r) {
				add(i)
				style, start = Style(r-firstMark), i+utf8.RuneLen(r)
			}
		}
		if add(len(text)); len(line) > 0 {
			lines = append(lines, line)
		}
	}
	return lines
}

// visible returns s without private-use characters that are not marks, and
// without control characters but tabs, which separate the cells of a terminal.
func visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', isMark(r):
			return r
		case unicode.IsControl(r), unicode.Is(unicode.Co, r):
			return -1
		case unicode.In(r, unicode.Zl, unicode.Zp):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// join returns lines as one line.
func join(lines []Line) Line {
	var all Line
	for i, l := range lines {
		if i > 0 {
			all = append(all, Run{Text: " "})
		}
		all = append(all, l...)
	}
	return all
}
