package state

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"slices"
	"time"

	"matrix-expiry-report/report"
)

// The time that a run gives to the store.
const (
	operationTime = 3 * time.Second
	sessionTime   = 10 * time.Second
)

// A Session is one run's use of the store. Without a store it remembers nothing,
// and nothing is a problem. It is safe for concurrent use.
type Session struct {
	objects Objects // nil: there is no store
	run     string  // random
	now     func() time.Time
	encode  func(Record) ([]byte, error)
	decode  func([]byte) (Record, error)

	mu         lock // is held while the store is used
	left       time.Duration
	writes     int
	sequences  []int64        // of the records that were listed, in order
	newest     *Record        // nil: none was read yet, or there is none
	unreadable map[int64]bool // by sequence
	loaded     bool
	forgotten  bool  // no record could be read although there are some
	lost       error // why the run goes on as without a store
	untidy     error // why old records were not removed
}

// A lock is a mutex that is held while a run waits for the store. It is a
// channel, because testing/synctest does not see waiting for a sync.Mutex.
type lock chan struct{}

func (l lock) Lock()   { l <- struct{}{} }
func (l lock) Unlock() { <-l }

// Open begins a session. It does not use the store yet.
func Open(objects Objects) *Session {
	return &Session{
		objects: objects, run: rand.Text(), now: time.Now, encode: encode, decode: decode,
		mu: make(lock, 1), left: sessionTime, unreadable: map[int64]bool{},
	}
}

// Unavailable returns the session of a run whose store cannot be opened.
func Unavailable(err error) *Session {
	s := Open(nil)
	s.lost = err
	return s
}

// Latest reads the newest record. It returns nil if there is none, or if the
// store cannot be read, which Problems then reports.
func (s *Session) Latest(ctx context.Context) *Record {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.objects == nil {
		return nil
	}
	if s.lost = s.load(ctx); s.lost != nil {
		return nil
	}
	return s.newest
}

// The codes of Problems.
const (
	CodeUnavailable = "StateUnavailable" // the run goes on as without a store: it may be sent more than once
	CodeNewer       = "StateNewer"       // the same, because of a newer version
	CodeUnreadable  = "StateUnreadable"  // records were skipped
	CodeUntidy      = "StateUntidy"      // old records were not removed
)

// Problems returns what went wrong with the store so far. None of it makes a
// report incomplete.
func (s *Session) Problems() (all []report.Problem) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case errors.Is(s.lost, errNewer):
		all = append(all, report.Problem{Code: CodeNewer, Message: s.lost.Error() + ", so reports may be sent more than once"})
	case s.lost != nil:
		all = append(all, report.Problem{Code: CodeUnavailable, Message: "the state store cannot be used, so reports may be sent more than once: " + s.lost.Error()})
	}
	if len(s.unreadable) > 0 {
		first := slices.Min(slices.Collect(maps.Keys(s.unreadable)))
		text := fmt.Sprintf("%d records could not be read and were skipped, such as %s", len(s.unreadable), recordName(first))
		if s.forgotten {
			text += "; there are no others, so nothing is remembered of earlier reports"
		}
		all = append(all, report.Problem{Code: CodeUnreadable, Message: text})
	}
	if s.untidy != nil {
		all = append(all, report.Problem{Code: CodeUntidy, Message: "old records were not removed: " + s.untidy.Error()})
	}
	return all
}

// use calls do with the time that one operation has.
func (s *Session) use(ctx context.Context, do func(context.Context) error) error {
	if s.left <= 0 {
		return fmt.Errorf("no answer in time: the run's %s for the store are used up", sessionTime)
	}
	limit := min(operationTime, s.left)
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	start := time.Now()
	err := do(ctx)
	s.left -= time.Since(start)
	if err != nil && errors.Is(ctx.Err(), context.DeadlineExceeded) && time.Since(start) >= limit {
		err = fmt.Errorf("no answer within %s: %w", limit, context.DeadlineExceeded)
	}
	return err
}

// load reads the newest record that can be read. After an error nothing is
// loaded: the listing may have newer records than the newest that was read.
func (s *Session) load(ctx context.Context) error {
	s.loaded = false
	for range 3 {
		if err := s.list(ctx); err != nil {
			return err
		}
		again, err := s.readNewest(ctx)
		if err != nil {
			return err
		}
		if !again {
			s.loaded = true
			s.forgotten = s.forgotten || s.newest == nil && len(s.unreadable) > 0
			return nil
		}
	}
	return errors.New("records vanish while they are read")
}

// list adds the records that were written since the last listing.
func (s *Session) list(ctx context.Context) error {
	after := ""
	if s.newest != nil {
		after = recordName(s.newest.Sequence)
	}
	var names []string
	err := s.use(ctx, func(ctx context.Context) (err error) {
		names, err = s.objects.List(ctx, recordPrefix, after)
		return err
	})
	if err != nil {
		return err
	}
	if s.newest == nil {
		s.sequences = nil
	} else {
		s.sequences = slices.DeleteFunc(s.sequences, func(n int64) bool { return n > s.newest.Sequence })
	}
	for _, name := range names {
		if n, ok := recordSequence(name); ok {
			s.sequences = append(s.sequences, n)
		}
	}
	return nil
}

// readNewest reads the newest of the listed records that can be read. It
// reports whether one vanished, so that the listing has to be repeated.
func (s *Session) readNewest(ctx context.Context) (again bool, err error) {
	for _, n := range slices.Backward(s.sequences) {
		if s.newest != nil && n <= s.newest.Sequence {
			return false, nil
		}
		if s.unreadable[n] {
			continue
		}
		r, err := s.read(ctx, n)
		switch {
		case err == nil:
			s.newest = &r
			return false, nil
		case errors.Is(err, fs.ErrNotExist):
			return true, nil
		case errors.Is(err, errUnreadable):
			s.unreadable[n] = true
		default:
			return false, err
		}
	}
	return false, nil
}

// read reads one record. What arrives incomplete is read once more.
func (s *Session) read(ctx context.Context, sequence int64) (r Record, err error) {
	for range 2 {
		var object []byte
		err = s.use(ctx, func(ctx context.Context) (err error) {
			object, err = s.objects.Get(ctx, recordName(sequence))
			return err
		})
		switch {
		case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, errTooLarge):
			err = fmt.Errorf("%w: %w", errUnreadable, err)
		case err == nil:
			if r, err = s.decode(object); err == nil && r.Sequence != sequence {
				err = fmt.Errorf("%w: it is the record of another number", errUnreadable)
			}
		}
		if !errors.Is(err, errUnreadable) {
			return r, err
		}
	}
	return r, err
}

// maxConflicts is how often a write is repeated because other runs are faster.
const maxConflicts = 20

// write puts the next record: the newest one, changed by change. After a
// conflict the newest record is another one, and change is called again. An
// error of change ends the write.
func (s *Session) write(ctx context.Context, change func(next *Record) error) error {
	if !s.loaded {
		if err := s.load(ctx); err != nil {
			return err
		}
	}
	for range maxConflicts {
		next := s.next()
		if err := change(&next); err != nil {
			return err
		}
		conflict, err := s.put(ctx, next)
		if err != nil {
			return err
		}
		if !conflict {
			return nil
		}
		if err := s.load(ctx); err != nil {
			return err
		}
	}
	return errors.New("other runs write all the time")
}

// next returns a copy of the newest record for the next number.
func (s *Session) next() (next Record) {
	if s.newest != nil {
		next = *s.newest
	}
	next.Sequence = 1
	if n := len(s.sequences); n > 0 {
		next.Sequence = s.sequences[n-1] + 1
	}
	s.writes++
	next.Writer = fmt.Sprintf("%s/%d", s.run, s.writes)
	next.Written = s.now().UTC()
	next.Claims = recentClaims(next.Claims, next.Written)
	for i, c := range next.Claims {
		next.Claims[i].Outcomes = maps.Clone(c.Outcomes)
	}
	next.Baselines = slices.Clone(next.Baselines)
	return next
}

// put stores a record and reports whether its number was taken. After an error
// it reads the number: the put may have succeeded, and a library that repeats
// a put whose answer was lost reports a conflict with its own object.
func (s *Session) put(ctx context.Context, next Record) (conflict bool, err error) {
	if next.Sequence > maxSequence {
		return false, errors.New("no numbers are left")
	}
	object, err := s.encode(next)
	if err != nil {
		return false, err
	}
	err = s.use(ctx, func(ctx context.Context) error { return s.objects.Put(ctx, recordName(next.Sequence), object) })
	if err != nil {
		stored, readErr := s.read(ctx, next.Sequence)
		switch {
		case readErr == nil && stored.Writer == next.Writer:
		case readErr == nil, errors.Is(readErr, errUnreadable), errors.Is(err, fs.ErrExist):
			return true, nil
		default:
			return false, err
		}
	}
	s.newest = &next
	s.sequences = append(s.sequences, next.Sequence)
	return false, nil
}
