package chat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// advice is what a service's codes mean to the one who set up the channel.
type advice map[string]string

// statusError is what an HTTP status means where the service has no code of
// its own.
func statusError(status int, header http.Header) *Error {
	e := &Error{Code: fmt.Sprint("HTTP ", status)}
	switch {
	case status == http.StatusTooManyRequests:
		e.Temporary, e.After, e.Advice = true, retryAfter(header, time.Now()), "too many messages: let other senders use other webhooks"
	case status >= 500:
		e.Temporary, e.Advice = true, "the service is in trouble: look at its status page if this lasts"
	case status == http.StatusNotFound || status == http.StatusGone:
		e.Advice = "the webhook does not exist any more: make a new one and set its address"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Advice = "the webhook's address or secret is refused: set both anew"
	case status == http.StatusRequestEntityTooLarge:
		e.Advice = "the message is longer than is taken: look for what stands between"
	default:
		e.Advice = "not an answer of this service: check the webhook's address"
	}
	return e
}

// numberError is what an answer means in which name holds a number, 0 if all
// is well: so do the services of China, whatever the HTTP status is.
func numberError(name string, known advice, status int, header http.Header, body []byte) *Error {
	var said map[string]json.RawMessage
	var code int
	_ = json.Unmarshal(body, &said) // what is no object has no code
	coded := json.Unmarshal(said[name], &code) == nil
	switch {
	case coded && code != 0:
		what, ok := known[strconv.Itoa(code)]
		if !ok {
			what = "look the code up in the service's documentation"
		}
		return &Error{Code: strconv.Itoa(code), Advice: what}
	case status != http.StatusOK:
		return statusError(status, header)
	case !coded:
		return &Error{Code: "HTTP 200 without " + name, Advice: "not an answer of this service: check the webhook's address"}
	}
	return nil
}

// maxRetryAfter keeps a number from overflowing; nobody waits so long anyway.
const maxRetryAfter = 24 * time.Hour

// retryAfter reads seconds or a date; 0 where there is neither.
func retryAfter(h http.Header, now time.Time) time.Duration {
	v := h.Get("Retry-After")
	if s, err := strconv.Atoi(v); err == nil && s > 0 {
		return time.Duration(min(s, int(maxRetryAfter/time.Second))) * time.Second
	}
	if t, err := http.ParseTime(v); err == nil && t.After(now) {
		return min(t.Sub(now), maxRetryAfter)
	}
	return 0
}
