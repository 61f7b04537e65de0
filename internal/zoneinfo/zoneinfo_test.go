package zoneinfo

import (
	"testing"
	"time"
)

// The packed zones alone give what the zones are, summer time included.
func TestPacked(t *testing.T) {
	for _, c := range []struct {
		zone, at string
		offset   int
	}{
		{"Asia/Shanghai", "2026-11-22T00:00:00Z", 8 * 3600},
		{"Europe/Berlin", "2026-07-01T00:00:00Z", 2 * 3600},
		{"Europe/Berlin", "2026-12-01T00:00:00Z", 3600},
		{"America/St_Johns", "2026-12-01T00:00:00Z", -3*3600 - 1800},
		{"Asia/Kolkata", "2026-12-01T00:00:00Z", 5*3600 + 1800},
	} {
		data, ok := find(c.zone)
		if !ok {
			t.Errorf("no %s", c.zone)
			continue
		}
		loc, err := time.LoadLocationFromTZData(c.zone, data)
		if err != nil {
			t.Fatal(err)
		}
		at, err := time.Parse(time.RFC3339, c.at)
		if err != nil {
			t.Fatal(err)
		}
		if _, offset := at.In(loc).Zone(); offset != c.offset {
			t.Errorf("%s at %s is %d s off UTC, want %d", c.zone, c.at, offset, c.offset)
		}
	}
}

func TestEveryZoneIsReadable(t *testing.T) {
	n := 0
	err := each(func(name string, data []byte) {
		n++
		if _, err := time.LoadLocationFromTZData(name, data); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	})
	if err != nil || n < 400 {
		t.Errorf("%d zones, %v", n, err)
	}
}

func TestLoad(t *testing.T) {
	for _, name := range []string{"Mars/Base", "../etc/passwd", "Asia"} {
		if _, err := Load(name); err == nil {
			t.Errorf("%q is a zone", name)
		}
	}
	if loc, err := Load("Asia/Shanghai"); err != nil || loc.String() != "Asia/Shanghai" {
		t.Errorf("%v, %v", loc, err)
	}
}
