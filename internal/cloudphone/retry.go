package cloudphone

import (
	"cmp"
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
func get[T any](ctx context.Context, c *Client, call call, decode func(*decoder) (T, bool, error)) (T, error) {
	var none T
	var last *Error
	timeouts := 0
	for retries := range maxAttempts {
		if c.acquire(ctx) != nil {
			break
		}
		result, err := attempt(ctx, c, call, decode)
		c.release()
		if last = err; last == nil {
			return result, nil
		}
		if last.timeout {
			timeouts++
		}
		if !c.worthRetrying(ctx, last) || retries == maxAttempts-1 || timeouts == maxTimeouts || !c.takeRetry() {
			break
		}
		c.session.retries.Add(1)
		delay := last.RetryAfter
		if delay == 0 {
			delay = rand.N(firstRetryDelay << retries) // all of it at random, so that calls that failed together do not return together
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

// worthRetrying reports whether the call may succeed on another attempt. Throttling
// pauses all calls.
func (c *Client) worthRetrying(ctx context.Context, e *Error) bool {
	end, ok := ctx.Deadline()
	if !e.Temporary() || e.RetryAfter > maxRetryDelay || ok && e.RetryAfter > 0 && time.Until(end) < e.RetryAfter {
		return false
	}
	if e.Throttled() {
		c.pause(e.RetryAfter)
	}
	return true
}

// attempt makes one request. Its error contains no credentials. A panic costs one
// call and not the run.
func attempt[T any](ctx context.Context, c *Client, call call, decode func(*decoder) (T, bool, error)) (v T, e *Error) {
	defer func() {
		if p := recover(); p != nil {
			e = &Error{NotService: true, Code: "Panic", Message: fmt.Sprint("panic: ", p)}
		}
		if e != nil {
			c.session.credentials.redactError(e)
		}
	}()
	c.session.calls.Add(1)
	res, err := c.session.api.HTTP.Do(c.request(ctx, call))
	if err != nil {
		return v, connectionError("", err)
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
		v, e = result(d, res.StatusCode, decode)
	}
	if e != nil {
		e.RetryAfter = retryAfter(res.Header, e, time.Now())
		return v, e
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.successes++
	return v, nil
}

// A client may make baseRetries retries, and one more for every successesPerRetry
// successful calls.
const baseRetries, successesPerRetry = 50, 10

// takeRetry reports whether one more call may be retried, and counts it.
func (c *Client) takeRetry() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.retries >= baseRetries+c.successes/successesPerRetry {
		return false
	}
	c.retries++
	return true
}

// ownPause is how long a throttled response that names no delay pauses all calls.
const ownPause = 2 * time.Second

// pause lets no call start for d, or for ownPause if d is 0.
func (c *Client) pause(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := time.Now().Add(cmp.Or(d, ownPause)); until.After(c.until) {
		c.until = until
	}
}

// acquire waits for a slot and for the end of a pause. If it returns no error, the
// caller must call release. The error is that of ctx.
func (c *Client) acquire(ctx context.Context) error {
	select {
	case c.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	for { // the pause may become longer meanwhile
		c.mu.Lock()
		left := time.Until(c.until)
		c.mu.Unlock()
		if left <= 0 || sleep(ctx, left) != nil {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		c.release()
		return err
	}
	return nil
}

func (c *Client) release() { <-c.slots }

// sleep waits for d. The error is that of ctx, if it ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err()
}
