// Command release packs a directory into a zip that is the same, byte by byte,
// whenever and wherever its files are: sorted, with one time and one mode.
//
//	go run ./internal/release -o dist/matrix-expiry-report.zip code/target
package main

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"flag"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"
)

func main() {
	out := flag.String("o", "", "the zip")
	flag.Parse()
	if *out == "" || flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "usage: release -o FILE.zip DIRECTORY")
		os.Exit(2)
	}
	if err := run(*out, flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "release:", err)
		os.Exit(1)
	}
}

func run(out, dir string) error {
	b, err := pack(os.DirFS(dir))
	if err != nil {
		return err
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(out, b, 0o644); err != nil {
		return err
	}
	fmt.Printf("%x  %s\n", sha256.Sum256(b), filepath.Base(out))
	return nil
}

// pack leaves out hidden files: settings and secrets are no part of the code.
func pack(dir fs.FS) ([]byte, error) {
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	err := fs.WalkDir(dir, ".", func(name string, e fs.DirEntry, err error) error { // in lexical order
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
		h := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: time.Date(2023, 11, 1, 0, 0, 0, 0, time.UTC)}
		h.SetMode(0o644)
		if name == "main" {
			h.SetMode(0o755)
		}
		body, err := fs.ReadFile(dir, name)
		if err != nil {
			return err
		}
		f, err := w.CreateHeader(h)
		if err == nil {
			_, err = f.Write(body)
		}
		return err
	})
	if err != nil {
		return nil, err
	}
	err = w.Close()
	return b.Bytes(), err
}
