package inventory

import (
	"cmp"
	"slices"
	"sync"

	"matrix-expiry-report/report"
)

// A table holds the rows of one endpoint in one slice, which becomes the listing
// without being copied: at 100,000 matrices a copy would cost another 24 MB.
// Scans know their rows by index.
type table struct {
	memory   *budget
	progress func(more int)

	mu   sync.Mutex // of what follows, while scans run
	rows []report.Matrix
	free []int // indexes that are not used any more
}

// reserve makes room for about n rows, so that rows need not be moved as they
// come in. n is the service's word, so that it is taken for what memory allows.
func (t *table) reserve(n int) {
	n += n/64 + 64 // some may be created meanwhile
	t.rows = slices.Grow(t.rows, min(n, int(t.memory.left.Load()/rowBytes)))
}

// put adds a row and returns its index. The caller holds mu.
func (t *table) put(m report.Matrix) int {
	if n := len(t.free); n > 0 {
		i := t.free[n-1]
		t.free = t.free[:n-1]
		t.rows[i] = m
		return i
	}
	t.rows = append(t.rows, m)
	return len(t.rows) - 1
}

// update replaces a row with a later one of the same matrix, unless the one that
// is there was modified later. Only a query for one region knows the region of a
// row that does not name it. The caller holds mu.
func (t *table) update(i int, m report.Matrix) {
	old := &t.rows[i]
	region := cmp.Or(m.Region, old.Region)
	if !old.ModifiedAt.After(m.ModifiedAt.Time) {
		*old = m
	}
	old.Region = cmp.Or(old.Region, region)
}

// release removes a row. The caller holds mu.
func (t *table) release(i int) {
	t.rows[i] = report.Matrix{}
	t.free = append(t.free, i)
}

// list returns the rows with the given indexes, in no order. It uses up t.
func (t *table) list(indexes map[string]int) []report.Matrix {
	used := make([]bool, len(t.rows))
	for _, i := range indexes {
		used[i] = true
	}
	n := 0
	for i := range t.rows {
		if used[i] {
			if i != n {
				t.rows[n] = t.rows[i]
			}
			n++
		}
	}
	clear(t.rows[n:])
	return t.rows[:n]
}
