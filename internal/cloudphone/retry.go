package cloudphone

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"time"
)

// A call is what one request asks.
type call struct {
	action, version string
	query           url.Values
}

// A call is tried maxAttempts times, and maxTimeouts times if the response does
// not come, since each timeout costs all of responseTimeout.
const maxAttempts, maxTimeouts = 5, 2

// firstRetryDelay is the longest delay before the first retry. Each further one
// may be twice as long.
const firstRetryDelay = 500 * time.Millisecond

// maxRetryDelay is the longest delay that the service may ask for. A call whose
// retry would have to wait longer fails.
const maxRetryDelay = 2 * time.Minute

// get makes a call, and retries it after a temporary failure.
func get[T any](ctx context.Context, c *Client, call call, decode func(*decoder) (T, *Error)) (T, error) {
	var none T
	var last *Error
	timeouts := 0
	for attempt := range maxAttempts {
		if c.limiter.acquire(ctx) != nil {
			break
		}
		keys := c.session.keys()
		var result T
		last = c.attempt(ctx, call, keys, func(d *decoder) (err *Error) {
			result, err = decode(d)
			return err
		})
		c.limiter.release()
		if last == nil {
			return result, nil
		}
		if last.timeout {
			timeouts++
		}
		if !c.worthRetrying(ctx, last, keys) || attempt == maxAttempts-1 || timeouts == maxTimeouts || !c.limiter.takeRetry() {
			break
		}
		c.session.retries.Add(1)
		delay := last.RetryAfter
		if delay == 0 && !last.expiredCredentials() {
			delay = rand.N(firstRetryDelay << attempt) // all of it at random, so that calls that failed together do not return together
		}
		if sleep(ctx, delay) != nil {
			break
		}
	}
	switch {
	case last == nil:
		return none, ctx.Err()
	case ctx.Err() != nil:
		return none, fmt.Errorf("%w (no time for another attempt: %w)", last, ctx.Err())
	}
	return none, last
}

// worthRetrying reports whether the call may succeed on another attempt.
// Credentials that have expired are renewed first, and throttling pauses all
// calls.
func (c *Client) worthRetrying(ctx context.Context, e *Error, used Credentials) bool {
	if e.expiredCredentials() {
		return c.session.renew(ctx, used)
	}
	end, ok := ctx.Deadline()
	if !e.Temporary() || e.RetryAfter > maxRetryDelay || ok && e.RetryAfter > 0 && time.Until(end) < e.RetryAfter {
		return false
	}
	if e.Throttled() {
		c.limiter.pause(e.RetryAfter)
	}
	return true
}

// attempt makes one request. Its error contains no credentials. A panic costs one
// call and not the run.
func (c *Client) attempt(ctx context.Context, call call, keys Credentials, decode func(*decoder) *Error) (e *Error) {
	defer func() {
		if p := recover(); p != nil {
			e = &Error{NotService: true, Code: "Panic", Message: fmt.Sprint("panic: ", p)}
		}
		if e != nil {
			keys.redactError(e)
		}
	}()
	c.session.calls.Add(1)
	res, err := c.session.api.HTTP.Do(c.request(ctx, call, keys))
	if err != nil {
		return connectionError("", err)
	}
	defer res.Body.Close()
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		c.skew.Store(int64(time.Since(date).Truncate(time.Second)))
	}
	d := c.decoders.Get().(*decoder)
	defer c.decoders.Put(d)
	e = d.read(res.StatusCode, res.Body)
	c.session.bytes.Add(int64(d.body.Len()))
	if e == nil || res.StatusCode != http.StatusOK { // an error may be cut
		e = decode(d)
	}
	if e != nil {
		e.RetryAfter = retryAfter(res.Header, e, time.Now())
		return e
	}
	c.limiter.succeeded()
	return nil
}
