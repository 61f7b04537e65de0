package chat

import (
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptrace"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
	attemptTimeout   = 10 * time.Second
	maxTries         = 3           // of one body
	maxPause         = time.Minute // between tries; a longer Retry-After ends them
	maxResponseBytes = 64 << 10
)

// post posts one body until it is delivered or refused. If it is not the last
// one, post returns as soon as the service may accept another format.
func (c *Channel) post(ctx context.Context, id string, body []byte, isLast bool) *Error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 500*time.Millisecond, 10*time.Second
	var last *Error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		last = c.attempt(ctx, id, body)
		switch {
		case last == nil:
			return struct{}{}, nil
		case !last.Temporary || last.TryOtherFormat && !isLast || last.RetryAfter > maxPause || endsBefore(ctx, last.RetryAfter):
			return struct{}{}, backoff.Permanent(last)
		case last.RetryAfter > 0:
			return struct{}{}, &backoff.RetryAfterError{Duration: last.RetryAfter}
		}
		return struct{}{}, last
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(maxTries), backoff.WithMaxElapsedTime(0))
	if err == nil {
		return nil
	}
	return last // not err, which may be the context's
}

// endsBefore reports whether ctx ends before the pause.
func endsBefore(ctx context.Context, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ok && pause > 0 && time.Until(deadline) < pause
}

// attempt posts one body once. It does not follow a redirect, which would lose
// the message or send it elsewhere.
func (c *Channel) attempt(ctx context.Context, id string, body []byte) *Error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	var sent atomic.Bool // set before the first byte of the request leaves
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	req, err := c.service.request(ctx, id, body, time.Now())
	if err != nil {
		return &Error{Code: "BadAddress", Advice: "the webhook URL cannot be used: set it again"}
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return transportError(err, sent.Load()).settle(c.service.idempotent())
	}
	defer res.Body.Close()
	response, err := io.ReadAll(io.LimitReader(res.Body, maxResponseBytes))
	return c.responseError(res, response, err).settle(c.service.idempotent())
}

// responseError returns nil if a response means that the message was delivered.
// If its body broke off, the status decides, and a success is uncertain unless
// what arrived of the body is enough.
func (c *Channel) responseError(res *http.Response, body []byte, broken error) *Error {
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return &Error{Code: fmt.Sprint("HTTP ", res.StatusCode), Advice: "the server redirects: set the webhook's final URL"}
	}
	e := c.service.checkResponse(res.StatusCode, res.Header, body)
	if e != nil && broken != nil && res.StatusCode < 300 {
		return transportError(broken, true)
	}
	return e
}
