package retryafter

import (
	"math/big"
	"net/http"
	"strings"
	"testing"
	"time"
)

var now = time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)

func TestParse(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"7":                             7 * time.Second,
		" 7 ":                           7 * time.Second,
		"007":                           7 * time.Second,
		"86400":                         Max,
		"86401":                         Max,
		"9223372037":                    Max, // in nanoseconds more than an int64 holds
		"18446744074":                   Max, // wraps around to 0.29 seconds
		"99999999999999999999":          Max,
		strings.Repeat("9", 10_000):     Max,
		"-1":                            0,
		"-18446744073":                  0,
		"0":                             0,
		"":                              0,
		"1.5":                           0,
		"1e3":                           0,
		"soon":                          0,
		"Sun, 22 Nov 2026 09:00:09 GMT": 9 * time.Second,
		"Sun, 22 Nov 2026 08:59:59 GMT": 0,
		"Fri, 22 Nov 2999 09:00:00 GMT": Max,
	} {
		if got := Parse(value, now); got != want {
			t.Errorf("Parse(%.40q) = %v, want %v", value, got, want)
		}
	}
}

func TestParseUnitsMilliseconds(t *testing.T) {
	for value, want := range map[string]time.Duration{
		"1500": 1500 * time.Millisecond, "86400001": Max, "9223372036855": Max, "-1": 0, "1500ms": 0,
	} {
		if got := ParseUnits(value, time.Millisecond); got != want {
			t.Errorf("ParseUnits(%q) = %v, want %v", value, got, want)
		}
	}
}

func FuzzParse(f *testing.F) {
	for _, seed := range []string{"7", "-1", "18446744074", "9223372037", now.Format(http.TimeFormat), ""} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, value string) {
		got := Parse(value, now)
		if got < 0 || got > Max {
			t.Fatalf("Parse(%q) = %v, which is out of bounds", value, got)
		}
		if seconds, ok := new(big.Int).SetString(strings.TrimSpace(value), 10); ok && !strings.ContainsAny(value, "+-_") {
			if want := min(seconds.Int64(), int64(Max/time.Second)); seconds.IsInt64() && got != time.Duration(want)*time.Second {
				t.Errorf("Parse(%q) = %v, want %d seconds", value, got, want)
			}
		}
	})
}
