package chat

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode/utf16"

	"github.com/slack-go/slack"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/templates"
)

// Slack's limits, in characters; counted in UTF-16 units, the larger of the
// two ways in which it may count.
// https://docs.slack.dev/reference/block-kit/blocks
const (
	slackHeaderChars  = 150
	slackSectionChars = 3000
	slackTextChars    = 3000 // of the notification; 4,000 is the vendor's advice
	slackTotalChars   = 11500
	slackBlocks       = 50
)

type slackService struct{ webhook *url.URL }

func loadSlack(env *config.Env) service {
	const name, form = "SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T…/B…/…"
	u := env.SecretURL(name, form)
	switch {
	case u == nil:
		return nil
	case strings.HasPrefix(u.Path, "/triggers/") || strings.HasPrefix(u.Path, "/workflows/"):
		env.RefuseSecret(name, "an incoming webhook but one of Workflow Builder, which takes no messages; make an incoming webhook, "+form)
		return nil
	}
	return slackService{u}
}

func (s slackService) idempotent() bool { return false }

func (s slackService) request(ctx context.Context, body []byte, _ time.Time) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodPost, s.webhook.String(), bytes.NewReader(body))
}

func (s slackService) bodies(d *templates.Draft, _ string) ([][]byte, error) {
	blocks, err := d.Fit(func(m templates.Message) bool {
		b := slackBlocksOf(m)
		return len(b) <= slackBlocks && slackChars(m) <= slackTotalChars
	})
	if err != nil {
		return nil, err
	}
	rich := slackMessage(slackText(templates.Message{Title: blocks.Title, Lead: blocks.Lead}))
	rich.Blocks = &slack.Blocks{BlockSet: slackBlocksOf(blocks)}

	plain, err := d.Fit(func(m templates.Message) bool { return chars(slackText(m)) <= slackTextChars })
	if err != nil {
		return nil, err
	}
	var bodies [][]byte
	for _, m := range []*slack.WebhookMessage{rich, slackMessage(slackText(plain))} {
		b, err := encode(m)
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, b)
	}
	return bodies, nil
}

func slackMessage(text string) *slack.WebhookMessage {
	unfurl := false
	return &slack.WebhookMessage{Text: cut(text, slackTextChars), UnfurlLinks: &unfurl, UnfurlMedia: &unfurl}
}

// slackBlocksOf lays a message out. Rows are elements rather than markup, so a
// name stays text whatever is in it.
func slackBlocksOf(m templates.Message) []slack.Block {
	var blocks []slack.Block
	if m.Quiet() && len(m.Lead) < 2 {
		line := "*" + mrkdwn(m.Title) + "*"
		if len(m.Lead) > 0 {
			line += "\n" + mrkdwn(m.Lead[0])
		}
		return append(blocks, slackSection(line))
	}
	blocks = append(blocks, slack.NewHeaderBlock(slack.NewTextBlockObject(slack.PlainTextType, cut(m.Title, slackHeaderChars), true, false)))
	if len(m.Lead) > 0 {
		lines := make([]string, len(m.Lead))
		for i, l := range m.Lead {
			lines[i] = mrkdwn(l)
		}
		blocks = append(blocks, slackSection(strings.Join(lines, "\n")))
	}
	for _, g := range m.Groups {
		heading := slack.NewRichTextSection(slack.NewRichTextSectionTextElement(templates.Plain(g.Heading), &slack.RichTextSectionTextStyle{Bold: true}))
		list := slack.NewRichTextList(slack.RTEListBullet, 0)
		for _, row := range g.Rows {
			list.Elements = append(list.Elements, slack.NewRichTextSection(slackElements(row)...))
		}
		blocks = append(blocks, slack.NewRichTextBlock("", heading, list))
	}
	for _, s := range []string{m.More, m.Foot} {
		if s != "" {
			blocks = append(blocks, slack.NewContextBlock("", slack.NewTextBlockObject(slack.MarkdownType, mrkdwn(s), false, true)))
		}
	}
	return blocks
}

func slackSection(text string) slack.Block {
	return slack.NewSectionBlock(slack.NewTextBlockObject(slack.MarkdownType, cut(text, slackSectionChars), false, true), nil, nil)
}

func slackElements(row string) []slack.RichTextSectionElement {
	var out []slack.RichTextSectionElement
	for _, r := range templates.Runs(row) {
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

// slackText is the message as text alone: what a notification begins with, and
// what is sent where blocks are refused.
func slackText(m templates.Message) string {
	lines := []string{mrkdwn(m.Title)}
	for _, l := range m.Lead {
		lines = append(lines, mrkdwn(l))
	}
	for _, g := range m.Groups {
		lines = append(lines, "", "*"+mrkdwn(g.Heading)+"*")
		for _, row := range g.Rows {
			lines = append(lines, "• "+mrkdwn(row))
		}
	}
	for _, s := range []string{m.More, m.Foot} {
		if s != "" {
			lines = append(lines, "", mrkdwn(s))
		}
	}
	return strings.Join(lines, "\n")
}

// Slack has an escape for three characters; for those that format there is
// none, so lookalikes stand for them.
// https://docs.slack.dev/messaging/formatting-message-text#escaping
var escapeMrkdwn = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "~", "∼", "`", "ˋ", "_", "\u02cd")

// mrkdwn turns marked text into Slack's markup.
func mrkdwn(s string) string {
	var b strings.Builder
	for _, r := range templates.Runs(s) {
		text := escapeMrkdwn.Replace(r.Text)
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
			b.WriteString("`" + strings.ReplaceAll(text, "\u02cd", "_") + "`")
		default:
			b.WriteString(text)
		}
	}
	return b.String()
}

func slackChars(m templates.Message) int {
	n := chars(m.Title) + chars(templates.Plain(m.More)) + chars(templates.Plain(m.Foot))
	for _, l := range m.Lead {
		n += chars(mrkdwn(l))
	}
	for _, g := range m.Groups {
		n += chars(g.Heading)
		for _, row := range g.Rows {
			n += chars(templates.Plain(row))
		}
	}
	return n
}

// chars counts UTF-16 units.
func chars(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// cut shortens s to limit UTF-16 units, between characters.
func cut(s string, limit int) string {
	if chars(s) <= limit {
		return s
	}
	n := 0
	for i, r := range s {
		if n += utf16.RuneLen(r); n > limit-1 {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

var slackAdvice = advice{
	"invalid_payload":                   "Slack could not read the message",
	"invalid_token":                     "the webhook was revoked: make a new one and set its address",
	"no_service":                        "the webhook was disabled or removed: make a new one and set its address",
	"no_team":                           "the workspace is gone: make a new webhook and set its address",
	"no_active_hooks":                   "the webhook was disabled: make a new one and set its address",
	"no_text":                           "Slack found no text in the message",
	"channel_not_found":                 "the webhook's channel is gone: make a new webhook",
	"channel_is_archived":               "the webhook's channel is archived: make a webhook for another",
	"action_prohibited":                 "the workspace does not let this webhook post: ask its admin",
	"user_not_found":                    "the webhook's user is gone: make a new webhook",
	"posting_to_general_channel_denied": "the workspace does not let webhooks post to its general channel",
}

// verdict goes by the body: Slack's is ok, and any other 200 means no.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
func (s slackService) verdict(status int, header http.Header, body []byte) *Error {
	said := strings.TrimSpace(string(body))
	if status == http.StatusOK && (said == "ok" || !s.vendor() && said == `{"success":true}`) {
		return nil
	}
	word := ""
	if len(said) < 60 && !strings.ContainsAny(said, " <{") {
		word = said
	}
	if status == http.StatusTooManyRequests || word == "rate_limited" {
		return &Error{Code: "rate_limited", Advice: "too many messages", Temporary: true, After: retryAfter(header, time.Now())}
	}
	if known, ok := slackAdvice[word]; ok {
		return &Error{Code: word, Advice: known}
	}
	switch {
	case word == "invalid_blocks" || word == "invalid_attachments":
		return &Error{Code: word, Advice: "Slack refused the layout", OtherForm: true}
	case status >= 500:
		// Slack also answers so to blocks that it does not take from webhooks.
		e := statusError(status, header)
		e.OtherForm = true
		return e
	case status == http.StatusOK:
		return &Error{Code: "HTTP 200 without ok", Advice: "not an answer of Slack: check the webhook's address"}
	}
	return statusError(status, header)
}

// vendor tells Slack itself from those who speak like it on hosts of their own.
func (s slackService) vendor() bool {
	host := s.webhook.Hostname()
	return host == "hooks.slack.com" || host == "hooks.slack-gov.com"
}
