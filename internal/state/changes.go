package state

import (
	"slices"

	"matrix-expiry-report/report"
)

// A ChangeKind says what happened to a matrix since a channel's last report.
type ChangeKind string

const (
	New       ChangeKind = "new"       // it has a finding and had none
	Escalated ChangeKind = "escalated" // its finding is more severe
	Renewed   ChangeKind = "renewed"   // it expires later
	Recovered ChangeKind = "recovered" // it has no finding any more, and was not renewed
	Released  ChangeKind = "released"  // it is no longer listed
)

// ChangeKinds lists every kind, the most urgent first.
var ChangeKinds = []ChangeKind{New, Escalated, Renewed, Recovered, Released}

// A Change is one change of one matrix. A renewed matrix can have a second
// change, new or escalated.
type Change struct {
	Kind   ChangeKind
	Matrix Matrix // as listed now, or as last known if it is released
	Was    Matrix // as the channel knew it; zero if it did not
}

// Compare returns the changes from what a channel knows to a snapshot, ordered
// by kind, account and id. An incomplete listing never makes anything recovered
// or released.
func Compare(k Known, s Snapshot) (changes []Change) {
	if !s.At.After(k.At) {
		return nil // the channel has had a newer report
	}
	for _, m := range s.Matrices {
		if !m.Seen.IsZero() {
			continue // not listed
		}
		was, _ := find(k.Matrices, m)
		for _, kind := range kindsOf(s, was, m) {
			changes = append(changes, Change{kind, m, was})
		}
	}
	for _, was := range k.Matrices {
		if _, found := find(s.Matrices, was); !found && s.covers(was) {
			changes = append(changes, Change{Released, was, was})
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return slices.Index(ChangeKinds, a.Kind) - slices.Index(ChangeKinds, b.Kind)
	})
	return changes
}

// kindsOf returns the kinds of change between was, zero if unknown, and m.
func kindsOf(s Snapshot, was, m Matrix) (kinds []ChangeKind) {
	if renewed(was, m) {
		kinds = append(kinds, Renewed)
	}
	switch {
	case m.Reason != "" && was.Reason == "":
		kinds = append(kinds, New)
	case m.Reason != "" && moreSevere(m.Severity, was.Severity):
		kinds = append(kinds, Escalated)
	case m.Reason == "" && was.Reason != "" && s.Complete && !renewed(was, m):
		kinds = append(kinds, Recovered)
	}
	return kinds
}

func moreSevere(a, b report.Severity) bool {
	return slices.Index(report.Severities, a) < slices.Index(report.Severities, b)
}

// Count returns how many changes there are of each kind.
func Count(changes []Change) map[ChangeKind]int {
	counts := map[ChangeKind]int{}
	for _, c := range changes {
		counts[c.Kind]++
	}
	return counts
}
