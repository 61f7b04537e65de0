package chat

import (
	"fmt"
	"slices"
	"strings"
)

// feishuColours are the documented templates of a card's header.
var feishuColours = []string{"", "blue", "wathet", "turquoise", "green", "yellow", "orange", "red", "carmine", "violet", "purple", "indigo", "grey", "default"}

// feishuCard reads a card of schema 2.0:
// https://open.feishu.cn/document/feishu-cards/card-json-v2-structure
func feishuCard(p *post, card object) error {
	if card.str("schema") != "2.0" {
		return fmt.Errorf("card.schema is %q, want 2.0", card.str("schema"))
	}
	if err := card.only("schema", "config", "card_link", "header", "body"); err != nil {
		return fmt.Errorf("card:%w", err)
	}
	header := card.obj("header")
	title, err := feishuText(header.obj("title"))
	if err != nil {
		return fmt.Errorf("card.header.title: %w", err)
	}
	if !slices.Contains(feishuColours, header.str("template")) {
		return fmt.Errorf("card.header.template %q is not a documented colour", header.str("template"))
	}
	p.Title = title
	p.addLine(title)
	if header["subtitle"] != nil {
		subtitle, err := feishuText(header.obj("subtitle"))
		if err != nil {
			return fmt.Errorf("card.header.subtitle: %w", err)
		}
		p.addLine(subtitle)
	}
	return feishuElements(p, card.obj("body"))
}

// feishuElements reads the elements of a body, column or panel.
func feishuElements(p *post, parent object) error {
	elements, err := parent.objs("elements")
	if err != nil {
		return err
	}
	if len(elements) == 0 {
		return fmt.Errorf("no elements")
	}
	for i, e := range elements {
		if err := feishuElement(p, e); err != nil {
			return fmt.Errorf("elements[%d] %s: %w", i, e.str("tag"), err)
		}
	}
	return nil
}

// feishuElement reads one element. Elements that the program does not use are
// refused.
func feishuElement(p *post, e object) error {
	switch e.str("tag") {
	case "hr":
		return nil
	case "markdown":
		if strings.TrimSpace(e.str("content")) == "" {
			return fmt.Errorf("no content")
		}
		p.addLine(e.str("content"))
		return nil
	case "div", "button":
		text, err := feishuText(e.obj("text"))
		if err == nil {
			p.addLine(text)
		}
		return err
	case "column_set":
		columns, err := e.objs("columns")
		if err != nil {
			return err
		}
		for _, column := range columns {
			if column.str("tag") != "column" {
				return fmt.Errorf("a column's tag is %q", column.str("tag"))
			}
			if err := feishuElements(p, column); err != nil {
				return err
			}
		}
		return nil
	case "collapsible_panel":
		title, err := feishuText(e.obj("header").obj("title"))
		if err != nil {
			return err
		}
		p.addLine(title)
		return feishuElements(p, e)
	case "table":
		return feishuTable(p, e)
	}
	return fmt.Errorf("no such element in schema 2.0, or not emulated")
}

// feishuText returns the content of a text object.
func feishuText(o object) (string, error) {
	if tag := o.str("tag"); !slices.Contains([]string{"plain_text", "lark_md", "markdown"}, tag) {
		return "", fmt.Errorf("text of tag %q", tag)
	}
	if strings.TrimSpace(o.str("content")) == "" {
		return "", fmt.Errorf("no content")
	}
	return o.str("content"), nil
}

// feishuTable reads a table, a line for each row.
func feishuTable(p *post, e object) error {
	columns, err := e.objs("columns")
	if err != nil {
		return err
	}
	if len(columns) == 0 {
		return fmt.Errorf("a table has no columns")
	}
	var names, heads []string
	for _, c := range columns {
		if c.str("name") == "" || slices.Contains(names, c.str("name")) {
			return fmt.Errorf("column name %q is empty or not unique", c.str("name"))
		}
		names = append(names, c.str("name"))
		heads = append(heads, c.str("display_name"))
	}
	p.addLine(strings.Join(heads, " | "))
	rows, err := e.objs("rows")
	if err != nil {
		return err
	}
	for i, row := range rows {
		var cells []string
		for _, name := range names {
			cell := ""
			if row[name] != nil {
				cell = fmt.Sprint(row[name])
			}
			cells = append(cells, cell)
		}
		for name := range row {
			if !slices.Contains(names, name) {
				return fmt.Errorf("rows[%d] has a cell for %q, which is not a column", i, name)
			}
		}
		p.addLine(strings.Join(cells, " | "))
	}
	return nil
}
