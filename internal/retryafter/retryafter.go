// Package retryafter parses how long a server asks its clients to wait.
package retryafter

import (
	"net/http"
	"strings"
	"time"
)

// Max bounds every wait that this package returns. No caller waits for so long;
// what counts is that no value wraps around to a short one.
const Max = 24 * time.Hour

// Parse returns the wait of a Retry-After header (RFC 9110, section 10.2.3): a
// number of seconds, or a date, which is compared with now. It returns 0 for a
// value that is neither, or in the past, and never more than Max.
func Parse(value string, now time.Time) time.Duration {
	if wait := Count(value, time.Second); wait > 0 {
		return wait
	}
	at, err := http.ParseTime(value)
	if err != nil {
		return 0
	}
	return min(max(0, at.Sub(now)), Max)
}

// Count returns the wait of a header that counts units, such as milliseconds. It
// returns 0 for a value that is not a whole number, and never more than Max.
func Count(value string, unit time.Duration) time.Duration {
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
