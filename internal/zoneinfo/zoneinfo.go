// Package zoneinfo carries the time zones, since a function's machine may have
// none. It is time/tzdata in a sixth of the space: 340 kB of the binary less.
package zoneinfo

import (
	"bytes"
	"compress/gzip"
	_ "embed"
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"time"
)

// Zones of the IANA database as Go ships them, each with its name and its data
// behind their lengths, all of it compressed together.
//
//go:generate go run generate.go
//go:embed zoneinfo.gz
var compressed []byte

// Load is time.LoadLocation for machines with and without time zones.
func Load(name string) (*time.Location, error) {
	loc, err := time.LoadLocation(name)
	if err == nil || strings.Contains(name, "..") {
		return loc, err
	}
	data, ok := find(name)
	if !ok {
		return nil, err
	}
	return time.LoadLocationFromTZData(name, data)
}

func find(name string) ([]byte, bool) {
	var found []byte
	err := each(func(n string, data []byte) {
		if n == name {
			found = data
		}
	})
	return found, err == nil && found != nil
}

func each(use func(name string, data []byte)) error {
	r, err := gzip.NewReader(bytes.NewReader(compressed))
	if err != nil {
		return fmt.Errorf("reading the time zones: %w", err)
	}
	all, err := io.ReadAll(r)
	if err != nil {
		return fmt.Errorf("reading the time zones: %w", err)
	}
	next := func() (b []byte) {
		n, used := binary.Uvarint(all)
		b, all = all[used:used+int(n)], all[used+int(n):]
		return b
	}
	for len(all) > 0 {
		name := next()
		use(string(name), next())
	}
	return nil
}
