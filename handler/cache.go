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

	"matrix-expiry-report/internal/config"
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

// cachedListing returns a listing that is at most as old as the settings allow.
// Only complete listings are cached. Concurrent requests share one listing, but
// commands only with each other: they have less time.
func (h *Handler) cachedListing(ctx context.Context, log *slog.Logger, s config.Settings, command bool) cacheEntry {
	regions := strings.Join(slices.Sorted(slices.Values(s.Regions)), ",")
	if l, ok := h.cache.get(regions, h.Now(), h.Settings.Cache); ok {
		l.Stats = report.Stats{}
		return l
	}
	flight := h.cache.inFlight.DoChan(fmt.Sprint(regions, command), func() (any, error) {
		shared := context.WithoutCancel(ctx) // the first request may end before the others
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			left := time.Until(end)
			shared, cancel = context.WithTimeout(shared, left-min(2*time.Second, left/8)) // leaves time to render
			defer cancel()
		}
		l := cacheEntry{at: h.Now()}
		l.Listing = h.collect(shared, log, s.Regions)
		l.took, l.owners = h.Now().Sub(l.at), ownersOf(l.Matrices, s.OwnerTag)
		h.cache.put(regions, l, h.Settings.Cache)
		return l, nil
	})
	select {
	case r := <-flight:
		return r.Val.(cacheEntry)
	case <-ctx.Done():
		late := report.Problem{Code: "DeadlineExceeded", Message: "the run had no time left", MayHideMatrices: true}
		return cacheEntry{at: h.Now(), Listing: report.Listing{Problems: []report.Problem{late}}}
	}
}

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

// put adds a complete listing. If the cache is full, it drops the others.
func (c *cache) put(regions string, l cacheEntry, maxAge time.Duration) {
	if maxAge == 0 || !l.Complete() {
		return
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	matrices := len(l.Matrices)
	for _, other := range c.entries {
		matrices += len(other.Matrices)
	}
	if c.entries == nil || len(c.entries) >= maxEntries || matrices > maxMatrices {
		c.entries = map[string]cacheEntry{}
	}
	c.entries[regions] = l
}
