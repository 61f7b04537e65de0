package chat

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
)

// teamsMaxBodyBytes is documented as "approximately 28 KB":
// https://learn.microsoft.com/en-us/microsoftteams/platform/webhooks-and-connectors/how-to/connectors-using
const teamsMaxBodyBytes = 28 * 1024

const adaptiveCard = "application/vnd.microsoft.card.adaptive"

const (
	teamsVersion = `^1\.[0-6]$`
	teamsLive    = `<at>[^<]*</at>`
)

// takeTeams answers as a flow with a webhook trigger does: 202 and nothing
// else. The real one finds faults in a card only after it has said so; saying
// it at once is what a test needs.
func (r *Server) takeTeams(p *post) reply {
	no := func(status int, code, message string) reply {
		return reply{status: status, contentType: "application/json; charset=utf-8",
			body: jsonText(map[string]any{"error": map[string]any{"code": code, "message": message}}),
			why:  code + ": " + message}
	}
	bad := func(format string, args ...any) reply {
		return no(http.StatusBadRequest, "InvalidRequestContent", fmt.Sprintf(format, args...))
	}
	if len(p.Body) > teamsMaxBodyBytes {
		return no(http.StatusRequestEntityTooLarge, "RequestEntityTooLarge", fmt.Sprintf("the message has %d of %d bytes", len(p.Body), teamsMaxBodyBytes))
	}
	if !p.isJSON() {
		return bad("content type %q", p.Header.Get("Content-Type"))
	}
	msg, err := parseObject(p.Body)
	if err != nil {
		return bad("%v", err)
	}
	if msg.str("type") != "message" {
		return bad("type is %q, want message", msg.str("type"))
	}
	attachments, err := msg.objs("attachments")
	if err != nil {
		return bad("%v", err)
	}
	if len(attachments) == 0 {
		return bad("no attachments")
	}
	p.Title = msg.str("summary")
	for i, a := range attachments {
		if err := teamsCard(p, a); err != nil {
			return bad("attachments[%d]: %v", i, err)
		}
	}
	if p.Title == "" {
		p.Title, _, _ = strings.Cut(p.Text, "\n")
	}
	p.Mentions = found(teamsLive, p.Text)
	return reply{status: http.StatusAccepted}
}

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
	if len(found(teamsVersion, card.str("version"))) == 0 {
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

// teamsItem reads an element of https://adaptivecards.io/explorer
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
		p.say(item.str("text"))
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
			p.say(f.str("title") + ": " + f.str("value"))
			return nil
		})
	case "RichTextBlock":
		var line strings.Builder
		err := teamsChildren(item, "inlines", "TextRun", func(run object) error {
			line.WriteString(run.str("text"))
			return nil
		})
		p.say(line.String())
		return err
	case "Image":
		if item.str("url") == "" {
			return fmt.Errorf("no url")
		}
		p.say(item.str("altText"))
		return nil
	case "ActionSet":
		return teamsActions(p, item)
	}
	return fmt.Errorf("no such element")
}

// teamsChildren reads the named array, which must not be empty and whose
// members must be of the kind.
func teamsChildren(parent object, name, kind string, read func(object) error) error {
	children, err := parent.objs(name)
	if err != nil {
		return err
	}
	if len(children) == 0 {
		return fmt.Errorf("%s is empty", name)
	}
	for i, child := range children {
		// A column may leave its type out, as its place says it.
		if got := child.str("type"); kind != "" && got != kind && !(kind == "Column" && got == "") {
			return fmt.Errorf("%s[%d] is of type %q, want %s", name, i, got, kind)
		}
		if err := read(child); err != nil {
			return fmt.Errorf("%s[%d]: %w", name, i, err)
		}
	}
	return nil
}

func teamsActions(p *post, parent object) error {
	if parent["actions"] == nil {
		return nil
	}
	return teamsChildren(parent, "actions", "Action.OpenUrl", func(a object) error {
		if a.str("title") == "" || !strings.Contains(a.str("url"), "://") {
			return fmt.Errorf("an action needs title and url")
		}
		p.say(a.str("title"))
		return nil
	})
}
