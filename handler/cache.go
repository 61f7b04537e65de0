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

// A cache holds listings for later requests and shares one that is under way
// between concurrent requests. The zero value is an empty cache.
type cache struct {
	inFlight singleflight.Group

	mu      sync.Mutex
	entries map[string]cacheEntry // by regions
}

// A cacheEntry is a listing and the time at which it began.
type cacheEntry struct {
	report.Listing
	owners []string // of all matrices
	days   int      // the findings of reports for up to so many days are in it
	at     time.Time
	took   time.Duration
}

// maxEntries bounds a cache, which has an entry for each set of regions that
// was requested.
const maxEntries = 4

// maxWhole is the number of matrices up to which a listing keeps those without
// findings for later requests.
const maxWhole = 10_000

// A listQuery is what a request needs of a listing.
type listQuery struct {
	regions  []string
	rules    report.Rules
	ownerTag string
	whole    bool // with the matrices that have no findings
	noWait   bool // an incomplete listing in time is better than a complete one
}

// anyDays is the days of a listing with every matrix.
const anyDays = math.MaxInt

func (q listQuery) days() int {
	if q.whole {
		return anyDays
	}
	return q.rules.Days
}

// cachedListing returns a listing that is at most as old as the settings allow.
// Only complete listings are cached. Concurrent requests of the same kind share
// one listing. A listing made for N days also serves requests for fewer.
func (h *Handler) cachedListing(ctx context.Context, log *slog.Logger, q listQuery) cacheEntry {
	regions := strings.Join(slices.Sorted(slices.Values(q.regions)), ",")
	if l, ok := h.cache.get(regions, q.days(), h.Now(), h.Settings.Cache); ok {
		l.Effort = report.Effort{}
		return l
	}
	kind := fmt.Sprintf("%s %d %v", regions, q.days(), q.noWait)
	flight := h.cache.inFlight.DoChan(kind, func() (any, error) {
		shared := context.WithoutCancel(ctx) // the first request may end before the others
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			shared, cancel = context.WithDeadline(shared, end.Add(-renderReserve(end.Sub(h.Now()))))
			defer cancel()
		}
		l := cacheEntry{at: h.Now(), days: anyDays}
		var owners ownerSet
		var read atomic.Int64
		l.Listing = h.collect(shared, log, q.regions, func(m *report.Matrix) report.Fate {
			owners.add(m.Tags[q.ownerTag])
			if q.whole || read.Add(1) <= maxWhole {
				return report.Keep
			}
			return q.rules.Fate(m, l.at)
		})
		if read.Load() > maxWhole {
			l.days = q.days()
		}
		l.took, l.owners = h.Now().Sub(l.at), slices.Sorted(maps.Keys(owners.names))
		h.cache.put(regions, l, h.Settings.Cache)
		return l, nil
	})
	select {
	case r := <-flight:
		return r.Val.(cacheEntry)
	case <-ctx.Done():
		return cacheEntry{at: h.Now(), Listing: report.Listing{Problems: []report.Problem{
			{Code: "DeadlineExceeded", Message: "the time of this run was over", MayHideMatrices: true}}}}
	}
}

// renderReserve returns how much of the time left is reserved for rendering the
// response.
func renderReserve(left time.Duration) time.Duration { return min(2*time.Second, left/8) }

// An ownerSet collects the owners that the tags of matrices name. It is safe
// for concurrent use.
type ownerSet struct {
	mu    sync.Mutex
	names map[string]bool
}

func (s *ownerSet) add(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if name == "" || s.names[name] {
		return
	}
	if s.names == nil {
		s.names = map[string]bool{}
	}
	s.names[name] = true
}

// get returns the entry of the regions if it serves so many days and is younger
// than maxAge.
func (c *cache) get(regions string, days int, now time.Time, maxAge time.Duration) (cacheEntry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	l, ok := c.entries[regions]
	return l, ok && l.days >= days && now.Sub(l.at) < maxAge
}

// put adds a complete listing. It drops those older than maxAge and, if the
// cache is full, any other.
func (c *cache) put(regions string, l cacheEntry, maxAge time.Duration) {
	if maxAge == 0 || !l.Complete() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[string]cacheEntry{}
	}
	for other, old := range c.entries {
		if l.at.Sub(old.at) >= maxAge || len(c.entries) >= maxEntries {
			delete(c.entries, other)
		}
	}
	c.entries[regions] = l
}
