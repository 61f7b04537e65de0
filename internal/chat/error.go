package chat

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"matrix-expiry-report/internal/retryafter"
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

// settle decides about a message that may have arrived: an idempotent service
// shows it once, so it is sent again, and any other service gets it only once.
func (e *Error) settle(idempotent bool) *Error {
	if e != nil && e.MayHaveArrived {
		e.Temporary, e.MayHaveArrived = idempotent, !idempotent
	}
	return e
}

// transportError returns the error of a request without a response. sent is
// whether any of the request may have reached the service. The text of err is
// not used: it may quote the URL, or what the server sent.
func transportError(err error, sent bool) *Error {
	e := &Error{Code: "no response", Temporary: !sent, MayHaveArrived: sent}
	op, isOp := errors.AsType[*net.OpError](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(err, context.Canceled):
		e.Advice = "the run was cancelled: start it again"
	case sent && isTimeout(err):
		e.Advice = "the service timed out: look in the chat, as the message may have arrived"
	case sent:
		e.Advice = "the connection broke: look in the chat, as the message may have arrived"
	case isCertificate:
		e.Temporary, e.Advice = false, "the server's certificate is not trusted: check the URL and any proxy"
	case isDNS:
		e.Advice = "the host name does not resolve: check the URL and the function's network"
	case isOp && (op.Op == "dial" || op.Op == "proxyconnect"):
		e.Advice = "no connection to the host: check the URL and the function's network"
	case errors.Is(err, context.DeadlineExceeded):
		e.Advice = "the time was over before the message was sent: check the host, or raise the function's timeout"
	default:
		e.Advice = "no secure connection to the host: check the URL and any proxy"
	}
	return e
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

// advice says what the codes of a service mean to its operator.
type advice map[string]string

// statusError returns the error of an HTTP status without a code of the
// service.
func statusError(status int, header http.Header) *Error {
	e := &Error{Code: fmt.Sprint("HTTP ", status)}
	switch {
	case status == http.StatusTooManyRequests:
		e.Temporary, e.RetryAfter, e.Advice = true, retryafter.Parse(header.Get("Retry-After"), time.Now()), "rate limited: use a webhook that no other sender uses"
	case status == http.StatusRequestTimeout || status == http.StatusBadGateway || status == http.StatusGatewayTimeout:
		// From a gateway, whose request to the service may have been accepted.
		e.MayHaveArrived, e.Advice = true, "a gateway got no response from the service: look in the chat, as the message may have arrived"
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
