package handler

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/singleflight"

	"matrix-expiry-report/report"
)

// listings keeps what was listed for questions that come soon after, and lets
// those that come meanwhile wait for one and the same. The zero value is ready.
type listings struct {
	under singleflight.Group

	mu   sync.Mutex
	kept map[string]listing // by regions
}

// A listing is what was listed, and when.
type listing struct {
	report.Listing
	at   time.Time
	took time.Duration
}

// maxKept bounds the listings that an instance keeps, one for each set of
// regions that somebody asked for.
const maxKept = 4

// look lists for somebody who only looks. What is served to several is
// complete or was asked for at the same time: an incomplete listing is not
// kept. haste sets apart those who take less rather than wait.
func (h *Handler) look(ctx context.Context, log *slog.Logger, regions []string, haste bool) listing {
	key := strings.Join(slices.Sorted(slices.Values(regions)), ",")
	if l, ok := h.listings.get(key, h.Now(), h.Settings.Cache); ok {
		l.Effort = report.Effort{}
		return l
	}
	with := key // whom it is shared with while it is under way
	if haste {
		with += " in haste"
	}
	flight := h.listings.under.DoChan(with, func() (any, error) {
		// Whoever came first may leave before the others.
		shared := context.WithoutCancel(ctx)
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			shared, cancel = context.WithDeadline(shared, end.Add(-min(2*time.Second, end.Sub(h.Now())/8))) // the answer still has to be made
			defer cancel()
		}
		start := h.Now()
		l := listing{Listing: h.collect(shared, log, regions), at: h.Now()}
		l.took = l.at.Sub(start)
		h.listings.keep(key, l, h.Settings.Cache)
		return l, nil
	})
	select {
	case r := <-flight:
		return r.Val.(listing)
	case <-ctx.Done():
		return listing{at: h.Now(), Listing: report.Listing{Problems: []report.Problem{
			{Code: "DeadlineExceeded", Message: "the time of this run was over", MayHide: true}}}}
	}
}

func (c *listings) get(key string, now time.Time, lasts time.Duration) (listing, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.kept[key]
	return l, ok && now.Sub(l.at) < lasts
}

func (c *listings) keep(key string, l listing, lasts time.Duration) {
	if lasts == 0 || !l.Complete() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.kept == nil {
		c.kept = map[string]listing{}
	}
	for other, old := range c.kept {
		if l.at.Sub(old.at) >= lasts || len(c.kept) >= maxKept {
			delete(c.kept, other)
		}
	}
	c.kept[key] = l
}
