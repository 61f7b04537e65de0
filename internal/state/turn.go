package state

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"slices"
	"sync"
	"time"
)

// An Intent is what a run is about to send.
type Intent struct {
	Event    string        // triggerName and triggerTime, or the request id
	Channels []string      // those to send to
	Listing  Listing       // what the report was made of; the turn keeps and changes its matrices
	Send     time.Duration // the time that is kept for sending
	Location *time.Location

	// Partial is set for a run whose report is not that of the settings: it
	// records its deliveries only and does not become the state.
	Partial bool
}

// A Turn is a run's turn to send. It is safe for concurrent use.
type Turn struct {
	// Channels are those of the intent that lack the event.
	Channels []string
	// Until is the deadline of every request to a chat; zero without a store.
	Until time.Time

	session *Session
	intent  Intent
	claimed bool              // there is a claim in the store
	known   map[string]*Known // by channel; an entry of nil is a channel without a report
	before  Snapshot          // of the run before
	now     Snapshot          // of this run
	stored  *Snapshot         // the same as it was stored; guarded by the session's mutex

	mu      sync.Mutex
	pending map[string]Outcome // not stored yet
}

// Claim waits until no other run may be sending the event, claims the channels
// that lack it, and returns the turn to send to them; there may be none. A run
// claims right before it sends.
//
// If the store fails, the turn is that of a run without a store. The only
// error is [ErrBusy].
func (s *Session) Claim(ctx context.Context, in Intent) (*Turn, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &Turn{session: s, intent: in, Channels: in.Channels, pending: map[string]Outcome{}}
	if s.objects == nil {
		return t, nil
	}
	// A store that is slow leaves at least half of the time kept for sending.
	use := ctx
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		use, cancel = context.WithDeadline(ctx, deadline.Add(-in.Send/2))
		defer cancel()
	}
	for pause := time.Second; ; pause = min(2*pause, 5*time.Second) {
		if s.lost = s.load(use); s.lost != nil {
			t.Until = s.until(ctx, in)
			return t, nil
		}
		t.Channels = lacking(s.claims(), in.Event, in.Channels)
		if len(t.Channels) == 0 {
			return t, nil
		}
		if other, found := pending(s.claims(), s.run, in.Event, t.Channels, s.now()); found {
			waited, err := s.wait(ctx, pause, other, in)
			if err != nil {
				return nil, err
			}
			if waited {
				continue
			}
		}
		err := s.claim(use, t, s.until(ctx, in))
		if errors.Is(err, errOvertaken) {
			continue
		}
		if s.lost = err; err == nil {
			t.claimed = true
			s.learn(use, t)
		}
		return t, nil
	}
}

// Look returns a turn that cannot send: it reads what the channels of an intent
// know.
func (s *Session) Look(ctx context.Context, in Intent) *Turn {
	s.mu.Lock()
	defer s.mu.Unlock()
	t := &Turn{session: s, intent: in, Channels: in.Channels}
	if s.objects == nil {
		return t
	}
	if s.lost = s.load(ctx); s.lost == nil && s.newest != nil {
		s.learn(ctx, t)
	}
	return t
}

// until returns the end of a claim made now.
func (s *Session) until(ctx context.Context, in Intent) time.Time {
	until := s.now().Add(in.Send)
	if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < in.Send {
		until = s.now().Add(time.Until(deadline))
	}
	return until
}

func (s *Session) claims() []Claim {
	if s.newest == nil {
		return nil
	}
	return s.newest.Claims
}

// wait waits for the outcome of another run's claim, for a while. It reports
// false, or ErrBusy if the claim is on the same event, if the run would have no
// time left to send.
func (s *Session) wait(ctx context.Context, pause time.Duration, other Claim, in Intent) (waited bool, err error) {
	end := max(0, other.Until.Add(clockSkew).Sub(s.now()))
	if pause = min(pause, end); s.left < sessionTime/2 {
		pause = end // the rest of the store's time is kept for writing
	}
	deadline, limited := ctx.Deadline()
	if limited && time.Until(deadline) < pause+in.Send {
		if other.Event == in.Event {
			return false, ErrBusy
		}
		return false, nil
	}
	select {
	case <-time.After(pause):
		return true, nil
	case <-ctx.Done():
		return false, ErrBusy
	}
}

// errOvertaken is returned by a change if the newest record is another one than
// that which the run decided by.
var errOvertaken = errors.New("another run was faster")

// claim writes the claim of a turn that ends at that time.
func (s *Session) claim(ctx context.Context, t *Turn, until time.Time) error {
	decided := s.newest
	t.Until = until
	return s.write(ctx, func(next *Record) error {
		if s.newest != decided {
			return errOvertaken
		}
		// The run's own claim may be there: a put that seemed to be refused.
		next.Claims = slices.DeleteFunc(next.Claims, func(c Claim) bool { return c.Run == s.run })
		next.Claims = append(next.Claims, t.claim(next.Written))
		return nil
	})
}

func (t *Turn) claim(now time.Time) Claim {
	return Claim{Event: t.intent.Event, Run: t.session.run, Channels: t.Channels, At: now, Until: t.Until.UTC()}
}

// learn reads what each channel knows.
func (s *Session) learn(ctx context.Context, t *Turn) {
	t.before = s.newest.Snapshot
	t.now = advance(t.before, t.intent.Listing, t.intent.Location)
	t.intent.Listing.Matrices = nil // t.now has them
	t.known = map[string]*Known{}
	for _, ch := range t.Channels {
		i := slices.IndexFunc(s.newest.Baselines, func(b Baseline) bool { return b.Channel == ch })
		if i < 0 || ahead(s.newest.Baselines[i].At, t.now.At) {
			t.known[ch] = nil
			continue
		}
		b := s.newest.Baselines[i]
		snapshot, err := s.snapshot(ctx, b.Snapshot)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			t.known[ch] = nil
		case err == nil:
			k := b.known(snapshot)
			t.known[ch] = &k
		default: // the channel is not in known: its changes are not known
			s.lost = err
		}
	}
}

// snapshot returns the snapshot with a number, or if its record is gone, the
// nearest one before it.
func (s *Session) snapshot(ctx context.Context, number int64) (Snapshot, error) {
	if s.newest.Snapshot.Number == number {
		return s.newest.Snapshot, nil
	}
	for _, n := range slices.Backward(s.sequences) {
		if n > number || s.unreadable[n] {
			continue
		}
		r, err := s.read(ctx, n)
		switch {
		case err == nil:
			return r.Snapshot, nil
		case errors.Is(err, errUnreadable):
			s.unreadable[n] = true
		case !errors.Is(err, fs.ErrNotExist):
			return Snapshot{}, err
		}
	}
	return Snapshot{}, fs.ErrNotExist
}

// Remembers reports whether the snapshot of the turn has what was remembered before.
func (t *Turn) Remembers() bool { return t.known != nil && !t.intent.Partial }

// Known returns what a channel of the turn knows, and whether anything is known
// about it: nil and true is a channel that has had no report.
func (t *Turn) Known(channel string) (k *Known, ok bool) {
	if t.intent.Partial {
		return nil, false
	}
	k, ok = t.known[channel]
	return k, ok
}

// Changes returns the changes since the last report that was delivered to a
// channel. There are none for its first report.
func (t *Turn) Changes(channel string) []Change {
	k, _ := t.Known(channel)
	if k == nil {
		return nil
	}
	return Compare(*k, t.now)
}

// Due returns why the report is to be sent to a channel with NOTIFY_ON=changes.
// If nothing is known about the channel, it is to be sent.
func (t *Turn) Due(channel string, s Schedule) Due {
	k, _ := t.Known(channel)
	return s.Due(k, t.before.Problems, t.now)
}

// Snapshot returns the matrices of the listing with what was remembered of
// them, such as since when they have their finding.
func (t *Turn) Snapshot() Snapshot { return t.now }

// Quiet notes that there was no reason to send the report to a channel. It is
// stored with the next outcome, or by Finish.
func (t *Turn) Quiet(channel string) { t.note(channel, Quiet) }

func (t *Turn) note(channel string, o Outcome) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.pending[channel] = o
}

// Record stores what became of the report in a channel. Outcomes that arrive
// while the store is busy are stored together.
func (t *Turn) Record(ctx context.Context, channel string, o Outcome) {
	t.note(channel, o)
	t.session.mu.Lock()
	defer t.session.mu.Unlock()
	t.flush(ctx)
}

// Finish stores what is left to store, and removes old records.
func (t *Turn) Finish(ctx context.Context) {
	s := t.session
	s.mu.Lock()
	defer s.mu.Unlock()
	t.flush(ctx)
	if s.objects != nil && s.lost == nil {
		s.untidy = s.prune(ctx)
	}
}

// flush stores the pending outcomes, and with the first of them the snapshot.
func (t *Turn) flush(ctx context.Context) {
	s := t.session
	t.mu.Lock()
	outcomes := t.pending
	t.pending = map[string]Outcome{}
	t.mu.Unlock()
	if s.objects == nil || len(outcomes) == 0 || errors.Is(s.lost, errNewer) {
		return
	}
	var stored *Snapshot
	err := s.write(ctx, func(next *Record) error {
		stored = t.store(next, outcomes)
		return nil
	})
	if s.lost = err; err == nil {
		t.stored = stored
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for ch, o := range outcomes { // to be stored with the next ones
		if _, found := t.pending[ch]; !found {
			t.pending[ch] = o
		}
	}
}

// store adds outcomes to a record, and the turn's snapshot if it has to become
// the state. It returns the snapshot, or nil if it is not stored yet.
func (t *Turn) store(next *Record, outcomes map[string]Outcome) *Snapshot {
	own := func(c Claim) bool { return c.Run == t.session.run }
	if !slices.ContainsFunc(next.Claims, own) {
		next.Claims = append(next.Claims, t.claim(next.Written))
	}
	claim := &next.Claims[slices.IndexFunc(next.Claims, own)]
	if claim.Outcomes == nil {
		claim.Outcomes = map[string]Outcome{}
	}
	maps.Copy(claim.Outcomes, outcomes)
	if t.intent.Partial {
		return nil
	}
	var moved []string // whose baseline moves
	for ch, o := range outcomes {
		if o == Delivered && t.moves(next.Baselines, ch) {
			moved = append(moved, ch)
		}
	}
	snapshot := t.stored
	if snapshot == nil {
		current := t.current(next.Snapshot)
		current.Number = next.Sequence
		next.Days = addDay(next.Days, current, next.Sequence, t.intent.Location)
		if len(moved) > 0 || current.At.After(next.Snapshot.At) {
			next.Snapshot, snapshot = current, &current
		}
	}
	next.Baselines = slices.DeleteFunc(next.Baselines, func(b Baseline) bool {
		unused := !slices.Contains(t.intent.Channels, b.Channel) && next.Written.Sub(b.At) > forgetAfter
		return unused || slices.Contains(moved, b.Channel)
	})
	for _, ch := range moved {
		next.Baselines = append(next.Baselines, baseline(ch, t.known[ch], *snapshot))
	}
	return snapshot
}

// current returns the snapshot of the run after previous.
func (t *Turn) current(previous Snapshot) Snapshot {
	switch {
	case t.known == nil: // the run has not read the store
		return Advance(previous, t.intent.Listing, t.intent.Location)
	case previous.Number == t.before.Number:
		return t.now
	}
	return advance(previous, t.now.listing(), t.intent.Location)
}

// moves reports whether a delivery to the channel moves its baseline: the run
// knew what the channel knew, and its listing is newer.
func (t *Turn) moves(baselines []Baseline, channel string) bool {
	if _, ok := t.Known(channel); !ok {
		return false
	}
	return !slices.ContainsFunc(baselines, func(b Baseline) bool {
		return b.Channel == channel && !t.now.At.After(b.At) && !ahead(b.At, t.now.At)
	})
}

// maxAhead is how far the time of a report may be ahead of now. A report from later
// was written by a machine whose clock was wrong, and nothing is compared with it.
const maxAhead = 15 * time.Minute

func ahead(at, now time.Time) bool { return at.Sub(now) > maxAhead }
