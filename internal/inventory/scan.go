package inventory

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/report"
)

// A scan is one attempt to read one region, page after page.
type scan struct {
	region     string // empty for the unfiltered query
	rows       map[string]int
	read       int   // distinct rows of this attempt
	unreadable int   // further rows, whose id is too long
	unnamed    int   // of rows: those without an id
	total      int   // the last TotalCount; -1 if there was none
	pages      int   // that were read
	changed    bool  // TotalCount changed
	err        error // why it is not whole; nil if it is

	recovered error // why an attempt before this one was not whole

	table   *table
	earlier map[string]int // rows of the attempt before
	union   map[string]int // rows of the endpoint's other scans, for the unfiltered query
	bytes   int            // that it keeps

	namesakes map[string]int // rows without an id, by their texts
}

// scan reads one region. A scan that is not whole is repeated once from an empty
// start, unless it was refused, and the second attempt replaces the first. If
// that is not whole either, the rows of both stay known, as the listing is not
// complete in any case.
func (e *endpoint) scan(ctx context.Context, region string) *scan {
	first := e.attempt(ctx, region, nil)
	if first.err == nil || !worthRepeating(first.err) || ctx.Err() != nil {
		return first
	}
	second := e.attempt(ctx, region, first)
	second.recovered = first.err
	return second
}

// worthRepeating reports whether another attempt may end differently.
func worthRepeating(err error) bool {
	return !cloudphone.Refused(err) && !errors.Is(err, errMemory)
}

// attempt reads one region once. It ends whole, or with err set.
func (e *endpoint) attempt(ctx context.Context, region string, before *scan) (s *scan) {
	s = &scan{region: region, rows: map[string]int{}, total: -1, table: &e.table}
	if region == "" {
		s.union = e.rows
	}
	if before != nil {
		s.earlier = before.rows
		s.table.memory.give(before.bytes)
	}
	defer func() {
		if p := recover(); p != nil {
			s.err = panicError(p)
		}
		s.end()
	}()
	tokens := map[string]bool{}
	withoutNew := 0
	for q := (cloudphone.NodesQuery{Region: region, Size: cloudphone.MaxPageSize}); ; {
		p, err := e.client.Nodes(ctx, q)
		if err != nil {
			s.err = err
			return s
		}
		withoutNew++
		if s.add(p) > 0 {
			withoutNew = 0
		}
		switch {
		case !s.keep(p):
			s.err = errMemory
		case p.NextToken == "":
			s.err = s.verdict()
		case tokens[p.NextToken]:
			s.err = errRepeatedToken
		case withoutNew == maxPagesWithoutNew, s.total >= 0 && s.read+s.unreadable > 2*s.total+surplusRows, s.pages == e.maxPages:
			s.err = &scanError{"EndlessPages", fmt.Sprintf("no end after %d pages", s.pages)}
		default:
			tokens[p.NextToken] = true
			q.Token = p.NextToken
			continue
		}
		return s
	}
}

// verdict returns why a scan that has reached its last page is not whole.
func (s *scan) verdict() error {
	switch {
	case s.changed:
		return errChanged
	case s.read+s.unreadable < s.total:
		return errShort
	}
	return nil
}

// keep reports whether there is memory for a page. Rows that are not kept count
// too, so that they come to an end.
func (s *scan) keep(p cloudphone.Page) bool {
	n := p.Bytes + (len(p.Nodes)+p.Unreadable)*rowBytes + len(p.NextToken)
	s.bytes += n
	return s.table.memory.take(n)
}

// add adds the rows of a page, and returns how many are new to the scan.
func (s *scan) add(p cloudphone.Page) (fresh int) {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	s.pages++
	if p.TotalCount >= 0 {
		s.changed = s.changed || s.total >= 0 && s.total != p.TotalCount
		s.total = p.TotalCount
	}
	s.unreadable += p.Unreadable
	before, used := s.read, len(s.table.rows)-len(s.table.free)
	for _, m := range p.Nodes {
		id := m.NodeID
		if id == "" {
			id = s.nameless(&m)
		}
		if m.Region == "" {
			m.Region = s.region
		}
		s.addRow(id, m)
	}
	s.read = len(s.rows)
	s.table.progress(len(s.table.rows) - len(s.table.free) - used)
	return s.read - before + p.Unreadable
}

// addRow adds a row, in the place of the row that another scan has of the same
// matrix.
func (s *scan) addRow(id string, m report.Matrix) {
	for _, rows := range []map[string]int{s.rows, s.earlier, s.union} {
		if i, ok := rows[id]; ok {
			s.table.update(i, m)
			s.rows[id] = i
			return
		}
	}
	s.rows[id] = s.table.put(m)
}

// nameless returns what a row without an id is distinguished by: its own texts, and
// how many rows of this scan have had the same.
func (s *scan) nameless(m *report.Matrix) string {
	id := "\x00" + m.Name + "\x00" + strconv.FormatInt(m.CreatedAt.Unix(), 10) + "\x00"
	if s.namesakes == nil {
		s.namesakes = map[string]int{}
	}
	s.unnamed++
	s.namesakes[id]++
	return id + strconv.Itoa(s.namesakes[id])
}

// end decides what becomes of rows that only the attempt before has shown: a
// whole scan replaces them.
func (s *scan) end() {
	s.table.mu.Lock()
	defer s.table.mu.Unlock()
	for id, i := range s.earlier {
		_, again := s.rows[id]
		_, elsewhere := s.union[id]
		switch {
		case again || elsewhere:
		case s.err == nil:
			s.table.release(i)
		default:
			s.rows[id] = i
		}
	}
	s.earlier = nil
}
