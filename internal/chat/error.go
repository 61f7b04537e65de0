package chat

import (
	"cmp"
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

// An Error is a failed delivery. It never contains a URL, which is a secret.
type Error struct {
	Code           string        // the service's error code, "HTTP" and the status, or "no response"
	Advice         string        // the usual cause and what to do about it
	Temporary      bool          // a retry may succeed
	RetryAfter     time.Duration // the delay that the service asks for; 0 if none
	TryOtherFormat bool          // the service may accept the message in another format
	MayHaveArrived bool          // the message may have been delivered, so that a retry could post it twice
}

// Uncertain reports whether the message may have been delivered.
func (e *Error) Uncertain() bool { return e.MayHaveArrived }

// Error returns the code and the advice.
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
	netErr, isNet := errors.AsType[net.Error](err)
	_, isDNS := errors.AsType[*net.DNSError](err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	switch {
	case errors.Is(err, context.Canceled):
		e.Advice = "the run was cancelled: start it again"
	case sent && isNet && netErr.Timeout():
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

// An errorTable has the errors of a service by their codes.
type errorTable map[string]Error

// find returns the error of a code, or nil if the table does not have it.
func (t errorTable) find(code string, res *http.Response) *Error {
	e, ok := t[code]
	if !ok {
		return nil
	}
	if e.Code = code; e.Temporary {
		e.RetryAfter = retryAfter(res)
	}
	return &e
}

func retryAfter(res *http.Response) time.Duration {
	return retryafter.Parse(res.Header.Get("Retry-After"), time.Now())
}

// statusError returns the error of an HTTP status without a code of the
// service.
func statusError(res *http.Response) *Error {
	e := &Error{Code: fmt.Sprint("HTTP ", res.StatusCode)}
	switch status := res.StatusCode; {
	case status == http.StatusTooManyRequests:
		e.Temporary, e.RetryAfter, e.Advice = true, retryAfter(res), "rate limited: use a webhook that no other sender uses"
	case status == http.StatusRequestTimeout || status == http.StatusBadGateway || status == http.StatusGatewayTimeout:
		// From a gateway, whose request to the service may have been accepted.
		e.MayHaveArrived, e.Advice = true, "a gateway got no response from the service: look in the chat, as the message may have arrived"
	case status >= 500:
		e.Temporary, e.Advice = true, "the service failed: check its status page if this persists"
	case status >= 300 && status < 400:
		e.Advice = "the server redirects: set the webhook's final URL"
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

// isSuccess reports whether the HTTP status is a success, whatever the body is.
func isSuccess(res *http.Response) bool { return res.StatusCode >= 200 && res.StatusCode < 300 }

// checkNumber returns a check for a service that responds with a number in field,
// which is 0 if the message was delivered, whatever the HTTP status is.
func checkNumber(field string, known errorTable) func(*http.Response, []byte) *Error {
	return func(res *http.Response, body []byte) *Error {
		var response map[string]json.RawMessage
		var code int
		_ = json.Unmarshal(body, &response) // what is not an object has no code
		hasCode := json.Unmarshal(response[field], &code) == nil
		switch {
		case hasCode && code != 0:
			unknown := &Error{Code: strconv.Itoa(code), Advice: "see the code in the service's documentation"}
			return cmp.Or(known.find(unknown.Code, res), unknown)
		case res.StatusCode == http.StatusOK && hasCode:
			return nil
		}
		e := statusError(res)
		if res.StatusCode == http.StatusOK {
			e.Code += " without " + field
		}
		return e
	}
}
