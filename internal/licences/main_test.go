package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// The file is up to date: it names every linked module and holds every licence. It
// does not name the version of Go, so that it stays valid with a newer one.
func TestFileIsCurrent(t *testing.T) {
	want, err := collect()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is out of date (%d bytes, want %d): go run ./internal/licences", file, len(got), len(want))
	}
	for _, module := range []string{"Go (BSD-3-Clause)", "github.com/slack-go/slack ", "github.com/aliyun/fc-runtime-go-sdk "} {
		if !strings.Contains(string(got), "\n"+module) {
			t.Errorf("the file does not name %s", module)
		}
	}
	if strings.Contains(string(got), "chromedp") {
		t.Error("the file names a module that only tests use")
	}
}

func TestKind(t *testing.T) {
	for text, want := range map[string]string{
		"Apache License\n  Version 2.0, January 2004": "Apache-2.0",
		"GNU GENERAL PUBLIC LICENSE Version 3":        "",
		"Mozilla Public License Version 2.0":          "",
		"all rights reserved":                         "",
	} {
		if got := kind(text); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
}
