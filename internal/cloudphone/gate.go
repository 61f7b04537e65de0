package cloudphone

import (
	"cmp"
	"context"
	"sync"
	"time"
)

// A gate stands before all calls to one endpoint. The service limits an
// account, not a chain of pages: no more calls than slots are under way, and
// after one of them was throttled all wait, so that the function never makes
// its own account's throttling worse.
type gate struct {
	slots chan struct{}

	mu        sync.Mutex
	opens     time.Time
	throttles int // in a row
}

func newGate(slots int) *gate { return &gate{slots: make(chan struct{}, slots)} }

// A throttle that does not say how long it lasts costs leastPause, and twice as
// long each time that it comes again, up to mostPause.
const leastPause, mostPause = time.Second, 4 * time.Second

// shut closes the gate for d, or for as long as seems wise where d is 0. Calls
// that were under way at the last throttle do not count as a further one.
func (g *gate) shut(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if !now.Before(g.opens) {
		g.throttles++
	}
	d = cmp.Or(d, min(leastPause<<min(g.throttles-1, 10), mostPause))
	if opens := now.Add(d); opens.After(g.opens) {
		g.opens = opens
	}
}

// well notes that the service answers again.
func (g *gate) well() {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !time.Now().Before(g.opens) {
		g.throttles = 0
	}
}

// enter waits for an open gate and a slot, which leave gives back. The error is
// that of ctx.
func (g *gate) enter(ctx context.Context) (leave func(), err error) {
	select {
	case g.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	leave = func() { <-g.slots }
	for {
		g.mu.Lock()
		left := time.Until(g.opens)
		g.mu.Unlock()
		if left <= 0 {
			if err := ctx.Err(); err != nil {
				leave()
				return nil, err
			}
			return leave, nil
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C: // perhaps shut anew meanwhile
		case <-ctx.Done():
			timer.Stop()
			leave()
			return nil, ctx.Err()
		}
	}
}
