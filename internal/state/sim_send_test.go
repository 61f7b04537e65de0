package state

import (
	"context"
	"math/rand/v2"
	"slices"
	"time"
)

// send sends the report to one channel and records the outcome.
func (a *simAttempt) send(ctx context.Context, r *rand.Rand, session *Session, turn *Turn, ch string, l Listing) {
	a.step()
	k, known := turn.Known(ch)
	w := a.world
	w.mu.Lock()
	if a.blind = !turn.claimed; a.blind {
		w.totals.blind++
	}
	w.mu.Unlock()
	due := turn.Due(ch, simSchedule)
	if ch == "changes" && !a.partial && !due.Any() {
		w.mu.Lock()
		w.totals.quiet++
		if fault := w.channels[ch].quiet(l); fault != "" {
			w.fault("%s, %s: %s", a.name, ch, fault)
		}
		a.outcomes[ch] = Quiet
		w.settled[ch+a.event] = true
		w.mu.Unlock()
		a.record(ctx, session, turn, ch, Quiet, nil, l)
		return
	}
	post, cancel := context.WithDeadline(ctx, turn.Until.Add(-a.skew))
	defer cancel()
	sleep(post, time.Duration(r.Int64N(int64(3*time.Second))))
	outcome, accepted := w.chat(r)
	if outcome == Uncertain && r.IntN(2) == 0 {
		sleep(post, time.Hour) // the chat does not answer
	}
	if post.Err() != nil {
		accepted = false
		outcome = Uncertain
	}
	a.step()
	var m *simMessage
	w.mu.Lock()
	if accepted {
		m = a.accepted(ch, turn, due, k == nil && known, known, l)
	}
	if outcome == Uncertain {
		w.settled[ch+a.event] = true
	}
	a.outcomes[ch] = outcome
	w.note("%s, %s: %s, accepted %t", a.name, ch, outcome, accepted)
	w.mu.Unlock()
	a.step()
	a.record(ctx, session, turn, ch, outcome, m, l)
}

// chat draws what becomes of a message.
func (s *simulation) chat(r *rand.Rand) (o Outcome, accepted bool) {
	if r.IntN(100) >= s.chatFaults {
		return Delivered, true
	}
	switch r.IntN(3) {
	case 0:
		return Uncertain, true
	case 1:
		return Uncertain, false
	}
	return Failed, false
}

// accepted checks a message that the chat has accepted. The mutex is held.
func (a *simAttempt) accepted(ch string, turn *Turn, due Due, first, known bool, l Listing) *simMessage {
	w, c := a.world, a.world.channels[ch]
	w.totals.messages++
	if len(c.accepted[a.event]) > 0 {
		w.totals.again++
	}
	changes := turn.Changes(ch)
	w.totals.changes += len(changes)
	m, faults := c.accept(a, l, changes, due, known, first)
	for _, fault := range faults {
		w.fault("%s, %s: %s", a.name, ch, fault)
	}
	return m
}

// record records an outcome and notes whether it is surely stored.
func (a *simAttempt) record(ctx context.Context, session *Session, turn *Turn, ch string, o Outcome, m *simMessage, l Listing) {
	a.world.mu.Lock()
	a.count(l, false)
	a.world.mu.Unlock()
	turn.Record(ctx, ch, o)
	a.step()
	w, problems := a.world, session.Problems() // which waits for the session: not under the world's mutex
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, p := range problems {
		if p.Code == CodeUnavailable {
			a.troubled = true
			w.note("%s: %s", a.name, p.Message)
			return
		}
	}
	a.count(l, true)
	if m != nil {
		w.channels[ch].record(m, o == Delivered)
	}
}

// A simDay is a run that may have set the counts of a day.
type simDay struct {
	at       time.Time
	complete bool
	sure     bool
	matrices int
	critical int
	reasons  map[string]int
}

// count notes the counts of a listing that was stored. The mutex is held.
func (a *simAttempt) count(l Listing, sure bool) {
	if a.partial {
		return
	}
	d := simDay{at: l.At, complete: l.Complete, sure: sure, matrices: len(l.Matrices), reasons: map[string]int{}}
	for _, m := range l.Matrices {
		if m.Reason != "" {
			d.reasons[string(m.Reason)]++
		}
		if rank(m.Severity) == 3 {
			d.critical++
		}
	}
	date := l.At.Add(8 * time.Hour).Format("2006-01-02")
	a.world.days[date] = append(a.world.days[date], d)
}

// newest returns the newest record of the store, and checks that no run has
// claimed twice. The mutex is held.
func (s *simulation) newest() (newest Record) {
	for name, object := range s.store.objects {
		if _, ok := recordSequence(name); !ok {
			continue
		}
		decode := s.store.decode
		if s.realCodec {
			decode = func(b []byte) (Record, error) { return decodeRecord(b) }
		}
		if r, err := decode(object); err == nil && r.Sequence > newest.Sequence {
			newest = r
		}
	}
	claims := map[string]bool{}
	for _, c := range newest.Claims {
		if claims[c.Run] {
			s.fault("%s has claimed twice", c.Run)
		}
		claims[c.Run] = true
	}
	return newest
}

// checkDays compares the counts of the newest record with the model's. The
// mutex is held.
func (s *simulation) checkDays() {
	newest := s.newest()
	got := map[string]Day{}
	for _, d := range newest.Days {
		got[d.Date] = d
	}
	for date, runs := range s.days {
		d, found := got[date]
		if !found && slices.ContainsFunc(runs, func(r simDay) bool { return r.sure }) {
			s.fault("%s has no counts", date)
		}
		if found && !slices.ContainsFunc(runs, func(r simDay) bool { return r.matches(d) }) {
			s.fault("the counts of %s are %+v", date, d)
		}
		for _, r := range runs { // nothing better was recorded for sure
			if found && r.sure && (r.complete && !d.Complete || r.at.After(d.At) && r.complete == d.Complete) {
				s.fault("the counts of %s are those of %s, there is a later report of %s", date, d.At, r.at)
			}
		}
	}
}

func (r simDay) matches(d Day) bool {
	for reason, n := range d.Reasons {
		if r.reasons[string(reason)] != n {
			return false
		}
	}
	return r.at.Equal(d.At) && r.complete == d.Complete && r.matrices == d.Matrices && r.critical == d.Severities["critical"] && len(r.reasons) == len(d.Reasons)
}
