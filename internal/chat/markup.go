package chat

import (
	"strings"
	"unicode"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A markup writes lines in the form that one chat service documents. bold, code
// and link get escaped text.
type markup struct {
	escape   escaper
	bold     func(text string) string
	urgent   func(heading string) string // marks the heading of a critical group; nil if the service has no colours
	code     func(text string) string    // nil if the service does not show code everywhere
	link     func(text, url string) string
	isPerson func(id string) bool // reports whether an id is one of the service's
	mention  func(id string) string
	layout
}

// A layout is what a text has between the parts of a message.
type layout struct {
	title   string // before the title
	lead    string // between title and lead
	rows    string // between a heading and its first row
	row     string // between rows
	newline string // between the lines of other parts
	foot    string // before each line of the foot
}

// An escaper returns text so that the service shows it and nothing else:
// without markup, mentions, links and emoji. It uses the escapes that the service
// documents. If there are none, it replaces a character by a homoglyph, but only
// where the character acts: brackets in a sentence are harmless. At the start of a
// line more characters are markup than elsewhere.
type escaper func(text string, lineStart bool) string

func (m markup) line(l message.Line) string {
	var b strings.Builder
	for i, r := range l {
		text := m.escape(r.Text, i == 0)
		switch {
		case r.Style == message.Bold:
			text = m.bold(text)
		case r.Style == message.Code && m.code != nil:
			text = m.code(text)
		case r.Style == message.Link:
			text = m.link(text, escapeURL.Replace(r.URL))
		case r.Style == message.Person && m.isPerson(r.Text):
			text = m.mention(r.Text)
		}
		b.WriteString(text)
	}
	return b.String()
}

func (m markup) lines(lines []message.Line, newline string) string {
	written := make([]string, len(lines))
	for i, l := range lines {
		written[i] = m.line(l)
	}
	return strings.Join(written, newline)
}

// text returns a message as one text.
func (m markup) text(msg message.Message) string {
	text := m.title + m.escape(msg.Title, true)
	if len(msg.Lead) > 0 {
		text += m.lead + m.lines(msg.Lead, m.newline)
	}
	for _, g := range msg.Groups {
		heading := m.line(g.Heading)
		if m.urgent != nil && g.Severity == report.Critical {
			heading = m.urgent(heading)
		}
		text += "\n\n" + m.bold(heading) + m.rows + m.lines(g.Rows, m.row)
	}
	if len(msg.More) > 0 {
		text += "\n\n" + m.lines(msg.More, m.newline)
	}
	if len(msg.Foot) > 0 {
		text += "\n\n" + m.foot + m.lines(msg.Foot, m.newline+m.foot)
	}
	return text
}

// escapeURL replaces the characters that would end a link.
var escapeURL = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", "|", "%7C", " ", "%20", "\"", "%22")

// around returns a function that puts sign on both sides of a text.
func around(sign string) func(string) string {
	return func(text string) string { return sign + text + sign }
}

// escapeText is the escaper for text that the service reads without markup, in
// an element of its own. A client still makes links of addresses and pictures
// of shortcodes such as :bomb:.
func escapeText(text string, _ bool) string {
	return strings.ReplaceAll(escapeShortcodes(text), "://", "：//")
}

var shortcode = pattern(`:([\w+'-]+):`)

func escapeShortcodes(text string) string { return shortcode().ReplaceAllString(text, "：$1：") }

// escapeUnderscores replaces underscores, but not within a word, where they have
// no effect: names are full of them.
func escapeUnderscores(text, replacement string) string {
	isWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }
	runes := []rune(text)
	var b strings.Builder
	for i, r := range runes {
		if r == '_' && (i == 0 || !isWord(runes[i-1]) || i+1 == len(runes) || !isWord(runes[i+1])) {
			b.WriteString(replacement)
			continue
		}
		b.WriteRune(r)
	}
	return b.String()
}

// newMarkdown returns the Markdown that several services accept, each with its
// own mentions, with the headings, lists and quotes that they document. It has no
// code, which their phone clients do not show.
func newMarkdown(escape escaper, newline string, isPerson func(id string) bool, mention func(id string) string) markup {
	return markup{
		escape:   escape,
		bold:     around("**"),
		link:     func(text, url string) string { return "[" + squareBrackets.Replace(text) + "](" + url + ")" },
		isPerson: isPerson,
		mention:  mention,
		layout:   layout{title: "### ", lead: "\n\n", rows: "\n\n- ", row: "\n- ", newline: newline, foot: "> "},
	}
}

var (
	// squareBrackets end the text of a link.
	squareBrackets = strings.NewReplacer("[", "［", "]", "］")

	// homoglyphs replace the characters that Markdown acts on anywhere, and the
	// address that becomes a link. Whether a client honours a backslash is not
	// documented for any service.
	homoglyphs = strings.NewReplacer("*", "＊", "`", "ˋ", "~", "～", "|", "｜", `\`, "＼", "@", "＠", "$", "＄", "://", "：//")

	// What acts only together with what follows, which may be another span.
	linkEnd   = pattern(`\]([\[(:]|$)`)
	image     = pattern(`!(\[|$)`)
	tag       = pattern(`<([A-Za-z/!?@#]|$)`)
	reference = pattern(`&(#?\w*(?:;|$))`)

	// What acts at the start of a line, as a list, a quote or a heading.
	lineSign   = pattern(`^[-+=]`)
	listNumber = pattern(`^(\d+)[.)]( |$)`)
)

// escapeMarkdown replaces what Markdown acts on by homoglyphs.
func escapeMarkdown(text string, lineStart bool) string {
	text = linkEnd().ReplaceAllString(text, "］$1")
	text = image().ReplaceAllString(text, "！$1")
	text = tag().ReplaceAllString(text, "＜$1")
	text = reference().ReplaceAllString(text, "＆$1")
	if lineStart {
		text = listNumber().ReplaceAllString(lineSign().ReplaceAllString(text, "‐"), "$1．$2")
		text = escapeStart(escapeStart(text, "#", "＃"), ">", "＞")
	}
	return homoglyphs.Replace(escapeUnderscores(text, "＿"))
}

// escapeStart replaces sign at the start of a text.
func escapeStart(text, sign, replacement string) string {
	if rest, ok := strings.CutPrefix(text, sign); ok {
		return replacement + rest
	}
	return text
}
