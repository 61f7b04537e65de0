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

// An endpoint is the state of listing one endpoint.
type endpoint struct {
	*Source
	client   *cloudphone.Client
	memory   *atomic.Int64 // bytes that the listing may still keep
	progress func(more int)

	regionsErr error    // why the list of regions is not known
	totalErr   error    // why the total before the scans is not known
	scans      []*scan  // one for each region, and the unfiltered query if it was read to its end
	rows       matrices // of all scans
	total      int      // matrices according to the unfiltered query; -1 if not known
	covers     bool     // that query covers all regions, so that it would reveal one that is not listed
}

// matrices are rows by id.
type matrices map[string]*report.Matrix

// put adds a row. Of two rows of the same matrix the one that was modified last
// counts, and of two that were modified at the same time the later one. Only a
// query for one region knows the region of a row that does not name it.
func (rows matrices) put(id string, m *report.Matrix) {
	old, ok := rows[id]
	if !ok {
		rows[id] = m
		return
	}
	region := cmp.Or(m.Region, old.Region)
	if !old.ModifiedAt.After(m.ModifiedAt.Time) {
		*old = *m
	}
	old.Region = cmp.Or(old.Region, region)
}

// union returns the rows of both, in the larger of the two.
func union(a, b matrices) matrices {
	if len(a) < len(b) {
		a, b = b, a
	}
	for id, m := range b {
		a.put(id, m)
	}
	return a
}

// byRegion counts the rows of each region.
func (rows matrices) byRegion() map[string]int {
	regions := map[string]int{}
	for _, m := range rows {
		regions[m.Region]++
	}
	return regions
}

// read makes all calls to one endpoint.
func (e *endpoint) read(ctx context.Context, regions []string) {
	if len(regions) > 0 {
		e.scanRegions(ctx, regions)
		return
	}
	regions, before := e.discover(ctx)
	if e.unavailable() {
		e.regionsErr = nil // totalErr is enough
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

// unavailable reports whether further calls are pointless: the endpoint did not
// respond, or does not know the account.
func (e *endpoint) unavailable() bool {
	return e.regionsErr != nil && e.totalErr != nil && (!cloudphone.Responded(e.totalErr) || cloudphone.UnknownAccount(e.totalErr))
}

// findRegions returns the regions that the service sells and those that it
// documents. The documented ones are valid if there is an error, too.
func (e *endpoint) findRegions(ctx context.Context) ([]string, error) {
	sold, err := e.client.Regions(ctx)
	if n := len(sold); n > maxRegions {
		sold, err = sold[:maxRegions], scanError("TooManyRegions", "the service lists %d regions; the first %d are read", n, maxRegions)
	}
	regions := distinct(slices.Concat(documentedRegions, sold))
	return slices.DeleteFunc(regions, func(id string) bool { return id == "" }), err
}

// count returns the total of the unfiltered query, or -1.
func (e *endpoint) count(ctx context.Context) (int, error) {
	p, err := e.client.Nodes(ctx, cloudphone.NodesQuery{Size: 1})
	if err != nil {
		return -1, err
	}
	return p.TotalCount, nil
}

// scanRegions scans the regions concurrently and unites their rows.
func (e *endpoint) scanRegions(ctx context.Context, regions []string) {
	e.scans = sideBySide(regions, func(region string) *scan { return e.scan(ctx, region) })
	for _, s := range e.scans {
		e.unite(s)
	}
}

// unite adds the rows of a scan to those of the endpoint, including those that
// only an earlier attempt returned.
func (e *endpoint) unite(s *scan) {
	e.rows = union(union(e.rows, s.rows), s.earlier)
	s.rows, s.earlier = nil, nil
}

// responded reports whether the endpoint has returned a page.
func (e *endpoint) responded() bool {
	return slices.ContainsFunc(e.scans, func(s *scan) bool { return s.pages > 0 })
}

// errs returns every error that has not been recovered from.
func (e *endpoint) errs() []error {
	errs := []error{e.totalErr}
	for _, s := range e.scans {
		errs = append(errs, s.err)
	}
	return slices.DeleteFunc(append(errs, e.regionsErr), func(err error) bool { return err == nil })
}

// failed reports whether the endpoint has returned nothing and all its errors are
// of one kind.
func (e *endpoint) failed(kind func(error) bool) bool {
	return !e.responded() && !slices.ContainsFunc(e.errs(), func(err error) bool { return !kind(err) })
}
