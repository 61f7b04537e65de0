package main

import (
	"fmt"
	"io"
	"os"
	"regexp"
	"runtime"
	"strings"
)

// recipe follows the notes of a release. Its verbs are the Go version, and the
// version of the release.
const recipe = `
## The same bytes

Built with %[1]s. In a clone at the tag v%[2]s, this gives a zip with the checksum in SHA256SUMS:

    export GOTOOLCHAIN=%[1]s
    go run ./internal/release build -version %[2]s
    go run ./internal/release zip -o dist/matrix-expiry-report-linux-amd64.zip

The zip has a provenance attestation: gh attestation verify FILE --repo OWNER/REPOSITORY
`

// notes writes the notes of a version, which may begin with v: its section of
// CHANGELOG.md, and how to build the same bytes.
func notes(w io.Writer, version string) error {
	version = strings.TrimPrefix(version, "v")
	changes, err := os.ReadFile("CHANGELOG.md")
	if err != nil {
		return err
	}
	text, err := section(string(changes), version)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(w, "%s\n"+recipe, text, runtime.Version(), version)
	return err
}

var heading = regexp.MustCompile(`(?m)^## (.+)$`)

// section returns the text below the heading of the version, which may have a
// date after it.
func section(changes, version string) (string, error) {
	at := heading.FindAllStringSubmatchIndex(changes, -1)
	for i, m := range at {
		name, _, _ := strings.Cut(changes[m[2]:m[3]], " ")
		if strings.TrimPrefix(name, "v") != version {
			continue
		}
		end := len(changes)
		if i+1 < len(at) {
			end = at[i+1][0]
		}
		if text := strings.TrimSpace(changes[m[1]:end]); text != "" {
			return text, nil
		}
	}
	return "", fmt.Errorf("CHANGELOG.md has no section for %s, or an empty one", version)
}
