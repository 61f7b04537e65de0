package message

import (
	"regexp"
	"slices"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"
)

// A format is how one kind of reader takes markup.
type format struct {
	inert func(string) string // makes a value from outside mean nothing but itself
	bold  func(string) string
	code  func(string) string
	link  func(text, url string) string

	person  idShape // the ids by which the service calls people
	mention func(id string) string
}

// An idShape tells the ids of one service from those of others, as MENTIONS
// holds them all.
type idShape interface{ MatchString(id string) bool }

var (
	slackPerson  = shape(`^[UWS][A-Z0-9]{6,}$`) // S is a user group
	mobile       = shape(`^\+?[0-9][0-9-]{4,}$`)
	feishuPerson = shape(`^ou_[0-9A-Za-z]+$`)
	wecomPerson  = unlike{shape(`^[A-Za-z][\w.@-]*$`), []idShape{slackPerson, shape(`^ou_`)}}
)

// An expression is made when it is first needed.
type expression func() *regexp.Regexp

func shape(of string) expression {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(of) })
}

func (e expression) MatchString(id string) bool { return e().MatchString(id) }

// unlike is a shape that is so free that it fits what others mean, too.
type unlike struct {
	shape  idShape
	others []idShape
}

func (u unlike) MatchString(id string) bool {
	return u.shape.MatchString(id) && !slices.ContainsFunc(u.others, func(o idShape) bool { return o.MatchString(id) })
}

// To add a format, add a line here and a file with its name.
var formats = map[string]format{
	"text":     {inert: clean, bold: same, code: same, link: func(text, url string) string { return text + " " + url }},
	"slack":    {inert: inertText, bold: mark(startBold), code: mark(startCode), link: markLink, person: slackPerson, mention: mark(startMention)},
	"dingtalk": {inert: inertMarkdown, bold: around("**"), code: same, link: markdownLink, person: mobile, mention: func(id string) string { return "@" + id }},
	"feishu":   {inert: inertFeishu, bold: around("**"), code: same, link: markdownLink, person: feishuPerson, mention: func(id string) string { return "<at id=" + id + "></at>" }},
	"wecom":    {inert: inertMarkdown, bold: around("**"), code: same, link: markdownLink, person: wecomPerson, mention: func(id string) string { return "<@" + id + ">" }},
	"teams":    {inert: inertText, bold: mark(startBold), code: mark(startCode), link: markLink},
	"webhook":  {inert: clean, bold: same, code: same, link: func(text, url string) string { return text + " " + url }},
}

func same(s string) string { return s }

func around(sign string) func(string) string {
	return func(s string) string {
		if s == "" {
			return ""
		}
		return sign + s + sign
	}
}

func markdownLink(text, url string) string { return "[" + text + "](" + escapeURL.Replace(url) + ")" }

// Characters that would end a link in one markup or the other.
var escapeURL = strings.NewReplacer("(", "%28", ")", "%29", "<", "%3C", ">", "%3E", "|", "%7C", " ", "%20", "\"", "%22")

// maxValueRunes bounds a value from outside; the service allows names of 128,
// and problems are up to maxProblemRunes.
const maxValueRunes = 320

// clean makes one line of visible characters from whatever came: no control
// characters, nothing that changes the direction of what follows, no invalid
// UTF-8.
func clean(s string) string {
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
	if r := []rune(s); len(r) > maxValueRunes {
		s = string(r[:maxValueRunes-1]) + "…"
	}
	return s
}

// Clean returns s as one line of visible characters, at most 320 of them.
func Clean(s string) string { return clean(s) }

// lookalikes stand for the characters that Markdown and its cousins act on.
// Whether a client honours a backslash is not documented for any of them.
var lookalikes = [utf8.RuneSelf]rune{
	'*': '＊', '`': 'ˋ', '~': '～', '[': '［', ']': '］', '(': '（', ')': '）',
	'<': '＜', '>': '＞', '#': '＃', '|': '｜', '\\': '＼', '!': '！', '@': '＠', '&': '＆', '_': '＿', '$': '＄',
}

// Inert makes a text mean nothing but itself in the markup of a format.
func Inert(format, text string) string { return formats[format].inert(text) }

// inertMarkdown makes a value that no Markdown acts on: an underscore within a
// word stays, as names are full of them and it has no effect there.
func inertMarkdown(s string) string {
	runes := []rune(clean(s))
	ordinal := slices.IndexFunc(runes, func(r rune) bool { return r < '0' || r > '9' }) // whether a numbered list begins
	word := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	var b strings.Builder
	for i, r := range runes {
		switch {
		case i == ordinal && i > 0 && (r == '.' || r == ')') && i+1 < len(runes) && runes[i+1] == ' ':
			r = '．'
		case r == '_' && word(i-1) && word(i+1):
		case r < utf8.RuneSelf && lookalikes[r] != 0:
			r = lookalikes[r]
		case r == ':' && strings.HasPrefix(string(runes[i+1:]), "//"): // an address would become a link
			r = '：'
		case i == 0 && (r == '-' || r == '+' || r == '='): // a list or a heading
			r = '‐'
		}
		b.WriteRune(r)
	}
	return b.String()
}

// noShortcodes keeps chats from making pictures of words such as :bomb:.
func noShortcodes(s string) string {
	var b strings.Builder
	for i, r := range s {
		if r == ':' && i+1 < len(s) && (isLetter(s[i+1]) || s[i+1] == '+' || s[i+1] == '-') {
			r = '：'
		}
		b.WriteRune(r)
	}
	return b.String()
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

// inertText is for services that take text as elements, which hold no markup:
// what is left is that a client makes a link of an address, and a picture of a
// shortcode.
func inertText(s string) string {
	return strings.ReplaceAll(noShortcodes(clean(s)), "://", "：//")
}

// inertFeishu also stops shortcodes, which Feishu's Markdown knows. Its HTML
// entities would keep the characters themselves, but what older clients make of
// them is not documented.
func inertFeishu(s string) string { return noShortcodes(inertMarkdown(s)) }

// Some services take text as elements rather than as markup. For them bold,
// code and links are marked by control characters, which no value can hold
// (see clean), and [Runs] takes them apart again.
const (
	startBold    = '\x01'
	startCode    = '\x02'
	startLink    = '\x03' // then the address, then linkText, then the text
	linkText     = '\x04'
	endMark      = '\x05'
	startMention = '\x06'
)

func mark(start rune) func(string) string {
	return func(s string) string {
		if s == "" {
			return ""
		}
		return string(start) + s + string(endMark)
	}
}

func markLink(text, url string) string {
	return string(startLink) + escapeURL.Replace(url) + string(linkText) + text + string(endMark)
}

// A Run is a piece of text in one style.
type Run struct {
	Text    string
	Bold    bool
	Code    bool
	URL     string
	Mention bool // Text is the id of a person or a group
}

// Runs takes marked text apart.
func Runs(s string) []Run {
	var runs []Run
	for s != "" {
		i := strings.IndexFunc(s, func(r rune) bool { return r < ' ' && r != '\n' })
		if i != 0 {
			if i < 0 {
				i = len(s)
			}
			runs = append(runs, Run{Text: s[:i]})
			s = s[i:]
			continue
		}
		body, rest, _ := strings.Cut(s[1:], string(endMark))
		switch rune(s[0]) {
		case startBold:
			runs = append(runs, Run{Text: body, Bold: true})
		case startCode:
			runs = append(runs, Run{Text: body, Code: true})
		case startMention:
			runs = append(runs, Run{Text: body, Mention: true})
		case startLink:
			url, text, _ := strings.Cut(body, string(linkText))
			runs = append(runs, Run{Text: text, URL: url})
		default:
			rest = s[1:]
		}
		s = rest
	}
	return runs
}

// Plain is marked text without its marks.
func Plain(s string) string {
	var b strings.Builder
	for _, r := range Runs(s) {
		b.WriteString(r.Text)
	}
	return b.String()
}
