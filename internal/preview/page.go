package preview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"regexp"
	"strings"
)

// drawings turn a body as posted into HTML, roughly as each client shows it.
var drawings = map[string]func(body []byte) string{
	"slack":    drawSlack,
	"dingtalk": func(b []byte) string { return drawMarkdown(text(b, "markdown", "text")) },
	"feishu":   drawFeishu,
	"wecom":    func(b []byte) string { return drawMarkdown(text(b, "markdown", "content")) },
	"teams":    drawTeams,
	"webhook":  drawJSON,
}

const style = `
:root { color-scheme: light dark; --page: #f4f4f6; --chat: #fff; --ink: #1d1c1d; --soft: #6b6b70; --line: #e1e1e6; --link: #1264a3; --code: #f2f0f0 }
@media (prefers-color-scheme: dark) { :root { --page: #131416; --chat: #1f2124; --ink: #e6e6e8; --soft: #9b9ba1; --line: #34363a; --link: #6db3f2; --code: #2b2d31 } }
body { margin: 2rem auto; max-width: 76rem; padding: 0 1rem; background: var(--page); color: var(--ink); font: 15px/1.5 system-ui, "Noto Sans", "Noto Sans CJK SC", "Noto Color Emoji", sans-serif }
h1 { font-size: 1.3rem } h2 { font-size: 1rem; margin: 2rem 0 .5rem; color: var(--soft); text-transform: capitalize }
.pair { display: grid; grid-template-columns: repeat(auto-fit, minmax(24rem, 1fr)); gap: 1rem; align-items: start }
article { background: var(--chat); border: 1px solid var(--line); border-radius: 10px; padding: .8rem 1.1rem; overflow-wrap: anywhere }
article .push { color: var(--soft); font-size: .8rem; border-bottom: 1px solid var(--line); padding-bottom: .4rem; margin-bottom: .6rem }
article h3 { margin: .2rem 0 .5rem; font-size: 1.1rem; line-height: 1.35 } p { margin: .4rem 0 } ul { margin: .2rem 0 .6rem; padding-left: 1.3rem } li { margin: .15rem 0 }
a { color: var(--link); text-decoration: none } code { background: var(--code); border-radius: 4px; padding: 0 .25em; font-size: .85em; white-space: nowrap }
.small, blockquote { color: var(--soft); font-size: .85rem } blockquote { margin: .5rem 0; padding-left: .7rem; border-left: 3px solid var(--line) }
pre { font-size: .75rem; overflow: auto; max-height: 24rem } .band { margin: -.8rem -1.1rem .6rem; padding: .6rem 1.1rem; border-radius: 10px 10px 0 0; color: #fff; font-weight: 600 }
body:has(:target) > :not(:has(:target)), body:has(:target) article:not(:target), body:has(:target) .push { display: none }
.red { background: #d83931 } .orange { background: #de7802 } .blue { background: #245bdb } .green { background: #2ea121 }
`

// Page is the messages as one HTML page, which needs nothing else. Opened with
// #slack-en it shows that message alone.
func Page(messages []Message) string {
	var b strings.Builder
	b.WriteString("<!doctype html>\n<html lang=\"en\"><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width\"><title>Messages</title><style>" + style + "</style>\n<h1>Messages as the chats show them</h1>\n")
	service := ""
	for _, m := range messages {
		if m.Service != service {
			if service != "" {
				b.WriteString("</div>\n")
			}
			service = m.Service
			fmt.Fprintf(&b, "<h2>%s</h2>\n<div class=\"pair\">\n", html.EscapeString(service))
		}
		draw, ok := drawings[m.Service]
		if !ok {
			draw = drawJSON
		}
		fmt.Fprintf(&b, "<article id=\"%s-%s\" lang=\"%s\"><div class=\"push\">%s</div>\n%s</article>\n",
			html.EscapeString(m.Service), html.EscapeString(m.Language), html.EscapeString(m.Language), html.EscapeString(m.Title), draw(m.Body))
	}
	if service != "" {
		b.WriteString("</div>\n")
	}
	b.WriteString("</html>\n")
	return b.String()
}

// A thing is a piece of JSON whose shape is the service's.
type thing map[string]any

func (t thing) text(name string) string { s, _ := t[name].(string); return s }
func (t thing) thing(name string) thing { m, _ := t[name].(map[string]any); return m }

func (t thing) things(name string) []thing {
	list, _ := t[name].([]any)
	var out []thing
	for _, v := range list {
		if m, ok := v.(map[string]any); ok {
			out = append(out, m)
		}
	}
	return out
}

func parse(body []byte) thing {
	var t thing
	_ = json.Unmarshal(body, &t) // the room has taken it, so it is JSON
	return t
}

func text(body []byte, path ...string) string {
	t := parse(body)
	for _, name := range path[:len(path)-1] {
		t = t.thing(name)
	}
	return t.text(path[len(path)-1])
}

func drawSlack(body []byte) string {
	var b strings.Builder
	message := parse(body)
	blocks := message.things("blocks")
	if len(blocks) == 0 {
		return "<p>" + drawMrkdwn(message.text("text")) + "</p>"
	}
	for _, block := range blocks {
		switch block.text("type") {
		case "header":
			fmt.Fprintf(&b, "<h3>%s</h3>\n", html.EscapeString(block.thing("text").text("text")))
		case "section":
			fmt.Fprintf(&b, "<p>%s</p>\n", drawMrkdwn(block.thing("text").text("text")))
		case "context":
			for _, e := range block.things("elements") {
				fmt.Fprintf(&b, "<p class=\"small\">%s</p>\n", drawMrkdwn(e.text("text")))
			}
		case "rich_text":
			for _, e := range block.things("elements") {
				if e.text("type") == "rich_text_list" {
					b.WriteString("<ul>")
					for _, item := range e.things("elements") {
						fmt.Fprintf(&b, "<li>%s</li>\n", drawRich(item.things("elements")))
					}
					b.WriteString("</ul>\n")
				} else {
					fmt.Fprintf(&b, "<p>%s</p>\n", drawRich(e.things("elements")))
				}
			}
		}
	}
	return b.String()
}

func drawRich(elements []thing) string {
	var b strings.Builder
	for _, e := range elements {
		s := html.EscapeString(e.text("text"))
		style := e.thing("style")
		switch {
		case e.text("type") == "link":
			s = link(e.text("url"), s)
		case e.text("type") == "user":
			s = "<a>@" + html.EscapeString(e.text("user_id")) + "</a>"
		case style["bold"] == true:
			s = "<b>" + s + "</b>"
		case style["code"] == true:
			s = "<code>" + s + "</code>"
		}
		b.WriteString(s)
	}
	return b.String()
}

func link(url, inner string) string {
	return "<a href=\"" + html.EscapeString(url) + "\">" + inner + "</a>"
}

// A drawing is what markup looks like. Its expression is made anew each time, as
// few processes draw.
type drawing struct{ markup, look string }

func draw(s string, drawings []drawing) string {
	for _, d := range drawings {
		s = regexp.MustCompile(d.markup).ReplaceAllString(s, d.look)
	}
	return s
}

var code = drawing{"`([^`\n]+)`", "<code>$1</code>"}

var mrkdwn = []drawing{
	{`&lt;(https?://[^|&]*(?:&amp;[^|&]*)*)\|(.*?)&gt;`, `<a href="$1">$2</a>`},
	{`&lt;(?:@|!subteam\^)([A-Z0-9]+)&gt;`, `<a>@$1</a>`},
	{`\*([^*\n]+)\*`, "<b>$1</b>"},
	code,
}

var markdown = []drawing{
	{`\[([^\]\n]*)\]\((https?://[^)\n]*)\)`, `<a href="$2">$1</a>`},
	{`\*\*([^*\n]+)\*\*`, "<b>$1</b>"},
	code,
	{`&lt;font color=(?:&#34;|&#39;)?(\w+)(?:&#34;|&#39;)?&gt;(.*?)&lt;/font&gt;`, `<span class="small">$2</span>`},
}

func drawMrkdwn(s string) string {
	s = draw(html.EscapeString(s), mrkdwn)
	s = strings.NewReplacer("&amp;amp;", "&amp;", "&amp;lt;", "&lt;", "&amp;gt;", "&gt;").Replace(s)
	return strings.ReplaceAll(s, "\n", "<br>\n")
}

// drawMarkdown draws the subset that DingTalk, Feishu and WeCom document.
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

func inline(s string) string { return draw(html.EscapeString(s), markdown) }

func drawFeishu(body []byte) string {
	card := parse(body).thing("card")
	var b strings.Builder
	fmt.Fprintf(&b, "<div class=\"band %s\">%s</div>\n", html.EscapeString(card.thing("header").text("template")), html.EscapeString(card.thing("header").thing("title").text("content")))
	for _, e := range card.thing("body").things("elements") {
		switch e.text("tag") {
		case "hr":
			b.WriteString("<hr>")
		default:
			b.WriteString(drawMarkdown(e.text("content")))
		}
	}
	return b.String()
}

func drawTeams(body []byte) string {
	var b strings.Builder
	for _, a := range parse(body).things("attachments") {
		card := a.thing("content")
		for _, e := range card.things("body") {
			b.WriteString(drawCard(e))
		}
		for _, action := range card.things("actions") {
			fmt.Fprintf(&b, "<p>%s</p>\n", link(action.text("url"), html.EscapeString(action.text("title"))))
		}
	}
	return b.String()
}

func drawCard(e thing) string {
	var b strings.Builder
	switch e.text("type") {
	case "TextBlock":
		tag := "p"
		if size := e.text("size"); size == "Large" || size == "large" || size == "Medium" || size == "medium" {
			tag = "h3"
		}
		inner := inline(e.text("text"))
		if strings.EqualFold(e.text("weight"), "bolder") {
			inner = "<b>" + inner + "</b>"
		}
		fmt.Fprintf(&b, "<%s%s>%s</%s>\n", tag, small(e), inner, tag)
	case "RichTextBlock":
		fmt.Fprintf(&b, "<p%s>", small(e))
		for _, run := range e.things("inlines") {
			s := html.EscapeString(run.text("text"))
			if strings.EqualFold(run.text("weight"), "bolder") {
				s = "<b>" + s + "</b>"
			}
			if strings.EqualFold(run.text("size"), "large") {
				s = "<big>" + s + "</big>"
			}
			if strings.EqualFold(run.text("fontType"), "monospace") {
				s = "<code>" + s + "</code>"
			}
			if url := run.thing("selectAction").text("url"); url != "" {
				s = link(url, s)
			}
			b.WriteString(s)
		}
		b.WriteString("</p>\n")
	case "ActionSet":
		b.WriteString("<p>")
		for _, action := range e.things("actions") {
			b.WriteString(link(action.text("url"), html.EscapeString(action.text("title"))) + " ")
		}
		b.WriteString("</p>\n")
	case "Container", "ColumnSet", "Column":
		for _, inner := range append(e.things("items"), e.things("columns")...) {
			b.WriteString(drawCard(inner))
		}
	}
	return b.String()
}

func small(e thing) string {
	if e["isSubtle"] == true || strings.EqualFold(e.text("size"), "small") {
		return ` class="small"`
	}
	return ""
}

func drawJSON(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		b.Reset()
		b.Write(body)
	}
	return "<pre>" + html.EscapeString(b.String()) + "</pre>\n"
}
