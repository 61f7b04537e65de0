package chat

import (
	"bytes"
	"net/http"
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

var (
	slackToken     = pattern(`^T\w+/B\w+/\w+$`)
	slackPerson    = pattern(`^[UWS][A-Z0-9]{6,}$`) // S is a user group
	compatiblePath = pattern(`/(web)?hooks/`)       // /hooks/…, or /api/webhooks/…/slack
)

// loadSlack reads the webhook of Slack, or of a compatible service that has no
// blocks and a Markdown of its own. The latter gets text only.
func loadSlack(env *config.Env) Channel {
	const name, prefix, example = "SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/", "T…/B…/…"
	c := Channel{
		url:      webhookURL(env, name, prefix, example, slackToken),
		isPerson: slackPerson.MatchString,
		formats:  []format{slackBlockBody, slackText(slackMarkup)},
		check:    checkSlack,
	}
	if c.url == nil {
		return c
	}
	host, path := c.url.Hostname(), c.url.Path
	isSlack := host == "hooks.slack.com" || host == "hooks.slack-gov.com"
	token, isService := strings.CutPrefix(path, "/services/")
	switch {
	case strings.HasPrefix(path, "/triggers/") || strings.HasPrefix(path, "/workflows/"):
		env.RefuseSecret(name, "an incoming webhook but one of Workflow Builder, which accepts no messages; create an incoming webhook, "+prefix+example)
		c.url = nil
	case isSlack && !(isService && slackToken.MatchString(token)), strings.Trim(path, "/") == "":
		env.RefuseSecret(name, "an address of the form "+prefix+example)
		c.url = nil
	case !isSlack && compatiblePath.MatchString(path): // Mattermost, Rocket.Chat and others
		c.formats, c.check = []format{slackText(compatibleMarkup)}, checkCompatible
	}
	return c
}

var (
	slackMarkup      = newMrkdwn(escapeMrkdwn)
	compatibleMarkup = newMrkdwn(escapeCompatible)
)

func newMrkdwn(escape escaper) markup {
	return markup{
		escape:   escape,
		bold:     around("*"),
		code:     around("`"),
		link:     func(text, url string) string { return "<" + url + "|" + strings.ReplaceAll(text, ">", "＞") + ">" },
		isPerson: slackPerson.MatchString,
		mention: func(id string) string {
			if strings.HasPrefix(id, "S") {
				return "<!subteam^" + id + ">"
			}
			return "<@" + id + ">"
		},
		layout: layout{lead: "\n", rows: "\n• ", row: "\n• ", newline: "\n"},
	}
}

// Slack has escapes for three characters. Homoglyphs replace those that format.
// https://docs.slack.dev/messaging/formatting-message-text#escaping
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;", "*", "∗", "~", "∼", "`", "ˋ")

func escapeMrkdwn(text string, _ bool) string {
	text = escapeUnderscores(escapeText(text, false), "\u02cd")
	return slackEscapes.Replace(escapeStart(text, ">", "＞")) // an escaped one at the start of a line is a quote, too
}

// escapeCompatible is the escaper for services that parse Markdown, and may show an
// escape literally.
func escapeCompatible(text string, lineStart bool) string {
	return escapeShortcodes(escapeMarkdown(text, lineStart))
}

// slackBlockBody returns the message as blocks. A reply, which has no id, is
// visible only to the person who typed the command.
func slackBlockBody(o outgoing) ([]byte, error) {
	m, err := fitToLimit(o.draft, func(m message.Message) bool {
		return len(slackLayout(m)) <= slackBlocks && slackChars(m) <= slackTotalChars && chars(slackNotification(m)) <= slackTextChars
	})
	if err != nil {
		return nil, err
	}
	body := slackMessage(slackNotification(m))
	body["blocks"] = slackLayout(m)
	if o.id == "" {
		body["response_type"] = slack.ResponseTypeEphemeral
	}
	return encode(body)
}

// slackMessage returns a message without previews of links.
func slackMessage(text string) object {
	return object{"text": text, "unfurl_links": false, "unfurl_media": false}
}

// slackText returns the format of a message without blocks.
func slackText(in markup) format {
	return func(o outgoing) ([]byte, error) {
		text, err := fitText(o.draft, slackTextChars, chars, in)
		if err != nil {
			return nil, err
		}
		return encode(slackMessage(text))
	}
}

// slackLayout returns the blocks of a message. Rows are elements without
// markup. The library's types for other blocks would escape & < > in JSON.
func slackLayout(m message.Message) (blocks []any) {
	title, lead := slackMarkup.escape(m.Title, true), slackMarkup.lines(m.Lead, "\n")
	if m.Quiet() && len(m.Lead) < 2 && len(m.Foot) == 0 {
		return []any{object{"type": slack.MBTSection, "text": slackMrkdwn(strings.TrimSpace("*" + title + "*\n" + lead))}}
	}
	plainTitle := slack.NewTextBlockObject(slack.PlainTextType, escapeText(m.Title, true), true, false)
	blocks = append(blocks, object{"type": slack.MBTHeader, "text": plainTitle})
	if lead != "" {
		blocks = append(blocks, object{"type": slack.MBTSection, "text": slackMrkdwn(lead)})
	}
	for _, g := range m.Groups {
		heading := slackElement(message.Span{Style: message.Bold, Text: g.Heading.String()})
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
			elements := []any{slackMrkdwn(slackMarkup.lines(lines, "\n"))}
			blocks = append(blocks, object{"type": slack.MBTContext, "elements": elements})
		}
	}
	return blocks
}

func slackMrkdwn(text string) *slack.TextBlockObject {
	return slack.NewTextBlockObject(slack.MarkdownType, text, false, true)
}

func slackElement(r message.Span) slack.RichTextSectionElement {
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

// slackNotification returns the text of a notification, which screen readers read as
// well: title and lead, without markup, links and mentions, which the blocks have.
func slackNotification(m message.Message) string {
	text := slackMarkup.escape(m.Title, true)
	for _, l := range m.Lead {
		plain := message.Line{}
		for _, r := range l {
			if r.Style != message.Link && r.Style != message.Person {
				plain = append(plain, message.Span{Text: r.Text})
			}
		}
		if line := strings.Trim(slackMarkup.line(plain), " ·"); line != "" { // the dots were between links
			text += "\n" + line
		}
	}
	return text
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

var slackErrors = errorTable{
	"invalid_payload":                   {Advice: "Slack could not parse the message: check any proxy"},
	"invalid_token":                     {Advice: "the webhook was revoked: create a new one and set its URL"},
	"no_service":                        {Advice: "the webhook was disabled or removed: create a new one and set its URL"},
	"no_team":                           {Advice: "the workspace does not exist: create a new webhook and set its URL"},
	"no_active_hooks":                   {Advice: "the webhook was disabled: create a new one and set its URL"},
	"no_text":                           {Advice: "Slack found no text in the message: check any proxy"},
	"channel_not_found":                 {Advice: "the webhook's channel does not exist: create a webhook for another one"},
	"channel_is_archived":               {Advice: "the webhook's channel is archived: create a webhook for another one"},
	"action_prohibited":                 {Advice: "the workspace does not allow this webhook to post: contact its admin"},
	"user_not_found":                    {Advice: "the webhook's user does not exist: create a new webhook"},
	"posting_to_general_channel_denied": {Advice: "the workspace does not allow webhooks in its general channel: create a webhook for another one"},
	"invalid_blocks":                    {Advice: "Slack refused both blocks and text: check its changelog", TryOtherFormat: true},
	"invalid_attachments":               {Advice: "Slack refused both blocks and text: check its changelog", TryOtherFormat: true},
	"msg_blocks_too_long":               {Advice: "Slack refused both blocks and text: check its changelog", TryOtherFormat: true},
}

// checkSlack goes by the body: Slack's is ok, and any other 200 is a failure.
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks#handling_errors
func checkSlack(res *http.Response, body []byte) *Error {
	word := strings.TrimSpace(string(body))
	if res.StatusCode == http.StatusOK && word == "ok" {
		return nil
	}
	if e := slackErrors.find(word, res); e != nil {
		return e
	}
	e := statusError(res)
	switch res.StatusCode {
	case http.StatusOK:
		e.Code = "HTTP 200 without ok"
	case http.StatusInternalServerError: // also Slack's response to blocks that webhooks do not accept
		e.TryOtherFormat = true
	}
	return e
}

func checkCompatible(res *http.Response, body []byte) *Error {
	if res.StatusCode == http.StatusOK && bytes.HasPrefix(bytes.TrimSpace(body), []byte(`{"success":true`)) { // Rocket.Chat
		return nil
	}
	return checkSlack(res, body)
}
