package preview

import (
	"bytes"
	"encoding/json"
	"html"
	"html/template"
	"regexp"
	"strings"
	"sync"

	"matrix-expiry-report/templates"
)

// page is the template of the page, with a part for each service, which gets the
// posted body.
var page = sync.OnceValue(func() *template.Template {
	t := template.New("preview.html").Funcs(template.FuncMap{
		"json": func(body []byte) (v map[string]any, err error) {
			err = json.Unmarshal(body, &v)
			return v, err
		},
		"indent": func(body []byte) (string, error) {
			var b bytes.Buffer
			err := json.Indent(&b, body, "", "  ")
			return b.String(), err
		},
		"slack":    func(s string) template.HTML { return toHTML(s, mrkdwn) },
		"dingtalk": func(s string) template.HTML { return toHTML(s, dingtalk) },
		"feishu":   func(s string) template.HTML { return toHTML(s, feishu) },
		"wecom":    func(s string) template.HTML { return toHTML(s, wecom) },
	})
	return template.Must(t.ParseFS(templates.Files, "preview.html"))
})

// Page returns the messages as one HTML page. With a fragment such as #slack-en
// it shows that message only.
func Page(messages []Message) ([]byte, error) {
	type drawn struct {
		Message
		HTML template.HTML
	}
	all := make([]drawn, len(messages))
	var b bytes.Buffer
	for i, m := range messages {
		m.Title = html.UnescapeString(strings.TrimLeft(m.Title, "# ")) // clients show it without markup
		if err := page().ExecuteTemplate(&b, m.Service, m.Body); err != nil {
			return nil, err
		}
		all[i] = drawn{m, template.HTML(b.String())}
		b.Reset()
	}
	err := page().Execute(&b, all)
	return b.Bytes(), err
}

// A replacement is the HTML of escaped markup. The markup is a regular
// expression. It is compiled when used, as that would delay the function's start.
type replacement struct{ markup, html string }

// toHTML returns text with markup as HTML.
func toHTML(text string, all []replacement) template.HTML {
	text = html.EscapeString(text)
	for _, r := range all {
		text = regexp.MustCompile(r.markup).ReplaceAllString(text, r.html)
	}
	return template.HTML(text)
}

var (
	bold      = replacement{`\*\*([^*\n]+)\*\*`, "<b>$1</b>"}
	code      = replacement{"`([^`\n]+)`", "<code>$1</code>"}
	link      = replacement{`\[([^\]\n]*)\]\((https?://[^)\n]*)\)`, `<a href="$2">$1</a>`}
	heading   = replacement{`(?m)^#{1,6} (.*)$`, "<h3>$1</h3>"}
	quote     = replacement{`(?m)^&gt; ?(.*)$`, "<blockquote>$1</blockquote>"}
	item      = replacement{`(?m)^- (.*)$`, "<li>$1</li>"}
	list      = replacement{`(?:<li>.*</li>(?:\n|$))+`, "<ul>$0</ul>\n"}
	paragraph = replacement{`(?m)^([^<\n].*|<(?:b|a|br|code|span)\b.*)$`, "<p>$1</p>"}
)

// mrkdwn is the markup of Slack.
var mrkdwn = []replacement{
	{`&lt;(https?://[^|&]*(?:&amp;[^|&]*)*)\|(.*?)&gt;`, `<a href="$1">$2</a>`},
	{`&lt;(?:@|!subteam\^)([A-Z0-9]+)&gt;`, `<a>@$1</a>`},
	{`\*([^*\n]+)\*`, "<b>$1</b>"},
	code,
	{`&amp;(amp|lt|gt);`, "&$1;"},
	{"\n", "<br>\n"},
}

// dingtalk is the Markdown of DingTalk. A line feed without two spaces before it is
// a space, unless a heading, a list or a quote follows.
var dingtalk = []replacement{
	{`  \n(?:&gt; )?`, "<br>"},
	{`([^\n])\n([^\n#&-])`, "$1 $2"},
	heading, quote, item, link, bold, paragraph, list,
}

// feishu is the Markdown of Feishu's cards, which has HTML entities.
var feishu = []replacement{
	item, link, bold, code,
	{`&lt;at id=([^&\n]+)&gt;&lt;/at&gt;`, `<a>@$1</a>`},
	paragraph, list,
	{`&amp;#(\d+);`, "&#$1;"},
}

// wecom is the markdown of WeCom, version 1. It has colours, and no lists.
var wecom = []replacement{
	heading, quote, link, bold, code,
	{`&lt;font color=&#34;(info|comment|warning)&#34;&gt;(.*?)&lt;/font&gt;`, `<span class="$1">$2</span>`},
	{`&lt;@([^&\n]+)&gt;`, `<a>@$1</a>`},
	paragraph,
	{`\n\n`, "\n<br>\n"},
}
