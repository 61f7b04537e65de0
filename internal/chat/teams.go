package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// teamsBodyBytes is what a message may have, below the "approximately 28 KB"
// of the documentation.
// https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
const teamsBodyBytes = 26_000

type teamsService struct{ webhook *url.URL }

func loadTeams(env *config.Env) service {
	const name, form = "TEAMS_WEBHOOK_URL", "https://….environment.api.powerplatform.com/powerautomate/…"
	u := env.SecretURL(name, form)
	switch {
	case u == nil:
		return nil
	case retiredConnector(u.Hostname()):
		env.RefuseSecret(name, `the address of a flow but that of a connector, which Microsoft has retired; make a flow from the template "Send webhook alerts to a channel" in Teams' Workflows, `+form)
		return nil
	}
	return teamsService{u}
}

func retiredConnector(host string) bool {
	return host == "outlook.office.com" || host == "webhook.office.com" || strings.HasSuffix(host, ".webhook.office.com")
}

// A flow runs once for every request.
func (s teamsService) idempotent() bool { return false }

func (s teamsService) host() *url.URL { return hostOf(s.webhook) }

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

// A teamsElement is of version 1.4, which clients of every kind show.
// https://adaptivecards.io/explorer/
type teamsElement struct {
	Type    string        `json:"type"`
	Spacing string        `json:"spacing,omitempty"`
	Inlines []teamsRun    `json:"inlines,omitempty"`
	Actions []teamsAction `json:"actions,omitempty"`
}

// A teamsRun is shown as it is; the text of a TextBlock would be read as
// Markdown and could hold functions.
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

func (s teamsService) bodies(l letter) ([][]byte, error) {
	body, err := fitBytes(l.draft, teamsBodyBytes, func(m message.Message) any {
		c := teamsCard{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4", Fallback: m.Title}
		c.Teams.Width = "Full"
		c.Body = teamsElements(m, teamsColours[severity(m, l.report)])
		attachment := map[string]any{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": c}
		return map[string]any{"type": "message", "summary": m.Title, "attachments": []any{attachment}}
	})
	return [][]byte{body}, err
}

// teamsElements lays a message out. Links are buttons, since those within a
// text are not shown as such:
// https://github.com/microsoft/AdaptiveCards/issues/9100
func teamsElements(m message.Message, colour string) []teamsElement {
	var all []teamsElement
	line := func(spacing string, runs ...teamsRun) {
		if len(runs) > 0 {
			all = append(all, teamsElement{Type: "RichTextBlock", Spacing: spacing, Inlines: runs})
		}
	}
	line("", teamsRun{Type: "TextRun", Text: m.Title, Size: "large", Weight: "bolder", Color: colour})
	var links []teamsAction
	for _, l := range m.Lead {
		runs, more := teamsRuns(l)
		line("small", runs...)
		links = append(links, more...)
	}
	if len(links) > 0 {
		all = append(all, teamsElement{Type: "ActionSet", Actions: links})
	}
	for _, g := range m.Groups {
		line("medium", teamsRun{Type: "TextRun", Text: message.Plain(g.Heading), Weight: "bolder"})
		for _, row := range g.Rows {
			runs, _ := teamsRuns("• " + row)
			line("small", runs...)
		}
	}
	for _, s := range []string{m.More, m.Foot} {
		if s != "" {
			line("medium", teamsRun{Type: "TextRun", Text: message.Plain(s), Subtle: true})
		}
	}
	return all
}

// teamsRuns takes marked text apart into what is shown in line and what is
// shown as buttons, without the dots that stood between these.
func teamsRuns(s string) (runs []teamsRun, links []teamsAction) {
	for _, r := range message.Runs(s) {
		run := teamsRun{Type: "TextRun", Text: r.Text, Subtle: r.Code}
		switch {
		case r.URL != "":
			links = append(links, teamsAction{"Action.OpenUrl", r.Text, r.URL})
			if last := len(runs) - 1; last >= 0 {
				if runs[last].Text = strings.TrimSuffix(runs[last].Text, " · "); runs[last].Text == "" {
					runs = runs[:last]
				}
			}
			continue
		case r.Bold:
			run.Weight = "bolder"
		}
		runs = append(runs, run)
	}
	return runs, links
}

func (s teamsService) request(ctx context.Context, _ string, body []byte, _ time.Time) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodPost, s.webhook.String(), bytes.NewReader(body))
}

var teamsAdvice = advice{
	"DirectApiAuthorizationRequired": "the address has lost its signature, or the flow takes requests of signed-in people only: set the whole address with sig=, and let anyone trigger the flow",
	"TriggerInputSchemaMismatch":     `the flow wants something else: make one from the template "Send webhook alerts to a channel"`,
	"InvalidRequestContent":          `the flow could not read the message: make one from the template "Send webhook alerts to a channel"`,
	"WorkflowNotFound":               "the flow was deleted: make a new one and set its address",
	"WorkflowTriggerIsNotEnabled":    "the flow is turned off: turn it on",
}

// verdict goes by the status: 202 says that the flow has begun, and nobody is
// told how it ended. What a page answers, such as one to sign in, is no flow.
func (s teamsService) verdict(status int, header http.Header, body []byte) *Error {
	page := bytes.HasPrefix(bytes.TrimSpace(body), []byte("<"))
	if status >= 200 && status < 300 && !page {
		return nil
	}
	e := statusError(status, header)
	var said struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &said) // what is no object has no code
	if known, ok := teamsAdvice[said.Error.Code]; ok {
		e.Code, e.Advice = said.Error.Code, known
	}
	return e
}
