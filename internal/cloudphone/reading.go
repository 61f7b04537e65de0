package cloudphone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"iter"
	"maps"
	"math"
	"net/url"
	"slices"
	"strings"
	"sync"

	"matrix-expiry-report/report"
)

// A reading is what one endpoint has told so far. Nobody could verify that a
// query without a region crosses regions, so every region is read by itself,
// and the unfiltered total is held against the sum.
type reading struct {
	endpoint *url.URL
	progress func(more int)
	open     func() *client
	slots    int // questions at a time
	fate     func(*report.Matrix) report.Fate
	seed     maphash.Seed // of keys

	mu       sync.Mutex
	seen     ledger
	kept     map[key]*report.Matrix
	later    later
	regions  map[string]bool   // that hold matrices
	chains   map[string]*chain // by region; "" is the unfiltered one
	shown    []*chain          // the chain with the id i is at i-1
	shared   map[key][]uint16  // the ids of further chains that showed a matrix
	failures []failure
}

// A chain is what the pages of one region have shown, or those of all.
type chain struct {
	id      uint16 // of a region's, from 1
	look    uint8  // of the unfiltered ones, a bit each
	rows    int    // matrices that it showed, told apart
	total   int    // the least that the service counted, as rows come and go while reading; -1 before it did
	fell    bool   // the count fell while reading: a row may have moved to a page that was read already
	ended   bool   // there is no further page
	dropped bool   // a second look has taken its place
}

type failure struct {
	region string
	err    error
}

func keepAll(*report.Matrix) report.Fate { return report.Keep }

func newReading(endpoint *url.URL, progress func(int), fate func(*report.Matrix) report.Fate, seed maphash.Seed) *reading {
	return &reading{
		endpoint: endpoint, progress: progress, fate: fate, seed: seed,
		kept: map[key]*report.Matrix{}, regions: map[string]bool{}, chains: map[string]*chain{}, shared: map[key][]uint16{},
	}
}

// newChain begins a look at one region, or at all.
func (r *reading) newChain(region string) (*chain, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c := &chain{total: -1}
	if region == "" {
		c.look = 1
		if r.chains[""] != nil {
			c.look = 2
		}
		return c, nil
	}
	if len(r.shown) == maxChains {
		return nil, &Error{Code: "TooManyRegions", Message: fmt.Sprintf("no more than %d are read", maxChains)}
	}
	r.shown = append(r.shown, c)
	c.id = uint16(len(r.shown))
	return c, nil
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

// add takes in one page and says how many of its rows are new to its chain. A
// part of a chain counts only a part of it.
func (r *reading) add(c *chain, region string, p *page, part bool) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	if n := p.TotalCount; n >= 0 && !part && (c.total < 0 || n < c.total) {
		c.fell = c.total >= 0
		c.total = n
	}
	if old := r.chains[region]; old != c { // a second look takes the place of the first
		if old != nil {
			old.dropped = true
		}
		r.chains[region] = c
	}
	before, known, last := c.rows, r.seen.size, ""
	for i := range p.Nodes {
		m := &p.Nodes[i]
		m.Region = cmp.Or(m.Region, region)
		if m.Region != last {
			last = m.Region
			r.regions[last] = true
		}
		r.take(c, m)
	}
	r.progress(r.seen.size - known)
	return c.rows - before
}

// take notes one row, and keeps it if it is worth it. Of the same matrix the
// newest row counts.
func (r *reading) take(c *chain, m *report.Matrix) {
	k := r.key(m)
	at, i, known := r.seen.note(k)
	var e entry
	if known {
		e = at.entry(i)
	}
	if r.joins(c, k, &e) {
		c.rows++
	}
	var old *report.Matrix
	if known {
		old = r.keeps(k)
	}
	switch modified := seconds(m.ModifiedAt); {
	case !known || modified > e.modified:
		if old != nil {
			m.Region = cmp.Or(m.Region, old.Region)
			delete(r.kept, k)
			r.later.remove(k)
		}
		fate := r.fate(m)
		e.modified, e.gone = modified, fate == report.Gone
		r.keep(k, m, fate)
	case old != nil:
		old.Region = cmp.Or(old.Region, m.Region)
	}
	at.set(i, k, e)
}

// key is what a row is told apart by. One without an id has only what it says.
func (r *reading) key(m *report.Matrix) key {
	return key(maphash.String(r.seed, rowKey(m)) >> (64 - keyBits))
}

func rowKey(m *report.Matrix) string {
	if m.NodeID != "" {
		return m.NodeID
	}
	return fmt.Sprint("?", m.Region, m.Name, m.CreatedAt.Unix())
}

// seconds since 1970, as far as they go into 32 bits.
func seconds(t report.Time) uint32 {
	if t.IsZero() {
		return 0
	}
	return uint32(min(max(0, t.Unix()), math.MaxUint32))
}

// joins notes in e that c has shown k, and tells whether it had not before.
func (r *reading) joins(c *chain, k key, e *entry) bool {
	switch {
	case c.look != 0:
		fresh := e.looks&c.look == 0
		e.looks |= c.look
		return fresh
	case e.chain == c.id || slices.Contains(r.shared[k], c.id):
		return false
	case e.chain == 0 || r.shown[e.chain-1].dropped:
		e.chain = c.id
	default:
		r.shared[k] = append(r.shared[k], c.id)
	}
	return true
}

func (r *reading) keep(k key, m *report.Matrix, fate report.Fate) {
	switch fate {
	case report.Keep:
		kept := *m
		r.kept[k] = &kept
	case report.Later:
		r.later.offer(k, m)
	}
}

// keeps gives the row that is kept of a matrix; nil for none.
func (r *reading) keeps(k key) *report.Matrix {
	if m, ok := r.kept[k]; ok {
		return m
	}
	return r.later.find(k)
}

// end notes that a chain was read to its last page, which is a count too.
func (r *reading) end(c *chain) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c.ended = true
	if c.total < 0 {
		c.total = c.rows
	}
}

// twice tells whether a chain has shown twice what the service counts.
func (r *reading) twice(c *chain) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return c.rows > 2*c.total
}

// short tells whether the service counts more than was read.
func (r *reading) short() bool {
	all := r.chains[""]
	return all != nil && r.seen.size < all.total
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
	for k, e := range r.seen.all() {
		if e.looks&unfiltered.look != 0 && !r.inRegion(k, e) {
			return true
		}
	}
	return false
}

// inRegion tells whether one of the regions has shown a matrix.
func (r *reading) inRegion(k key, e entry) bool {
	current := func(id uint16) bool { return !r.shown[id-1].dropped }
	return e.chain != 0 && (current(e.chain) || slices.ContainsFunc(r.shared[k], current))
}

// total is how many matrices there should be: the larger of what the
// unfiltered query and what the regions count.
func (r *reading) total() int {
	unfiltered, regions := 0, 0
	for k, e := range r.seen.all() {
		if r.inRegion(k, e) {
			regions++
		}
	}
	for region, c := range r.chains {
		if region == "" {
			unfiltered = max(c.rows, c.total)
		} else {
			regions += max(0, c.total-c.rows)
		}
	}
	return max(unfiltered, regions, r.seen.size)
}

// crosses tells whether the unfiltered query was seen to span regions: its
// total is more than any one region holds.
func (r *reading) crosses() bool {
	all := r.chains[""]
	for region, c := range r.chains {
		if region != "" && all != nil && all.total <= c.rows {
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
	return r.seen.size == 0 && len(r.failures) > 0 && !slices.ContainsFunc(r.failures, func(f failure) bool { return !refused(f.err) })
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
	agree := !r.short() && r.crosses() && r.seen.size >= r.total()
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
		p := report.Problem{Endpoint: r.endpoint.Host, Region: f.region, Code: code, Message: message, MayHideMatrices: mayHide}
		if e, ok := errors.AsType[*Error](f.err); ok {
			p.RequestID, p.Permission = oneLine(e.RequestID), oneLine(e.AuthAction)
		}
		out = append(out, p)
	}
	if len(out) > 1 && r.seen.size == 0 && sameCode(out) {
		out = out[:1]
		out[0].Region, out[0].MayHideMatrices = "", true
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
	var l report.Listing
	answered := slices.ContainsFunc(readings, func(r *reading) bool { return len(r.chains) > 0 })
	known := slices.ContainsFunc(readings, func(r *reading) bool { return r.seen.size > 0 })
	missing, most := 0, 0
	for i, r := range readings {
		shares := slices.ContainsFunc(slices.Concat(readings[:i], readings[i+1:]), r.sharesWith)
		if shares { // what one of them did not show, another may have
			most = max(most, r.total())
		} else {
			missing += r.total() - r.seen.size
		}
		refused := r.refused()
		for _, p := range r.problems() {
			p.MayHideMatrices = p.MayHideMatrices && !(refused && (known || answered && r.stranger()))
			if p.MayHideMatrices || refused {
				l.Problems = append(l.Problems, p)
			} else {
				l.Mended = append(l.Mended, p)
			}
		}
	}
	all := join(readings)
	l.Total = max(all.size+missing, most)
	rows := map[key]*report.Matrix{}
	regions := map[string]bool{}
	for i, r := range readings {
		maps.Copy(regions, r.regions)
		for k, m := range r.worth() {
			if e, _ := all.get(k); int(e.chain) == i {
				rows[k] = m
			}
		}
	}
	for _, e := range all.all() {
		if e.gone {
			l.Deleted++
		}
	}
	for _, r := range readings {
		for k, m := range r.worth() {
			if row, ok := rows[k]; ok {
				row.Region = cmp.Or(row.Region, m.Region)
			}
		}
	}
	l.Others = all.size - len(rows)
	for _, r := range readings {
		r.seen = ledger{} // before as much is needed again
	}
	l.Matrices = make([]report.Matrix, 0, len(rows))
	for _, m := range rows {
		l.Matrices = append(l.Matrices, *m)
	}
	slices.SortFunc(l.Matrices, func(a, b report.Matrix) int { return strings.Compare(rowKey(&a), rowKey(&b)) })
	l.Regions = slices.Sorted(maps.Keys(regions))
	return l
}

// join makes one ledger of those of all readings, with the place of the reading
// whose row counts in the place of the chain. The first one's is used up.
func join(readings []*reading) *ledger {
	all := &readings[0].seen
	for k, e := range all.all() {
		e.chain = 0
		all.put(k, e) // where it is already
	}
	for i, r := range readings[1:] {
		for k, e := range r.seen.all() {
			if old, ok := all.get(k); !ok || e.modified > old.modified {
				e.chain = uint16(i + 1)
				all.put(k, e)
			}
		}
	}
	return all
}

// worth goes through the rows that were kept.
func (r *reading) worth() iter.Seq2[key, *report.Matrix] {
	return func(yield func(key, *report.Matrix) bool) {
		for k, m := range r.kept {
			if !yield(k, m) {
				return
			}
		}
		for _, c := range r.later {
			if !yield(c.key, c.Matrix) {
				return
			}
		}
	}
}

// sharesWith tells whether both show some of the same matrices.
func (r *reading) sharesWith(other *reading) bool {
	for k := range r.seen.all() {
		if _, ok := other.seen.get(k); ok {
			return true
		}
	}
	return false
}

// later are the first matrices to end of those that need nobody yet. There are
// some to spare: what has been renewed since it was read is none of them.
type later []candidate

type candidate struct {
	key key
	*report.Matrix
}

const maxLater = 16

func (l *later) offer(k key, m *report.Matrix) {
	if n := len(*l); n == maxLater {
		if !m.ExpiresAt.Before((*l)[n-1].ExpiresAt.Time) {
			return
		}
		*l = (*l)[:n-1]
	}
	i, _ := slices.BinarySearchFunc(*l, m, func(c candidate, m *report.Matrix) int {
		return cmp.Or(c.ExpiresAt.Compare(m.ExpiresAt.Time), strings.Compare(c.NodeID, m.NodeID))
	})
	kept := *m
	*l = slices.Insert(*l, i, candidate{k, &kept})
}

func (l *later) remove(k key) {
	*l = slices.DeleteFunc(*l, func(c candidate) bool { return c.key == k })
}

func (l later) find(k key) *report.Matrix {
	i := slices.IndexFunc(l, func(c candidate) bool { return c.key == k })
	if i < 0 {
		return nil
	}
	return l[i].Matrix
}
