// Package state remembers runs in an object store: what was reported, to which
// channel, and what a report has to say about it today.
//
// Each write is one object, runs/<12-digit sequence>.json.gz, written once and
// never changed. The newest readable one is the state. To write is to put the
// next number if it is absent; a conflict means that another run was faster.
// This is the only lock.
//
// Read objects.go (what a store must do; folder.go and oss.go do it), record.go
// (what is stored), then the pure functions over it: snapshot.go, known.go,
// changes.go, due.go, history.go; then the protocol: session.go (reading and
// writing records), turn.go (one run's turn to send) and prune.go.
package state

import (
	"cmp"
	"slices"
	"time"

	"matrix-expiry-report/report"
)

// A Matrix is what is remembered of one matrix.
type Matrix struct {
	ID       string          `json:"id"`
	Account  string          `json:"account,omitempty"`
	Name     string          `json:"name,omitempty"`
	Region   string          `json:"region,omitempty"`
	Expires  time.Time       `json:"expires,omitzero"`
	Reason   report.Reason   `json:"reason,omitempty"` // of its finding; empty: it has none
	Severity report.Severity `json:"severity,omitempty"`
	Snoozed  bool            `json:"snoozed,omitempty"` // it needs attention and is left out of reports, so it has no Reason
	Woken    time.Time       `json:"woken,omitzero"`    // when it was snoozed last and then had a finding
	Since    time.Time       `json:"since,omitzero"`    // when its finding was new
	Seen     time.Time       `json:"seen,omitzero"`     // when it was last listed; zero: with the snapshot

	Renewals  report.Renewals `json:"renewals,omitzero"`
	RenewedTo time.Time       `json:"renewed_to,omitzero"` // the expiry of the last renewal
}

// compareMatrices orders matrices by account and id, which identify them.
func compareMatrices(a, b Matrix) int {
	return cmp.Or(cmp.Compare(a.Account, b.Account), cmp.Compare(a.ID, b.ID))
}

// A cursor finds the matrices of a sorted list in their order, faster than one by
// one.
type cursor struct{ rest []Matrix }

// find returns the matrix that has the identity of m. It must not be called with an
// earlier one afterwards.
func (c *cursor) find(m Matrix) (Matrix, bool) {
	for len(c.rest) > 0 {
		switch order := compareMatrices(c.rest[0], m); {
		case order == 0:
			return c.rest[0], true
		case order > 0:
			return Matrix{}, false
		}
		c.rest = c.rest[1:]
	}
	return Matrix{}, false
}

// find returns the matrix of a sorted list that has the identity of m.
func find(sorted []Matrix, m Matrix) (Matrix, bool) {
	i, found := slices.BinarySearchFunc(sorted, m, compareMatrices)
	if !found {
		return Matrix{}, false
	}
	return sorted[i], true
}

// An Area is a region of an account.
type Area struct {
	Account string `json:"account,omitempty"`
	Region  string `json:"region"`
}

// A Listing is what a run has read: its own matrices, except those that are
// DELETED.
type Listing struct {
	At       time.Time
	Complete bool
	Areas    []Area   // those that were read
	Problems []string // identifies what is incomplete, such as code and region
	Matrices []Matrix // of each: ID to Severity
}

// A Snapshot is a listing together with what was remembered before it.
type Snapshot struct {
	Number   int64     `json:"number"` // the sequence of the first record that has it; 0: none yet
	At       time.Time `json:"at"`
	Complete bool      `json:"complete"`
	Areas    []Area    `json:"areas,omitempty"`
	Problems []string  `json:"problems,omitempty"`
	Matrices []Matrix  `json:"matrices"` // sorted by account and id
}

// covers reports whether a matrix that is absent from the snapshot does not
// exist: a complete listing read its area.
func (s Snapshot) covers(m Matrix) bool {
	return s.Complete && slices.Contains(s.Areas, Area{m.Account, m.Region})
}

// Matrix returns the matrix with an account and an id, and whether the snapshot has
// it.
func (s Snapshot) Matrix(account, id string) (Matrix, bool) {
	return find(s.Matrices, Matrix{Account: account, ID: id})
}

// dayNumber counts the calendar days of loc.
func dayNumber(t time.Time, loc *time.Location) int {
	y, m, d := t.In(loc).Date()
	return int(time.Date(y, m, d, 0, 0, 0, 0, time.UTC).Unix() / (24 * 60 * 60))
}

// daysLeft returns the calendar days from at to the last day of an expiry,
// which is the date of the instant just before it.
func daysLeft(at, expires time.Time, loc *time.Location) int {
	return dayNumber(expires.Add(-1), loc) - dayNumber(at, loc)
}
