package chat

import (
	"bytes"
	"cmp"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"net/http"
	"net/http/httptrace"
	"net/url"
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
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval, pauses.MaxInterval = 500*time.Millisecond, 10*time.Second
	for tries := 1; ; tries++ {
		e := c.attempt(ctx, id, body)
		if e == nil || !e.Temporary || e.TryOtherFormat && !isLast || e.RetryAfter > maxPause || tries == maxTries {
			return e
		}
		if !wait(ctx, cmp.Or(e.RetryAfter, pauses.NextBackOff())) {
			return e
		}
	}
}

// wait waits for a pause. It returns false immediately if ctx ends before that.
func wait(ctx context.Context, pause time.Duration) bool {
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < pause {
		return false
	}
	select {
	case <-time.After(pause):
		return true
	case <-ctx.Done():
		return false
	}
}

// attempt posts one body once. It does not follow a redirect, which would lose
// the message or send it elsewhere.
func (c *Channel) attempt(ctx context.Context, id string, body []byte) *Error {
	ctx, cancel := context.WithTimeout(ctx, attemptTimeout)
	defer cancel()
	var sent atomic.Bool // set before the first byte of the request leaves
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{WroteHeaders: func() { sent.Store(true) }})
	req, err := c.request(ctx, id, body, time.Now())
	if err != nil {
		return &Error{Code: "BadAddress", Advice: "the webhook URL cannot be used: set it again"}
	}
	res, err := c.transport.RoundTrip(req)
	if err != nil {
		return transportError(err, sent.Load()).settle(c.idempotent)
	}
	defer res.Body.Close()
	response, err := io.ReadAll(io.LimitReader(res.Body, maxResponseBytes))
	e := c.check(res, response)
	if e != nil && err != nil && res.StatusCode < 300 {
		// The body broke off, so a success is uncertain unless what arrived of it is enough.
		e = transportError(err, true)
	}
	return e.settle(c.idempotent)
}

// A posting is what a request is made of.
type posting struct {
	id     string // of the message
	url    url.URL
	header http.Header
	body   []byte
}

// request returns a request that posts a body, signed at the time now.
func (c *Channel) request(ctx context.Context, id string, body []byte, now time.Time) (*http.Request, error) {
	p := posting{id, *c.url, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body}
	if c.sign != nil {
		c.sign(&p, now)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.String(), bytes.NewReader(p.body))
	if err != nil {
		return nil, err
	}
	req.Header = p.header
	return req, nil
}

// signature returns the HMAC-SHA256 of a text in base64.
func signature(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
