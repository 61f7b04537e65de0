package inventory

import (
	"cmp"
	"context"
)

// maxFullCheck is up to how many rows the unfiltered query is read to its end.
// With offset paging a region can lose a row while every count agrees, if one
// matrix is released and another created between two pages; only reading the rows
// a second time reveals it.
const maxFullCheck = 1000

// checkSum compares the rows of the regions with the unfiltered query. Up to
// maxFullCheck rows that query is read to its end, and its rows join those of the
// regions. Above, the smaller of its totals before and after the regions is
// compared, and it is read to its end only if that is more than the rows of the
// regions.
func (e *endpoint) checkSum(ctx context.Context, before int) {
	regions := e.rows.byRegion()
	if max(before, len(e.rows)) > cmp.Or(e.fullCheck, maxFullCheck) {
		after, err := e.count(ctx)
		if total := min(before, after); err == nil && total >= 0 && total <= len(e.rows)+e.unreadable() {
			e.total, e.covers = total, coversByCount(total, regions)
			return
		}
	}
	all := e.scan(ctx, "")
	if e.total = all.total; all.total < 0 {
		e.total = before
	}
	for _, m := range all.rows {
		delete(regions, m.Region)
	}
	e.covers = all.err == nil && len(regions) == 0
	e.scans = append(e.scans, all)
	e.unite(all)
}

// coversByCount reports whether the unfiltered query counts so many of the rows
// that it cannot lack one of the regions.
func coversByCount(total int, regions map[string]int) bool {
	rows := 0
	for _, n := range regions {
		rows += n
	}
	for _, n := range regions {
		if n > 0 && total <= rows-n {
			return false
		}
	}
	return true
}

// missing returns how many matrices the endpoint counts that are not in its rows:
// those that scans explain, because they counted or returned them, and those that
// only the unfiltered query counts.
func (e *endpoint) missing() (explained, unexplained int) {
	for _, s := range e.scans {
		switch {
		case s.region == "":
		case s.err == nil:
			explained += s.unreadable
		default:
			explained += max(0, s.total-max(s.read, e.rows.byRegion()[s.region]))
		}
	}
	explained = max(explained, e.unreadable())
	return explained, max(0, e.total-len(e.rows)-explained)
}

// sum returns the sum of a figure of the regions, or the figure of the unfiltered
// query if that is larger.
func (e *endpoint) sum(figure func(*scan) int) int {
	regions, all := 0, 0
	for _, s := range e.scans {
		if s.region == "" {
			all = figure(s)
		} else {
			regions += figure(s)
		}
	}
	return max(regions, all)
}

func (e *endpoint) unreadable() int { return e.sum(func(s *scan) int { return s.unreadable }) }

func (e *endpoint) unnamed() int { return e.sum(func(s *scan) int { return s.unnamed }) }
