package handler

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
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
	at     time.Time
	took   time.Duration
}

// maxEntries bounds a cache, which has an entry for each set of regions that
// was requested, and maxMatrices all its entries together.
const maxEntries, maxMatrices = 4, 100_000

// A listQuery is what a request needs of a listing.
type listQuery struct {
	regions  []string
	ownerTag string
	noWait   bool // an incomplete listing in time is better than a complete one
}

// cachedListing returns a listing that is at most as old as the settings allow.
// Only complete listings are cached. Concurrent requests of the same kind share
// one listing.
func (h *Handler) cachedListing(ctx context.Context, log *slog.Logger, q listQuery) cacheEntry {
	regions := strings.Join(slices.Sorted(slices.Values(q.regions)), ",")
	if l, ok := h.cache.get(regions, h.Now(), h.Settings.Cache); ok {
		l.Stats = report.Stats{}
		return l
	}
	kind := fmt.Sprintf("%s %v", regions, q.noWait)
	flight := h.cache.inFlight.DoChan(kind, func() (any, error) {
		shared := context.WithoutCancel(ctx) // the first request may end before the others
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			shared, cancel = context.WithDeadline(shared, end.Add(-renderReserve(end.Sub(h.Now()))))
			defer cancel()
		}
		l := cacheEntry{at: h.Now()}
		l.Listing = h.collect(shared, log, q.regions)
		l.took, l.owners = h.Now().Sub(l.at), ownersOf(l.Matrices, q.ownerTag)
		h.cache.put(regions, l, h.Settings.Cache)
		return l, nil
	})
	select {
	case r := <-flight:
		return r.Val.(cacheEntry)
	case <-ctx.Done():
		return cacheEntry{at: h.Now(), Listing: report.Listing{Problems: []report.Problem{
			{Code: "DeadlineExceeded", Message: "the run had no time left", MayHideMatrices: true}}}}
	}
}

// renderReserve returns how much of the time left is reserved for rendering the
// response.
func renderReserve(left time.Duration) time.Duration { return min(2*time.Second, left/8) }

// ownersOf returns the owners that the tags of matrices name, sorted.
func ownersOf(ms []*report.Matrix, tag string) []string {
	owners := map[string]bool{}
	for _, m := range ms {
		owners[m.Tags[tag]] = true
	}
	delete(owners, "")
	return slices.Sorted(maps.Keys(owners))
}

// get returns the entry of the regions. It drops those that are not younger than
// maxAge, as the next listing needs the memory.
func (c *cache) get(regions string, now time.Time, maxAge time.Duration) (cacheEntry, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.entries, func(_ string, l cacheEntry) bool { return now.Sub(l.at) >= maxAge })
	l, ok := c.entries[regions]
	return l, ok
}

// put adds a complete listing. If the cache is full, it drops others.
func (c *cache) put(regions string, l cacheEntry, maxAge time.Duration) {
	if maxAge == 0 || !l.Complete() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil {
		c.entries = map[string]cacheEntry{}
	}
	matrices := len(l.Matrices)
	for _, old := range c.entries {
		matrices += len(old.Matrices)
	}
	for other, old := range c.entries {
		if len(c.entries) >= maxEntries || matrices > maxMatrices {
			delete(c.entries, other)
			matrices -= len(old.Matrices)
		}
	}
	c.entries[regions] = l
}
