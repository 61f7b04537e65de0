// Package inventory lists all matrices of an account, and knows whether the list
// is complete. It decides which calls are made; package cloudphone makes them.
//
// Nobody could verify that a query without a region crosses regions, so every
// region is read by itself, and the unfiltered query checks the sum. Read
// inventory.go (all endpoints), endpoint.go (one endpoint), scan.go (one region),
// check.go (the sum), merge.go (endpoints become a listing), problem.go (what
// people read), and limits.go (memory). Doctor uses probe.go.
//
// A listing has no flag for completeness: it is complete if no problem in it may
// hide matrices, see [report.Listing.Complete].
package inventory

import (
	"context"
	"net/url"
	"slices"
	"sync"
	"sync/atomic"

	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/report"
)

// A Source is one account at one or more endpoints.
type Source struct {
	API       cloudphone.API
	Endpoints []*url.URL // scheme and host
	Memory    int64      // bytes that the whole program may use; 0 for that of the smallest instance

	// Progress is called with the number of rows read so far, by one goroutine
	// at a time. It may be nil.
	Progress func(rows int)

	fullCheck int // see check.go; 0 for maxFullCheck
}

// List reads the matrices of the regions, or of all regions if none are given.
// What could not be read is a problem in the listing; what was read before ctx
// ended is in it.
func (s *Source) List(ctx context.Context, regions []string) report.Listing {
	session, err := s.API.Open(ctx)
	if err != nil {
		return report.Listing{Problems: []report.Problem{credentialsProblem(err)}}
	}
	regions = unique(regions)
	var memory atomic.Int64
	memory.Store(listingBytes(s.Memory))
	progress := s.progress()
	endpoints := make([]*endpoint, len(s.Endpoints))
	var wg sync.WaitGroup
	for i, u := range s.Endpoints {
		e := &endpoint{
			client: session.Client(u), memory: &memory, maxPages: maxPages(s.Memory), fullCheck: s.fullCheck, progress: progress,
			rows: map[string]*report.Matrix{},
		}
		endpoints[i] = e
		wg.Go(func() { e.read(ctx, regions) })
	}
	wg.Wait()
	l := merge(endpoints)
	l.Stats = session.Stats()
	return l
}

// unique returns the values without repetitions, in their order.
func unique(values []string) []string {
	var out []string
	for _, v := range values {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func (s *Source) progress() func(more int) {
	if s.Progress == nil {
		return func(int) {}
	}
	var mu sync.Mutex
	rows := 0
	return func(more int) {
		mu.Lock()
		defer mu.Unlock()
		rows += more
		s.Progress(rows)
	}
}
