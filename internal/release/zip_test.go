package main

import (
	"archive/zip"
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// Two builds, in directories of their own and at other times, give the same
// zip, and nothing hidden is in it.
func TestTheZipIsReproducible(t *testing.T) {
	build := func(at time.Time) []byte {
		dir := t.TempDir()
		cmd := exec.Command("go", "build", "-tags", "nethttpomithttp2", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w -buildid=", "-o", filepath.Join(dir, "main"), "matrix-expiry-report")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH=amd64")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
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
		b, err := pack(os.DirFS(dir))
		if err != nil {
			t.Fatal(err)
		}
		return b
	}
	first, second := build(time.Now()), build(time.Now().AddDate(-1, 0, 0))
	if !bytes.Equal(first, second) {
		t.Error("two builds give two zips")
	}
	z, err := zip.NewReader(bytes.NewReader(first), int64(len(first)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Mode().String()+" "+f.Name)
	}
	if got := strings.Join(names, ", "); got != "-rw-r--r-- LICENSE, -rwxr-xr-x main, -rw-r--r-- templates/slack.tmpl" {
		t.Errorf("the zip has %s", got)
	}
	t.Logf("the zip has %d bytes", len(first))
}
