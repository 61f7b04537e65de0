package state

import (
	"context"
	"slices"
	"time"
)

// Which records are kept: those of the last 90 days, at most 1,000, never fewer
// than 10, and those that a baseline needs.
const (
	keepDays    = 90
	keepAtMost  = 1000
	keepAtLeast = 10

	maxDeletions = 50 // of one run
)

// prune removes records that are not kept.
func (s *Session) prune(ctx context.Context) error {
	if s.newest == nil {
		return nil
	}
	for _, n := range stale(*s.newest, s.sequences, s.now()) {
		err := s.use(ctx, func(ctx context.Context) error { return s.objects.Delete(ctx, recordName(n)) })
		if err != nil {
			return err
		}
	}
	return nil
}

// stale returns the records to remove, of those with the given sequences.
func stale(newest Record, sequences []int64, now time.Time) (old []int64) {
	recent := int64(0) // the first record of the last 90 days
	for _, d := range newest.Days {
		if now.Sub(d.At) <= keepDays*24*time.Hour {
			recent = d.First
			break
		}
	}
	for i, n := range sequences {
		newer := len(sequences) - 1 - i
		needed := slices.ContainsFunc(newest.Baselines, func(b Baseline) bool { return b.Snapshot == n })
		if newer >= keepAtLeast && (newer >= keepAtMost || n < recent) && !needed && len(old) < maxDeletions {
			old = append(old, n)
		}
	}
	return old
}
