// Command licences writes THIRD_PARTY_LICENSES.txt, which holds the licence of
// every module that is linked into the program: the licences require that they be
// distributed with it. It fails for a licence that it does not know or that
// requires more.
//
//	go run ./internal/licences
package main

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
)

// file is the name of the file, in the root of the repository.
const file = "THIRD_PARTY_LICENSES.txt"

func main() {
	text, err := collect()
	if err == nil {
		err = os.WriteFile(file, text, 0o644)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "licences:", err)
		os.Exit(1)
	}
}

// A module is a linked module.
type module struct {
	Path, Version, Dir string
	kind               string   // the name of its licence
	texts              []string // its licence and notices
}

// collect returns the content of the file: the modules with the names of their
// licences, then each text once, under the modules that have it.
func collect() ([]byte, error) {
	modules, err := linked()
	if err != nil {
		return nil, err
	}
	var b bytes.Buffer
	fmt.Fprintln(&b, "The program contains the following modules, under the licences below.")
	fmt.Fprintln(&b)
	byText := map[string][]string{}
	var order []string
	for _, m := range modules {
		name := strings.TrimSpace(m.Path + " " + m.Version)
		fmt.Fprintf(&b, "%s (%s)\n", name, m.kind)
		text := strings.Join(m.texts, "\n\n")
		if byText[text] == nil {
			order = append(order, text)
		}
		byText[text] = append(byText[text], name)
	}
	for _, text := range order {
		fmt.Fprintf(&b, "\n%s\n%s\n%s\n\n%s\n", strings.Repeat("=", 80), strings.Join(byText[text], "\n"), strings.Repeat("=", 80), text)
	}
	return b.Bytes(), nil
}

// linked returns the modules whose packages are linked into the deployed binary,
// and Go itself, sorted by path.
func linked() ([]module, error) {
	cmd := exec.Command("go", "list", "-deps", "-tags", "nethttpomithttp2", "-json=Module", "matrix-expiry-report")
	cmd.Env = append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "CGO_ENABLED=0")
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w", err)
	}
	root, err := exec.Command("go", "env", "GOROOT").Output()
	if err != nil {
		return nil, fmt.Errorf("go env: %w", err)
	}
	found := map[string]module{"Go": {Path: "Go", Dir: strings.TrimSpace(string(root))}}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p struct {
			Module *struct {
				Path, Version, Dir string
				Main               bool
			}
		}
		if err := dec.Decode(&p); err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		if p.Module != nil && !p.Module.Main {
			found[p.Module.Path] = module{Path: p.Module.Path, Version: p.Module.Version, Dir: p.Module.Dir}
		}
	}
	var all []module
	var errs []error
	for _, m := range found {
		if err := m.read(); err != nil {
			errs = append(errs, err)
		}
		all = append(all, m)
	}
	slices.SortFunc(all, func(a, b module) int { return cmp.Compare(a.Path, b.Path) })
	return all, errors.Join(errs...)
}

var licenceFile = regexp.MustCompile(`(?i)^(licen[cs]e|copying|notice|patents)(\.(md|txt))?$`)

// read sets the texts and the kind of m.
func (m *module) read() error {
	entries, err := os.ReadDir(m.Dir)
	if err != nil {
		return fmt.Errorf("%s: %w", m.Path, err)
	}
	for _, e := range entries {
		if !licenceFile.MatchString(e.Name()) || e.IsDir() {
			continue
		}
		b, err := os.ReadFile(filepath.Join(m.Dir, e.Name()))
		if err != nil {
			return fmt.Errorf("%s: %w", m.Path, err)
		}
		text := strings.TrimSpace(strings.ReplaceAll(string(b), "\r\n", "\n"))
		m.texts = append(m.texts, text)
		m.kind = cmp.Or(m.kind, kind(text))
	}
	if m.kind == "" {
		return fmt.Errorf("%s: no known licence that requires only to be distributed", m.Path)
	}
	return nil
}

// kinds are the known licences, each with a phrase that identifies it. The first
// that matches counts.
var kinds = []struct{ name, phrase string }{
	{"Apache-2.0", "Apache License Version 2.0"},
	{"MIT", "Permission is hereby granted, free of charge"},
	{"BSD-3-Clause", "may be used to endorse or promote"},
	{"BSD-2-Clause", "Redistributions in binary form must reproduce"},
	{"ISC", "Permission to use, copy, modify, and/or distribute"},
}

// kind returns the name of a licence, or "" if it is not known.
func kind(text string) string {
	text = strings.Join(strings.Fields(text), " ")
	for _, k := range kinds {
		if strings.Contains(text, k.phrase) {
			return k.name
		}
	}
	return ""
}
