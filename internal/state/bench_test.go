package state

import (
	"fmt"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

// BenchmarkTurn measures the turn of a run of 100,000 matrices with two channels.
func BenchmarkTurn(b *testing.B) {
	o := Folder(b.TempDir())
	fleet := func(at time.Time) Listing {
		l := listing(at)
		for i := range 100_000 {
			m := fine(fmt.Sprintf("cpn-%013d", i*7919), testTime.Add(time.Duration(i)*time.Minute))
			if m.Name = fmt.Sprintf("prod-hz-%06d", i); i%10 == 0 {
				m.Reason, m.Severity = report.Expiring, report.Notice
			}
			l.Matrices = append(l.Matrices, m)
		}
		return l
	}
	day := 0
	for b.Loop() {
		at := testTime.AddDate(0, 0, day)
		session := Open(o)
		turn, err := session.Claim(b.Context(), Intent{Event: fmt.Sprint(day), Channels: []string{"a", "b"}, Listing: fleet(at), Send: time.Minute, Location: time.UTC})
		if err != nil || session.Problems() != nil {
			b.Fatal(err, session.Problems())
		}
		for _, ch := range turn.Channels {
			turn.Changes(ch)
			turn.Record(b.Context(), ch, Delivered)
		}
		turn.Finish(b.Context())
		day++
	}
}
