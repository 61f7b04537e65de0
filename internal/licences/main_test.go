package main

import (
	"bytes"
	"os"
	"strings"
	"testing"
)

// What is shipped with the program names all that is linked into it, and has
// the text of each licence. Go's own version is not told, so that a newer Go
// does not make the file stale.
func TestTheFileIsOfToday(t *testing.T) {
	want, err := collect()
	if err != nil {
		t.Fatal(err)
	}
	got, err := os.ReadFile("../../" + file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale (%d bytes, want %d): go run ./internal/licences", file, len(got), len(want))
	}
	for _, module := range []string{"Go (BSD-3-Clause)", "github.com/slack-go/slack ", "github.com/aliyun/fc-runtime-go-sdk "} {
		if !strings.Contains(string(got), "\n"+module) {
			t.Errorf("%s is not named", module)
		}
	}
	if strings.Contains(string(got), "chromedp") {
		t.Error("what only tests use is named")
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
			t.Errorf("%q is taken for %q, want %q", text, got, want)
		}
	}
}
