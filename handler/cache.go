package handler

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	owners []string // of all matrices
	days   int      // for which it has what is to be told
	at     time.Time
	took   time.Duration
}

// maxKept bounds the listings that an instance keeps, one for each set of
// regions that somebody asked for.
const maxKept = 4

// maxWhole is how many matrices are kept of a listing though nobody asked for
// those that need nobody, for questions to come.
const maxWhole = 10_000

// A wish is what somebody who only looks wants listed.
type wish struct {
	regions  []string
	rules    report.Rules
	ownerTag string
	whole    bool // with the matrices that need nobody
	haste    bool // take less rather than wait
}

// everything is what a whole listing has the days for.
const everything = math.MaxInt

func (w wish) days() int {
	if w.whole {
		return everything
	}
	return w.rules.Days
}

// look lists for somebody who only looks. What is served to several is
// complete or was asked for at the same time: an incomplete listing is not
// kept. One that was made for more days has what is asked for fewer.
func (h *Handler) look(ctx context.Context, log *slog.Logger, w wish) listing {
	regions := strings.Join(slices.Sorted(slices.Values(w.regions)), ",")
	if l, ok := h.listings.get(regions, w.days(), h.Now(), h.Settings.Cache); ok {
		l.Effort = report.Effort{}
		return l
	}
	// Whom it is shared with while it is under way.
	with := fmt.Sprintf("%s %d %v", regions, w.days(), w.haste)
	flight := h.listings.under.DoChan(with, func() (any, error) {
		// Whoever came first may leave before the others.
		shared := context.WithoutCancel(ctx)
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			shared, cancel = context.WithDeadline(shared, end.Add(-min(2*time.Second, end.Sub(h.Now())/8))) // the answer still has to be made
			defer cancel()
		}
		l := listing{at: h.Now(), days: everything}
		var owners owners
		var read atomic.Int64
		l.Listing = h.collect(shared, log, w.regions, func(m *report.Matrix) report.Fate {
			owners.add(m.Tags[w.ownerTag])
			if w.whole || read.Add(1) <= maxWhole {
				return report.Keep
			}
			return w.rules.Fate(m, l.at)
		})
		if read.Load() > maxWhole {
			l.days = w.days()
		}
		l.took, l.owners = h.Now().Sub(l.at), slices.Sorted(maps.Keys(owners.named))
		h.listings.keep(regions, l, h.Settings.Cache)
		return l, nil
	})
	select {
	case r := <-flight:
		return r.Val.(listing)
	case <-ctx.Done():
		return listing{at: h.Now(), Listing: report.Listing{Problems: []report.Problem{
			{Code: "DeadlineExceeded", Message: "the time of this run was over", MayHideMatrices: true}}}}
	}
}

// owners are those that the tags of matrices name.
type owners struct {
	mu    sync.Mutex
	named map[string]bool
}

func (o *owners) add(owner string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if owner == "" || o.named[owner] {
		return
	}
	if o.named == nil {
		o.named = map[string]bool{}
	}
	o.named[owner] = true
}

func (c *listings) get(key string, days int, now time.Time, lasts time.Duration) (listing, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.kept[key]
	return l, ok && l.days >= days && now.Sub(l.at) < lasts
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
