package preview

import (
	"bytes"
	"encoding/json"
	"fmt"
	"html"
	"strings"
)

// drawings return the HTML of a posted body, roughly as the client of a service
// shows it.
var drawings = map[string]func(body []byte) string{
	"slack":    drawSlack,
	"dingtalk": func(b []byte) string { return drawMarkdown(text(b, "markdown", "text")) },
	"feishu":   drawFeishu,
	"wecom":    func(b []byte) string { return drawMarkdown(text(b, "markdown", "content")) },
	"teams":    drawTeams,
	"webhook":  drawJSON,
}

func drawSlack(body []byte) string {
	var b strings.Builder
	message := parse(body)
	blocks := message.objects("blocks")
	if len(blocks) == 0 {
		return "<p>" + drawMrkdwn(message.text("text")) + "</p>"
	}
	for _, block := range blocks {
		switch block.text("type") {
		case "header":
			fmt.Fprintf(&b, "<h3>%s</h3>\n", html.EscapeString(block.object("text").text("text")))
		case "section":
			fmt.Fprintf(&b, "<p>%s</p>\n", drawMrkdwn(block.object("text").text("text")))
		case "context":
			for _, e := range block.objects("elements") {
				fmt.Fprintf(&b, "<p class=\"small\">%s</p>\n", drawMrkdwn(e.text("text")))
			}
		case "rich_text":
			for _, e := range block.objects("elements") {
				if e.text("type") == "rich_text_list" {
					b.WriteString("<ul>")
					for _, item := range e.objects("elements") {
						fmt.Fprintf(&b, "<li>%s</li>\n", drawRich(item.objects("elements")))
					}
					b.WriteString("</ul>\n")
				} else {
					fmt.Fprintf(&b, "<p>%s</p>\n", drawRich(e.objects("elements")))
				}
			}
		}
	}
	return b.String()
}

func drawRich(elements []object) string {
	var b strings.Builder
	for _, e := range elements {
		s := html.EscapeString(e.text("text"))
		style := e.object("style")
		switch {
		case e.text("type") == "link":
			s = link(e.text("url"), s)
		case e.text("type") == "user" || e.text("type") == "usergroup":
			s = "<a>@" + html.EscapeString(e.text("user_id")+e.text("usergroup_id")) + "</a>"
		case style["bold"] == true:
			s = "<b>" + s + "</b>"
		case style["code"] == true:
			s = "<code>" + s + "</code>"
		}
		b.WriteString(s)
	}
	return b.String()
}

func drawFeishu(body []byte) string {
	card := parse(body).object("card")
	var b strings.Builder
	fmt.Fprintf(&b, "<div class=\"band %s\">%s</div>\n", html.EscapeString(card.object("header").text("template")), html.EscapeString(card.object("header").object("title").text("content")))
	for _, e := range card.object("body").objects("elements") {
		b.WriteString(drawMarkdown(e.text("content")))
	}
	return b.String()
}

func drawTeams(body []byte) string {
	var b strings.Builder
	for _, a := range parse(body).objects("attachments") {
		for _, e := range a.object("content").objects("body") {
			b.WriteString(drawCard(e))
		}
	}
	return b.String()
}

func drawCard(e object) string {
	var b strings.Builder
	switch e.text("type") {
	case "RichTextBlock":
		b.WriteString("<p>")
		for _, run := range e.objects("inlines") {
			s := html.EscapeString(run.text("text"))
			if run.text("weight") == "bolder" {
				s = "<b>" + s + "</b>"
			}
			if run.text("size") == "large" {
				s = "<big>" + s + "</big>"
			}
			if run["isSubtle"] == true {
				s = "<span class=\"small\">" + s + "</span>"
			}
			b.WriteString(s)
		}
		b.WriteString("</p>\n")
	case "ActionSet":
		b.WriteString("<p>")
		for _, action := range e.objects("actions") {
			b.WriteString(link(action.text("url"), html.EscapeString(action.text("title"))) + " ")
		}
		b.WriteString("</p>\n")
	}
	return b.String()
}

func drawJSON(body []byte) string {
	var b bytes.Buffer
	if json.Indent(&b, body, "", "  ") != nil {
		b.Reset()
		b.Write(body)
	}
	return "<pre>" + html.EscapeString(b.String()) + "</pre>\n"
}
