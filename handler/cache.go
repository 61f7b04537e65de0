package handler

import (
	"context"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"golang.org/x/sync/singleflight"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/report"
)

// A cache holds the last complete listing for later requests, and shares one that
// is under way between concurrent requests. The zero value is an empty cache.
type cache struct {
	inFlight singleflight.Group
	last     atomic.Pointer[cacheEntry] // nil if there is none
}

// A cacheEntry is a listing and the time at which it began.
type cacheEntry struct {
	report.Listing
	regions string   // that were requested
	owners  []string // of all matrices
	at      time.Time
	took    time.Duration
	memory  memory
}

// cachedListing returns a listing that is at most as old as the settings allow.
// Only complete listings are cached. Concurrent requests share one listing, but
// commands only with each other: they have less time.
func (h *Handler) cachedListing(ctx context.Context, log *slog.Logger, s config.Settings, command bool) cacheEntry {
	regions := strings.Join(slices.Sorted(slices.Values(s.Regions)), ",")
	if last := h.cache.last.Load(); last != nil && last.regions == regions && h.Now().Sub(last.at) < h.Settings.Cache {
		l := *last
		l.Stats = report.Stats{}
		return l
	}
	h.cache.last.Store(nil) // the next listing needs the memory
	flight := h.cache.inFlight.DoChan(fmt.Sprint(regions, command), func() (any, error) {
		shared := context.WithoutCancel(ctx) // the first request may end before the others
		if end, ok := ctx.Deadline(); ok {
			var cancel context.CancelFunc
			left := time.Until(end)
			shared, cancel = context.WithTimeout(shared, left-min(2*time.Second, left/8)) // leaves time to render
			defer cancel()
		}
		l := cacheEntry{regions: regions, at: h.Now()}
		l.Listing = h.collect(shared, log, s.Regions)
		l.took, l.owners = h.Now().Sub(l.at), ownersOf(l.Matrices, s.OwnerTag)
		if !command { // which has no time for it
			l.memory = h.recall(shared, s, l.Listing, report.Build(h.Settings.Rules, l.Listing, l.at))
		}
		if l.Complete() && h.Settings.Cache > 0 {
			h.cache.last.Store(&l)
		}
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
