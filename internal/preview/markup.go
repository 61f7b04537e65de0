package preview

import (
	"html"
	"regexp"
	"strings"
)

func link(url, inner string) string {
	return "<a href=\"" + html.EscapeString(url) + "\">" + inner + "</a>"
}

// A replacement is the HTML of escaped markup.
type replacement struct {
	markup *regexp.Regexp
	html   string
}

func replace(s string, all []replacement) string {
	for _, r := range all {
		s = r.markup.ReplaceAllString(s, r.html)
	}
	return s
}

var code = replacement{regexp.MustCompile("`([^`\n]+)`"), "<code>$1</code>"}

var mrkdwn = []replacement{
	{regexp.MustCompile(`&lt;(https?://[^|&]*(?:&amp;[^|&]*)*)\|(.*?)&gt;`), `<a href="$1">$2</a>`},
	{regexp.MustCompile(`&lt;(?:@|!subteam\^)([A-Z0-9]+)&gt;`), `<a>@$1</a>`},
	{regexp.MustCompile(`\*([^*\n]+)\*`), "<b>$1</b>"},
	code,
}

var markdown = []replacement{
	{regexp.MustCompile(`\[([^\]\n]*)\]\((https?://[^)\n]*)\)`), `<a href="$2">$1</a>`},
	{regexp.MustCompile(`\*\*([^*\n]+)\*\*`), "<b>$1</b>"},
	code,
	{regexp.MustCompile(`&lt;@([^&\n]+)&gt;`), `<a>@$1</a>`},
	{regexp.MustCompile(`&lt;at id=([^&\n]+)&gt;&lt;/at&gt;`), `<a>@$1</a>`},
}

func drawMrkdwn(s string) string {
	s = replace(html.EscapeString(s), mrkdwn)
	s = strings.NewReplacer("&amp;amp;", "&amp;", "&amp;lt;", "&lt;", "&amp;gt;", "&gt;").Replace(s)
	return strings.ReplaceAll(s, "\n", "<br>\n")
}

// drawMarkdown returns the HTML of the Markdown that DingTalk, Feishu and WeCom
// document.
func drawMarkdown(s string) string {
	var b strings.Builder
	inList := false
	for line := range strings.Lines(s) {
		line = strings.TrimRight(line, "\n")
		item, isItem := strings.CutPrefix(line, "- ")
		switch {
		case isItem && !inList:
			b.WriteString("<ul>")
			inList = true
		case !isItem && line != "" && inList:
			b.WriteString("</ul>\n")
			inList = false
		}
		switch {
		case isItem:
			b.WriteString("<li>" + inline(item) + "</li>\n")
		case strings.HasPrefix(line, "#"):
			b.WriteString("<h3>" + inline(strings.TrimLeft(line, "# ")) + "</h3>\n")
		case strings.HasPrefix(line, "> "):
			b.WriteString("<blockquote>" + inline(line[2:]) + "</blockquote>\n")
		case line != "":
			b.WriteString("<p>" + inline(line) + "</p>\n")
		}
	}
	if inList {
		b.WriteString("</ul>\n")
	}
	return b.String()
}

func inline(s string) string { return replace(html.EscapeString(s), markdown) }
