package inventory

import (
	"context"
	"strconv"

	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/report"
)

// A scan is one attempt to read one region, page after page.
type scan struct {
	region     string   // empty for the unfiltered query
	rows       matrices // by id
	read       int      // rows of this attempt
	unreadable int      // further rows, whose id is too long
	unnamed    int      // of rows: those without an id
	total      int      // the last TotalCount; -1 if there was none
	pages      int      // that were read
	changed    bool     // TotalCount changed
	err        error    // why it is incomplete; nil if it is complete

	recovered error    // why an earlier attempt was incomplete
	earlier   matrices // rows of that attempt, if this one is incomplete too

	namesakes map[string]int // rows without an id, by their texts
}

// scan reads one region. An incomplete scan is repeated once from an empty
// start, unless it was refused, and the second attempt replaces the first. If
// that is incomplete too, the rows of both are kept, as the listing is incomplete
// in any case.
func (e *endpoint) scan(ctx context.Context, region string) *scan {
	first := e.attempt(ctx, region, e.rows)
	if first.err == nil || first.err == errMemory || cloudphone.Refused(first.err) || ctx.Err() != nil {
		return first
	}
	known := first.rows
	if region == "" {
		known = e.rows
	}
	second := e.attempt(ctx, region, known)
	second.recovered = first.err
	if second.err != nil {
		second.earlier = first.rows
	}
	return second
}

// attempt reads one region once. A row of a matrix that is known replaces it, so
// that it needs no more memory.
func (e *endpoint) attempt(ctx context.Context, region string, known matrices) *scan {
	s := &scan{region: region, rows: matrices{}, total: -1, namesakes: map[string]int{}}
	tokens := map[string]bool{}
	withoutNew := 0
	for q := (cloudphone.NodesQuery{Region: region, Size: cloudphone.MaxPageSize}); ; {
		p, err := e.client.Nodes(ctx, q)
		if err != nil {
			s.err = err
			return s
		}
		fresh, unknown := s.add(p, known)
		e.progress(unknown)
		if withoutNew++; fresh > 0 {
			withoutNew = 0
		}
		switch {
		case !e.keep(p, unknown):
			s.err = errMemory
		case p.NextToken == "" && s.changed:
			s.err = errChanged
		case p.NextToken == "" && s.read+s.unreadable < s.total:
			s.err = errShort
		case p.NextToken == "": // whole
		case tokens[p.NextToken]:
			s.err = errRepeatedToken
		case withoutNew == maxPagesWithoutNew, s.total >= 0 && s.read+s.unreadable > 2*s.total+surplusRows, s.pages == maxPages(e.Memory):
			s.err = scanError("EndlessPages", "no end after %d pages", s.pages)
		default:
			tokens[p.NextToken] = true
			q.Token = p.NextToken
			continue
		}
		return s
	}
}

// keep reports whether there is memory for a page. A page without an unknown row
// costs only its token. Rows that are not kept count too, so that a scan of them
// ends.
func (e *endpoint) keep(p cloudphone.Page, unknown int) bool {
	n := len(p.NextToken)
	if unknown+p.Unreadable > 0 {
		n += p.Bytes + (len(p.Nodes)+p.Unreadable)*rowBytes
	}
	return e.memory.Add(-int64(n)) >= 0
}

// add adds the rows of a page. It returns how many rows are new to the scan, and
// how many of them are not known either.
func (s *scan) add(p cloudphone.Page, known matrices) (fresh, unknown int) {
	s.pages++
	if p.TotalCount >= 0 {
		s.changed = s.changed || s.total >= 0 && s.total != p.TotalCount
		s.total = p.TotalCount
	}
	s.unreadable += p.Unreadable
	for _, m := range p.Nodes {
		if m.Region == "" {
			m.Region = s.region
		}
		id := m.NodeID
		if id == "" {
			id = s.nameless(m)
		}
		if old, ok := known[id]; ok {
			known.put(id, m)
			m = old
		} else if s.rows[id] == nil {
			unknown++
		}
		s.rows.put(id, m)
	}
	fresh = len(s.rows) - s.read + p.Unreadable
	s.read = len(s.rows)
	return fresh, unknown
}

// nameless returns an id for a row without one: its texts, and how many rows of
// this scan had the same texts.
func (s *scan) nameless(m *report.Matrix) string {
	id := "\x00" + m.Name + "\x00" + strconv.FormatInt(m.CreatedAt.Unix(), 10) + "\x00"
	s.unnamed++
	s.namesakes[id]++
	return id + strconv.Itoa(s.namesakes[id])
}
