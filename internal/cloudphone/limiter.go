package cloudphone

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// A limiter bounds the calls to one endpoint. The API limits an account, not a
// region: at most so many calls run at a time, and after one of them was
// throttled all wait, so that a run does not prolong its own throttling.
type limiter struct {
	slots chan struct{}

	mu        sync.Mutex
	until     time.Time // no call starts before
	throttles int       // in a row
}

func newLimiter(slots int) *limiter { return &limiter{slots: make(chan struct{}, slots)} }

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

// reset records that a call succeeded.
func (l *limiter) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !time.Now().Before(l.until) {
		l.throttles = 0
	}
}

// acquire waits for a slot and for the end of a pause. The caller must call
// release. The error is that of ctx.
func (l *limiter) acquire(ctx context.Context) (release func(), err error) {
	select {
	case l.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	release = func() { <-l.slots }
	for {
		l.mu.Lock()
		left := time.Until(l.until)
		l.mu.Unlock()
		if left <= 0 {
			if err := ctx.Err(); err != nil {
				release()
				return nil, err
			}
			return release, nil
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C: // perhaps paused again meanwhile
		case <-ctx.Done():
			timer.Stop()
			release()
			return nil, ctx.Err()
		}
	}
}
