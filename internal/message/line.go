package message

import (
	"errors"
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

// Clean returns s as one line of visible characters, at most 320 of them: no
// control characters, none that changes the direction of what follows, no
// invalid UTF-8, and no private-use characters, which mark runs.
func Clean(s string) string {
	if len(s) <= maxValueRunes && !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return s // as most are
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200c' || r == '\u200d': // joiners, which scripts and emoji need
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.Is(unicode.Cf, r), unicode.Is(unicode.Co, r):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	s = strings.Join(strings.Fields(s), " ")
	return shorten(s, maxValueRunes)
}

// shorten returns the first runes of s.
func shorten(s string, runes int) string {
	if r := []rune(s); len(r) > runes {
		return string(r[:runes-1]) + "…"
	}
	return s
}

// A template prints a run as a token: the private-use character whose number,
// counted from firstToken, is the index of the run.
const (
	firstToken = '\U000F0000'
	maxRuns    = 0xFFFD // of this kind
)

// A runList holds the runs of a part while it is rendered.
type runList []Run

// add returns the token of a new run. Styles do not nest: of a token within
// text, the text remains.
func (l *runList) add(style Style, text, url string) (string, error) {
	lines, err := l.lines(text)
	text = join(lines).String()
	switch {
	case err != nil || text == "":
		return "", err
	case len(text)+len(url) > maxBytes:
		return "", errTooLong
	case len(*l) == maxRuns:
		return "", errors.New("too many runs")
	}
	*l = append(*l, Run{style, text, url})
	return string(firstToken + rune(len(*l)-1)), nil
}

// lines parses what a part printed: lines, without the empty ones, of text and
// tokens.
func (l runList) lines(printed string) (lines []Line, err error) {
	size := 0
	for text := range strings.Lines(l.visible(printed)) {
		var line Line
		add := func(r Run) {
			if r.Text != "" {
				line = append(line, r)
				size += len(r.Text) + len(r.URL)
			}
		}
		text = strings.TrimSpace(text)
		start := 0
		for i, r := range text {
			if l.isToken(r) {
				add(Run{Text: text[start:i]})
				add(l[r-firstToken])
				start = i + utf8.RuneLen(r)
			}
		}
		add(Run{Text: text[start:]})
		if len(line) > 0 {
			lines = append(lines, line)
		}
	}
	if size > maxBytes {
		return nil, errTooLong
	}
	return lines, nil
}

func (l runList) isToken(r rune) bool { return r >= firstToken && int(r-firstToken) < len(l) }

// visible returns s without private-use characters that are not tokens, and
// without control characters but tabs, which separate the cells of a terminal.
func (l runList) visible(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n', r == '\t', l.isToken(r):
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
