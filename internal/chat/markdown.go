package chat

import (
	"regexp"
	"strings"
)

// newMarkdown returns the Markdown that several services accept, each with its
// own mentions, with the headings, lists and quotes that they document. It has no
// code, which their phone clients do not show.
func newMarkdown(escape escaper, newline string, isPerson func(id string) bool, mention func(id string) string) markup {
	return markup{
		escape:   escape,
		bold:     around("**"),
		link:     func(text, url string) string { return "[" + text + "](" + url + ")" },
		isPerson: isPerson,
		mention:  mention,
		layout:   layout{title: "### ", lead: "\n\n", rows: "\n\n- ", row: "\n- ", newline: newline, foot: "> "},
	}
}

// homoglyphs replace the characters that Markdown acts on; parentheses act only
// after brackets, and an address becomes a link. Whether a client honours a
// backslash is not documented for any service.
var homoglyphs = strings.NewReplacer("*", "＊", "`", "ˋ", "~", "～", "[", "［", "]", "］", "<", "＜", ">", "＞", "#", "＃",
	"|", "｜", `\`, "＼", "!", "！", "@", "＠", "&", "＆", "$", "＄", "://", "：//")

var (
	listNumber = regexp.MustCompile(`^(\d+)[.)]( |$)`)
	listSign   = regexp.MustCompile(`^[-+=]`) // of a list or a heading
)

// escapeMarkdown replaces what Markdown acts on by homoglyphs.
func escapeMarkdown(text string, lineStart bool) string {
	if lineStart {
		text = listSign.ReplaceAllString(listNumber.ReplaceAllString(text, "$1．$2"), "‐")
	}
	return homoglyphs.Replace(escapeUnderscores(text, '＿'))
}
