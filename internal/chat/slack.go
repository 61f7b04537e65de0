package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"

	"github.com/slack-go/slack"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
)

// Slack's limits, in characters; counted in UTF-16 units, the larger of the
// two ways in which it may count.
// https://docs.slack.dev/reference/block-kit/blocks
const (
	slackTextChars  = 3000 // of a section; of the notification 4,000 are advised
	slackTotalChars = 11_500
	slackBlocks     = 50
)

// A slackService is Slack or who takes the same from senders. The latter have
// no blocks, but a Markdown of their own, so they get the text alone.
type slackService struct {
	webhook *url.URL
	like    bool // Mattermost, Rocket.Chat and their kin
}

const (
	slackToken = `^T\w+/B\w+/\w+$`
	likePath   = `/(web)?hooks/` // theirs is /hooks/…, or /api/webhooks/…/slack
)

func loadSlack(env *config.Env) service {
	const name, form = "SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T…/B…/…"
	u := webhookURL(env, name, form, slackToken, "https://hooks.slack.com/services/")
	if u == nil {
		return nil
	}
	vendor := u.Hostname() == "hooks.slack.com" || u.Hostname() == "hooks.slack-gov.com"
	switch {
	case strings.HasPrefix(u.Path, "/triggers/") || strings.HasPrefix(u.Path, "/workflows/"):
		env.RefuseSecret(name, "an incoming webhook but one of Workflow Builder, which takes no messages; make an incoming webhook, "+form)
		return nil
	case vendor && !strings.HasPrefix(u.Path, "/services/"):
		env.RefuseSecret(name, "an address of the form "+form)
		return nil
	}
	return slackService{webhook: u, like: !vendor && like(likePath, u.Path)}
}

func (s slackService) idempotent() bool { return false }

func (s slackService) host() *url.URL { return hostOf(s.webhook) }

func (s slackService) request(ctx context.Context, _ string, body []byte, _ time.Time) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodPost, s.webhook.String(), bytes.NewReader(body))
}

func (s slackService) bodies(l letter) ([][]byte, error) {
	escapes := slackEscapes
	if s.like {
		escapes = likeEscapes
	}
	plain, err := fit(l.draft, func(m message.Message) bool { return chars(slackText(m, escapes)) <= slackTextChars })
	if err != nil {
		return nil, err
	}
	text, err := encode(slackMessage(slackText(plain, escapes)))
	if err != nil || s.like {
		return [][]byte{text}, err
	}
	m, err := fit(l.draft, func(m message.Message) bool {
		return len(slackBlocksOf(m)) <= slackBlocks && slackChars(m) <= slackTotalChars && chars(slackHead(m)) <= slackTextChars
	})
	if err != nil {
		return nil, err
	}
	rich := slackMessage(slackHead(m))
	rich.Blocks = &slack.Blocks{BlockSet: slackBlocksOf(m)}
	blocks, err := encode(rich)
	if err != nil {
		return nil, err
	}
	var anew any // the library's own marshallers escape & < > all the same
	if err := json.Unmarshal(blocks, &anew); err != nil {
		return nil, err
	}
	blocks, err = encode(anew)
	return [][]byte{blocks, text}, err
}

func slackMessage(text string) *slack.WebhookMessage {
	unfurl := false
	return &slack.WebhookMessage{Text: text, UnfurlLinks: &unfurl, UnfurlMedia: &unfurl}
}

// slackBlocksOf lays a message out. Rows are elements rather than markup, so a
// name stays text whatever is in it.
func slackBlocksOf(m message.Message) []slack.Block {
	var blocks []slack.Block
	if m.Quiet() && len(m.Lead) < 2 && m.Foot == "" {
		return append(blocks, slackSection(strings.TrimSpace("*"+mrkdwn(m.Title, slackEscapes)+"*\n"+slackLead(m))))
	}
	blocks = append(blocks, slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, m.Title, true, false)))
	if len(m.Lead) > 0 {
		blocks = append(blocks, slackSection(slackLead(m)))
	}
	for _, g := range m.Groups {
		heading := slack.NewRichTextSection(slack.NewRichTextSectionTextElement(message.Plain(g.Heading), &slack.RichTextSectionTextStyle{Bold: true}))
		list := slack.NewRichTextList(slack.RTEListBullet, 0)
		for _, row := range g.Rows {
			list.Elements = append(list.Elements, slack.NewRichTextSection(slackElements(row)...))
		}
		blocks = append(blocks, slack.NewRichTextBlock("", heading, list))
	}
	for _, s := range []string{m.More, m.Foot} {
		if s != "" {
			blocks = append(blocks, slack.NewContextBlock("", slack.NewTextBlockObject(slack.MarkdownType, mrkdwn(s, slackEscapes), false, true)))
		}
	}
	return blocks
}

func slackSection(text string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, text, false, true), nil, nil)
}

// slackHead is what a notification shows, title and lead.
func slackHead(m message.Message) string {
	return slackText(message.Message{Title: m.Title, Lead: m.Lead}, slackEscapes)
}

func slackLead(m message.Message) string {
	lines := make([]string, len(m.Lead))
	for i, l := range m.Lead {
		lines[i] = mrkdwn(l, slackEscapes)
	}
	return strings.Join(lines, "\n")
}

func slackElements(row string) []slack.RichTextSectionElement {
	var out []slack.RichTextSectionElement
	for _, r := range message.Runs(row) {
		switch {
		case r.URL != "":
			out = append(out, slack.NewRichTextSectionLinkElement(r.URL, r.Text, nil))
		case r.Bold || r.Code:
			out = append(out, slack.NewRichTextSectionTextElement(r.Text, &slack.RichTextSectionTextStyle{Bold: r.Bold, Code: r.Code}))
		default:
			out = append(out, slack.NewRichTextSectionTextElement(r.Text, nil))
		}
	}
	return out
}

// slackText is the message as text alone, for where blocks are refused.
func slackText(m message.Message, escapes map[rune]string) string {
	lines := []string{mrkdwn(m.Title, escapes)}
	for _, l := range m.Lead {
		lines = append(lines, mrkdwn(l, escapes))
	}
	for _, g := range m.Groups {
		lines = append(lines, "", "*"+mrkdwn(g.Heading, escapes)+"*")
		for _, row := range g.Rows {
			lines = append(lines, "• "+mrkdwn(row, escapes))
		}
	}
	for _, s := range []string{m.More, m.Foot} {
		if s != "" {
			lines = append(lines, "", mrkdwn(s, escapes))
		}
	}
	return strings.Join(lines, "\n")
}

// Slack has an escape for three characters; for those that format there is
// none, so lookalikes stand for them.
// https://docs.slack.dev/messaging/formatting-message-text#escaping
var slackEscapes = map[rune]string{'&': "&amp;", '<': "&lt;", '>': "&gt;", '*': "∗", '~': "∼", '`': "ˋ", '_': "\u02cd"}

// likeEscapes are for those who speak like Slack: they read Markdown, call
// people by a bare @, and may show an escape as it is written.
var likeEscapes = map[rune]string{
	'&': "＆", '<': "＜", '>': "＞", '*': "∗", '~': "∼", '`': "ˋ", '_': "\u02cd",
	'[': "［", ']': "］", '(': "（", ')': "）", '@': "＠", '#': "＃", '|': "｜", '!': "！", '\\': "＼", '$': "＄",
}

// mrkdwn turns marked text into Slack's markup.
func mrkdwn(s string, escapes map[rune]string) string {
	var b strings.Builder
	for _, r := range message.Runs(s) {
		text := escape(r.Text, escapes)
		switch {
		case r.Mention && strings.HasPrefix(r.Text, "S"):
			b.WriteString("<!subteam^" + r.Text + ">")
		case r.Mention:
			b.WriteString("<@" + r.Text + ">")
		case r.URL != "":
			b.WriteString("<" + r.URL + "|" + text + ">")
		case r.Bold:
			b.WriteString("*" + text + "*")
		case r.Code:
			b.WriteString("`" + text + "`")
		default:
			b.WriteString(text)
		}
	}
	return b.String()
}

// escape leaves an underscore within a word as it is: names are full of them,
// and it has no effect there.
func escape(s string, escapes map[rune]string) string {
	runes := []rune(s)
	word := func(i int) bool {
		return i >= 0 && i < len(runes) && (unicode.IsLetter(runes[i]) || unicode.IsDigit(runes[i]))
	}
	var b strings.Builder
	for i, r := range runes {
		other, active := escapes[r]
		switch {
		case !active || r == '_' && word(i-1) && word(i+1):
			b.WriteRune(r)
		case r == '>' && i == 0: // a line that begins with its escape is a quote all the same
			b.WriteString("＞")
		default:
			b.WriteString(other)
		}
	}
	return b.String()
}

func slackChars(m message.Message) int {
	n := chars(m.Title) + chars(message.Plain(m.More)) + chars(message.Plain(m.Foot))
	for _, l := range m.Lead {
		n += chars(mrkdwn(l, slackEscapes))
	}
	for _, g := range m.Groups {
		n += chars(g.Heading)
		for _, row := range g.Rows {
			n += chars(message.Plain(row))
		}
	}
	return n
}

var slackAdvice = advice{
	"invalid_payload":                   "Slack could not read the message: look at what stands between",
	"invalid_token":                     "the webhook was revoked: make a new one and set its address",
	"no_service":                        "the webhook was disabled or removed: make a new one and set its address",
	"no_team":                           "the workspace is gone: make a new webhook and set its address",
	"no_active_hooks":                   "the webhook was disabled: make a new one and set its address",
	"no_text":                           "Slack found no text in the message: look at what stands between",
	"channel_not_found":                 "the webhook's channel is gone: make a webhook for another",
	"channel_is_archived":               "the webhook's channel is archived: make a webhook for another",
	"action_prohibited":                 "the workspace does not let this webhook post: ask its admin",
	"user_not_found":                    "the webhook's user is gone: make a new webhook",
	"posting_to_general_channel_denied": "the workspace does not let webhooks post to its general channel: make a webhook for another",
	"invalid_blocks":                    "Slack refused the layout, and the text alone as well: look at its changelog",
	"invalid_attachments":               "Slack refused the layout, and the text alone as well: look at its changelog",
	"msg_blocks_too_long":               "Slack refused the layout, and the text alone as well: look at its changelog",
}

// slackLayout are the codes after which the text alone may be taken.
var slackLayout = map[string]bool{"invalid_blocks": true, "invalid_attachments": true, "msg_blocks_too_long": true}

// verdict goes by the body: Slack's is ok, and any other 200 means no.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
func (s slackService) verdict(status int, header http.Header, body []byte) *Error {
	word := strings.TrimSpace(string(body))
	if status == http.StatusOK && (word == "ok" || s.like && strings.HasPrefix(word, `{"success":true`)) {
		return nil
	}
	if known, ok := slackAdvice[word]; ok {
		return &Error{Code: word, Advice: known, OtherForm: slackLayout[word]}
	}
	e := statusError(status, header)
	switch status {
	case http.StatusOK:
		e.Code = "HTTP 200 without ok"
	case http.StatusInternalServerError: // so Slack also answers to blocks that it does not take from webhooks
		e.OtherForm = true
	}
	return e
}
