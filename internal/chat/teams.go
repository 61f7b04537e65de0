package chat

import (
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// teamsStoredBytes is the limit of a body as Teams stores it: four fifths of the
// "approximately 28 KB" of the documentation. Teams drops a longer message after
// it has responded 202.
// https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
const teamsStoredBytes = 22_400

type teamsService struct{ target }

func loadTeams(env *config.Env) service {
	const name, form = "TEAMS_WEBHOOK_URL", "https://….environment.api.powerplatform.com/powerautomate/…"
	u := env.SecretURL(name, form)
	switch {
	case u == nil:
		return nil
	case retiredConnector(u.Hostname()):
		env.RefuseSecret(name, `the address of a flow but that of a connector, which Microsoft has retired; create a flow from the template "Send webhook alerts to a channel" in Teams' Workflows, `+form)
		return nil
	}
	return teamsService{target{u}}
}

func retiredConnector(host string) bool {
	return host == "outlook.office.com" || host == "webhook.office.com" || strings.HasSuffix(host, ".webhook.office.com")
}

type teamsCard struct {
	Schema   string         `json:"$schema"`
	Type     string         `json:"type"`
	Version  string         `json:"version"`
	Fallback string         `json:"fallbackText"`
	Body     []teamsElement `json:"body"`
	Teams    struct {
		Width string `json:"width"`
	} `json:"msteams"`
}

// A teamsElement is an element of version 1.4, which all clients support.
// https://adaptivecards.io/explorer/
type teamsElement struct {
	Type    string        `json:"type"`
	Spacing string        `json:"spacing,omitempty"`
	Inlines []teamsRun    `json:"inlines,omitempty"`
	Actions []teamsAction `json:"actions,omitempty"`
}

// A teamsRun is text without markup. A TextBlock would be parsed as Markdown and
// could contain functions.
type teamsRun struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Weight string `json:"weight,omitempty"`
	Size   string `json:"size,omitempty"`
	Color  string `json:"color,omitempty"`
	Subtle bool   `json:"isSubtle,omitempty"`
}

type teamsAction struct {
	Type  string `json:"type"`
	Title string `json:"title"`
	URL   string `json:"url"`
}

var teamsColours = map[report.Severity]string{
	report.Critical: "attention", report.Warning: "warning", report.Notice: "accent", "": "good",
}

func (s teamsService) bodies(o outgoing) ([][]byte, error) {
	payload := func(m message.Message) any {
		m.Title = escapeText(m.Title, true)
		c := teamsCard{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4", Fallback: m.Title}
		c.Teams.Width = "Full"
		c.Body = teamsElements(m, teamsColours[tone(m, o.report)])
		attachment := map[string]any{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": c}
		return map[string]any{"type": "message", "summary": m.Title, "attachments": []any{attachment}}
	}
	m, err := fitToLimit(o.draft, func(m message.Message) bool {
		body, err := encode(payload(m))
		return err == nil && storedBytes(body) <= teamsStoredBytes
	})
	if err != nil {
		return nil, err
	}
	body, err := encode(payload(m))
	return [][]byte{body}, err
}

// storedBytes returns the length of JSON as a string within JSON, with all but
// ASCII as \u and four digits. Teams stores a card like that.
func storedBytes(body []byte) int {
	n := len(`""`)
	for _, r := range string(body) {
		switch {
		case r == '"' || r == '\\':
			n += 2
		case r < utf8.RuneSelf:
			n++
		default:
			n += len(`\u0000`) * utf16.RuneLen(r)
		}
	}
	return n
}

// teamsElements returns the elements of a message. Links are buttons, as clients
// do not show those within text:
// https://github.com/microsoft/AdaptiveCards/issues/9100
func teamsElements(m message.Message, colour string) []teamsElement {
	var all []teamsElement
	add := func(spacing string, runs ...teamsRun) {
		if len(runs) > 0 {
			all = append(all, teamsElement{Type: "RichTextBlock", Spacing: spacing, Inlines: runs})
		}
	}
	add("", teamsRun{Type: "TextRun", Text: m.Title, Size: "large", Weight: "bolder", Color: colour})
	var links []teamsAction
	for _, l := range m.Lead {
		runs, more := teamsRuns(l)
		add("small", runs...)
		links = append(links, more...)
	}
	if len(links) > 0 {
		all = append(all, teamsElement{Type: "ActionSet", Actions: links})
	}
	for _, g := range m.Groups {
		add("medium", teamsRun{Type: "TextRun", Text: escapeText(g.Heading.String(), true), Weight: "bolder"})
		for _, row := range g.Rows {
			runs, _ := teamsRuns(row)
			add("small", append([]teamsRun{{Type: "TextRun", Text: "• "}}, runs...)...)
		}
	}
	for _, l := range slices.Concat(m.More, m.Foot) {
		add("medium", teamsRun{Type: "TextRun", Text: escapeText(l.String(), true), Subtle: true})
	}
	return all
}

// teamsRuns returns what a line shows as text and what it shows as buttons,
// without the dots between these.
func teamsRuns(l message.Line) (runs []teamsRun, links []teamsAction) {
	for _, r := range l {
		run := teamsRun{Type: "TextRun", Text: escapeText(r.Text, false), Subtle: r.Style == message.Code}
		if r.Style == message.Bold {
			run.Weight = "bolder"
		}
		if r.Style != message.Link {
			runs = append(runs, run)
			continue
		}
		links = append(links, teamsAction{"Action.OpenUrl", run.Text, escapeURL.Replace(r.URL)})
		if last := len(runs) - 1; last >= 0 {
			if runs[last].Text = strings.TrimSuffix(runs[last].Text, " · "); runs[last].Text == "" {
				runs = runs[:last]
			}
		}
	}
	return runs, links
}

var teamsAdvice = advice{
	"DirectApiAuthorizationRequired": "the URL lacks its signature, or the flow accepts signed-in users only: set the full URL with sig=, and let anyone trigger the flow",
	"TriggerInputSchemaMismatch":     `the flow expects other input: create one from the template "Send webhook alerts to a channel"`,
	"InvalidRequestContent":          `the flow could not parse the message: create one from the template "Send webhook alerts to a channel"`,
	"WorkflowNotFound":               "the flow was deleted: create a new one and set its URL",
	"WorkflowTriggerIsNotEnabled":    "the flow is off: turn it on",
}

// checkResponse goes by the status: 202 means that the flow started, and its
// result is unknown. HTML, such as a sign-in page, is not from a flow.
func (s teamsService) checkResponse(status int, header http.Header, body []byte) *Error {
	isHTML := bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
	if status >= 200 && status < 300 && !isHTML {
		return nil
	}
	e := statusError(status, header)
	var response struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &response) // what is not an object has no code
	if known, ok := teamsAdvice[response.Error.Code]; ok {
		e.Code, e.Advice = response.Error.Code, known
	}
	return e
}
