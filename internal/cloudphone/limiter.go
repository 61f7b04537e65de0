package cloudphone

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// A limiter bounds the calls of one client. The API limits an account, not a
// region: at most so many calls run at a time, and after one of them was
// throttled all wait, so that a run does not prolong its own throttling. If
// everything fails, more retries do not help.
type limiter struct {
	slots chan struct{}

	mu                 sync.Mutex
	until              time.Time // no call starts before
	throttles          int       // in a row
	successes, retries int
}

func newLimiter(slots int) *limiter { return &limiter{slots: make(chan struct{}, slots)} }

// A client may make baseRetries retries, and one more for every successesPerRetry
// successful calls.
const baseRetries, successesPerRetry = 50, 10

// takeRetry reports whether one more call may be retried, and counts it.
func (l *limiter) takeRetry() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.retries >= baseRetries+l.successes/successesPerRetry {
		return false
	}
	l.retries++
	return true
}

// A throttled response that names no delay pauses all calls for minPause, and
// for twice as long each time it comes again, up to maxOwnPause.
const minPause, maxOwnPause = time.Second, 4 * time.Second

// pause lets no call start for d, or for the limiter's own delay if d is 0. Calls
// that were running when the last pause began do not lengthen it.
func (l *limiter) pause(d time.Duration) {
	l.mu.Lock()
	defer l.mu.Unlock()
	now := time.Now()
	if !now.Before(l.until) {
		l.throttles++
	}
	d = cmp.Or(d, min(minPause<<min(l.throttles-1, 10), maxOwnPause))
	if until := now.Add(d); until.After(l.until) {
		l.until = until
	}
}

// succeeded records that a call succeeded.
func (l *limiter) succeeded() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.successes++
	if !time.Now().Before(l.until) {
		l.throttles = 0
	}
}

// acquire waits for a slot and for the end of a pause. If it returns no error, the
// caller must call release. The error is that of ctx.
func (l *limiter) acquire(ctx context.Context) error {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return ctx.Err()
	}
	for { // the pause may become longer meanwhile
		l.mu.Lock()
		left := time.Until(l.until)
		l.mu.Unlock()
		if left <= 0 || sleep(ctx, left) != nil {
			break
		}
	}
	if err := ctx.Err(); err != nil {
		l.release()
		return err
	}
	return nil
}

func (l *limiter) release() { <-l.slots }

// sleep waits for d. The error is that of ctx, if it ends first.
func sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
	return ctx.Err()
}
