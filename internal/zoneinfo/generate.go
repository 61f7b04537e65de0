//go:build ignore

// Generate packs the time zones of the Go that runs it.
package main

import (
	"archive/zip"
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"io"
	"log"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

func main() {
	root, err := exec.Command("go", "env", "GOROOT").Output()
	check(err)
	archive, err := zip.OpenReader(filepath.Join(strings.TrimSpace(string(root)), "lib", "time", "zoneinfo.zip"))
	check(err)
	var all []byte
	for _, f := range archive.File {
		r, err := f.Open()
		check(err)
		data, err := io.ReadAll(r)
		check(err)
		if len(data) == 0 {
			continue
		}
		for _, b := range [][]byte{[]byte(f.Name), data} {
			all = append(binary.AppendUvarint(all, uint64(len(b))), b...)
		}
	}
	var out bytes.Buffer
	w, err := gzip.NewWriterLevel(&out, gzip.BestCompression)
	check(err)
	_, err = w.Write(all)
	check(err)
	check(w.Close())
	check(os.WriteFile("zoneinfo.gz", out.Bytes(), 0o644))
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
