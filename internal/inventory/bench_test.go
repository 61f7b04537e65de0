package inventory_test

import (
	"testing"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// The allocations are those of both sides, as the service runs in the process.
func BenchmarkList(b *testing.B) {
	s := overTCP(b, &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())})
	b.ReportAllocs()
	for b.Loop() {
		if l := s.List(b.Context(), nil); len(l.Matrices) != 131 || len(l.Problems) > 0 {
			b.Fatalf("got %d matrices and %+v, want 131", len(l.Matrices), l.Problems)
		}
	}
}
