package report

import "time"

// A Fate is what becomes of a matrix that a listing has read. Only what a
// report tells of has to be kept.
type Fate uint8

const (
	Drop  Fate = iota // it needs nobody
	Gone              // it is DELETED, which is counted
	Later             // it needs nobody yet; the first of these to end is told
	Keep
)

// Fate says what a report of that instant does with m. A listing that was
// sieved so makes the same report as a whole one.
func (r Rules) Fate(m *Matrix, now time.Time) Fate {
	c := evaluation{Matrix: m, Rules: r, now: now}
	switch {
	case len(c.reasons()) > 0 || createdInFuture(m, now):
		return Keep
	case m.Status == StatusDeleted:
		return Gone
	case expiresLater(m, now):
		return Later
	}
	return Drop
}
