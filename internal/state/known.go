package state

import (
	"slices"
	"time"
)

// A Baseline says what a channel has last been sent: the snapshot with a number,
// apart from the exceptions.
type Baseline struct {
	Channel    string      `json:"channel"`
	Snapshot   int64       `json:"snapshot"`
	At         time.Time   `json:"at"` // of the snapshot
	Exceptions []Exception `json:"exceptions,omitempty"`
}

// An Exception is a matrix that a channel knows differently from its baseline's
// snapshot, because a report that was delivered to it could not show it.
type Exception struct {
	Matrix  Matrix `json:"matrix"`
	Unknown bool   `json:"unknown,omitempty"` // the channel does not know the matrix
}

// Known is what a channel has last been sent.
type Known struct {
	At       time.Time
	Problems []string
	Matrices []Matrix  // sorted by account and id; Seen is zero if that is snapshot
	snapshot time.Time // of the report that showed most of them last
}

// find returns the matrix with the identity of m, with the time of the last report
// that showed it.
func (k Known) find(m Matrix) (Matrix, bool) {
	was, found := find(k.Matrices, m)
	return k.dated(was), found
}

func (k Known) dated(m Matrix) Matrix {
	if m.Seen.IsZero() {
		m.Seen = k.snapshot
	}
	return m
}

// known returns what the channel of the baseline knows, if s is its snapshot.
func (b Baseline) known(s Snapshot) Known {
	k := Known{At: b.At, Problems: s.Problems, Matrices: s.Matrices, snapshot: s.At}
	if len(b.Exceptions) == 0 {
		return k
	}
	k.Matrices = nil
	exceptions := map[[2]string]Exception{}
	for _, e := range b.Exceptions {
		exceptions[[2]string{e.Matrix.Account, e.Matrix.ID}] = e
	}
	for _, m := range s.Matrices {
		if _, found := exceptions[[2]string{m.Account, m.ID}]; !found {
			k.Matrices = append(k.Matrices, m)
		}
	}
	for _, e := range b.Exceptions {
		if !e.Unknown {
			k.Matrices = append(k.Matrices, e.Matrix)
		}
	}
	slices.SortFunc(k.Matrices, compareMatrices)
	return k
}

func seenIn(s Snapshot, m Matrix) time.Time {
	if m.Seen.IsZero() {
		return s.At
	}
	return m.Seen
}

// baseline returns the baseline of a channel that knew k, nil for nothing, and
// was then sent the report of s.
func baseline(channel string, k *Known, s Snapshot) Baseline {
	b := Baseline{Channel: channel, Snapshot: s.Number, At: s.At}
	if k == nil {
		k = &Known{}
	}
	known, listed := cursor{k.Matrices}, cursor{s.Matrices}
	for _, m := range s.Matrices {
		old, found := known.find(m)
		old = k.dated(old)
		switch {
		case m.Seen.IsZero() && !(found && hiddenRecovery(s, old, m)): // the report showed its present state
		case !found:
			b.Exceptions = append(b.Exceptions, Exception{Matrix: identity(m), Unknown: true})
		case !sameFinding(old, m) || !old.Seen.Equal(seenIn(s, m)):
			b.Exceptions = append(b.Exceptions, Exception{Matrix: old})
		}
	}
	for _, old := range k.Matrices {
		if _, found := listed.find(old); !found && !s.covers(old) {
			b.Exceptions = append(b.Exceptions, Exception{Matrix: k.dated(old)})
		}
	}
	return b
}

// hiddenRecovery reports whether m has recovered in an incomplete listing,
// which is not reported.
func hiddenRecovery(s Snapshot, old, m Matrix) bool {
	return !s.Complete && old.Reason != "" && m.Reason == "" && !renewed(old, m)
}

func identity(m Matrix) Matrix { return Matrix{ID: m.ID, Account: m.Account} }

// sameFinding reports whether no change could be reported between a and b.
func sameFinding(a, b Matrix) bool {
	return a.Expires.Equal(b.Expires) && a.Reason == b.Reason && a.Severity == b.Severity
}
