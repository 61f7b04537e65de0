package message

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// A Line is one line of a message. A channel writes its spans in its own markup
// and escapes their text.
type Line []Span

// A Span is a piece of a line in one style.
type Span struct {
	Style Style
	Text  string // without line breaks; of a Person, an id of the channel
	URL   string // of a Link
}

// A Style is how a span is shown, if the channel's markup has it.
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

// maxValueRunes is the maximum length of an external value. The API allows names of
// 128, and the texts of problems are longer.
const maxValueRunes = 300

// Visible returns s as one line of visible characters: no control characters,
// none that changes the direction of what follows, no invalid UTF-8, and no
// private-use characters, which mark spans.
func Visible(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return s // as most are
	}
	joiner := func(r rune) bool { return r == '\u200c' || r == '\u200d' } // scripts and emoji need them
	return strings.Join(strings.Fields(replaceInvisible(s, joiner)), " ")
}

// replaceInvisible replaces spaces by the plain one, and removes invisible
// characters. It leaves what keep returns true for.
func replaceInvisible(s string, keep func(rune) bool) string {
	return strings.Map(func(r rune) rune {
		switch {
		case keep(r):
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
}

// Clean returns Visible(s), truncated to 300 characters.
func Clean(s string) string { return shorten(Visible(s), maxValueRunes) }

// shorten returns the first runes of s.
func shorten(s string, runes int) string {
	if utf8.RuneCountInString(s) <= runes {
		return s
	}
	return string([]rune(s)[:runes-1]) + "…"
}

// A template prints a span as marked text. A mark is a private-use character and
// sets the style of what follows: firstMark is that of Plain, and the next ones
// are those of the other styles and of the URL of a link.
const (
	firstMark = '\uE000'
	linkURL   = Person + 1
)

func isMark(r rune) bool { return r >= firstMark && r <= firstMark+rune(linkURL) }

// mark returns a span as templates print it. Styles do not nest: marked text loses
// its style.
func mark(style Style, text, url string) string {
	if text = join(parseLines(text)).String(); text == "" {
		return ""
	}
	url = join(parseLines(url)).String()
	return string(firstMark+rune(style)) + text + string(firstMark+rune(linkURL)) + url + string(firstMark)
}

// parseLines parses the output of a part: lines of spans, without empty lines. It
// keeps tabs, which separate the cells of a terminal, and the template's other
// spaces and format characters.
func parseLines(printed string) (lines []Line) {
	keep := func(r rune) bool { return r == '\n' || r == '\t' || isMark(r) || unicode.In(r, unicode.Zs, unicode.Cf) }
	for text := range strings.Lines(replaceInvisible(printed, keep)) {
		text = strings.TrimSpace(text)
		var line Line
		style, start := Plain, 0
		add := func(end int) {
			switch part := text[start:end]; {
			case part == "":
			case style != linkURL:
				line = append(line, Span{Style: style, Text: part})
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

// join returns lines as one line.
func join(lines []Line) Line {
	var all Line
	for i, l := range lines {
		if i > 0 {
			all = append(all, Span{Text: " "})
		}
		all = append(all, l...)
	}
	return all
}
