package state

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"time"
)

// A Period is the time between two recorded reports, with what changed in it.
type Period struct {
	From, To time.Time
	Complete bool // the later report; if not, nothing has recovered or was released
	Changes  []Change
}

// A NotRecordedError is the error of a day since which no changes are recorded.
// Its text says since when there are.
type NotRecordedError string

func (e NotRecordedError) Error() string { return string(e) }

// Days returns the daily counts of the last year, the oldest first.
func (s *Session) Days(ctx context.Context) ([]Day, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.loadNewest(ctx); err != nil || s.newest == nil {
		return nil, err
	}
	return s.newest.Days, nil
}

// loadNewest loads the newest record unless that was done, or returns why the store
// cannot be used.
func (s *Session) loadNewest(ctx context.Context) error {
	if s.objects != nil && !s.loaded {
		s.lost = s.load(ctx)
	}
	return s.lost
}

// Since returns what changed since a day, such as 2006-01-02: from the last
// report before it, or else the first one on it, to the newest one. What came
// and went in between is not a change.
func (s *Session) Since(ctx context.Context, day string) (Period, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.loadNewest(ctx); err != nil {
		return Period{}, err
	}
	if s.newest == nil || len(s.newest.Days) == 0 {
		return Period{}, NotRecordedError("no report is recorded yet")
	}
	days, newest := s.newest.Days, s.newest.Snapshot
	i, onDay := slices.BinarySearchFunc(days, day, compareDay)
	if i == len(days) {
		return Period{}, NotRecordedError(fmt.Sprintf("no report since %s is recorded; the last one is of %s", day, days[i-1].Date))
	}
	// A report may be recorded after a later one.
	first := slices.MinFunc(days[i:], func(a, b Day) int { return cmp.Compare(a.First, b.First) }).First
	from, err := s.snapshot(ctx, first-1)
	none := func() bool { // the first record is a claim without a report
		return errors.Is(err, fs.ErrNotExist) || err == nil && from.Number == 0
	}
	if none() && onDay {
		from, err = s.snapshot(ctx, days[i].First)
	}
	switch {
	case none():
		return Period{}, s.tooOld(day)
	case err != nil:
		s.lost = err
		return Period{}, err
	}
	known := Baseline{At: from.At}.known(from)
	newest.Matrices = slices.Clone(newest.Matrices)
	for i := range newest.Matrices {
		newest.Matrices[i].Woken = time.Time{} // that it was left out in between is no change
	}
	return Period{From: from.At, To: newest.At, Complete: newest.Complete, Changes: Compare(known, newest)}, nil
}

// tooOld returns the error of a day before the records that are left.
func (s *Session) tooOld(day string) error {
	oldest := "the last one"
	for _, d := range s.newest.Days {
		if d.First >= s.sequences[0] {
			oldest = d.Date
			break
		}
	}
	return NotRecordedError(fmt.Sprintf("no record reaches back to %s (they are kept for %d days); the oldest one is of %s", day, keepDays, oldest))
}

func compareDay(d Day, date string) int { return strings.Compare(d.Date, date) }
