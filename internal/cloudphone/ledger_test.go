package cloudphone

import (
	"maps"
	"math/rand/v2"
	"testing"
)

func TestALedgerIsAMap(t *testing.T) {
	random := rand.New(rand.NewPCG(3, 4))
	for _, keys := range []int{1, 10, 300, 20_000} {
		var l ledger
		want := map[key]entry{}
		for range 4 * keys {
			k := key(random.Uint64N(uint64(keys))) * 0x9e3779b97f4a7c15 >> (64 - keyBits)
			if random.IntN(8) == 0 {
				k &= 1<<identBits - 1 // crowd the first shard
			}
			e := entry{
				modified: random.Uint32(), chain: uint16(random.IntN(maxChains + 1)), gone: random.IntN(2) == 0, looks: uint8(random.IntN(4)),
			}
			if got, ok := l.get(k); ok != (want[k] != entry{}) && got != want[k] {
				t.Fatalf("%x: got %+v, want %+v", k, got, want[k])
			}
			l.put(k, e)
			want[k] = e
		}
		if got := maps.Collect(l.all()); !maps.Equal(got, want) || l.size != len(want) {
			t.Errorf("got %d of %d entries, %d by its size", len(got), len(want), l.size)
		}
		for k, e := range want {
			if got, ok := l.get(k); !ok || got != e {
				t.Fatalf("%x: got %+v, want %+v", k, got, e)
			}
		}
	}
}

// Keys that are alike but for one bit are two, and 0 is one, too.
func TestALedgerLooksAtEveryBit(t *testing.T) {
	var l ledger
	keys := []key{0}
	for bit := range keyBits {
		keys = append(keys, 1<<bit)
	}
	for i, k := range keys {
		if _, ok := l.get(k); ok {
			t.Errorf("%x is there before it was put", k)
		}
		l.put(k, entry{modified: uint32(i)})
	}
	for i, k := range keys {
		if e, ok := l.get(k); !ok || e.modified != uint32(i) {
			t.Errorf("%x: got %+v, %v", k, e, ok)
		}
	}
}

func BenchmarkLedger(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		var l ledger
		for i := range uint64(100_000) {
			l.put(key(i*0x9e3779b97f4a7c15>>(64-keyBits)), entry{chain: 1})
		}
	}
}
