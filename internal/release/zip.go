package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// An entry is one file of a zip.
type entry struct {
	name string
	body []byte
}

// writeZip writes the entries that list finds in dir to file, and prints the
// checksum.
func writeZip(stdout io.Writer, file string, dir fs.FS, list func(fs.FS) ([]entry, error)) error {
	entries, err := list(dir)
	if err != nil {
		return err
	}
	b, err := pack(entries)
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(file, b, 0o644); err != nil {
		return err
	}
	_, err = fmt.Fprintf(stdout, "%x  %s\n", sha256.Sum256(b), filepath.Base(file))
	return err
}

// code returns the files of dir that are not hidden: settings and secrets are
// not part of the code.
func code(dir fs.FS) (entries []entry, err error) {
	if _, err := fs.Stat(dir, "main"); err != nil {
		return nil, fmt.Errorf("%s/main: %w; build first: go run ./internal/release build", target, err)
	}
	err = fs.WalkDir(dir, ".", func(name string, e fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if strings.HasPrefix(e.Name(), ".") {
			if e.IsDir() {
				return fs.SkipDir
			}
			return nil
		}
		if e.IsDir() {
			return nil
		}
		body, err := fs.ReadFile(dir, name)
		entries = append(entries, entry{name, body})
		return err
	})
	return entries, err
}

// deployable returns what `s deploy` needs where there is no Go: the built
// code, and s.yaml without the actions that build it.
func deployable(root fs.FS) ([]entry, error) {
	built, err := fs.Sub(root, target)
	if err != nil {
		return nil, err
	}
	entries, err := code(built)
	if err != nil {
		return nil, err
	}
	for i := range entries {
		entries[i].name = path.Join(target, entries[i].name)
	}
	guides, err := fs.Glob(root, "docs/*.md")
	if err != nil {
		return nil, err
	}
	names := append(guides, "s.yaml", ".env.example", ".fcignore", "README.md", "README.zh.md", "LICENSE", "NOTICE",
		"deploy/ram/function.json", "deploy/ram/function-trust.json", "deploy/ram/deployer.json", "deploy/ram/README.md")
	for _, name := range names {
		as := name
		body, err := fs.ReadFile(root, name)
		if err != nil {
			return nil, err
		}
		switch name {
		case "s.yaml":
			if body, err = withoutActions(body); err != nil {
				return nil, err
			}
		case ".fcignore":
			as = path.Join(target, name)
		}
		entries = append(entries, entry{as, body})
	}
	return entries, nil
}

// withoutActions returns s.yaml without its block of actions: from its key to
// the next key of the same indentation.
func withoutActions(yaml []byte) ([]byte, error) {
	const key, next = "\n    actions:\n", "\n    props:\n"
	before, rest, ok := bytes.Cut(yaml, []byte(key))
	_, after, found := bytes.Cut(rest, []byte(next))
	if !ok || !found {
		return nil, fmt.Errorf("s.yaml has no actions before its props")
	}
	return slices.Concat(before, []byte(next), after), nil
}

// pack returns a zip of the entries that depends on nothing but their names
// and bytes: they are sorted, with one time and one mode.
func pack(entries []entry) ([]byte, error) {
	slices.SortFunc(entries, func(a, b entry) int { return strings.Compare(a.name, b.name) })
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	for _, e := range entries {
		h := &zip.FileHeader{Name: e.name, Method: zip.Deflate, Modified: time.Date(2023, 11, 1, 0, 0, 0, 0, time.UTC)}
		h.SetMode(0o644)
		if path.Base(e.name) == "main" {
			h.SetMode(0o755)
		}
		f, err := w.CreateHeader(h)
		if err != nil {
			return nil, err
		}
		if _, err := f.Write(e.body); err != nil {
			return nil, err
		}
	}
	err := w.Close()
	return b.Bytes(), err
}
