package inventory

import (
	"context"
	"errors"
)

// maxFullCheck is up to how many rows the unfiltered query is read to its end.
// With offset paging a region can lose a row while every count agrees, if one
// matrix is released and another created between two pages; only a second look
// at the rows shows it.
const maxFullCheck = 1000

// A check is what the unfiltered query has shown after the regions.
type check struct {
	done   bool  // it was made
	covers bool  // it crosses the regions, so that it would show one that is not listed
	total  int   // how many matrices there are by it; -1 if not known
	scan   *scan // nil if only its total was requested
}

// checkSum compares what the regions have shown with the unfiltered query. Up to
// maxFullCheck rows that query is read to its end, and its rows join those of the
// regions. Above, the smaller of its totals before and after the regions is
// compared, and it is read to its end only if that is more than the regions have
// shown.
func (e *endpoint) checkSum(ctx context.Context, before int) {
	limit := maxFullCheck
	if e.fullCheck > 0 {
		limit = e.fullCheck
	}
	e.check = check{done: true, total: -1}
	regions := e.rowsByRegion()
	if max(before, len(e.rows)) > limit {
		after, err := e.count(ctx)
		if total := min(before, after); err == nil && total >= 0 && total <= len(e.rows)+e.unreadable() {
			e.check.total = total
			e.check.covers = coversByCount(total, len(e.rows), regions)
			return
		}
	}
	all := e.scan(ctx, "")
	e.check.scan, e.check.total = all, all.total
	if all.total < 0 {
		e.check.total = before
	}
	e.check.covers = all.err == nil && e.coversByRow(all, regions)
	e.unite(all)
}

// unreadable returns how many rows have an id that is too long.
func (e *endpoint) unreadable() (n int) {
	for _, s := range e.scans {
		n += s.unreadable
	}
	if all := e.check.scan; all != nil {
		n = max(n, all.unreadable)
	}
	return n
}

// rowsByRegion counts the rows of each region.
func (e *endpoint) rowsByRegion() map[string]int {
	regions := map[string]int{}
	for _, m := range e.rows {
		regions[m.Region]++
	}
	return regions
}

// coversByRow reports whether the unfiltered query has shown a row of each
// region that has any.
func (e *endpoint) coversByRow(all *scan, regions map[string]int) bool {
	shown := map[string]bool{}
	for _, m := range all.rows {
		shown[m.Region] = true
	}
	for region := range regions {
		if !shown[region] {
			return false
		}
	}
	return true
}

// coversByCount reports whether the unfiltered query counts so many of the rows
// that it cannot lack one of the regions.
func coversByCount(total, rows int, regions map[string]int) bool {
	for _, n := range regions {
		if total <= rows-n {
			return false
		}
	}
	return true
}

// unexplained returns how many more matrices the unfiltered query counts than
// were read, beyond those that the regions miss themselves.
func (e *endpoint) unexplained() int {
	missing := 0
	for _, s := range e.scans {
		missing += s.missing()
	}
	return e.check.total - len(e.rows) - e.unreadable() - missing
}

// missing returns how many rows a scan counts and did not show.
func (s *scan) missing() int { return max(0, s.total-s.read-s.unreadable) }

// missing returns how many matrices the endpoint counts that are not in its rows.
func (e *endpoint) missing() int {
	regions, sum := e.rowsByRegion(), 0
	for _, s := range e.scans {
		if s.err != nil {
			sum += max(0, s.total-max(s.read, regions[s.region]))
		} else {
			sum += s.unreadable
		}
	}
	return max(sum, e.check.total-len(e.rows), e.unreadable())
}

// err returns why the unfiltered query is not whole.
func (c check) err() error {
	if c.scan == nil {
		return nil
	}
	return c.scan.err
}

// short reports whether the unfiltered query was read to its end and counts more
// than it showed.
func (c check) short() bool { return errors.Is(c.err(), errShort) }
