package chat

import (
	"bytes"
	"cmp"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"unicode"
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

// teamsElementsMax is how many elements a card has. Each is a line, and so is a row
// of buttons, which other chats do not have.
const teamsElementsMax = 40

func loadTeams(env *config.Env) Channel {
	const name, form = "TEAMS_WEBHOOK_URL", "https://….environment.api.powerplatform.com/powerautomate/…"
	u := env.SecretURL(name, form)
	if u != nil && (u.Hostname() == "outlook.office.com" || strings.HasSuffix("."+u.Hostname(), ".webhook.office.com")) {
		env.RefuseSecret(name, `the address of a flow but that of a connector, which Microsoft has retired; create a flow from the template "Send webhook alerts to a channel" in Teams' Workflows, `+form)
		u = nil
	}
	return Channel{url: u, isPerson: noPerson, formats: []format{teamsBody}, check: checkTeams}
}

// teamsWord is how many characters of a word fit in a line on a phone.
const teamsWord = 24

// teamsText returns text for a run. Cards do not break words, so it lets those that
// are wider than a phone break, by a space without width.
func teamsText(text string) string {
	var b strings.Builder
	word := 0
	for _, r := range escapeText(text, false) {
		if word++; unicode.IsSpace(r) {
			word = 0
		} else if word > teamsWord {
			b.WriteRune('\u200b')
			word = 1
		}
		b.WriteRune(r)
	}
	return b.String()
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

var teamsColours = map[report.Severity]string{
	report.Critical: "attention", report.Warning: "warning", report.Notice: "accent", "": "good",
}

func teamsBody(o outgoing) ([]byte, error) {
	elements := func(m message.Message) []object { return teamsElements(m, teamsColours[tone(m, o.report)]) }
	m, err := fitToLimit(o.draft, func(m message.Message) bool {
		card := elements(m)
		body, err := encode(teamsMessage(m, card))
		return err == nil && len(card) <= teamsElementsMax && storedBytes(string(body)) <= teamsStoredBytes
	})
	if err != nil {
		return nil, err
	}
	return encode(teamsMessage(m, elements(m)))
}

// teamsMessage returns a message with a card of elements.
func teamsMessage(m message.Message, elements []object) object {
	title := escapeText(m.Title, true)
	card := object{
		"$schema":      "http://adaptivecards.io/schemas/adaptive-card.json",
		"type":         "AdaptiveCard",
		"version":      "1.4", // which all clients support: https://adaptivecards.io/explorer/
		"fallbackText": title,
		"body":         elements,
		"msteams":      object{"width": "Full"},
	}
	attachment := object{"contentType": "application/vnd.microsoft.card.adaptive", "contentUrl": nil, "content": card}
	return object{"type": "message", "summary": title, "attachments": []any{attachment}}
}

// storedBytes returns the length of JSON as a string within JSON, with all but
// ASCII as \u and four digits. Teams stores a card like that.
func storedBytes(body string) int {
	n := len(`""`) + strings.Count(body, `"`) + strings.Count(body, `\`)
	for _, r := range body {
		if r < utf8.RuneSelf {
			n++
		} else {
			n += len(`\u0000`) * utf16.RuneLen(r)
		}
	}
	return n
}

// teamsElements returns the elements of a message. Links are buttons, as clients
// do not show those within text:
// https://github.com/microsoft/AdaptiveCards/issues/9100
func teamsElements(m message.Message, colour string) (all []object) {
	add := func(spacing string, runs ...teamsRun) {
		if len(runs) > 0 {
			all = append(all, object{"type": "RichTextBlock", "spacing": spacing, "inlines": runs})
		}
	}
	addLinks := func(links []object) {
		if len(links) > 0 {
			all = append(all, object{"type": "ActionSet", "actions": links})
		}
	}
	title := teamsRun{Type: "TextRun", Text: teamsText(m.Title), Size: "large", Weight: "bolder", Color: colour}
	all = append(all, object{"type": "RichTextBlock", "inlines": []teamsRun{title}})
	var links []object
	for _, l := range m.Lead {
		runs, more := teamsRuns(l)
		add("small", runs...)
		links = append(links, more...)
	}
	addLinks(links)
	for _, g := range m.Groups {
		add("medium", teamsRun{Type: "TextRun", Text: teamsText(g.Heading.String()), Weight: "bolder"})
		for _, row := range g.Rows {
			runs, _ := teamsRuns(row)
			add("small", append([]teamsRun{{Type: "TextRun", Text: "• "}}, runs...)...)
		}
	}
	for _, l := range slices.Concat(m.More, m.Foot) {
		runs, links := teamsRuns(l)
		for i := range runs {
			runs[i].Subtle = true
		}
		add("medium", runs...)
		addLinks(links)
	}
	return all
}

// teamsRuns returns what a line shows as text and what it shows as buttons,
// without the dots between these.
func teamsRuns(l message.Line) (runs []teamsRun, links []object) {
	for _, r := range l {
		run := teamsRun{Type: "TextRun", Text: teamsText(r.Text), Subtle: r.Style == message.Code}
		if r.Style == message.Bold {
			run.Weight = "bolder"
		}
		if r.Style != message.Link {
			runs = append(runs, run)
			continue
		}
		links = append(links, object{"type": "Action.OpenUrl", "title": run.Text, "url": escapeURL.Replace(r.URL)})
		if last := len(runs) - 1; last >= 0 {
			if runs[last].Text = strings.TrimSuffix(runs[last].Text, " · "); runs[last].Text == "" {
				runs = runs[:last]
			}
		}
	}
	return runs, links
}

var teamsErrors = errorTable{
	"DirectApiAuthorizationRequired": {Advice: "the URL lacks its signature, or the flow accepts signed-in users only: set the full URL with sig=, and let anyone trigger the flow"},
	"TriggerInputSchemaMismatch":     {Advice: `the flow expects other input: create one from the template "Send webhook alerts to a channel"`},
	"InvalidRequestContent":          {Advice: `the flow could not parse the message: create one from the template "Send webhook alerts to a channel"`},
	"WorkflowNotFound":               {Advice: "the flow was deleted: create a new one and set its URL"},
	"WorkflowTriggerIsNotEnabled":    {Advice: "the flow is off: turn it on"},
}

// checkTeams goes by the status: 202 means that the flow started, and its
// result is unknown. HTML, such as a sign-in page, is not from a flow.
func checkTeams(res *http.Response, body []byte) *Error {
	if isHTML := bytes.HasPrefix(bytes.TrimSpace(body), []byte("<")); isSuccess(res) && !isHTML {
		return nil
	}
	var response struct {
		Error struct {
			Code string `json:"code"`
		} `json:"error"`
	}
	_ = json.Unmarshal(body, &response) // what is not an object has no code
	return cmp.Or(teamsErrors.find(response.Error.Code, res), statusError(res))
}
