package cloudphone

import (
	"context"
	"sync"
	"time"
)

// A gate stands before all calls to one endpoint. The service limits an
// account, not a chain of pages: after one call was throttled all of them
// wait, so that the function never makes its own account's throttling worse.
type gate struct {
	mu    sync.Mutex
	opens time.Time
}

// leastPause is what a throttle costs that does not say how long it lasts.
const leastPause = time.Second

// shut keeps the gate closed for d, if it is not closed for longer anyway.
func (g *gate) shut(d time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if opens := time.Now().Add(d); opens.After(g.opens) {
		g.opens = opens
	}
}

// pass waits until the gate is open, or for the end of ctx.
func (g *gate) pass(ctx context.Context) error {
	for {
		g.mu.Lock()
		left := time.Until(g.opens)
		g.mu.Unlock()
		if left <= 0 {
			return nil
		}
		timer := time.NewTimer(left)
		select {
		case <-timer.C: // perhaps shut anew meanwhile
		case <-ctx.Done():
			timer.Stop()
			return ctx.Err()
		}
	}
}
