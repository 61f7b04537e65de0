// Package inventory lists all matrices of an account, and detects whether the list
// is complete. It decides which calls are made; package cloudphone makes them.
//
// The API documentation does not say whether a query without a region returns all
// regions. Each region is therefore listed separately, and the total of a query
// without a region is compared with the sum. Read inventory.go (all endpoints),
// endpoint.go (one endpoint), scan.go (one region), check.go (the sum), problem.go
// (the problems of a listing) and limits.go (memory). Package doctor uses probe.go.
//
// A listing has no flag for completeness: it is complete if no problem in it may
// hide matrices, see [report.Listing.Complete].
package inventory

import (
	"context"
	"maps"
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
	Memory    int64      // bytes that the whole program may use; 0 means 128 MB

	// Progress is called with the number of rows that a List has read so far, by
	// one goroutine at a time for each List. It may be nil.
	Progress func(rows int)

	fullCheck int // see check.go; 0 for maxFullCheck
}

// List returns the matrices of the regions, or of all regions if none are given.
// Failures are problems in the listing, which has what was read before ctx was
// done. List is safe for concurrent use.
func (s *Source) List(ctx context.Context, regions []string) report.Listing {
	session, err := s.API.Open(ctx)
	if err != nil {
		return report.Listing{Problems: []report.Problem{credentialsProblem(err)}}
	}
	var memory atomic.Int64
	memory.Store(listingBytes(s.Memory))
	var mu sync.Mutex
	rows := 0
	progress := func(more int) {
		mu.Lock()
		defer mu.Unlock()
		if rows += more; s.Progress != nil {
			s.Progress(rows)
		}
	}
	l := merge(sideBySide(s.Endpoints, func(u *url.URL) *endpoint {
		e := &endpoint{Source: s, client: session.Client(u), memory: &memory, progress: progress, rows: matrices{}, total: -1}
		e.read(ctx, distinct(regions))
		return e
	}))
	l.Stats = session.Stats()
	return l
}

// distinct returns the values without repetitions, sorted.
func distinct(values []string) []string { return slices.Compact(slices.Sorted(slices.Values(values))) }

// sideBySide calls f for all values concurrently, and returns the results in
// the order of the values.
func sideBySide[T, R any](values []T, f func(T) R) []R {
	results := make([]R, len(values))
	var wg sync.WaitGroup
	for i, v := range values {
		wg.Go(func() { results[i] = f(v) })
	}
	wg.Wait()
	return results
}

// merge returns one listing of all endpoints. A matrix that two of them return
// counts once. An endpoint that refuses the account hides nothing if another one
// returns matrices, or if it does not know the account and another one does.
func merge(endpoints []*endpoint) report.Listing {
	known := slices.ContainsFunc(endpoints, (*endpoint).responded)
	shown := slices.ContainsFunc(endpoints, func(e *endpoint) bool { return len(e.rows) > 0 })
	l := report.Listing{TotalChecked: known}
	missing := 0
	var rows matrices
	for _, e := range endpoints {
		explained, unexplained := e.missing()
		problems, recovered := e.problems(unexplained)
		if e.failed(cloudphone.Refused) && (shown || known && e.failed(cloudphone.UnknownAccount)) {
			for i := range problems {
				problems[i].MayHideMatrices = false
			}
		} else {
			l.TotalChecked = l.TotalChecked && e.covers
			missing = max(missing, explained+unexplained)
		}
		l.Problems = append(l.Problems, problems...)
		l.Recovered = append(l.Recovered, recovered...)
		for _, s := range e.scans {
			if s.err == nil && s.region != "" {
				l.Scanned = append(l.Scanned, s.region)
			}
		}
		rows = union(rows, e.rows)
	}
	l.Matrices = slices.AppendSeq(make([]*report.Matrix, 0, len(rows)), maps.Values(rows))
	l.Total = len(rows) + missing
	regions := rows.byRegion()
	delete(regions, "")
	l.Scanned = distinct(l.Scanned)
	l.Regions = slices.Sorted(maps.Keys(regions))
	return l
}
