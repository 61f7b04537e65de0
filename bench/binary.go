package main

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"io"
	"os"
	"slices"
	"time"

	"matrix-expiry-report/internal/fctest"
)

// start measures the time from the start of the process to its first poll of
// the runtime.
func (b *bench) start() ([]row, error) {
	const rounds = 401
	took := map[string][]time.Duration{}
	binaries := []string{b.program, b.empty}
	for range rounds {
		slices.Reverse(binaries) // a process that exits slows the next one down
		for _, binary := range binaries {
			began := time.Now()
			f, err := fctest.Start(binary, "SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/x")
			if err != nil {
				return nil, err
			}
			if err := f.Polled(b.ctx); err != nil {
				return nil, err
			}
			took[binary] = append(took[binary], time.Since(began))
			f.Stop()
		}
	}
	return []row{medianRatio("start to first poll", took[b.program], took[b.empty], 1.5)}, nil
}

// size measures the binary and the zip that is uploaded.
func (b *bench) size() ([]row, error) {
	binary, err := os.ReadFile(b.program)
	if err != nil {
		return nil, err
	}
	empty, err := os.Stat(b.empty)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	w, err := z.Create("main")
	if err == nil {
		_, err = w.Write(binary)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, err
	}
	size := atMost("binary", int64(len(binary)), mb, 15e6)
	size.baseline = mb(empty.Size())
	return []row{size, atMost("its zip", int64(packed.Len()), mb, 6e6)}, nil
}
