package cloudphone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"sync/atomic"
	"time"

	"github.com/cenkalti/backoff/v5"
)

// A call is one request and how its response is decoded.
type call struct {
	action, version string
	query           url.Values
	decode          func(body io.Reader) error
}

// A call is tried maxAttempts times, and maxTimeouts times if the response does
// not come, since each timeout costs all of responseTimeout.
const maxAttempts, maxTimeouts = 5, 2

// maxRetryDelay is the longest delay that the service may ask for. A call whose
// retry would have to wait longer fails.
const maxRetryDelay = 2 * time.Minute

// A retryBudget bounds the retries of one client: baseRetries, and one more for
// every successesPerRetry successful calls. If everything fails, more retries
// do not help.
type retryBudget struct{ successes, retries atomic.Int64 }

const baseRetries, successesPerRetry = 50, 10

// take reports whether one more call may be retried, and counts it.
func (b *retryBudget) take() bool {
	if b.retries.Add(1) <= baseRetries+b.successes.Load()/successesPerRetry {
		return true
	}
	b.retries.Add(-1)
	return false
}

// do makes a call, and retries it after a temporary failure.
func (c *Client) do(ctx context.Context, call call) error {
	pause := backoff.NewExponentialBackOff()
	// Full jitter: from zero to half a second, one, two, four seconds.
	pause.InitialInterval, pause.Multiplier, pause.RandomizationFactor = 250*time.Millisecond, 2, 1

	var last error
	attempts, timeouts := 0, 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		keys := c.session.credentials.get()
		err := c.attempt(ctx, call, keys)
		if err == nil {
			return struct{}{}, nil
		}
		if last != nil && err == ctx.Err() { // in the limiter
			return struct{}{}, backoff.Permanent(last)
		}
		last = err
		attempts++
		if t, ok := errors.AsType[*Temporary](err); ok && t.Timeout {
			timeouts++
		}
		delay, retry := c.retryDelay(ctx, err, keys)
		if !retry || attempts == maxAttempts || timeouts == maxTimeouts || !c.budget.take() {
			return struct{}{}, backoff.Permanent(last)
		}
		c.session.retries.Add(1)
		if delay >= 0 {
			return struct{}{}, &backoff.RetryAfterError{Duration: delay}
		}
		return struct{}{}, last
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && !errors.Is(last, ctx.Err()):
		return fmt.Errorf("%w (no time for another attempt: %w)", last, ctx.Err())
	}
	return last
}

// retryDelay reports whether the call may succeed on another attempt, and after
// which delay; a negative one leaves that to the caller. Credentials that have
// expired are renewed first.
func (c *Client) retryDelay(ctx context.Context, err error, used credentials) (delay time.Duration, retry bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		_, retry = errors.AsType[*Temporary](err)
		return -1, retry
	}
	switch {
	case e.expiredCredentials():
		return 0, c.session.credentials.renew(ctx, used)
	case !e.Temporary():
		return 0, false
	case e.RetryAfter > maxRetryDelay:
		return 0, false
	}
	if end, ok := ctx.Deadline(); ok && e.RetryAfter > 0 && time.Until(end) < e.RetryAfter {
		return 0, false
	}
	if e.Throttled() {
		c.limiter.pause(e.RetryAfter)
	}
	if e.RetryAfter > 0 {
		return e.RetryAfter, true
	}
	return -1, true
}

// attempt makes one request. Its errors contain no credentials.
func (c *Client) attempt(ctx context.Context, call call, keys credentials) error {
	release, err := c.limiter.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	c.session.calls.Add(1)
	res, err := c.session.api.HTTP.Do(c.request(ctx, call, keys))
	if err != nil {
		return keys.redactError(transportError(err))
	}
	defer res.Body.Close()
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		c.skew.Store(int64(time.Since(date).Truncate(time.Second)))
	}
	body := countingReader{res.Body, &c.session.bytes}
	if res.StatusCode != http.StatusOK {
		err = responseError(res.StatusCode, body)
	} else {
		err = call.decode(body)
	}
	if e, ok := errors.AsType[*Error](err); ok {
		e.RetryAfter = cmp.Or(e.RetryAfter, retryAfter(res.Header, e, time.Now()))
	}
	if err != nil {
		return keys.redactError(err)
	}
	c.budget.successes.Add(1)
	c.limiter.reset()
	return nil
}

type countingReader struct {
	io.Reader
	n *atomic.Int64
}

func (c countingReader) Read(b []byte) (int, error) {
	n, err := c.Reader.Read(b)
	c.n.Add(int64(n))
	return n, err
}
