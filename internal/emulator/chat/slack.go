package chat

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf16"
)

// Limits of https://docs.slack.dev/reference/block-kit/blocks and of
// https://docs.slack.dev/messaging/formatting-message-text, lengths in UTF-16
// units, which is the cautious reading of "characters".
const (
	slackMaxBlocks          = 50
	slackMaxMessageUnits    = 4000 // of the top-level text, as advised; more is cut from 40,000 on
	slackMaxTextUnits       = 3000
	slackMaxHeaderUnits     = 150
	slackMaxFields          = 10
	slackMaxFieldUnits      = 2000
	slackMaxContextElements = 10
	slackMaxActionElements  = 25
	slackMaxBlockIDUnits    = 255
	slackMaxImageUnits      = 2000
	slackMaxButtonUnits     = 75
	// slackMaxSumUnits is documented nowhere; messages were refused with
	// msg_blocks_too_long at about 13,200: https://github.com/slackapi/bolt-js/issues/2509
	slackMaxSumUnits = 12_000
)

// slackLive are the mentions that Slack makes out of mrkdwn.
const slackLive = `<(!channel|!here|!everyone|!subteam\^\w+|@\w+)(\|[^>]*)?>`

// takeSlack answers as an incoming webhook does, with a bare word:
// https://docs.slack.dev/messaging/sending-messages-using-incoming-webhooks
func (r *Server) takeSlack(p *post) reply {
	no := func(status int, word, format string, args ...any) reply {
		return reply{status: status, contentType: "text/html", body: word, why: word + ": " + fmt.Sprintf(format, args...)}
	}
	if !p.isJSON() {
		return no(http.StatusBadRequest, "invalid_payload", "content type %q", p.Header.Get("Content-Type"))
	}
	msg, err := parseObject(p.Body)
	if err != nil {
		return no(http.StatusBadRequest, "invalid_payload", "%v", err)
	}
	if _, ok := msg["channel"]; ok {
		return no(http.StatusNotFound, "channel_not_found", "an app's webhook posts to its own channel only")
	}
	for _, name := range []string{"unfurl_links", "unfurl_media", "mrkdwn", "replace_original", "delete_original"} {
		if err := msg.flag(name); err != nil {
			return no(http.StatusBadRequest, "invalid_payload", "%v", err)
		}
	}
	if _, ok := msg["text"].(string); !ok && msg["text"] != nil {
		return no(http.StatusBadRequest, "invalid_payload", "text must be a string")
	}
	text := msg.str("text")
	// Slack itself takes blocks without a text, and notifies with nothing in it.
	if strings.TrimSpace(text) == "" {
		return no(http.StatusBadRequest, "no_text", "there is no text for notifications and screen readers")
	}
	if n := units(text); n > slackMaxMessageUnits {
		return no(http.StatusBadRequest, "msg_too_long", "text has %d of %d characters", n, slackMaxMessageUnits)
	}
	p.Title, _, _ = strings.Cut(text, "\n")
	p.Mentions = append(p.Mentions, found(slackLive, text)...)
	if msg["attachments"] != nil {
		return no(http.StatusBadRequest, "invalid_attachments", "attachments are the legacy form, which is not emulated")
	}
	if msg["blocks"] == nil {
		p.say(text)
		return reply{status: http.StatusOK, contentType: "text/html", body: "ok"}
	}
	blocks, err := msg.objs("blocks")
	if err != nil {
		return no(http.StatusBadRequest, "invalid_payload", "%v", err)
	}
	if len(blocks) == 0 || len(blocks) > slackMaxBlocks {
		return no(http.StatusBadRequest, "invalid_blocks", "%d blocks, want 1 to %d", len(blocks), slackMaxBlocks)
	}
	s := &slackReader{post: p, ids: map[string]bool{}}
	for i, b := range blocks {
		if b.str("type") == "markdown" {
			// So it was seen: https://github.com/slackapi/slack-github-action/issues/440
			return reply{status: http.StatusInternalServerError, why: fmt.Sprintf("blocks[%d]: webhooks break on markdown blocks", i)}
		}
		if err := s.block(b); err != nil {
			return no(http.StatusBadRequest, "invalid_blocks", "blocks[%d]: %v", i, err)
		}
	}
	if s.sum > slackMaxSumUnits {
		return no(http.StatusBadRequest, "msg_blocks_too_long", "the blocks have %d of %d characters", s.sum, slackMaxSumUnits)
	}
	return reply{status: http.StatusOK, contentType: "text/html", body: "ok"}
}

// slackReader walks through the blocks of a message.
type slackReader struct {
	post   *post
	sum    int // UTF-16 units of all text
	ids    map[string]bool
	header bool // there was one, and it is the title
}

// slackBlocks says which members each block may have beside type and
// block_id. Others, such as table and alert, are refused in a webhook.
var slackBlocks = map[string]struct {
	members []string
	read    func(*slackReader, object) error
}{
	"header":    {[]string{"text", "level"}, (*slackReader).headerBlock},
	"section":   {[]string{"text", "fields", "accessory", "expand"}, (*slackReader).section},
	"divider":   {nil, func(*slackReader, object) error { return nil }},
	"context":   {[]string{"elements"}, (*slackReader).context},
	"image":     {[]string{"image_url", "alt_text", "title"}, (*slackReader).image},
	"actions":   {[]string{"elements"}, (*slackReader).actions},
	"rich_text": {[]string{"elements"}, (*slackReader).richText},
}

func (s *slackReader) block(b object) error {
	kind, ok := slackBlocks[b.str("type")]
	if !ok {
		return fmt.Errorf("no block of type %q in a webhook's message", b.str("type"))
	}
	if err := b.only(append([]string{"type", "block_id"}, kind.members...)...); err != nil {
		return err
	}
	if b["block_id"] != nil {
		id := b.str("block_id")
		if id == "" || units(id) > slackMaxBlockIDUnits || s.ids[id] {
			return fmt.Errorf("block_id %q is empty, too long or not unique", id)
		}
		s.ids[id] = true
	}
	return kind.read(s, b)
}

func (s *slackReader) headerBlock(b object) error {
	if err := b.number("level", 1, 4); err != nil {
		return err
	}
	text, err := s.text(b.obj("text"), slackMaxHeaderUnits, "plain_text")
	if err != nil {
		return err
	}
	if !s.header {
		s.header, s.post.Title = true, text
	}
	s.post.say(text)
	return nil
}

func (s *slackReader) section(b object) error {
	if b["text"] == nil && b["fields"] == nil {
		return fmt.Errorf("a section needs text or fields")
	}
	if err := b.flag("expand"); err != nil {
		return err
	}
	if b["text"] != nil {
		text, err := s.text(b.obj("text"), slackMaxTextUnits, "plain_text", "mrkdwn")
		if err != nil {
			return err
		}
		s.post.say(text)
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
			text, err := s.text(f, slackMaxFieldUnits, "plain_text", "mrkdwn")
			if err != nil {
				return err
			}
			s.post.say(text)
		}
	}
	if b["accessory"] != nil {
		return s.element(b.obj("accessory"), "button", "image")
	}
	return nil
}

func (s *slackReader) context(b object) error {
	elements, err := b.objs("elements")
	if err != nil {
		return err
	}
	if len(elements) == 0 || len(elements) > slackMaxContextElements {
		return fmt.Errorf("%d elements, want 1 to %d", len(elements), slackMaxContextElements)
	}
	for _, e := range elements {
		if e.str("type") == "image" {
			if err := s.element(e, "image"); err != nil {
				return err
			}
			continue
		}
		text, err := s.text(e, slackMaxTextUnits, "plain_text", "mrkdwn")
		if err != nil {
			return err
		}
		s.post.say(text)
	}
	return nil
}

func (s *slackReader) actions(b object) error {
	elements, err := b.objs("elements")
	if err != nil {
		return err
	}
	if len(elements) == 0 || len(elements) > slackMaxActionElements {
		return fmt.Errorf("%d elements, want 1 to %d", len(elements), slackMaxActionElements)
	}
	for _, e := range elements {
		if err := s.element(e, "button"); err != nil {
			return err
		}
	}
	return nil
}

// element reads a button or an image that is part of a block.
func (s *slackReader) element(e object, kinds ...string) error {
	kind := e.str("type")
	if !slices.Contains(kinds, kind) {
		return fmt.Errorf("element of type %q, want one of %v", kind, kinds)
	}
	if kind == "image" {
		if err := e.only("type", "image_url", "alt_text"); err != nil {
			return err
		}
		return s.image(e)
	}
	if err := e.only("type", "text", "action_id", "url", "value", "style", "accessibility_label"); err != nil {
		return err
	}
	if url := e.str("url"); !strings.HasPrefix(url, "https://") && !strings.HasPrefix(url, "http://") || units(url) > slackMaxTextUnits {
		return fmt.Errorf("a webhook's button needs a url of at most %d characters: nobody hears it otherwise", slackMaxTextUnits)
	}
	text, err := s.text(e.obj("text"), slackMaxButtonUnits, "plain_text")
	if err != nil {
		return err
	}
	s.post.say(text)
	return nil
}

func (s *slackReader) image(b object) error {
	alt := b.str("alt_text")
	if !strings.HasPrefix(b.str("image_url"), "https://") || alt == "" || units(alt) > slackMaxImageUnits {
		return fmt.Errorf("an image needs an image_url and an alt_text of at most %d characters", slackMaxImageUnits)
	}
	if b["title"] != nil {
		title, err := s.text(b.obj("title"), slackMaxImageUnits, "plain_text")
		if err != nil {
			return err
		}
		s.post.say(title)
	}
	s.sum += units(alt)
	s.post.say(alt)
	return nil
}

// text reads a text object: https://docs.slack.dev/reference/block-kit/composition-objects/text-object
func (s *slackReader) text(o object, max int, kinds ...string) (string, error) {
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
	n := units(text)
	if n == 0 || n > max {
		return "", fmt.Errorf("text of %d characters, want 1 to %d", n, max)
	}
	s.sum += n
	if kind == "mrkdwn" {
		s.post.Mentions = append(s.post.Mentions, found(slackLive, text)...)
	}
	return text, nil
}

// units counts as JavaScript does, and so as the vendors' own clients do.
func units(s string) int { return len(utf16.Encode([]rune(s))) }
