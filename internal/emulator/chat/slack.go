package chat

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf16"
)

// Limits from https://docs.slack.dev/reference/block-kit/blocks and
// https://docs.slack.dev/messaging/formatting-message-text. Lengths are counted
// in UTF-16 units, the strictest meaning of the documented "characters".
const (
	slackMaxBlocks          = 50
	slackMaxMessageUnits    = 4000 // of the top-level text, as recommended; Slack truncates above 40,000
	slackMaxTextUnits       = 3000
	slackMaxHeaderUnits     = 150
	slackMaxFields          = 10
	slackMaxFieldUnits      = 2000
	slackMaxContextElements = 10
	slackMaxActionElements  = 25
	slackMaxBlockIDUnits    = 255
	slackMaxImageUnits      = 2000
	slackMaxButtonUnits     = 75
	// slackMaxSumUnits is not documented. Messages of about 13,200 were refused
	// with msg_blocks_too_long: https://github.com/slackapi/bolt-js/issues/2509
	slackMaxSumUnits = 12_000
)

// slackMention matches the mentions in mrkdwn.
const slackMention = `<(!channel|!here|!everyone|!subteam\^\w+|@\w+)(\|[^>]*)?>`

// handleSlack responds as an incoming webhook does, with a single word:
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
func (s *Server) handleSlack(p *post) reply {
	refuse := func(status int, word, format string, args ...any) reply {
		return reply{status: status, contentType: "text/html", body: word, why: word + ": " + fmt.Sprintf(format, args...)}
	}
	if !p.isJSON() {
		return refuse(http.StatusBadRequest, "invalid_payload", "content type %q", p.Header.Get("Content-Type"))
	}
	msg, err := parseObject(p.Body)
	if err != nil {
		return refuse(http.StatusBadRequest, "invalid_payload", "%v", err)
	}
	if _, ok := msg["channel"]; ok {
		return refuse(http.StatusNotFound, "channel_not_found", "an app's webhook posts only to its own channel")
	}
	for _, name := range []string{"unfurl_links", "unfurl_media", "mrkdwn", "replace_original", "delete_original"} {
		if err := msg.flag(name); err != nil {
			return refuse(http.StatusBadRequest, "invalid_payload", "%v", err)
		}
	}
	if _, ok := msg["text"].(string); !ok && msg["text"] != nil {
		return refuse(http.StatusBadRequest, "invalid_payload", "text must be a string")
	}
	text := msg.str("text")
	// Slack accepts blocks without a text, but its notification is then empty.
	if strings.TrimSpace(text) == "" {
		return refuse(http.StatusBadRequest, "no_text", "no text for notifications and screen readers")
	}
	if n := utf16Len(text); n > slackMaxMessageUnits {
		return refuse(http.StatusBadRequest, "msg_too_long", "text has %d characters, at most %d are allowed", n, slackMaxMessageUnits)
	}
	p.Title, _, _ = strings.Cut(text, "\n")
	p.Mentions = append(p.Mentions, findAll(slackMention, text)...)
	if msg["attachments"] != nil {
		return refuse(http.StatusBadRequest, "invalid_attachments", "attachments are deprecated and not emulated")
	}
	if msg["blocks"] == nil {
		p.addLine(text)
		return reply{status: http.StatusOK, contentType: "text/html", body: "ok"}
	}
	blocks, err := msg.objs("blocks")
	if err != nil {
		return refuse(http.StatusBadRequest, "invalid_payload", "%v", err)
	}
	if len(blocks) == 0 || len(blocks) > slackMaxBlocks {
		return refuse(http.StatusBadRequest, "invalid_blocks", "%d blocks, want 1 to %d", len(blocks), slackMaxBlocks)
	}
	r := &slackReader{post: p, ids: map[string]bool{}}
	for i, b := range blocks {
		if b.str("type") == "markdown" {
			// As reported in https://github.com/slackapi/slack-github-action/issues/440
			return reply{status: http.StatusInternalServerError, why: fmt.Sprintf("blocks[%d]: webhooks fail on markdown blocks", i)}
		}
		if err := r.block(b); err != nil {
			return refuse(http.StatusBadRequest, "invalid_blocks", "blocks[%d]: %v", i, err)
		}
	}
	if r.sum > slackMaxSumUnits {
		return refuse(http.StatusBadRequest, "msg_blocks_too_long", "the blocks have %d characters, at most %d are allowed", r.sum, slackMaxSumUnits)
	}
	return reply{status: http.StatusOK, contentType: "text/html", body: "ok"}
}

// slackReader reads the blocks of a message.
type slackReader struct {
	post   *post
	sum    int             // UTF-16 units of all text
	ids    map[string]bool // the block ids so far
	header bool            // a header block has set the title
}

// slackBlocks are the types of blocks, each with its fields other than type and
// block_id. A webhook refuses other types, such as table and alert.
var slackBlocks = map[string]struct {
	fields []string
	read   func(*slackReader, object) error
}{
	"header":    {[]string{"text", "level"}, (*slackReader).headerBlock},
	"section":   {[]string{"text", "fields", "accessory", "expand"}, (*slackReader).section},
	"divider":   {nil, func(*slackReader, object) error { return nil }},
	"context":   {[]string{"elements"}, (*slackReader).context},
	"image":     {[]string{"image_url", "alt_text", "title"}, (*slackReader).image},
	"actions":   {[]string{"elements"}, (*slackReader).actions},
	"rich_text": {[]string{"elements"}, (*slackReader).richText},
}

func (r *slackReader) block(b object) error {
	kind, ok := slackBlocks[b.str("type")]
	if !ok {
		return fmt.Errorf("a webhook's message cannot have a block of type %q", b.str("type"))
	}
	if err := b.only(append([]string{"type", "block_id"}, kind.fields...)...); err != nil {
		return err
	}
	if b["block_id"] != nil {
		id := b.str("block_id")
		if id == "" || utf16Len(id) > slackMaxBlockIDUnits || r.ids[id] {
			return fmt.Errorf("block_id %q is empty, too long or not unique", id)
		}
		r.ids[id] = true
	}
	return kind.read(r, b)
}

func (r *slackReader) headerBlock(b object) error {
	if err := b.number("level", 1, 4); err != nil {
		return err
	}
	text, err := r.text(b.obj("text"), slackMaxHeaderUnits, "plain_text")
	if err != nil {
		return err
	}
	if !r.header {
		r.header, r.post.Title = true, text
	}
	r.post.addLine(text)
	return nil
}

func (r *slackReader) section(b object) error {
	if b["text"] == nil && b["fields"] == nil {
		return fmt.Errorf("a section needs text or fields")
	}
	if err := b.flag("expand"); err != nil {
		return err
	}
	if b["text"] != nil {
		text, err := r.text(b.obj("text"), slackMaxTextUnits, "plain_text", "mrkdwn")
		if err != nil {
			return err
		}
		r.post.addLine(text)
	}
	if b["fields"] != nil {
		fields, err := b.objs("fields")
		if err != nil {
			return err
		}
		if len(fields) == 0 || len(fields) > slackMaxFields {
			return fmt.Errorf("%d fields, want 1 to %d", len(fields), slackMaxFields)
		}
		for _, f := range fields {
			text, err := r.text(f, slackMaxFieldUnits, "plain_text", "mrkdwn")
			if err != nil {
				return err
			}
			r.post.addLine(text)
		}
	}
	if b["accessory"] != nil {
		return r.element(b.obj("accessory"), "button", "image")
	}
	return nil
}

func (r *slackReader) context(b object) error {
	elements, err := b.objs("elements")
	if err != nil {
		return err
	}
	if len(elements) == 0 || len(elements) > slackMaxContextElements {
		return fmt.Errorf("%d elements, want 1 to %d", len(elements), slackMaxContextElements)
	}
	for _, e := range elements {
		if e.str("type") == "image" {
			if err := r.element(e, "image"); err != nil {
				return err
			}
			continue
		}
		text, err := r.text(e, slackMaxTextUnits, "plain_text", "mrkdwn")
		if err != nil {
			return err
		}
		r.post.addLine(text)
	}
	return nil
}

func (r *slackReader) actions(b object) error {
	elements, err := b.objs("elements")
	if err != nil {
		return err
	}
	if len(elements) == 0 || len(elements) > slackMaxActionElements {
		return fmt.Errorf("%d elements, want 1 to %d", len(elements), slackMaxActionElements)
	}
	for _, e := range elements {
		if err := r.element(e, "button"); err != nil {
			return err
		}
	}
	return nil
}

// element reads a button or an image within a block.
func (r *slackReader) element(e object, kinds ...string) error {
	kind := e.str("type")
	if !slices.Contains(kinds, kind) {
		return fmt.Errorf("element of type %q, want one of %v", kind, kinds)
	}
	if kind == "image" {
		if err := e.only("type", "image_url", "alt_text"); err != nil {
			return err
		}
		return r.image(e)
	}
	if err := e.only("type", "text", "action_id", "url", "value", "style", "accessibility_label"); err != nil {
		return err
	}
	if url := e.str("url"); !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") || utf16Len(url) > slackMaxTextUnits {
		return fmt.Errorf("a webhook's button needs a url of at most %d characters, as the webhook has no endpoint for interactions", slackMaxTextUnits)
	}
	text, err := r.text(e.obj("text"), slackMaxButtonUnits, "plain_text")
	if err != nil {
		return err
	}
	r.post.addLine(text)
	return nil
}

func (r *slackReader) image(b object) error {
	alt := b.str("alt_text")
	if !strings.HasPrefix(b.str("image_url"), "https://") || alt == "" || utf16Len(alt) > slackMaxImageUnits {
		return fmt.Errorf("an image needs an image_url and an alt_text of at most %d characters", slackMaxImageUnits)
	}
	if b["title"] != nil {
		title, err := r.text(b.obj("title"), slackMaxImageUnits, "plain_text")
		if err != nil {
			return err
		}
		r.post.addLine(title)
	}
	r.sum += utf16Len(alt)
	r.post.addLine(alt)
	return nil
}

// text reads a text object: https://docs.slack.dev/reference/block-kit/composition-objects/text-object
func (r *slackReader) text(o object, max int, kinds ...string) (string, error) {
	kind, text := o.str("type"), o.str("text")
	if !slices.Contains(kinds, kind) {
		return "", fmt.Errorf("text object of type %q, want one of %v", kind, kinds)
	}
	option := map[string]string{"plain_text": "emoji", "mrkdwn": "verbatim"}[kind]
	if err := o.only("type", "text", option); err != nil {
		return "", err
	}
	if err := o.flag(option); err != nil {
		return "", err
	}
	n := utf16Len(text)
	if n == 0 || n > max {
		return "", fmt.Errorf("text of %d characters, want 1 to %d", n, max)
	}
	r.sum += n
	if kind == "mrkdwn" {
		r.post.Mentions = append(r.post.Mentions, findAll(slackMention, text)...)
	}
	return text, nil
}

// utf16Len returns the length of s in UTF-16 units, as in JavaScript.
func utf16Len(s string) int { return len(utf16.Encode([]rune(s))) }
