// Package retryafter parses the delays that servers ask clients for.
package retryafter

import (
	"net/http"
	"strings"
	"time"
)

// Max is the longest delay that this package returns; it also prevents overflow.
const Max = 24 * time.Hour

// Parse parses the value of a Retry-After header (RFC 9110, section 10.2.3): a
// number of seconds or a date. It returns the delay from now, at most Max, or 0 if
// the value is neither or in the past.
func Parse(value string, now time.Time) time.Duration {
	if delay := ParseUnits(value, time.Second); delay > 0 {
		return delay
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), Max)
}

// ParseUnits parses the value of a header that is a number of units, such as
// milliseconds. It returns the delay, at most Max, or 0 if the value is not a
// whole number.
func ParseUnits(value string, unit time.Duration) time.Duration {
	value = strings.TrimSpace(value)
	var n time.Duration
	for _, c := range []byte(value) {
		if c < '0' || c > '9' {
			return 0
		}
		n = min(n*10+time.Duration(c-'0'), Max)
	}
	if n > Max/unit {
		return Max
	}
	return n * unit
}
