package inventory

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"

	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/report"
)

// documentedRegions are those that the API documents for matrices.
// DescribeRegions lists what can be bought, which may leave out a region that
// still holds matrices.
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
var documentedRegions = []string{"cn-shanghai", "cn-hangzhou", "ap-southeast-1", "eu-central-1"}

// An endpoint is what one endpoint has shown.
type endpoint struct {
	client    *cloudphone.Client
	memory    *atomic.Int64 // bytes that the listing may still keep
	maxPages  int
	fullCheck int
	progress  func(more int)

	regionsErr error                     // why the list of regions is not known
	totalErr   error                     // why the total before the scans is not known
	scans      []*scan                   // one for each region
	rows       map[string]*report.Matrix // of all scans, by id
	check      check
}

// read makes all calls to one endpoint.
func (e *endpoint) read(ctx context.Context, regions []string) {
	if len(regions) > 0 {
		e.scanRegions(ctx, regions)
		return
	}
	var before int
	regions, before = e.discover(ctx)
	if e.unavailable() {
		return
	}
	e.scanRegions(ctx, regions)
	e.checkSum(ctx, before)
}

// discover returns the regions to scan, and the total of the unfiltered query,
// which is -1 if it is not known.
func (e *endpoint) discover(ctx context.Context) (regions []string, total int) {
	var wg sync.WaitGroup
	wg.Go(func() { regions, e.regionsErr = e.findRegions(ctx) })
	wg.Go(func() { total, e.totalErr = e.count(ctx) })
	wg.Wait()
	return regions, total
}

// unavailable reports whether further calls make no sense: the endpoint did not
// respond, or does not know the account.
func (e *endpoint) unavailable() bool {
	if e.regionsErr == nil || e.totalErr == nil {
		return false
	}
	return !cloudphone.Responded(e.totalErr) || cloudphone.UnknownAccount(e.totalErr)
}

// findRegions returns the regions that the service sells and those that it
// documents. The documented ones are valid if there is an error, too.
func (e *endpoint) findRegions(ctx context.Context) ([]string, error) {
	regions := slices.Clone(documentedRegions)
	sold, err := e.client.Regions(ctx)
	for _, id := range sold {
		if id == "" || slices.Contains(regions, id) {
			continue
		}
		if len(regions) == maxRegions {
			return regions, scanError("TooManyRegions", "the service lists %d regions; the first %d are read", len(sold), maxRegions)
		}
		regions = append(regions, id)
	}
	return regions, err
}

// count returns the total of the unfiltered query, or -1.
func (e *endpoint) count(ctx context.Context) (int, error) {
	p, err := e.client.Nodes(ctx, cloudphone.NodesQuery{Size: 1})
	if err != nil {
		return -1, err
	}
	return p.TotalCount, nil
}

// scanRegions scans the regions side by side and unites what they show.
func (e *endpoint) scanRegions(ctx context.Context, regions []string) {
	e.scans = make([]*scan, len(regions))
	var wg sync.WaitGroup
	for i, region := range regions {
		wg.Go(func() { e.scans[i] = e.scan(ctx, region) })
	}
	wg.Wait()
	for _, s := range e.scans {
		e.unite(s)
	}
}

// unite adds the rows of a scan to those of the endpoint, including those that
// only an attempt before has shown.
func (e *endpoint) unite(s *scan) {
	for id, m := range s.rows {
		put(e.rows, id, m)
	}
	for id, m := range s.earlier {
		put(e.rows, id, m)
	}
	s.rows, s.earlier = nil, nil
}

// put adds a row. Of two rows of the same matrix the one that was modified last
// counts, and of two that were modified at the same time the later one. Only a
// query for one region knows the region of a row that does not name it.
func put(rows map[string]*report.Matrix, id string, m *report.Matrix) {
	old, ok := rows[id]
	switch {
	case !ok:
		rows[id] = m
	case old != m:
		region := cmp.Or(m.Region, old.Region)
		if !old.ModifiedAt.After(m.ModifiedAt.Time) {
			*old = *m
		}
		old.Region = cmp.Or(old.Region, region)
	}
}
