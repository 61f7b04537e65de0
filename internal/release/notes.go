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
### Verify

Built with %[1]s. In a clone at the tag v%[2]s, on any machine, these commands build the same bytes, whose checksums are in SHA256SUMS:

    export GOTOOLCHAIN=%[1]s
    go run ./internal/release build -version %[2]s
    go run ./internal/release zip -o dist/matrix-expiry-report-linux-amd64.zip
    go run ./internal/release deployable -o dist/matrix-expiry-report-deploy.zip

This checks which workflow built a zip:

    gh attestation verify FILE --repo OWNER/REPOSITORY

sbom.cdx.json lists the linked modules.
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
	_, err = fmt.Fprintln(w, text+"\n"+fmt.Sprintf(recipe, runtime.Version(), version))
	return err
}

var heading = regexp.MustCompile(`(?m)^## (.+)$`)

// section returns the text below the heading of the version, which may be in
// brackets and have a date after it.
func section(changes, version string) (string, error) {
	at := heading.FindAllStringSubmatchIndex(changes, -1)
	for i, m := range at {
		name, _, _ := strings.Cut(changes[m[2]:m[3]], " ")
		if strings.Trim(name, "[]v") != version {
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
