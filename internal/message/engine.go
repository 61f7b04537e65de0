package message

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"reflect"
	"strconv"
	"strings"
	"text/template/parse"
)

// A set is parsed templates and the functions they may call.
//
// The language is Go's, read by text/template/parse, with what messages need
// of it: fields, variables, if, with, range, define, template, and the
// functions below. It has no methods, and its work and output are bounded, so
// that a template of somebody else's can neither reach out nor hang. (Nor does
// it make the linker keep every method of every type, as text/template's
// executor does, which is a fifth of the program.)
type set struct {
	trees     map[string]*parse.Tree
	funcs     map[string]function
	unbounded bool // it is our own, and may be long
}

type function func(args []any) (any, error)

// What one part of a message may cost.
const (
	maxSteps       = 200_000
	maxOutputBytes = 1 << 20
)

var errTooMuch = errors.New("it does too much")

// A source is one file of templates.
type source struct {
	fs   fs.FS
	name string
}

func (s source) absent() bool {
	_, err := fs.Stat(s.fs, s.name)
	return errors.Is(err, fs.ErrNotExist)
}

// parseSet reads files in order; a later definition of a part replaces an
// earlier one.
func parseSet(funcs map[string]function, from ...source) (*set, error) {
	s := &set{trees: map[string]*parse.Tree{}, funcs: map[string]function{}}
	maps.Copy(s.funcs, builtins())
	maps.Copy(s.funcs, funcs)
	for _, file := range from {
		text, err := fs.ReadFile(file.fs, file.name)
		if err != nil {
			return nil, fmt.Errorf("reading templates: %w", err)
		}
		trees, err := parse.Parse(file.name, string(text), "", "", anything(s.funcs))
		if err != nil {
			return nil, err
		}
		for part, tree := range trees {
			s.trees[part] = tree
		}
	}
	return s, nil
}

// anything is funcs as the parser wants them, which looks at the names only.
func anything(funcs map[string]function) map[string]any {
	all := map[string]any{}
	for name, f := range funcs {
		all[name] = f
	}
	return all
}

// execute renders one part for data.
func (s *set) execute(part string, data any) (string, error) {
	var b strings.Builder
	if err := s.write(&b, part, data); err != nil {
		return "", err
	}
	return b.String(), nil
}

// write is execute to where an error may leave half of it.
func (s *set) write(out output, part string, data any) error {
	e := &execution{set: s, out: out}
	return e.template(part, reflect.ValueOf(data))
}

// An output takes what is rendered. Its errors show when it is flushed.
type output interface {
	io.Writer
	io.StringWriter
}

type execution struct {
	*set
	tree  *parse.Tree
	out   output
	size  int
	vars  []variable
	args  []any // of the calls that are being prepared
	steps int

	places map[parse.Node]place // see field
}

// A place is where a type has a field; nil where it has none.
type place struct {
	of    reflect.Type
	name  string
	index []int
}

type variable struct {
	name  string
	value reflect.Value
}

func (e *execution) template(part string, dot reflect.Value) error {
	tree, ok := e.trees[part]
	if !ok {
		return fmt.Errorf("there is no part %q", part)
	}
	outer, vars := e.tree, e.vars
	e.tree, e.vars = tree, []variable{{"$", dot}}
	defer func() { e.tree, e.vars = outer, vars }()
	return e.walk(tree.Root, dot)
}

func (e *execution) walk(node parse.Node, dot reflect.Value) error {
	if e.steps++; !e.unbounded && (e.steps > maxSteps || e.size > maxOutputBytes) {
		return e.at(node, errTooMuch)
	}
	switch n := node.(type) {
	case *parse.ListNode:
		for _, child := range n.Nodes {
			if err := e.walk(child, dot); err != nil {
				return err
			}
		}
		return nil
	case *parse.TextNode:
		e.size += len(n.Text)
		_, _ = e.out.Write(n.Text)
		return nil
	case *parse.CommentNode:
		return nil
	case *parse.ActionNode:
		v, err := e.pipe(n.Pipe, dot)
		if err != nil || len(n.Pipe.Decl) > 0 {
			return err
		}
		return e.print(n, v)
	case *parse.IfNode:
		return e.branch(&n.BranchNode, dot, false)
	case *parse.WithNode:
		return e.branch(&n.BranchNode, dot, true)
	case *parse.RangeNode:
		return e.loop(n, dot)
	case *parse.TemplateNode:
		arg := reflect.Value{}
		if n.Pipe != nil {
			var err error
			if arg, err = e.pipe(n.Pipe, dot); err != nil {
				return err
			}
		}
		if e.steps += 10; e.steps > maxSteps { // a template that calls itself
			return e.at(n, errTooMuch)
		}
		return e.template(n.Name, arg)
	}
	return e.at(node, fmt.Errorf("%q is not of this language", node))
}

func (e *execution) branch(n *parse.BranchNode, dot reflect.Value, with bool) error {
	defer e.forget(len(e.vars))
	v, err := e.pipe(n.Pipe, dot)
	switch {
	case err != nil:
		return err
	case truth(v) && with:
		return e.walk(n.List, v)
	case truth(v):
		return e.walk(n.List, dot)
	case n.ElseList != nil:
		return e.walk(n.ElseList, dot)
	}
	return nil
}

func (e *execution) loop(n *parse.RangeNode, dot reflect.Value) error {
	defer e.forget(len(e.vars))
	list, err := e.pipe(n.Pipe, dot)
	if err != nil {
		return err
	}
	if list.Kind() != reflect.Slice {
		return e.at(n, fmt.Errorf("%s is no list", list.Kind()))
	}
	if list.Len() == 0 && n.ElseList != nil {
		return e.walk(n.ElseList, dot)
	}
	declared := n.Pipe.Decl
	for i := range list.Len() {
		item := list.Index(i)
		if len(declared) > 0 {
			e.declare(declared[len(declared)-1].Ident[0], item)
		}
		if len(declared) > 1 {
			e.declare(declared[0].Ident[0], reflect.ValueOf(i))
		}
		if err := e.walk(n.List, item); err != nil {
			return err
		}
	}
	return nil
}

func (e *execution) forget(depth int) { e.vars = e.vars[:depth] }

func (e *execution) declare(name string, v reflect.Value) {
	e.vars = append(e.vars, variable{name, v})
}

func (e *execution) pipe(n *parse.PipeNode, dot reflect.Value) (v reflect.Value, err error) {
	for i, cmd := range n.Cmds {
		var last []any
		if i > 0 {
			last = []any{v.Interface()}
		}
		if v, err = e.command(cmd, dot, last); err != nil {
			return v, err
		}
	}
	for _, d := range n.Decl {
		if !n.IsAssign {
			e.declare(d.Ident[0], v)
			continue
		}
		for i := len(e.vars) - 1; i >= 0; i-- {
			if e.vars[i].name == d.Ident[0] {
				e.vars[i].value = v
				break
			}
		}
	}
	return v, nil
}

func (e *execution) command(n *parse.CommandNode, dot reflect.Value, last []any) (reflect.Value, error) {
	name, ok := n.Args[0].(*parse.IdentifierNode)
	if !ok {
		if len(n.Args) > 1 || last != nil {
			return reflect.Value{}, e.at(n, fmt.Errorf("%s is no function", n.Args[0]))
		}
		return e.argument(n.Args[0], dot)
	}
	first := len(e.args)
	defer func() { e.args = e.args[:first] }()
	for _, a := range n.Args[1:] {
		v, err := e.argument(a, dot)
		if err != nil {
			return v, err
		}
		e.args = append(e.args, v.Interface())
	}
	e.args = append(e.args, last...)
	out, err := e.call(name, e.args[first:len(e.args):len(e.args)])
	if err != nil {
		return reflect.Value{}, e.at(n, fmt.Errorf("%s: %w", name.Ident, err))
	}
	return reflect.ValueOf(out), nil
}

func (e *execution) call(name *parse.IdentifierNode, args []any) (out any, err error) {
	defer func() {
		if p := recover(); p != nil { // an index out of range, a wrong type
			err = fmt.Errorf("%v", p)
		}
	}()
	return e.funcs[name.Ident](args)
}

func (e *execution) argument(node parse.Node, dot reflect.Value) (reflect.Value, error) {
	switch n := node.(type) {
	case *parse.DotNode:
		if !dot.IsValid() {
			return dot, e.at(n, errors.New("there is no data"))
		}
		return dot, nil
	case *parse.FieldNode:
		return e.fields(n, dot, n.Ident)
	case *parse.VariableNode:
		for i := len(e.vars) - 1; i >= 0; i-- {
			if e.vars[i].name == n.Ident[0] {
				return e.fields(n, e.vars[i].value, n.Ident[1:])
			}
		}
	case *parse.ChainNode:
		v, err := e.argument(n.Node, dot)
		if err != nil {
			return v, err
		}
		return e.fields(n, v, n.Field)
	case *parse.PipeNode:
		return e.pipe(n, dot)
	case *parse.IdentifierNode:
		out, err := e.call(n, nil)
		if err != nil {
			return reflect.Value{}, e.at(n, err)
		}
		return reflect.ValueOf(out), nil
	case *parse.StringNode:
		return reflect.ValueOf(n.Text), nil
	case *parse.BoolNode:
		return reflect.ValueOf(n.True), nil
	case *parse.NumberNode:
		if n.IsInt {
			return reflect.ValueOf(int(n.Int64)), nil
		}
	}
	return reflect.Value{}, e.at(node, fmt.Errorf("%s is not of this language", node))
}

func (e *execution) fields(node parse.Node, v reflect.Value, names []string) (reflect.Value, error) {
	for _, name := range names {
		if v.Kind() == reflect.Pointer {
			v = v.Elem()
		}
		if v.Kind() != reflect.Struct {
			return v, e.at(node, fmt.Errorf("there is no .%s", name))
		}
		place := e.field(node, v.Type(), name)
		if place == nil {
			return v, e.at(node, fmt.Errorf("%s has no .%s", v.Type().Name(), name))
		}
		v = v.FieldByIndex(place)
	}
	return v, nil
}

// field is where a type has a field, if it has one that may be seen: for a node
// that names one field mostly where it was the last time.
func (e *execution) field(node parse.Node, of reflect.Type, name string) []int {
	p := e.places[node]
	if p.of == of && p.name == name {
		return p.index
	}
	p = place{of: of, name: name}
	if f, ok := of.FieldByName(name); ok && f.IsExported() {
		p.index = f.Index
	}
	if e.places == nil {
		e.places = map[parse.Node]place{}
	}
	e.places[node] = p
	return p.index
}

func (e *execution) print(node parse.Node, v reflect.Value) error {
	var text string
	switch v.Kind() {
	case reflect.String:
		text = v.String()
	case reflect.Int, reflect.Int64:
		text = strconv.FormatInt(v.Int(), 10)
	default:
		return e.at(node, fmt.Errorf("%s cannot be printed", v.Kind()))
	}
	e.size += len(text)
	_, _ = e.out.WriteString(text)
	return nil
}

// at says where in which file err happened.
func (e *execution) at(node parse.Node, err error) error {
	where, _ := e.tree.ErrorContext(node)
	return fmt.Errorf("%s: %w", where, err)
}

func truth(v reflect.Value) bool {
	switch v.Kind() {
	case reflect.Slice:
		return v.Len() > 0
	case reflect.Invalid:
		return false
	}
	return !v.IsZero()
}

// builtins are the functions of text/template that messages need, with its
// meaning.
func builtins() map[string]function {
	return map[string]function{
		"not": func(a []any) (any, error) { return !truth(reflect.ValueOf(a[0])), nil },
		"and": func(a []any) (any, error) {
			for _, v := range a {
				if !truth(reflect.ValueOf(v)) {
					return v, nil
				}
			}
			return a[len(a)-1], nil
		},
		"or": func(a []any) (any, error) {
			for _, v := range a {
				if truth(reflect.ValueOf(v)) {
					return v, nil
				}
			}
			return a[len(a)-1], nil
		},
		"eq": func(a []any) (any, error) {
			for _, v := range a[1:] {
				if plain(v) == plain(a[0]) {
					return true, nil
				}
			}
			return false, nil
		},
		"ne":    func(a []any) (any, error) { return plain(a[0]) != plain(a[1]), nil },
		"lt":    func(a []any) (any, error) { return a[0].(int) < a[1].(int), nil },
		"le":    func(a []any) (any, error) { return a[0].(int) <= a[1].(int), nil },
		"gt":    func(a []any) (any, error) { return a[0].(int) > a[1].(int), nil },
		"ge":    func(a []any) (any, error) { return a[0].(int) >= a[1].(int), nil },
		"len":   func(a []any) (any, error) { return reflect.ValueOf(a[0]).Len(), nil },
		"index": func(a []any) (any, error) { return reflect.ValueOf(a[0]).Index(a[1].(int)).Interface(), nil },
		"slice": func(a []any) (any, error) {
			return reflect.ValueOf(a[0]).Slice(a[1].(int), a[2].(int)).Interface(), nil
		},
		"join": func(a []any) (any, error) { return strings.Join(a[0].([]string), a[1].(string)), nil },
	}
}

// plain makes strings of all string types comparable.
func plain(v any) any {
	if r := reflect.ValueOf(v); r.Kind() == reflect.String {
		return r.String()
	}
	return v
}
