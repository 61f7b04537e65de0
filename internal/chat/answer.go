package chat

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// statusError is what an HTTP status means where the service has no code of
// its own.
func statusError(status int, header http.Header) *Error {
	e := &Error{Code: fmt.Sprint("HTTP ", status)}
	switch {
	case status == http.StatusTooManyRequests:
		e.Temporary, e.After, e.Advice = true, retryAfter(header, time.Now()), "too many messages"
	case status >= 500:
		e.Temporary, e.Advice = true, "the service is in trouble"
	case status == http.StatusNotFound || status == http.StatusGone:
		e.Advice = "the webhook does not exist any more: make a new one and set its address"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Advice = "the webhook's address or secret is refused"
	default:
		e.Advice = "not an answer of this service: check the webhook's address"
	}
	return e
}

// retryAfter reads seconds or a date; 0 where there is neither.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s > 0 {
		return time.Duration(s) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return t.Sub(now)
	}
	return 0
}

// encode is JSON as the services count it: & < > as they are, where
// encoding/json would take six bytes each.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// advice is what a service's codes mean to the one who set up the channel.
type advice map[string]string
