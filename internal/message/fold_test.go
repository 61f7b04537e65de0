package message

import (
	"fmt"
	"testing"

	"matrix-expiry-report/report"
)

// Findings that look alike share a row if a report has more than 30 findings, and
// if there are at least three of them.
func TestFold(t *testing.T) {
	for _, c := range []struct {
		alike, others, rows int
	}{
		{30, 0, 30},
		{31, 0, 1},
		{3, 27, 30},
		{3, 28, 29},
		{2, 29, 31},
	} {
		var l report.Listing
		for i := range c.alike + c.others {
			m := expiring(fmt.Sprint(i), 2)
			if i >= c.alike {
				m.InstanceType = m.NodeID // which no other has
			}
			l.Matrices = append(l.Matrices, m)
		}
		m := whole(t, "slack", testReport(l), Options{})
		if len(m.Groups) != 1 || len(m.Groups[0].Rows) != c.rows {
			t.Errorf("%d alike and %d others have %d rows, want %d", c.alike, c.others, len(m.Groups[0].Rows), c.rows)
		}
	}
}
