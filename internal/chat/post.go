package chat

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net"
	"net/url"
	"time"

	"github.com/cenkalti/backoff/v5"
)

const (
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

// attempt posts one body once.
func (c *Channel) attempt(ctx context.Context, id string, body []byte) *Error {
	req, err := c.service.request(ctx, id, body, time.Now())
	if err != nil {
		return &Error{Code: "BadAddress", Advice: "the webhook URL cannot be used: set it again"}
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	// A kept connection may be dead after the instance was frozen, and net/http
	// does not repeat a POST.
	req.Close = true
	res, err := c.http.Do(req)
	if err != nil {
		return c.transportError(err)
	}
	defer res.Body.Close()
	response, err := io.ReadAll(io.LimitReader(res.Body, maxResponseBytes))
	if err != nil {
		return c.transportError(err)
	}
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return &Error{Code: fmt.Sprint("HTTP ", res.StatusCode), Advice: "the server redirects: set the webhook's final URL"}
	}
	return c.service.checkResponse(res.StatusCode, res.Header, response)
}

// transportError returns what happened without the URL, which net/http puts
// into its errors. A message that may have been received is sent again only if
// the service is idempotent.
func (c *Channel) transportError(err error) *Error {
	if uerr, ok := errors.AsType[*url.Error](err); ok {
		err = uerr.Err
	}
	op, isOp := errors.AsType[*net.OpError](err)
	unsent := isOp && (op.Op == "dial" || op.Op == "proxyconnect")
	_, isDNS := errors.AsType[*net.DNSError](err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	e := &Error{Code: "no response", Temporary: (unsent || c.service.idempotent()) && !isCertificate}
	e.MayHaveArrived = !e.Temporary && !isCertificate && !isDNS
	switch {
	case errors.Is(err, context.Canceled):
		e.Advice = "the run was cancelled: start it again"
	case isCertificate:
		e.Advice = "the server's certificate is not trusted: check the URL and any proxy"
	case isDNS:
		e.Advice = "the host name does not resolve: check the URL and the function's network"
	case unsent:
		e.Advice = "no connection to the host: check the URL and the function's network"
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		e.Advice = "the service timed out: look in the chat, as the message may have arrived"
	default:
		e.Advice = "the connection broke: look in the chat, as the message may have arrived"
	}
	return e
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}
