package chat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"unicode/utf16"
)

// teamsMaxCardBytes is documented as "approximately 28 KB":
// https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
// It counts the card as Teams stores it: a string within JSON, in ASCII.
const teamsMaxCardBytes = 28 * 1024

const adaptiveCard = "application/vnd.microsoft.card.adaptive"

// Regular expressions for the version of a card and for mentions in its text.
const (
	teamsVersion = `^1\.[0-6]$`
	teamsMention = `<at>[^<]*</at>`
)

// handleTeams responds as a workflow with a webhook trigger does: 202 and an
// empty body. The real workflow checks the card after this response. Here an
// invalid card is refused, so that a test sees it.
func (s *Server) handleTeams(p *post) reply {
	refuse := func(status int, code, message string) reply {
		return reply{status: status, contentType: "application/json; charset=utf-8",
			body: jsonText(map[string]any{"error": map[string]any{"code": code, "message": message}}),
			why:  code + ": " + message}
	}
	badRequest := func(format string, args ...any) reply {
		return refuse(http.StatusBadRequest, "InvalidRequestContent", fmt.Sprintf(format, args...))
	}
	if n := len(teamsStored(p.Body)); n > teamsMaxCardBytes {
		return refuse(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("the cards have %d bytes, at most %d are allowed", n, teamsMaxCardBytes))
	}
	if !p.isJSON() {
		return badRequest("content type %q", p.Header.Get("Content-Type"))
	}
	msg, err := parseObject(p.Body)
	if err != nil {
		return badRequest("%v", err)
	}
	if msg.str("type") != "message" {
		return badRequest("type is %q, want message", msg.str("type"))
	}
	attachments, err := msg.objs("attachments")
	if err != nil {
		return badRequest("%v", err)
	}
	if len(attachments) == 0 {
		return badRequest("no attachments")
	}
	p.Title = msg.str("summary")
	for i, a := range attachments {
		if err := teamsCard(p, a); err != nil {
			return badRequest("attachments[%d]: %v", i, err)
		}
	}
	if p.Title == "" {
		p.Title, _, _ = strings.Cut(p.Text, "\n")
	}
	p.Mentions = findAll(teamsMention, p.Text)
	return reply{status: http.StatusAccepted}
}

// teamsStored returns the cards of a message as Teams stores them. It returns
// nothing for a message without cards.
func teamsStored(body []byte) string {
	var msg struct {
		Attachments []struct{ Content json.RawMessage }
	}
	_ = json.Unmarshal(body, &msg) // the caller refuses what is not JSON
	var b strings.Builder
	for _, a := range msg.Attachments {
		quoted, err := json.Marshal(string(a.Content))
		if err != nil {
			return ""
		}
		for _, unit := range utf16.Encode([]rune(string(quoted))) {
			if unit > 0x7f {
				fmt.Fprintf(&b, `\u%04x`, unit)
			} else {
				b.WriteByte(byte(unit))
			}
		}
	}
	return b.String()
}

// teamsCard reads an attachment, which must be an Adaptive Card.
func teamsCard(p *post, attachment object) error {
	if got := attachment.str("contentType"); got != adaptiveCard {
		return fmt.Errorf("contentType is %q, want %s", got, adaptiveCard)
	}
	if attachment["contentUrl"] != nil {
		return fmt.Errorf("contentUrl must be null")
	}
	card := attachment.obj("content")
	if card.str("type") != "AdaptiveCard" {
		return fmt.Errorf("content.type is %q, want AdaptiveCard", card.str("type"))
	}
	if len(findAll(teamsVersion, card.str("version"))) == 0 {
		return fmt.Errorf("content.version is %q, want 1.0 to 1.6", card.str("version"))
	}
	if err := card.only("type", "version", "$schema", "body", "actions", "msteams", "fallbackText", "speak", "lang"); err != nil {
		return err
	}
	if err := teamsItems(p, card, "body"); err != nil {
		return err
	}
	return teamsActions(p, card)
}

// teamsItems reads the named array of elements.
func teamsItems(p *post, parent object, name string) error {
	items, err := parent.objs(name)
	if err != nil {
		return err
	}
	if len(items) == 0 {
		return fmt.Errorf("%s is empty", name)
	}
	for i, item := range items {
		if err := teamsItem(p, item); err != nil {
			return fmt.Errorf("%s[%d] %s: %w", name, i, item.str("type"), err)
		}
	}
	return nil
}

// teamsItem reads an element, as described at https://adaptivecards.io/explorer
func teamsItem(p *post, item object) error {
	switch item.str("type") {
	case "TextBlock":
		if strings.TrimSpace(item.str("text")) == "" {
			return fmt.Errorf("no text")
		}
		if err := item.flag("wrap"); err != nil {
			return err
		}
		for name, values := range map[string][]string{
			"color":  {"default", "dark", "light", "accent", "good", "warning", "attention"},
			"size":   {"default", "small", "medium", "large", "extralarge"},
			"weight": {"default", "lighter", "bolder"},
		} {
			if v := item[name]; v != nil && !slices.Contains(values, strings.ToLower(item.str(name))) {
				return fmt.Errorf("%s is %v, want one of %v", name, v, values)
			}
		}
		p.addLine(item.str("text"))
		return nil
	case "Container":
		return teamsItems(p, item, "items")
	case "ColumnSet":
		return teamsChildren(item, "columns", "Column", func(c object) error { return teamsItems(p, c, "items") })
	case "Table":
		if _, err := item.objs("columns"); err != nil {
			return err
		}
		return teamsChildren(item, "rows", "TableRow", func(row object) error {
			return teamsChildren(row, "cells", "TableCell", func(c object) error { return teamsItems(p, c, "items") })
		})
	case "FactSet":
		return teamsChildren(item, "facts", "", func(f object) error {
			if f.str("title") == "" || f.str("value") == "" {
				return fmt.Errorf("a fact needs title and value")
			}
			p.addLine(f.str("title") + ": " + f.str("value"))
			return nil
		})
	case "RichTextBlock":
		var line strings.Builder
		err := teamsChildren(item, "inlines", "TextRun", func(run object) error {
			line.WriteString(run.str("text"))
			return nil
		})
		p.addLine(line.String())
		return err
	case "Image":
		if item.str("url") == "" {
			return fmt.Errorf("no url")
		}
		p.addLine(item.str("altText"))
		return nil
	case "ActionSet":
		return teamsActions(p, item)
	}
	return fmt.Errorf("no such element, or not emulated")
}

// teamsChildren reads the named array, which must not be empty and whose
// objects must be of the given type.
func teamsChildren(parent object, name, kind string, read func(object) error) error {
	children, err := parent.objs(name)
	if err != nil {
		return err
	}
	if len(children) == 0 {
		return fmt.Errorf("%s is empty", name)
	}
	for i, child := range children {
		// The type of a column is optional.
		if got := child.str("type"); kind != "" && got != kind && !(kind == "Column" && got == "") {
			return fmt.Errorf("%s[%d] is of type %q, want %s", name, i, got, kind)
		}
		if err := read(child); err != nil {
			return fmt.Errorf("%s[%d]: %w", name, i, err)
		}
	}
	return nil
}

// teamsActions reads the actions of a card or element, if it has any.
func teamsActions(p *post, parent object) error {
	if parent["actions"] == nil {
		return nil
	}
	var titles []string
	err := teamsChildren(parent, "actions", "Action.OpenUrl", func(a object) error {
		if a.str("title") == "" || !strings.Contains(a.str("url"), "://") {
			return fmt.Errorf("an action needs title and url")
		}
		titles = append(titles, a.str("title"))
		return nil
	})
	if err == nil {
		p.addLine(strings.Join(titles, " · ")) // clients show the buttons in a row
	}
	return err
}
