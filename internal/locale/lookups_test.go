package locale

import (
	"go/ast"
	"go/parser"
	"go/token"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// Each lookup in the code passes as many values as the entry needs, in every
// language: with fewer, a message would show its id.
func TestLookupsPassEveryValue(t *testing.T) {
	var files []string
	for _, pattern := range []string{"../*/*.go", "../../handler/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	checked := 0
	for _, file := range files {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, file, nil, 0)
		if err != nil {
			t.Fatal(err)
		}
		ast.Inspect(f, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok || call.Ellipsis.IsValid() || len(call.Args) == 0 {
				return true
			}
			method, ok := call.Fun.(*ast.SelectorExpr)
			if !ok || method.Sel.Name != "Text" && method.Sel.Name != "Lookup" {
				return true
			}
			id, ok := call.Args[0].(*ast.BasicLit)
			if !ok || id.Kind != token.STRING {
				return true
			}
			name, err := strconv.Unquote(id.Value)
			if err != nil {
				t.Fatal(err)
			}
			for _, language := range Languages() {
				c, err := Of(language)
				if err != nil {
					t.Fatal(err)
				}
				if !c.Has(name) {
					return true // a method of another type
				}
				checked++
				if need, got := c.entries[name].values, len(call.Args)-1; got < need {
					t.Errorf("%s: %s has %d values in %s and gets %d", set.Position(call.Pos()), name, need, language, got)
				}
			}
			return true
		})
	}
	if checked < 60 {
		t.Errorf("only %d lookups found: the search is broken", checked)
	}
}

// Lookup fails without every value, so that a template that misses one does.
func TestLookupWithoutValuesFails(t *testing.T) {
	for _, language := range Languages() {
		c, err := Of(language)
		if err != nil {
			t.Fatal(err)
		}
		for id, m := range c.entries {
			need := m.values
			for n := range need {
				if text, err := c.Lookup(id, make([]any, n)...); err == nil {
					t.Errorf("%s in %s with %d of %d values is %q", id, language, n, need, text)
				}
			}
		}
	}
}
