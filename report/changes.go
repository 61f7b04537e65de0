package report

import (
	"slices"
	"time"
)

// A ChangeKind is what happened to a matrix since an earlier report.
type ChangeKind string

const (
	New       ChangeKind = "new"       // it needs attention and did not
	Escalated ChangeKind = "escalated" // it is more severe
	Renewed   ChangeKind = "renewed"   // it expires later
	Recovered ChangeKind = "recovered" // it needs no attention any more, and was not renewed
	Released  ChangeKind = "released"  // a complete listing does not have it any more
)

// ChangeKinds lists every kind, the most urgent first.
var ChangeKinds = []ChangeKind{New, Escalated, Renewed, Recovered, Released}

// A Change is one change of one matrix. A renewed matrix can have a second one,
// new or escalated.
type Change struct {
	NodeID       string     `json:"node_id"`
	Name         string     `json:"name"`
	Account      string     `json:"account"`
	Region       string     `json:"region"`
	Kind         ChangeKind `json:"change"`
	Reason       Reason     `json:"reason,omitempty"` // why it needs attention or, if it was released, did
	ExpiresAt    Time       `json:"expires_at"`       // of a released one, as last known
	WasExpiresAt Time       `json:"was_expires_at"`   // in the earlier report; absent if it did not have the matrix
}

// maxChanged bounds Report.Changed, which is a part of every response.
const maxChanged = 1000

// WithChanges returns a copy of r with the changes since an earlier report of that
// time, ordered by kind. A finding is marked with its first change.
func (r Report) WithChanges(since time.Time, changes []Change) Report {
	zone := r.GeneratedAt.Location()
	r.ChangesSince = &Time{since.In(zone)}
	r.Changes, r.Changed = countChanges(changes, zone)
	marks := map[[2]string]ChangeKind{}
	for _, c := range changes {
		if key := [2]string{c.Account, c.NodeID}; marks[key] == "" {
			marks[key] = c.Kind
		}
	}
	if len(marks) == 0 {
		return r
	}
	findings := make([]Finding, len(r.Findings))
	for i, f := range r.Findings {
		f.Change = marks[[2]string{f.Account, f.NodeID}]
		findings[i] = f
	}
	r.Findings = findings
	return r
}

// countChanges counts changes by kind, and returns those that are listed with their
// times in zone.
func countChanges(changes []Change, zone *time.Location) (counts map[string]int, listed []Change) {
	counts, listed = map[string]int{}, slices.Clone(changes[:min(len(changes), maxChanged)])
	for _, kind := range ChangeKinds {
		counts[string(kind)] = 0
	}
	for _, c := range changes {
		counts[string(c.Kind)]++
	}
	for i, c := range listed {
		listed[i].ExpiresAt, listed[i].WasExpiresAt = c.ExpiresAt.In(zone), c.WasExpiresAt.In(zone)
	}
	return counts, listed
}
