package chat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// From https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
const slackMaxIndent = 8

// richText reads a rich_text block. Slack parses no markup in its text
// elements, so only user, usergroup and broadcast elements mention people.
func (r *slackReader) richText(b object) error {
	parts, err := b.objs("elements")
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		return fmt.Errorf("a rich_text has no elements")
	}
	for i, part := range parts {
		if err := r.richPart(part); err != nil {
			return fmt.Errorf("elements[%d]: %w", i, err)
		}
	}
	return nil
}

func (r *slackReader) richPart(part object) error {
	kind := part.str("type")
	allowed := map[string][]string{
		"rich_text_section":      {},
		"rich_text_list":         {"style", "indent", "offset", "border"},
		"rich_text_quote":        {"border"},
		"rich_text_preformatted": {"border", "language"},
	}
	more, ok := allowed[kind]
	if !ok {
		return fmt.Errorf("unknown rich text of type %q", kind)
	}
	if err := part.only(append(more, "type", "elements")...); err != nil {
		return err
	}
	for name, high := range map[string]int64{"border": 1, "indent": slackMaxIndent, "offset": 1 << 31} {
		if err := part.number(name, 0, high); err != nil {
			return err
		}
	}
	if kind != "rich_text_list" {
		return r.richLine(part)
	}
	if style := part.str("style"); style != "bullet" && style != "ordered" {
		return fmt.Errorf("a list's style is bullet or ordered, got %q", style)
	}
	items, err := part.objs("elements")
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return fmt.Errorf("a list has no items")
	}
	for i, item := range items {
		if item.str("type") != "rich_text_section" {
			return fmt.Errorf("item %d: a list holds rich_text_section, got %q", i, item.str("type"))
		}
		if err := item.only("type", "elements"); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
		if err := r.richLine(item); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

// richLine reads the elements of one line.
func (r *slackReader) richLine(part object) error {
	elements, err := part.objs("elements")
	if err != nil {
		return err
	}
	if len(elements) == 0 {
		return fmt.Errorf("%s has no elements", part.str("type"))
	}
	var line strings.Builder
	for i, e := range elements {
		text, err := r.richElement(e)
		if err != nil {
			return fmt.Errorf("%s[%d]: %w", part.str("type"), i, err)
		}
		r.sum += utf16Len(text)
		line.WriteString(text)
	}
	r.post.addLine(line.String())
	return nil
}

// richElement returns the readable text of one element.
func (r *slackReader) richElement(e object) (string, error) {
	fields := map[string][]string{
		"text":      {"text", "style"},
		"link":      {"url", "text", "unsafe", "style"},
		"emoji":     {"name", "unicode", "skin_tone", "style"},
		"date":      {"timestamp", "format", "url", "fallback", "style"},
		"user":      {"user_id", "style"},
		"usergroup": {"usergroup_id", "style"},
		"broadcast": {"range", "style"},
	}
	kind := e.str("type")
	allowed, ok := fields[kind]
	if !ok {
		return "", fmt.Errorf("unknown element of type %q", kind)
	}
	if err := e.only(append(allowed, "type")...); err != nil {
		return "", err
	}
	if err := checkStyle(e); err != nil {
		return "", err
	}
	for _, name := range []string{"text", "url", "fallback", "format", "unicode"} {
		if _, ok := e[name].(string); !ok && e[name] != nil {
			return "", fmt.Errorf("%s must be a string", name)
		}
	}
	require := func(name string) (string, error) {
		if e.str(name) == "" {
			return "", fmt.Errorf("%s needs a %s", kind, name)
		}
		if n := utf16Len(e.str(name)); n > slackMaxTextUnits {
			return "", fmt.Errorf("%s has %d characters, at most %d are allowed", name, n, slackMaxTextUnits)
		}
		return e.str(name), nil
	}
	switch kind {
	case "text":
		return require("text")
	case "link":
		if err := e.flag("unsafe"); err != nil {
			return "", err
		}
		url, err := require("url")
		if err != nil || e["text"] == nil {
			return url, err
		}
		return require("text")
	case "emoji":
		name, err := require("name")
		return ":" + name + ":", err
	case "date":
		if _, ok := e["timestamp"].(json.Number); !ok {
			return "", fmt.Errorf("date needs a timestamp in whole seconds")
		}
		if err := e.number("timestamp", 0, 1<<40); err != nil {
			return "", err
		}
		format, err := require("format")
		if err != nil || e["fallback"] == nil {
			return format, err
		}
		return require("fallback")
	case "user", "usergroup":
		id, err := require(kind + "_id")
		if err == nil {
			r.post.Mentions = append(r.post.Mentions, "@"+id)
		}
		return "@" + id, err
	default: // broadcast
		group := e.str("range")
		if !slices.Contains([]string{"here", "channel", "everyone"}, group) {
			return "", fmt.Errorf("a broadcast's range is here, channel or everyone, got %q", group)
		}
		r.post.Mentions = append(r.post.Mentions, "<!"+group+">")
		return "@" + group, nil
	}
}

// checkStyle checks the style of an element, if it has one.
func checkStyle(e object) error {
	if e["style"] == nil {
		return nil
	}
	style := e.obj("style")
	if style == nil {
		return fmt.Errorf("style must be an object")
	}
	for name := range style {
		if !slices.Contains([]string{"bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"}, name) {
			return fmt.Errorf("unknown style %q", name)
		}
		if err := style.flag(name); err != nil {
			return err
		}
	}
	return nil
}
