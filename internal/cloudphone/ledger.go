package cloudphone

import (
	"iter"
	"math/bits"
)

// A ledger notes every matrix that was read, in some 16 bytes each, so that of
// a million of them those that need nobody cost next to nothing. It tells them
// apart by 56 bits of a hash with a seed of its own: that two of a million
// collide happens once in 140,000 listings, and then one of them is missing
// from the count, so the report says that it is not complete.
type ledger struct {
	shards [256]shard // by the first bits of the key, so that no more than one has to grow at a time
	size   int
}

// A key is what a row is told apart by, hashed to 56 bits.
type key uint64

const keyBits, identBits = 56, 48

// An entry is what a ledger knows of a matrix.
type entry struct {
	modified uint32 // seconds since 1970
	chain    uint16 // the first that showed it, among those of one region; 0 for none
	gone     bool   // it is DELETED
	looks    uint8  // a bit for each look at all regions that showed it
}

// A shard is a table with linear probing. A slot has the rest of the key, and
// the entry but for its time; an empty one is 0.
type shard struct {
	slots    []uint64
	modified []uint32
	size     int
}

// What the low 16 bits of a slot are.
const (
	taken     = 1 << 0
	gone      = 1 << 1
	lookShift = 2 // two looks
	idShift   = 4
	maxChains = 1<<12 - 1
)

func (l *ledger) get(k key) (e entry, ok bool) {
	s := &l.shards[k>>identBits]
	i := s.find(uint64(k) << 16)
	if len(s.slots) == 0 || s.slots[i] == 0 {
		return entry{}, false
	}
	return s.entry(i), true
}

// note gives the place of a matrix, and tells whether there is an entry; if
// not, it is to be set before the next is noted.
func (l *ledger) note(k key) (s *shard, i int, known bool) {
	s = &l.shards[k>>identBits]
	i = s.find(uint64(k) << 16)
	if len(s.slots) > 0 && s.slots[i] != 0 {
		return s, i, true
	}
	l.size++
	if s.size++; s.size*8 > len(s.slots)*7 {
		s.grow()
		i = s.find(uint64(k) << 16)
	}
	return s, i, false
}

func (l *ledger) put(k key, e entry) {
	s, i, _ := l.note(k)
	s.set(i, k, e)
}

func (s *shard) set(i int, k key, e entry) {
	slot := uint64(k)<<16 | taken | uint64(e.looks)<<lookShift | uint64(e.chain)<<idShift
	if e.gone {
		slot |= gone
	}
	s.slots[i], s.modified[i] = slot, e.modified
}

// find gives the slot of a key, or the empty one that it would take. The low
// 16 bits say nothing.
func (s *shard) find(slot uint64) int {
	n := len(s.slots)
	if n == 0 {
		return 0
	}
	place, _ := bits.Mul64(slot, uint64(n))
	i := int(place)
	for s.slots[i] != 0 && (s.slots[i]^slot)>>16 != 0 {
		if i++; i == n {
			i = 0
		}
	}
	return i
}

func (s *shard) entry(i int) entry {
	slot := s.slots[i]
	return entry{
		modified: s.modified[i], gone: slot&gone != 0, looks: uint8(slot>>lookShift) & 3, chain: uint16(slot>>idShift) & maxChains,
	}
}

func (s *shard) grow() {
	old := *s
	n := len(old.slots)*3/2 + 8
	s.slots, s.modified = make([]uint64, n), make([]uint32, n)
	for j, slot := range old.slots {
		if slot != 0 {
			i := s.find(slot &^ 0xffff)
			s.slots[i], s.modified[i] = slot, old.modified[j]
		}
	}
}

// all goes through the ledger, in no order. It must not be changed meanwhile.
func (l *ledger) all() iter.Seq2[key, entry] {
	return func(yield func(key, entry) bool) {
		for first := range l.shards {
			s := &l.shards[first]
			for i, slot := range s.slots {
				if slot != 0 && !yield(key(first)<<identBits|key(slot>>16), s.entry(i)) {
					return
				}
			}
		}
	}
}
