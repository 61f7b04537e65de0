package chat

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// An Error is why a message was not delivered. It never contains a URL, which
// for these services is a secret.
type Error struct {
	Code           string        // the service's code, or what happened on the way
	Advice         string        // what it usually means and what to do
	Temporary      bool          // the service may accept the same message later
	RetryAfter     time.Duration // when, if the service says so
	TryOtherFormat bool          // the service may accept the message in another format
	MayHaveArrived bool          // it is unknown whether the message was delivered, so a repeated run may post it twice
}

// Uncertain reports whether the message may have been delivered.
func (e *Error) Uncertain() bool { return e.MayHaveArrived }

func (e *Error) Error() string {
	if e.Advice == "" {
		return e.Code
	}
	return e.Code + ": " + e.Advice
}

// advice says what the codes of a service mean to its operator.
type advice map[string]string

// statusError returns the error of an HTTP status without a code of the
// service.
func statusError(status int, header http.Header) *Error {
	e := &Error{Code: fmt.Sprint("HTTP ", status)}
	switch {
	case status == http.StatusTooManyRequests:
		e.Temporary, e.RetryAfter, e.Advice = true, retryAfter(header, time.Now()), "rate limited: use a webhook that no other sender uses"
	case status >= 500:
		e.Temporary, e.Advice = true, "the service failed: check its status page if this persists"
	case status == http.StatusNotFound || status == http.StatusGone:
		e.Advice = "the webhook does not exist: create a new one and set its URL"
	case status == http.StatusUnauthorized || status == http.StatusForbidden:
		e.Advice = "the webhook's URL or secret is refused: set both again"
	case status == http.StatusRequestEntityTooLarge:
		e.Advice = "the message is too long for the server: check any proxy"
	default:
		e.Advice = "not a response of this service: check the webhook URL"
	}
	return e
}

// codeError returns the error of a response that has a number in field, which
// is 0 if the message was delivered, whatever the HTTP status is.
func codeError(field string, known advice, status int, header http.Header, body []byte) *Error {
	var response map[string]json.RawMessage
	var code int
	_ = json.Unmarshal(body, &response) // what is not an object has no code
	hasCode := json.Unmarshal(response[field], &code) == nil
	switch {
	case hasCode && code != 0:
		text, ok := known[strconv.Itoa(code)]
		if !ok {
			text = "see the code in the service's documentation"
		}
		return &Error{Code: strconv.Itoa(code), Advice: text}
	case status != http.StatusOK:
		return statusError(status, header)
	case !hasCode:
		return &Error{Code: "HTTP 200 without " + field, Advice: "not a response of this service: check the webhook URL"}
	}
	return nil
}

// maxRetryAfter keeps a number of seconds from overflowing.
const maxRetryAfter = 24 * time.Hour

// retryAfter parses the Retry-After header, in seconds or as a date. It returns
// 0 without a valid one.
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
