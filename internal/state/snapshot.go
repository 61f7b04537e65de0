package state

import (
	"slices"
	"strings"
	"time"
)

// forgetAfter is how long a matrix is remembered that no listing covers.
const forgetAfter = 90 * 24 * time.Hour

// Advance returns the snapshot of a listing: its matrices with what previous
// knew about them, and the matrices of previous that the listing does not cover.
func Advance(previous Snapshot, l Listing, loc *time.Location) Snapshot {
	l.Matrices = slices.Clone(l.Matrices)
	return advance(previous, l, loc)
}

// advance is Advance that keeps and changes the matrices of l, as there may be many.
func advance(previous Snapshot, l Listing, loc *time.Location) Snapshot {
	next := Snapshot{At: l.At.UTC(), Complete: l.Complete, Areas: slices.Clone(l.Areas), Problems: slices.Sorted(slices.Values(l.Problems))}
	next.Problems = slices.Compact(next.Problems)
	next.Matrices = l.Matrices
	for i, m := range l.Matrices {
		next.Matrices[i] = listed(m)
	}
	slices.SortStableFunc(next.Matrices, compareMatrices)
	next.Matrices = slices.CompactFunc(next.Matrices, func(a, b Matrix) bool { return compareMatrices(a, b) == 0 })
	known, now := cursor{previous.Matrices}, cursor{next.Matrices}
	for i, m := range next.Matrices {
		old, _ := known.find(m)
		next.Matrices[i] = remember(old, m, next.At, loc)
	}
	for _, old := range previous.Matrices {
		if _, found := now.find(old); found || next.covers(old) {
			continue
		}
		if old.Seen.IsZero() {
			old.Seen = previous.At
		}
		if next.At.Sub(old.Seen) < forgetAfter {
			next.Matrices = append(next.Matrices, old)
		}
	}
	slices.SortFunc(next.Matrices, compareMatrices)
	return next
}

// listing returns the listing of a snapshot.
func (s Snapshot) listing() Listing {
	l := Listing{At: s.At, Complete: s.Complete, Areas: s.Areas, Problems: s.Problems}
	for _, m := range s.Matrices {
		if m.Seen.IsZero() {
			l.Matrices = append(l.Matrices, m)
		}
	}
	return l
}

// listed returns what a listing knows about a matrix, within the bounds of a
// record.
func listed(m Matrix) Matrix {
	valid := func(s string) string { return strings.ToValidUTF8(s, "\uFFFD") } // JSON would replace it later
	name := m.Name
	if len(name) > maxNameBytes {
		name = strings.ToValidUTF8(name[:maxNameBytes], "") // drops what is left of a cut character
	}
	expires := m.Expires.UTC()
	if expires.Year() > 9999 { // which JSON cannot hold
		expires = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)
	}
	return Matrix{
		ID: valid(m.ID), Account: valid(m.Account), Name: valid(name), Region: valid(m.Region),
		Expires: expires, Reason: m.Reason, Severity: m.Severity, Snoozed: m.Snoozed,
	}
}

// remember adds to m, listed at that time, what old knew about it.
func remember(old, m Matrix, at time.Time, loc *time.Location) Matrix {
	if m.Reason != "" {
		m.Since = at
		if old.Reason != "" && old.Since.Before(at) {
			m.Since = old.Since
		}
		if m.Woken = old.Woken; old.Snoozed {
			m.Woken = at
		}
	}
	m.Renewals, m.RenewedTo = old.Renewals, old.RenewedTo
	if renewed(old, m) && m.Expires.After(old.RenewedTo) {
		m.Renewals, m.RenewedTo = old.Renewals.Add(daysLeft(at, old.Expires, loc)), m.Expires
	}
	return m
}

// renewed reports whether m expires later than before.
func renewed(before, m Matrix) bool {
	return !before.Expires.IsZero() && m.Expires.After(before.Expires)
}
