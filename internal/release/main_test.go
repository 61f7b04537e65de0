package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func noEnv(string) string { return "" }

// repository makes a repository with the given files the current folder.
func repository(t *testing.T, names ...string) {
	t.Helper()
	t.Chdir(t.TempDir())
	for _, name := range names {
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// zip writes the code to a file, in a folder that need not exist, and prints the
// checksum of the file.
func TestRunZip(t *testing.T) {
	repository(t, "LICENSE", "code/target/main", "code/target/NOTICE", "code/target/.env")
	var stdout bytes.Buffer
	if err := run([]string{"zip", "-o", "dist/code.zip"}, noEnv, &stdout); err != nil {
		t.Fatal(err)
	}
	b, err := os.ReadFile("dist/code.zip")
	if err != nil {
		t.Fatal(err)
	}
	if want := fmt.Sprintf("%x  code.zip\n", sha256.Sum256(b)); stdout.String() != want {
		t.Errorf("printed %q, want %q", stdout.String(), want)
	}
	if got := strings.Join(modes(t, b), ", "); got != "-rw-r--r-- NOTICE, -rwxr-xr-x main" {
		t.Errorf("the zip has %s", got)
	}
	z, err := zip.NewReader(bytes.NewReader(b), int64(len(b)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if f.Modified.Year() != 2023 {
			t.Errorf("%s has the time %s, want the same for every build", f.Name, f.Modified)
		}
	}
}

func TestRunFailsWithoutFiles(t *testing.T) {
	repository(t)
	for _, args := range [][]string{{"zip", "-o", "x.zip"}, {"deployable", "-o", "x.zip"}, {"notes", "1.0.0"}} {
		var stdout bytes.Buffer
		err := run(args, noEnv, &stdout)
		if err == nil || errors.Is(err, errUsage) || stdout.Len() > 0 {
			t.Errorf("%q: got the error %v and printed %q, want an error that is not the usage", args, err, stdout.String())
		}
		if got := fmt.Sprint(err); args[0] != "notes" && !strings.Contains(got, "build first: go run ./internal/release build") {
			t.Errorf("%q: got the error %s, want what to do first", args, got)
		}
		if _, err := os.Stat("x.zip"); err == nil {
			t.Errorf("%q wrote a zip", args)
		}
	}
	repository(t, "code/target/main", "file")
	if err := run([]string{"zip", "-o", "file/x.zip"}, noEnv, &bytes.Buffer{}); err == nil {
		t.Error("got no error for a file in place of a folder")
	}
}

func TestRunNotes(t *testing.T) {
	repository(t)
	if err := os.WriteFile("CHANGELOG.md", []byte("# Changelog\n\n## [1.2.0]\n\n- Added.\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, version := range []string{"1.2.0", "v1.2.0"} {
		var stdout bytes.Buffer
		err := run([]string{"notes", version}, noEnv, &stdout)
		if text := stdout.String(); err != nil || !strings.HasPrefix(text, "- Added.\n") || !strings.Contains(text, "build -version 1.2.0\n") {
			t.Errorf("%s: got the error %v and printed %q", version, err, text)
		}
	}
	if err := run([]string{"notes", "1.3.0"}, noEnv, &bytes.Buffer{}); err == nil {
		t.Error("got no error for a version without a section")
	}
}

// The order in which entries are found does not matter.
func TestPackSortsEntries(t *testing.T) {
	entries := []entry{{"b", []byte("1")}, {"a", []byte("2")}, {"c", []byte("3")}}
	reversed := slices.Clone(entries)
	slices.Reverse(reversed)
	one, err := pack(entries)
	if err != nil {
		t.Fatal(err)
	}
	two, err := pack(reversed)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(one, two) {
		t.Error("another order gives another zip")
	}
}

func TestWithoutActionsNeedsActions(t *testing.T) {
	for _, yaml := range []string{"a:\n    props:\n", "a:\n    actions:\n      x: y\n"} {
		if got, err := withoutActions([]byte(yaml)); err == nil {
			t.Errorf("%q: got %q and no error", yaml, got)
		}
	}
}
