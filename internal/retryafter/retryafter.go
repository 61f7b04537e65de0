// Package retryafter parses the delays that servers ask clients for.
package retryafter

import (
	"errors"
	"net/http"
	"strconv"
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
	n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 64)
	if err != nil && !errors.Is(err, strconv.ErrRange) {
		return 0
	}
	return time.Duration(min(n, uint64(Max/unit))) * unit // n is the maximum if it is out of range
}
