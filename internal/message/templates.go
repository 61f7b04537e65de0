package message

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
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

// A source is one file of templates.
type source struct {
	fs   fs.FS
	name string
}

func (s source) absent() bool {
	_, err := fs.Stat(s.fs, s.name)
	return errors.Is(err, fs.ErrNotExist)
}

// parts are parsed templates. They execute one part at a time.
type parts struct {
	templates *template.Template
	runs      runList // of the part being executed
}

// parseParts parses files in order: a later definition of a part replaces an
// earlier one, also with an empty one.
func parseParts(c *locale.Catalog, files ...source) (*parts, error) {
	p := &parts{}
	functions := p.functions(c)
	known := maps.Clone(functions)
	for _, name := range builtins {
		known[name] = true
	}
	trees := map[string]*parse.Tree{}
	for _, file := range files {
		text, err := fs.ReadFile(file.fs, file.name)
		if err != nil {
			return nil, fmt.Errorf("reading templates: %w", err)
		}
		parsed, err := parse.Parse(file.name, string(text), "", "", known)
		if err != nil {
			return nil, err
		}
		maps.Copy(trees, parsed)
	}
	if err := check(trees); err != nil {
		return nil, err
	}
	functions[listFunc] = list
	p.templates = template.New("").Funcs(functions)
	for name, tree := range trees {
		if _, err := p.templates.AddParseTree(name, tree); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// execute returns the lines of one part for data.
func (p *parts) execute(part string, data any) ([]Line, error) {
	p.runs = p.runs[:0]
	var out limitedBuffer
	if err := p.templates.ExecuteTemplate(&out, part, data); err != nil {
		return nil, err
	}
	lines, err := p.runs.lines(string(out.text))
	if err != nil {
		return nil, fmt.Errorf("template %s: %w", part, err)
	}
	return lines, nil
}

// A limitedBuffer fails beyond maxBytes.
type limitedBuffer struct{ text []byte }

func (b *limitedBuffer) Write(p []byte) (int, error) {
	if len(b.text)+len(p) > maxBytes {
		return 0, errTooLong
	}
	b.text = append(b.text, p...)
	return len(p), nil
}

// builtins are the functions of text/template that a template may call. Those
// that print or call anything are not among them.
var builtins = []string{"and", "or", "not", "eq", "ne", "lt", "le", "gt", "ge", "len", "index", "slice"}

// functions returns the functions of messages.
func (p *parts) functions(c *locale.Catalog) template.FuncMap {
	return template.FuncMap{
		"t":       func(id string, values ...any) (string, error) { return limited(c.Lookup(id, values...)) },
		"bold":    func(text string) (string, error) { return p.runs.add(Bold, text, "") },
		"code":    func(text string) (string, error) { return p.runs.add(Code, text, "") },
		"link":    func(text, url string) (string, error) { return p.runs.add(Link, text, url) },
		"mention": func(id string) (string, error) { return p.runs.add(Person, id, "") },
		"join": func(list []string, separator string) (string, error) {
			return limited(strings.Join(list, separator), nil)
		},
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

// list returns v if it is a list: text/template also ranges over numbers, and
// text/template cannot be stopped.
func list(v any) (any, error) {
	switch v.(type) {
	case []string, []Kind:
		return v, nil
	}
	return nil, fmt.Errorf("range over %T: not a list", v)
}

// check refuses what could run for too long: numbers above maxNumber and parts
// that use themselves. It makes each range check that it has a list.
func check(trees map[string]*parse.Tree) error {
	uses := map[string][]string{} // by part
	for name, tree := range trees {
		var err error
		walk(tree.Root, func(node parse.Node) {
			switch n := node.(type) {
			case *parse.NumberNode:
				if n.IsFloat && max(n.Float64, -n.Float64) > maxNumber {
					where, _ := tree.ErrorContext(n)
					err = fmt.Errorf("template: %s: %s is above %d", where, n, maxNumber)
				}
			case *parse.RangeNode:
				guard := &parse.CommandNode{NodeType: parse.NodeCommand, Pos: n.Pos}
				guard.Args = []parse.Node{parse.NewIdentifier(listFunc).SetTree(tree).SetPos(n.Pos)}
				n.Pipe.Cmds = append(n.Pipe.Cmds, guard)
			case *parse.TemplateNode:
				uses[name] = append(uses[name], n.Name)
			}
		})
		if err != nil {
			return err
		}
	}
	for _, name := range slices.Sorted(maps.Keys(trees)) {
		if reaches(uses, name, name, map[string]bool{}) {
			return fmt.Errorf("template: %s: part %q uses itself", trees[name].ParseName, name)
		}
	}
	return nil
}

// reaches reports whether the part from uses the part to.
func reaches(uses map[string][]string, from, to string, seen map[string]bool) bool {
	return slices.ContainsFunc(uses[from], func(used string) bool {
		if used == to {
			return true
		}
		if seen[used] {
			return false
		}
		seen[used] = true
		return reaches(uses, used, to, seen)
	})
}

// walk calls visit for node and all nodes under it.
func walk(node parse.Node, visit func(parse.Node)) {
	visit(node)
	branch := func(n *parse.BranchNode) {
		walk(n.Pipe, visit)
		walk(n.List, visit)
		if n.ElseList != nil {
			walk(n.ElseList, visit)
		}
	}
	switch n := node.(type) {
	case *parse.ListNode:
		for _, child := range n.Nodes {
			walk(child, visit)
		}
	case *parse.ActionNode:
		walk(n.Pipe, visit)
	case *parse.TemplateNode:
		if n.Pipe != nil {
			walk(n.Pipe, visit)
		}
	case *parse.IfNode:
		branch(&n.BranchNode)
	case *parse.WithNode:
		branch(&n.BranchNode)
	case *parse.RangeNode:
		branch(&n.BranchNode)
	case *parse.PipeNode:
		for _, command := range n.Cmds {
			walk(command, visit)
		}
	case *parse.CommandNode:
		for _, arg := range n.Args {
			walk(arg, visit)
		}
	case *parse.ChainNode:
		walk(n.Node, visit)
	}
}
