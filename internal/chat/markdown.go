package chat

import (
	"slices"
	"strings"
	"unicode/utf8"

	"matrix-expiry-report/internal/message"
)

// newMarkdown returns the Markdown that several services accept, each with its
// own mentions. It has no code, which their phone clients do not show.
func newMarkdown(escape escaper, isPerson func(id string) bool, mention func(id string) string) markup {
	return markup{
		escape:   escape,
		bold:     around("**"),
		link:     func(text, url string) string { return "[" + text + "](" + url + ")" },
		isPerson: isPerson,
		mention:  mention,
	}
}

// homoglyphs replace the characters that Markdown acts on; parentheses act only
// after brackets. Whether a client honours a backslash is not documented for any
// service.
var homoglyphs = [utf8.RuneSelf]rune{
	'*': '＊', '`': 'ˋ', '~': '～', '[': '［', ']': '］',
	'<': '＜', '>': '＞', '#': '＃', '|': '｜', '\\': '＼', '!': '！', '@': '＠', '&': '＆', '_': '＿', '$': '＄',
}

// escapeMarkdown replaces what Markdown acts on by homoglyphs.
func escapeMarkdown(text string, lineStart bool) string {
	runes := []rune(text)
	ordinal := -1 // the end of the number of a list
	if lineStart {
		ordinal = slices.IndexFunc(runes, func(r rune) bool { return r < '0' || r > '9' })
	}
	var b strings.Builder
	for i, r := range runes {
		switch {
		case i == ordinal && i > 0 && (r == '.' || r == ')') && (i+1 == len(runes) || runes[i+1] == ' '):
			r = '．'
		case withinWord(runes, i):
		case r < utf8.RuneSelf && homoglyphs[r] != 0:
			r = homoglyphs[r]
		case r == ':' && strings.HasPrefix(string(runes[i+1:]), "//"): // an address would become a link
			r = '：'
		case lineStart && i == 0 && (r == '-' || r == '+' || r == '='): // a list or a heading
			r = '‐'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// markdownText returns a message as one text, with the headings, bold, lists,
// quotes and links that the services document.
func markdownText(m message.Message, in markup, newline string) string {
	var b strings.Builder
	b.WriteString("### " + in.title(m.Title) + "\n\n" + in.lines(m.Lead, newline))
	for _, g := range m.Groups {
		b.WriteString("\n\n**" + in.line(g.Heading) + "**\n")
		for _, row := range g.Rows {
			b.WriteString("\n- " + in.line(row))
		}
	}
	if len(m.More) > 0 {
		b.WriteString("\n\n" + in.lines(m.More, newline))
	}
	if len(m.Foot) > 0 {
		b.WriteString("\n\n> " + in.lines(m.Foot, newline+"> "))
	}
	return b.String()
}
