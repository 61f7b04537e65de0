package arch

import (
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

const maxLines = 400

// tooLong are the files that have more than maxLines lines for now.
var tooLong = map[string]bool{}

// A file is about one thing and can be read in one go.
func TestFilesAreShort(t *testing.T) {
	seen := map[string]bool{}
	err := filepath.WalkDir("../..", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if name := d.Name(); strings.HasPrefix(name, ".") && strings.Trim(name, ".") != "" {
				return filepath.SkipDir
			}
			return nil
		}
		switch filepath.Ext(path) {
		case ".go", ".js", ".css":
		default:
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel("../..", path)
		if err != nil {
			return err
		}
		name := filepath.ToSlash(rel)
		seen[name] = true
		lines := bytes.Count(b, []byte("\n"))
		switch {
		case lines > maxLines && !tooLong[name]:
			t.Errorf("%s has %d lines, want at most %d", name, lines, maxLines)
		case lines <= maxLines && tooLong[name]:
			t.Errorf("%s has %d lines now: remove it from tooLong", name, lines)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	for name := range tooLong {
		if !seen[name] {
			t.Errorf("%s no longer exists: remove it from tooLong", name)
		}
	}
	if len(seen) < 100 {
		t.Errorf("only %d files found", len(seen))
	}
}

// The root directory holds the program's main function and no tests.
func TestRootIsSmall(t *testing.T) {
	files, err := filepath.Glob("../../*.go")
	if err != nil || len(files) != 1 || filepath.Base(files[0]) != "main.go" {
		t.Errorf("the Go files of the root are %v, want main.go only (%v)", files, err)
	}
	b, err := os.ReadFile("../../main.go")
	if err != nil {
		t.Fatal(err)
	}
	if lines := bytes.Count(b, []byte("\n")); lines > 40 {
		t.Errorf("main.go has %d lines, want at most 40", lines)
	}
}
