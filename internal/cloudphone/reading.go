package cloudphone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"matrix-expiry-report/report"
)

// A reading is what one endpoint has told so far. Nobody could verify that a
// query without a region crosses regions, so every region is read by itself,
// and the unfiltered total is held against the sum.
type reading struct {
	endpoint *url.URL
	zone     *time.Location
	progress func(more int)
	open     func() (*client, error)

	mu       sync.Mutex
	rows     map[string]report.Matrix // by key
	chains   map[string]*chain        // by region; "" is the unfiltered one
	failures []failure
}

// A chain is what one run of pages has shown.
type chain struct {
	keys  map[string]bool
	total int  // the least that the service counted, as rows come and go while reading; -1 before it did
	fell  bool // the count fell while reading: a row may have moved to a page that was read already
	ended bool // there is no further page
}

type failure struct {
	region string
	err    error
}

func newReading(endpoint *url.URL, zone *time.Location, progress func(int)) *reading {
	return &reading{
		endpoint: endpoint, zone: zone, progress: progress,
		rows: map[string]report.Matrix{}, chains: map[string]*chain{},
	}
}

// guard runs one piece of work; its error or panic costs only this piece.
func (r *reading) guard(region string, work func() error) {
	err := func() (err error) {
		defer func() {
			if p := recover(); p != nil {
				err = fmt.Errorf("panic: %v", p)
			}
		}()
		return work()
	}()
	if err != nil {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.failures = append(r.failures, failure{region, err})
	}
}

// add takes in one page and says how many of its rows are new to its chain.
func (r *reading) add(c *chain, region string, p *page) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := int(p.TotalCount); n >= 0 && (c.total < 0 || n < c.total) {
		c.fell = c.total >= 0
		c.total = n
	}
	r.chains[region] = c // a second look takes the place of the first
	before, known := len(c.keys), len(r.rows)
	for _, n := range p.Nodes {
		m := n.matrix(r.zone)
		m.Region = cmp.Or(m.Region, region)
		key := rowKey(m)
		c.keys[key] = true
		keepNewer(r.rows, key, m)
	}
	r.progress(len(r.rows) - known)
	return len(c.keys) - before
}

// end notes that a chain was read to its last page, which is a count too.
func (r *reading) end(c *chain) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.ended = true
	if c.total < 0 {
		c.total = len(c.keys)
	}
}

// rowKey tells rows apart. One without an id is told apart by what it has.
func rowKey(m report.Matrix) string {
	return cmp.Or(m.NodeID, fmt.Sprint("?", m.Region, m.Name, m.CreatedAt.Unix()))
}

func keepNewer(rows map[string]report.Matrix, key string, m report.Matrix) {
	old, ok := rows[key]
	if ok && !m.ModifiedAt.After(old.ModifiedAt.Time) {
		m, old = old, m
	}
	m.Region = cmp.Or(m.Region, old.Region)
	rows[key] = m
}

// short tells whether the service counts more than was read.
func (r *reading) short() bool {
	all := r.chains[""]
	return all != nil && len(r.rows) < all.total
}

// again lists what is worth a second look: chains that rows left while they
// were read, and the unfiltered one where it may show matrices in regions that
// nobody named.
func (r *reading) again() []string {
	var again []string
	for region, c := range r.chains {
		if region != "" && c.fell || region == "" && !c.ended && r.strays(c) {
			again = append(again, region)
		}
	}
	return again
}

func (r *reading) strays(unfiltered *chain) bool {
	if unfiltered.total < 0 || r.short() {
		return true
	}
	named := r.inRegions()
	for key := range unfiltered.keys {
		if !named[key] {
			return true
		}
	}
	return false
}

func (r *reading) inRegions() map[string]bool {
	keys := map[string]bool{}
	for region, c := range r.chains {
		if region != "" {
			maps.Copy(keys, c.keys)
		}
	}
	return keys
}

// total is how many matrices there should be: the larger of what the
// unfiltered query and what the regions count.
func (r *reading) total() int {
	unfiltered, regions := 0, len(r.inRegions())
	for region, c := range r.chains {
		if region == "" {
			unfiltered = max(len(c.keys), c.total)
		} else {
			regions += max(0, c.total-len(c.keys))
		}
	}
	return max(unfiltered, regions, len(r.rows))
}

// crosses tells whether the unfiltered query was seen to span regions: its
// total is more than any one region holds.
func (r *reading) crosses() bool {
	all := r.chains[""]
	for region, c := range r.chains {
		if region != "" && all != nil && all.total <= len(c.keys) {
			return false
		}
	}
	return all != nil && all.total > 0
}

// silent tells whether nothing at all has come from the endpoint so far, not
// even a refusal.
func (r *reading) silent() bool {
	return len(r.failures) > 0 && !slices.ContainsFunc(r.failures, func(f failure) bool {
		_, answered := errors.AsType[*Error](f.err)
		return answered
	})
}

// refused tells whether the endpoint knows nothing of the account.
func (r *reading) refused() bool {
	return len(r.rows) == 0 && len(r.failures) > 0 && !slices.ContainsFunc(r.failures, func(f failure) bool { return !refused(f.err) })
}

// stranger tells whether the endpoint is of the other site: it does not even
// know the key. One that knows the key and denies the listing may have
// matrices, even where the other has none.
func (r *reading) stranger() bool {
	return !slices.ContainsFunc(r.failures, func(f failure) bool {
		code, _ := explain(f.err)
		return !strings.HasPrefix(code, "InvalidAccessKeyId")
	})
}

// problems turns failures into what people read. A failure hides nothing if
// the counts agree all the same.
func (r *reading) problems() []report.Problem {
	agree := !r.short() && r.crosses() && len(r.rows) >= r.total()
	var out []report.Problem
	for _, f := range r.failures {
		code, message := explain(f.err)
		_, onlyRegions := errors.AsType[*regionsError](f.err)
		mayHide := !agree
		switch {
		case onlyRegions:
			message = "the list of regions could not be read: " + message
		case f.region == "":
			message, mayHide = "the total could not be checked: "+message, true
		}
		if timedOut := errors.Is(f.err, context.DeadlineExceeded); timedOut {
			code = "DeadlineExceeded"
		}
		p := report.Problem{Endpoint: r.endpoint.Host, Region: f.region, Code: code, Message: message, MayHide: mayHide}
		if e, ok := errors.AsType[*Error](f.err); ok {
			p.RequestID, p.Permission = oneLine(e.RequestID), oneLine(e.AuthAction)
		}
		out = append(out, p)
	}
	if len(out) > 1 && len(r.rows) == 0 && sameCode(out) {
		out = out[:1]
		out[0].Region, out[0].MayHide = "", true
		_, out[0].Message = explain(r.failures[0].err)
	}
	slices.SortStableFunc(out, func(a, b report.Problem) int { return cmp.Compare(a.Region, b.Region) })
	return out
}

func sameCode(ps []report.Problem) bool {
	return !slices.ContainsFunc(ps, func(p report.Problem) bool { return p.Code != ps[0].Code })
}

// merge joins the endpoints. The same matrix at two of them counts once. An
// endpoint of the other site refuses the account, which hides nothing as long
// as one endpoint knows it, and is noted. What else hides nothing was mended.
func merge(readings []*reading) report.Listing {
	rows := map[string]report.Matrix{}
	shown := map[string]int{} // by how many endpoints
	regions := map[string]bool{}
	var l report.Listing
	for _, r := range readings {
		for key, m := range r.rows {
			keepNewer(rows, key, m)
			shown[key]++
		}
	}
	answered := slices.ContainsFunc(readings, func(r *reading) bool { return len(r.chains) > 0 })
	l.Total = len(rows)
	for _, r := range readings {
		if !r.shares(shown) {
			l.Total += r.total() - len(r.rows)
		}
	}
	for _, r := range readings {
		if r.shares(shown) { // what one of them did not show, another may have
			l.Total = max(l.Total, r.total())
		}
	}
	for _, r := range readings {
		refused := r.refused()
		for _, p := range r.problems() {
			p.MayHide = p.MayHide && !(refused && (len(rows) > 0 || answered && r.stranger()))
			if p.MayHide || refused {
				l.Problems = append(l.Problems, p)
			} else {
				l.Mended = append(l.Mended, p)
			}
		}
	}
	for _, key := range slices.Sorted(maps.Keys(rows)) {
		m := rows[key]
		l.Matrices = append(l.Matrices, m)
		if m.Region != "" {
			regions[m.Region] = true
		}
	}
	l.Regions = slices.Sorted(maps.Keys(regions))
	return l
}

// shares tells whether another endpoint shows some of the same matrices.
func (r *reading) shares(shown map[string]int) bool {
	for key := range r.rows {
		if shown[key] > 1 {
			return true
		}
	}
	return false
}
