package cloudphone

import (
	"context"
	"maps"
	"slices"
	"sync"

	"matrix-expiry-report/report"
)

// A chain of pages is asked for one after another, so a region that has most of
// the matrices is what all wait for. It is read in parts then, side by side, by
// filters that leave nothing out. That they do is not taken for granted: the
// counts have to add up, before and after, or the chain goes on as it was.

// What is worth a split: so many pages left, after so many that show which
// values the filters have.
const longChain, samplePages = 10, 3

// A part is what a filter leaves of a region.
type part struct {
	query map[string]string
	count int
}

// A sample is what the first pages of a chain have shown.
type sample struct {
	pages, rows     int
	statuses, types map[string]bool
}

func (s *sample) add(p *page) {
	s.pages++
	s.rows += len(p.Nodes)
	for i := range p.Nodes {
		s.statuses[p.Nodes[i].Status] = true
		s.types[p.Nodes[i].ServerType] = true
	}
}

// dominates tells whether a chain will go on long after the others have ended.
func (r *reading) dominates(c *chain, s sample) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	left := func(c *chain) int { return max(0, c.total-c.rows) * s.pages / max(1, s.rows) } // pages
	all := 0
	for region, other := range r.chains {
		if region != "" {
			all += left(other)
		}
	}
	return left(c) > longChain && 2*left(c)*r.slots > 3*all
}

// split reads a region in parts, and tells whether that was all of it.
func (r *reading) split(ctx context.Context, region string, c *chain, s sample) bool {
	r.mu.Lock()
	total := c.total
	r.mu.Unlock()
	for _, status := range []string{report.StatusCreating, report.StatusNodeReady, report.StatusRunning, report.StatusFailed, report.StatusDeleting, report.StatusDeleted} {
		s.statuses[status] = true
	}
	byStatus, ok := r.parts(ctx, part{map[string]string{"BizRegionId": region}, total}, "Status", s.statuses)
	if !ok {
		return false
	}
	var parts []part
	for _, p := range byStatus {
		smaller, ok := r.parts(ctx, p, "ServerType", s.types)
		if !ok {
			smaller = []part{p}
		}
		parts = append(parts, smaller...)
	}
	largest := slices.MaxFunc(parts, func(a, b part) int { return a.count - b.count })
	if 5*largest.count > 4*total { // hardly anything is won
		return false
	}
	read := 0 // to their ends
	var wg sync.WaitGroup
	var mu sync.Mutex
	for _, p := range parts {
		wg.Go(func() {
			r.guard(region, func() error {
				same := true
				ended, err := r.follow(ctx, p.query, 0, c, func(got *page) (fresh int, done bool) {
					same = same && got.TotalCount == p.count
					return r.add(c, region, got, true), false
				})
				mu.Lock()
				defer mu.Unlock()
				if ended && err == nil && same {
					read++
				}
				return nil // the chain goes on as it was
			})
		})
	}
	wg.Wait()
	r.mu.Lock()
	defer r.mu.Unlock()
	return read == len(parts) && c.rows >= total
}

// parts divides a part by a filter. It does not where the counts do not add up,
// or there is nothing to divide.
func (r *reading) parts(ctx context.Context, whole part, filter string, values map[string]bool) (parts []part, ok bool) {
	var wg sync.WaitGroup
	var mu sync.Mutex
	sum := 0
	for value := range values {
		wg.Go(func() {
			r.guard(whole.query["BizRegionId"], func() error {
				query := maps.Clone(whole.query)
				query[filter] = value
				n := r.count(ctx, query)
				mu.Lock()
				defer mu.Unlock()
				sum += n
				if n > 0 {
					parts = append(parts, part{query, n})
				}
				return nil
			})
		})
	}
	wg.Wait()
	return parts, sum == whole.count && len(parts) > 0
}

// count asks how many matrices a query has; none where that cannot be told.
func (r *reading) count(ctx context.Context, query map[string]string) int {
	query = maps.Clone(query)
	query["MaxResults"] = "1"
	p, err := r.open().call(ctx, "DescribeCloudPhoneNodes", query, nil)
	if err != nil {
		return 0
	}
	return max(0, p.TotalCount)
}
