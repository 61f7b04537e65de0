package chat

import (
	"encoding/json"
	"net/http"
	"regexp"
	"slices"
	"strings"

	"github.com/slack-go/slack"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
)

// Slack's limits, in UTF-16 units. Slack counts these or characters, which are
// fewer.
// https://docs.slack.dev/reference/block-kit/blocks
const (
	slackTextChars  = 3000 // of a section; of the notification 4,000 are advised
	slackTotalChars = 11_500
	slackBlocks     = 50
)

// A slackService is Slack, or a compatible service that has no blocks and a
// Markdown of its own. The latter gets text only.
type slackService struct {
	target
	compatible bool // Mattermost, Rocket.Chat and others
}

var (
	slackToken     = regexp.MustCompile(`^T\w+/B\w+/\w+$`)
	slackPerson    = regexp.MustCompile(`^[UWS][A-Z0-9]{6,}$`) // S is a user group
	compatiblePath = regexp.MustCompile(`/(web)?hooks/`)       // /hooks/…, or /api/webhooks/…/slack
)

func loadSlack(env *config.Env) service {
	const name, form = "SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T…/B…/…"
	u := webhookURL(env, name, form, slackToken, "https://hooks.slack.com/services/")
	if u == nil {
		return nil
	}
	vendor := u.Hostname() == "hooks.slack.com" || u.Hostname() == "hooks.slack-gov.com"
	path, isService := strings.CutPrefix(u.Path, "/services/")
	switch {
	case strings.HasPrefix(u.Path, "/triggers/") || strings.HasPrefix(u.Path, "/workflows/"):
		env.RefuseSecret(name, "an incoming webhook but one of Workflow Builder, which accepts no messages; create an incoming webhook, "+form)
		return nil
	case vendor && !(isService && slackToken.MatchString(path)), strings.Trim(u.Path, "/") == "":
		env.RefuseSecret(name, "an address of the form "+form)
		return nil
	}
	return slackService{target: target{u}, compatible: !vendor && compatiblePath.MatchString(u.Path)}
}

func (s slackService) isPerson(id string) bool { return slackPerson.MatchString(id) }

func (s slackService) markup() markup {
	if s.compatible {
		return compatibleMarkup
	}
	return slackMarkup
}

var (
	slackMarkup      = newMrkdwn(slackEscapes)
	compatibleMarkup = newMrkdwn(compatibleEscapes)
)

func newMrkdwn(escapes map[rune]string) markup {
	return markup{
		escape:   func(text string, lineStart bool) string { return escapeMrkdwn(text, lineStart, escapes) },
		bold:     around("*"),
		code:     around("`"),
		link:     func(text, url string) string { return "<" + url + "|" + text + ">" },
		isPerson: slackPerson.MatchString,
		mention: func(id string) string {
			if strings.HasPrefix(id, "S") {
				return "<!subteam^" + id + ">"
			}
			return "<@" + id + ">"
		},
	}
}

// Slack has escapes for three characters. Homoglyphs replace those that format.
// https://docs.slack.dev/messaging/formatting-message-text#escaping
var slackEscapes = map[rune]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '*': "∗", '~': "∼", '`': "ˋ", '_': "\u02cd"}

// Compatible services parse Markdown, mention people by a bare @, and may show
// an escape literally.
var compatibleEscapes = map[rune]string{
	'&': "＆", '<': "＜", '>': "＞", '*': "∗", '~': "∼", '`': "ˋ", '_': "\u02cd",
	'[': "［", ']': "］", '@': "＠", '#': "＃", '|': "｜", '!': "！", '\\': "＼", '$': "＄",
}

func escapeMrkdwn(text string, lineStart bool, escapes map[rune]string) string {
	runes := []rune(escapeText(text, lineStart))
	var b strings.Builder
	for i, r := range runes {
		escaped, active := escapes[r]
		switch {
		case !active || withinWord(runes, i):
			b.WriteRune(r)
		case r == '>' && i == 0: // an escaped one at the start of a line is a quote, too
			b.WriteString("＞")
		default:
			b.WriteString(escaped)
		}
	}
	return b.String()
}

// bodies returns the message as blocks and, if Slack refuses these, as text.
func (s slackService) bodies(o outgoing) ([][]byte, error) {
	plain, err := fitToLimit(o.draft, func(m message.Message) bool { return chars(slackText(m, s.markup())) <= slackTextChars })
	if err != nil {
		return nil, err
	}
	text, err := encode(slackMessage(slackText(plain, s.markup())))
	if err != nil || s.compatible {
		return [][]byte{text}, err
	}
	m, err := fitToLimit(o.draft, func(m message.Message) bool {
		return len(slackLayout(m)) <= slackBlocks && slackChars(m) <= slackTotalChars && chars(slackNotification(m)) <= slackTextChars
	})
	if err != nil {
		return nil, err
	}
	rich := slackMessage(slackNotification(m))
	rich.Blocks = &slack.Blocks{BlockSet: slackLayout(m)}
	blocks, err := encode(rich)
	if err != nil {
		return nil, err
	}
	var again any // the library's own MarshalJSON escapes & < >
	if err := json.Unmarshal(blocks, &again); err != nil {
		return nil, err
	}
	blocks, err = encode(again)
	return [][]byte{blocks, text}, err
}

func slackMessage(text string) *slack.WebhookMessage {
	unfurl := false
	return &slack.WebhookMessage{Text: text, UnfurlLinks: &unfurl, UnfurlMedia: &unfurl}
}

// slackLayout returns the blocks of a message. Rows are elements without
// markup.
func slackLayout(m message.Message) []slack.Block {
	lead := slackMarkup.lines(m.Lead, "\n")
	if m.Quiet() && len(m.Lead) < 2 && len(m.Foot) == 0 {
		return []slack.Block{slackSection(strings.TrimSpace("*" + slackMarkup.title(m.Title) + "*\n" + lead))}
	}
	blocks := []slack.Block{slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, escapeText(m.Title, true), true, false))}
	if lead != "" {
		blocks = append(blocks, slackSection(lead))
	}
	for _, g := range m.Groups {
		heading := slackElement(message.Run{Style: message.Bold, Text: g.Heading.String()})
		list := slack.NewRichTextList(slack.RTEListBullet, 0)
		for _, row := range g.Rows {
			item := slack.NewRichTextSection()
			for _, r := range row {
				item.Elements = append(item.Elements, slackElement(r))
			}
			list.Elements = append(list.Elements, item)
		}
		blocks = append(blocks, slack.NewRichTextBlock("", slack.NewRichTextSection(heading), list))
	}
	for _, lines := range [][]message.Line{m.More, m.Foot} {
		if len(lines) > 0 {
			text := slackMarkup.lines(lines, "\n")
			blocks = append(blocks, slack.NewContextBlock("", slack.NewTextBlockObject(slack.MarkdownType, text, false, true)))
		}
	}
	return blocks
}

func slackSection(text string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, text, false, true), nil, nil)
}

func slackElement(r message.Run) slack.RichTextSectionElement {
	text := escapeText(r.Text, false)
	switch r.Style {
	case message.Link:
		return slack.NewRichTextSectionLinkElement(escapeURL.Replace(r.URL), text, nil)
	case message.Bold:
		return slack.NewRichTextSectionTextElement(text, &slack.RichTextSectionTextStyle{Bold: true})
	case message.Code:
		return slack.NewRichTextSectionTextElement(text, &slack.RichTextSectionTextStyle{Code: true})
	case message.Person:
		switch {
		case !slackPerson.MatchString(r.Text):
		case strings.HasPrefix(r.Text, "S"):
			return slack.NewRichTextSectionUserGroupElement(r.Text)
		default:
			return slack.NewRichTextSectionUserElement(r.Text, nil)
		}
	}
	return slack.NewRichTextSectionTextElement(text, nil)
}

// slackNotification returns the text of a notification: title and lead.
func slackNotification(m message.Message) string {
	return slackText(message.Message{Title: m.Title, Lead: m.Lead}, slackMarkup)
}

// slackText returns the message as text.
func slackText(m message.Message, in markup) string {
	lines := []string{in.title(m.Title)}
	for _, l := range m.Lead {
		lines = append(lines, in.line(l))
	}
	for _, g := range m.Groups {
		lines = append(lines, "", in.bold(in.line(g.Heading)))
		for _, row := range g.Rows {
			lines = append(lines, "• "+in.line(row))
		}
	}
	for _, part := range [][]message.Line{m.More, m.Foot} {
		if len(part) > 0 {
			lines = append(lines, "", in.lines(part, "\n"))
		}
	}
	return strings.Join(lines, "\n")
}

// slackChars returns how many characters of text the blocks of a message have.
func slackChars(m message.Message) int {
	n := chars(m.Title) + chars(slackMarkup.lines(slices.Concat(m.Lead, m.More, m.Foot), ""))
	for _, g := range m.Groups {
		n += chars(g.Heading.String())
		for _, row := range g.Rows {
			n += chars(row.String())
		}
	}
	return n
}

var slackAdvice = advice{
	"invalid_payload":                   "Slack could not parse the message: check any proxy",
	"invalid_token":                     "the webhook was revoked: create a new one and set its URL",
	"no_service":                        "the webhook was disabled or removed: create a new one and set its URL",
	"no_team":                           "the workspace does not exist: create a new webhook and set its URL",
	"no_active_hooks":                   "the webhook was disabled: create a new one and set its URL",
	"no_text":                           "Slack found no text in the message: check any proxy",
	"channel_not_found":                 "the webhook's channel does not exist: create a webhook for another one",
	"channel_is_archived":               "the webhook's channel is archived: create a webhook for another one",
	"action_prohibited":                 "the workspace does not allow this webhook to post: contact its admin",
	"user_not_found":                    "the webhook's user does not exist: create a new webhook",
	"posting_to_general_channel_denied": "the workspace does not allow webhooks in its general channel: create a webhook for another one",
	"invalid_blocks":                    "Slack refused both blocks and text: check its changelog",
	"invalid_attachments":               "Slack refused both blocks and text: check its changelog",
	"msg_blocks_too_long":               "Slack refused both blocks and text: check its changelog",
}

// slackBlockErrors are the codes after which Slack may accept text.
var slackBlockErrors = []string{"invalid_blocks", "invalid_attachments", "msg_blocks_too_long"}

// checkResponse goes by the body: Slack's is ok, and any other 200 is a failure.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
func (s slackService) checkResponse(status int, header http.Header, body []byte) *Error {
	word := strings.TrimSpace(string(body))
	if status == http.StatusOK && (word == "ok" || s.compatible && strings.HasPrefix(word, `{"success":true`)) {
		return nil
	}
	if known, ok := slackAdvice[word]; ok {
		return &Error{Code: word, Advice: known, TryOtherFormat: slices.Contains(slackBlockErrors, word)}
	}
	e := statusError(status, header)
	switch status {
	case http.StatusOK:
		e.Code = "HTTP 200 without ok"
	case http.StatusInternalServerError: // also Slack's response to blocks that webhooks do not accept
		e.TryOtherFormat = true
	}
	return e
}
