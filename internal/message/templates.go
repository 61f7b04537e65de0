package message

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"reflect"
	"slices"
	"strings"
	"text/template"
	"text/template/parse"

	"matrix-expiry-report/internal/locale"
)

// Limits of custom templates. They guard against mistakes, not against malice:
// text/template cannot be stopped once it runs.
const (
	maxBytes  = 64 << 10 // of what a part prints, of what a function returns, and of a message
	maxNumber = 1000     // in a template
)

var errTooLong = fmt.Errorf("more than %d KB of text", maxBytes>>10)

// parseParts parses the templates of a channel. A later definition of a part
// replaces an earlier one, also with an empty one: that of a later directory, or
// that of <channel>.tmpl.
func parseParts(channel string, c *locale.Catalog, dirs ...fs.FS) (*template.Template, error) {
	known := functions(c)
	trees := map[string]*parse.Tree{}
	for _, name := range []string{"message.tmpl", channel + ".tmpl"} {
		for _, dir := range dirs {
			text, err := fs.ReadFile(dir, name)
			if errors.Is(err, fs.ErrNotExist) {
				continue
			}
			if err != nil {
				return nil, fmt.Errorf("reading templates: %w", err)
			}
			parsed, err := parse.Parse(name, string(text), "", "", known, builtins)
			if err != nil {
				return nil, err
			}
			maps.Copy(trees, parsed)
		}
	}
	if err := check(trees); err != nil {
		return nil, err
	}
	t := template.New("").Funcs(known).Funcs(template.FuncMap{listFunc: checkList})
	for name, tree := range trees {
		template.Must(t.AddParseTree(name, tree))
	}
	return t, nil
}

// execute returns the lines of one part for data.
func execute(parts *template.Template, part string, data any) ([]Line, error) {
	var out limitedBuffer
	err := parts.ExecuteTemplate(&out, part, data)
	return parseLines(out.String()), err
}

// A limitedBuffer fails beyond maxBytes.
type limitedBuffer struct{ bytes.Buffer }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if b.Len()+len(p) > maxBytes {
		return 0, errTooLong
	}
	return b.Buffer.Write(p)
}

// builtins are the functions of text/template that a template may call. Those
// that print or call anything are not among them.
var builtins = map[string]any{
	"and": true, "or": true, "not": true, "eq": true, "ne": true, "lt": true, "le": true, "gt": true, "ge": true,
	"len": true, "index": true, "slice": true,
}

// functions returns the functions of messages.
func functions(c *locale.Catalog) template.FuncMap {
	return template.FuncMap{
		"t":       func(id string, values ...any) (string, error) { return limited(c.Lookup(id, values...)) },
		"bold":    func(text string) string { return mark(Bold, text, "") },
		"code":    func(text string) string { return mark(Code, text, "") },
		"link":    func(text, url string) string { return mark(Link, text, url) },
		"mention": func(id string) string { return mark(Person, id, "") },
		"join":    func(list []string, by string) (string, error) { return limited(strings.Join(list, by), nil) },
	}
}

func limited(s string, err error) (string, error) {
	if err == nil && len(s) > maxBytes {
		return "", errTooLong
	}
	return s, err
}

// listFunc is the function that check adds to each range. Templates cannot
// name it, as they cannot be parsed with it.
const listFunc = "list"

// checkList returns v if it is a list: text/template also ranges over numbers, and
// cannot be stopped.
func checkList(v any) (any, error) {
	if _, ok := v.([]string); !ok {
		return nil, fmt.Errorf("range over %T: not a list", v)
	}
	return v, nil
}

// check refuses what could run for too long: numbers above maxNumber and parts
// that include themselves. It makes each range check that it has a list.
func check(trees map[string]*parse.Tree) error {
	uses := map[string][]string{} // by part
	for name, tree := range trees {
		for _, node := range nodes(reflect.ValueOf(tree.Root)) {
			switch n := node.(type) {
			case *parse.NumberNode:
				if n.IsFloat && max(n.Float64, -n.Float64) > maxNumber {
					where, _ := tree.ErrorContext(n)
					return fmt.Errorf("template: %s: %s is above %d", where, n, maxNumber)
				}
			case *parse.RangeNode:
				guard := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: n.Pos}
				guard.Args = []parse.Node{parse.NewIdentifier(listFunc).SetTree(tree).SetPos(n.Pos)}
				n.Pipe.Cmds = append(n.Pipe.Cmds, guard)
			case *parse.TemplateNode:
				uses[name] = append(uses[name], n.Name)
			}
		}
	}
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		reached := slices.Clone(uses[name])
		for i := 0; i < len(reached); i++ {
			for _, next := range uses[reached[i]] {
				if !slices.Contains(reached, next) {
					reached = append(reached, next)
				}
			}
		}
		if slices.Contains(reached, name) {
			return fmt.Errorf("template: %s: part %q includes itself", trees[name].ParseName, name)
		}
	}
	return nil
}

// nodes returns every node of a parse tree: whatever its exported fields lead to.
func nodes(v reflect.Value) (all []any) {
	switch v.Kind() {
	case reflect.Interface, reflect.Pointer:
		return nodes(v.Elem()) // none of nil
	case reflect.Struct:
		all = append(all, v.Addr().Interface())
		for i := range v.NumField() {
			if v.Type().Field(i).IsExported() {
				all = append(all, nodes(v.Field(i))...)
			}
		}
	case reflect.Slice:
		for i := range v.Len() {
			all = append(all, nodes(v.Index(i))...)
		}
	}
	return all
}
