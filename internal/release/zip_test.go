package main

import (
	"archive/zip"
	"bytes"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"matrix-expiry-report/internal/gobuild"
)

// Builds in other folders and at other times give the same bytes.
func TestZipIsReproducible(t *testing.T) {
	buildZip := func(at time.Time) []byte {
		dir := t.TempDir()
		if err := gobuild.Build("../..", ".", filepath.Join(dir, "main"), "1.2.3", gobuild.Function...); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"LICENSE", ".env", ".secret/key", "templates/slack.tmpl"} {
			file := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(file, []byte(name), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chtimes(file, at, at); err != nil {
				t.Fatal(err)
			}
		}
		return zipOf(t, os.DirFS(dir), code)
	}
	first, second := buildZip(time.Now()), buildZip(time.Now().AddDate(-1, 0, 0))
	if !bytes.Equal(first, second) {
		t.Error("two builds differ")
	}
	if got, want := strings.Join(modes(t, first), ", "), "-rw-r--r-- LICENSE, -rwxr-xr-x main, -rw-r--r-- templates/slack.tmpl"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}

// The zip for deploying without Go has s.yaml without the build, and no file
// of settings.
func TestDeployableZip(t *testing.T) {
	root := fstest.MapFS{}
	for _, name := range []string{"s.yaml", ".fcignore", "README.md", "README.zh.md", "LICENSE", "NOTICE",
		"deploy/ram/function.json", "deploy/ram/function-trust.json", "deploy/ram/deployer.json", "deploy/ram/README.md",
		"docs/channels.md", "docs/operating.md", "docs/cost.zh.md"} {
		b, err := os.ReadFile(filepath.Join("../..", name))
		if err != nil {
			t.Fatal(err)
		}
		root[name] = &fstest.MapFile{Data: b}
	}
	for _, name := range []string{".env", ".env.example", "code/target/main", "code/target/.env", "code/target/LICENSE"} {
		root[name] = &fstest.MapFile{Data: []byte(name)}
	}
	b := zipOf(t, root, deployable)
	all := strings.Join(modes(t, b), "\n")
	for _, want := range []string{"-rw-r--r-- s.yaml", "-rw-r--r-- .env.example", "-rwxr-xr-x code/target/main", "-rw-r--r-- code/target/.fcignore", "-rw-r--r-- code/target/LICENSE",
		"-rw-r--r-- docs/channels.md", "-rw-r--r-- docs/operating.md", "-rw-r--r-- docs/cost.zh.md"} {
		if !strings.Contains(all, want) {
			t.Errorf("the zip lacks %s:\n%s", want, all)
		}
	}
	for line := range strings.Lines(all) {
		if strings.HasSuffix(strings.TrimSpace(line), ".env") {
			t.Errorf("the zip has settings: %s", line)
		}
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	yaml, err := fs.ReadFile(z, "s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if text := string(yaml); strings.Contains(text, "go run") || strings.Contains(text, "actions:") || !strings.Contains(text, "component: fc3\n    props:\n      region:") {
		t.Errorf("s.yaml of the zip:\n%.600s", text)
	}
}

func zipOf(t *testing.T, dir fs.FS, list func(fs.FS) ([]entry, error)) []byte {
	t.Helper()
	entries, err := list(dir)
	if err != nil {
		t.Fatal(err)
	}
	b, err := pack(entries)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// modes lists the files of a zip with their modes, in order.
func modes(t *testing.T, b []byte) (all []string) {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		all = append(all, f.Mode().String()+" "+f.Name)
	}
	return all
}
