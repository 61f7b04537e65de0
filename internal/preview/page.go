package preview

import (
	"bytes"
	"encoding/json"
	"html"
	"html/template"
	"regexp"
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
		"mrkdwn":   func(s string) template.HTML { return toHTML(s, mrkdwn) },
		"markdown": func(s string) template.HTML { return toHTML(s, markdown) },
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

var code = replacement{"`([^`\n]+)`", "<code>$1</code>"}

// mrkdwn is the markup of Slack.
var mrkdwn = []replacement{
	{`&lt;(https?://[^|&]*(?:&amp;[^|&]*)*)\|(.*?)&gt;`, `<a href="$1">$2</a>`},
	{`&lt;(?:@|!subteam\^)([A-Z0-9]+)&gt;`, `<a>@$1</a>`},
	{`\*([^*\n]+)\*`, "<b>$1</b>"},
	code,
	{`&amp;(amp|lt|gt);`, "&$1;"},
	{"\n", "<br>\n"},
}

// markdown is the Markdown that DingTalk, Feishu and WeCom document.
var markdown = []replacement{
	{`(?m)^- (.*)$`, "<li>$1</li>"},
	{`(?m)^#[# ]*(.*)$`, "<h3>$1</h3>"},
	{`(?m)^&gt; (.*)$`, "<blockquote>$1</blockquote>"},
	{`(?m)^([^<\n].*)$`, "<p>$1</p>"},
	{`\n+|$`, "\n"},
	{`(?:<li>.*</li>\n)+`, "<ul>$0</ul>\n"},
	{`\[([^\]\n]*)\]\((https?://[^)\n]*)\)`, `<a href="$2">$1</a>`},
	{`\*\*([^*\n]+)\*\*`, "<b>$1</b>"},
	code,
	{`&lt;@([^&\n]+)&gt;`, `<a>@$1</a>`},
	{`&lt;at id=([^&\n]+)&gt;&lt;/at&gt;`, `<a>@$1</a>`},
}
