package chat

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
)

// Of https://docs.slack.dev/reference/block-kit/blocks/rich-text-block
const slackMaxIndent = 8

// richText reads a rich_text block. Its text elements are not parsed for
// markup, so that only the elements made for it can mention anybody.
func (s *slackReader) richText(b object) error {
	parts, err := b.objs("elements")
	if err != nil {
		return err
	}
	if len(parts) == 0 {
		return fmt.Errorf("a rich_text without elements")
	}
	for i, part := range parts {
		if err := s.richPart(part); err != nil {
			return fmt.Errorf("elements[%d]: %w", i, err)
		}
	}
	return nil
}

func (s *slackReader) richPart(part object) error {
	kind := part.str("type")
	allowed := map[string][]string{
		"rich_text_section":      {},
		"rich_text_list":         {"style", "indent", "offset", "border"},
		"rich_text_quote":        {"border"},
		"rich_text_preformatted": {"border", "language"},
	}
	more, ok := allowed[kind]
	if !ok {
		return fmt.Errorf("no rich text of type %q", kind)
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
		return s.richLine(part)
	}
	if style := part.str("style"); style != "bullet" && style != "ordered" {
		return fmt.Errorf("a list's style is bullet or ordered, got %q", style)
	}
	items, err := part.objs("elements")
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return fmt.Errorf("a list without items")
	}
	for i, item := range items {
		if item.str("type") != "rich_text_section" {
			return fmt.Errorf("item %d: a list holds rich_text_section, got %q", i, item.str("type"))
		}
		if err := item.only("type", "elements"); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
		if err := s.richLine(item); err != nil {
			return fmt.Errorf("item %d: %w", i, err)
		}
	}
	return nil
}

// richLine reads what stands in one line.
func (s *slackReader) richLine(part object) error {
	elements, err := part.objs("elements")
	if err != nil {
		return err
	}
	if len(elements) == 0 {
		return fmt.Errorf("%s without elements", part.str("type"))
	}
	var line strings.Builder
	for i, e := range elements {
		text, err := s.richElement(e)
		if err != nil {
			return fmt.Errorf("%s[%d]: %w", part.str("type"), i, err)
		}
		s.sum += units(text)
		line.WriteString(text)
	}
	s.post.say(line.String())
	return nil
}

// richElement is the readable text of one element.
func (s *slackReader) richElement(e object) (string, error) {
	members := map[string][]string{
		"text":      {"text", "style"},
		"link":      {"url", "text", "unsafe", "style"},
		"emoji":     {"name", "unicode", "skin_tone", "style"},
		"date":      {"timestamp", "format", "url", "fallback", "style"},
		"user":      {"user_id", "style"},
		"usergroup": {"usergroup_id", "style"},
		"broadcast": {"range", "style"},
	}
	kind := e.str("type")
	allowed, ok := members[kind]
	if !ok {
		return "", fmt.Errorf("no element of type %q", kind)
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
	need := func(name string) (string, error) {
		if e.str(name) == "" {
			return "", fmt.Errorf("%s needs a %s", kind, name)
		}
		if n := units(e.str(name)); n > slackMaxTextUnits {
			return "", fmt.Errorf("%s of %d characters, at most %d", name, n, slackMaxTextUnits)
		}
		return e.str(name), nil
	}
	switch kind {
	case "text":
		return need("text")
	case "link":
		if err := e.flag("unsafe"); err != nil {
			return "", err
		}
		url, err := need("url")
		if err != nil || e["text"] == nil {
			return url, err
		}
		return need("text")
	case "emoji":
		name, err := need("name")
		return ":" + name + ":", err
	case "date":
		if _, ok := e["timestamp"].(json.Number); !ok {
			return "", fmt.Errorf("date needs a timestamp in whole seconds")
		}
		if err := e.number("timestamp", 0, 1<<40); err != nil {
			return "", err
		}
		format, err := need("format")
		if err != nil || e["fallback"] == nil {
			return format, err
		}
		return need("fallback")
	case "user", "usergroup":
		id, err := need(kind + "_id")
		if err == nil {
			s.post.Mentions = append(s.post.Mentions, "@"+id)
		}
		return "@" + id, err
	default: // broadcast
		who := e.str("range")
		if !slices.Contains([]string{"here", "channel", "everyone"}, who) {
			return "", fmt.Errorf("a broadcast's range is here, channel or everyone, got %q", who)
		}
		s.post.Mentions = append(s.post.Mentions, "<!"+who+">")
		return "@" + who, nil
	}
}

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
			return fmt.Errorf("no style %q", name)
		}
		if err := style.flag(name); err != nil {
			return err
		}
	}
	return nil
}
