package cloudphone

import (
	"hash/maphash"
	"slices"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

// Of one matrix the newest row counts, whenever it comes, whether it is kept or
// not, and for the counts as well.
func TestOfOneMatrixTheNewestRowIsKept(t *testing.T) {
	day := func(n int) report.Time { return report.Time{Time: time.Date(2026, 1, n, 0, 0, 0, 0, zone)} }
	rows := []report.Matrix{
		{NodeID: "cpn-1", Status: "RUNNING", ModifiedAt: day(1), ExpiresAt: day(20)},
		{NodeID: "cpn-1", Status: "FAILED", ModifiedAt: day(2)},
		{NodeID: "cpn-1", Status: "DELETED", ModifiedAt: day(3)},
		{NodeID: "cpn-1", Status: "DELETING", ModifiedAt: day(4)},
	}
	fates := map[string]report.Fate{"RUNNING": report.Later, "FAILED": report.Keep, "DELETED": report.Gone, "DELETING": report.Drop}
	for _, order := range [][]int{{0, 1}, {1, 0}, {0, 1, 2}, {2, 1, 0}, {1, 2, 0}, {3, 0, 1}, {0, 3}, {3, 1}, {1, 3}, {2, 3}, {3, 2}, {1, 1}, {0, 0}, {2, 2}} {
		r := newReading(nil, func(int) {}, func(m *report.Matrix) report.Fate { return fates[m.Status] }, maphash.MakeSeed())
		c, err := r.newChain("cn-hangzhou")
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range order {
			r.add(c, "cn-hangzhou", &page{TotalCount: 1, Nodes: slices.Clone(rows[i : i+1])}, false)
		}
		r.end(c)
		l := merge([]*reading{r})
		newest := rows[slices.Max(order)]
		kept, deleted := 0, 0
		switch fates[newest.Status] {
		case report.Keep, report.Later:
			kept = 1
		case report.Gone:
			deleted = 1
		}
		if len(l.Matrices) != kept || kept == 1 && l.Matrices[0].Status != newest.Status || l.Deleted != deleted || l.Listed() != 1 {
			t.Errorf("%v: got %+v, %d deleted, %d listed, want %s", order, l.Matrices, l.Deleted, l.Listed(), newest.Status)
		}
	}
}
