package state

import (
	"slices"

	"matrix-expiry-report/report"
)

// A Change is one change of one matrix. A renewed matrix can have a second
// change, new or escalated.
type Change struct {
	Kind   report.ChangeKind
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
	known, listed := cursor{k.Matrices}, cursor{s.Matrices}
	for _, m := range s.Matrices {
		if !m.Seen.IsZero() {
			continue // not listed
		}
		was, _ := known.find(m)
		was = k.dated(was)
		for _, kind := range kindsOf(s, was, m) {
			changes = append(changes, Change{kind, m, was})
		}
	}
	for _, was := range k.Matrices {
		if _, found := listed.find(was); !found && s.covers(was) {
			changes = append(changes, Change{report.Released, was, was})
		}
	}
	slices.SortStableFunc(changes, func(a, b Change) int {
		return slices.Index(report.ChangeKinds, a.Kind) - slices.Index(report.ChangeKinds, b.Kind)
	})
	return changes
}

// kindsOf returns the kinds of change between was, zero if unknown, and m.
func kindsOf(s Snapshot, was, m Matrix) (kinds []report.ChangeKind) {
	if renewed(was, m) {
		kinds = append(kinds, report.Renewed)
	}
	switch {
	case m.Reason != "" && (was.Reason == "" || m.Woken.After(was.Seen)):
		kinds = append(kinds, report.New)
	case m.Reason != "" && moreSevere(m.Severity, was.Severity):
		kinds = append(kinds, report.Escalated)
	case m.Reason == "" && was.Reason != "" && s.Complete && !renewed(was, m) && !m.Snoozed:
		kinds = append(kinds, report.Recovered)
	}
	return kinds
}

func moreSevere(a, b report.Severity) bool {
	return slices.Index(report.Severities, a) < slices.Index(report.Severities, b)
}
