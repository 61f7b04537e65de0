package preview

import (
	"bytes"
	"encoding/json"
	"html/template"
	"sync"

	"matrix-expiry-report/templates"
)

// page is the page with a part for each service, which gets the posted body.
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
