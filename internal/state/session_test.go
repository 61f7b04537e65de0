package state

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/report"
)

// intent returns the intent of a run that sends an event to slack and teams.
func intent(event string, l Listing) Intent {
	return Intent{Event: event, Channels: []string{"slack", "teams"}, Listing: l, Send: 20 * time.Second, Location: time.UTC}
}

// claim makes a run claim, without trouble.
func claim(t *testing.T, o Objects, in Intent) (*Session, *Turn) {
	t.Helper()
	return claimBy(t, Open(o), in)
}

func claimBy(t *testing.T, s *Session, in Intent) (*Session, *Turn) {
	t.Helper()
	turn, err := s.Claim(t.Context(), in)
	if err != nil {
		t.Fatal(err)
	}
	return s, turn
}

// deliver makes a run that delivers to every channel that lacks the event.
func deliver(t *testing.T, o Objects, in Intent) (*Session, *Turn) {
	t.Helper()
	return deliverBy(t, Open(o), in)
}

func deliverBy(t *testing.T, s *Session, in Intent) (*Session, *Turn) {
	t.Helper()
	_, turn := claimBy(t, s, in)
	for _, ch := range turn.Channels {
		turn.Record(t.Context(), ch, Delivered)
	}
	turn.Finish(t.Context())
	return s, turn
}

func codes(s *Session) (all []string) {
	for _, p := range s.Problems() {
		all = append(all, p.Code)
	}
	return all
}

func wantCodes(t *testing.T, s *Session, want ...string) {
	t.Helper()
	if got := codes(s); !slices.Equal(got, want) {
		t.Errorf("problems %+v, want %q", s.Problems(), want)
	}
}

func TestRunsRememberEachOther(t *testing.T) {
	for name, o := range map[string]Objects{"folder": Folder(t.TempDir()), "oss": bucket(t, strict())} {
		t.Run(name, func(t *testing.T) {
			expires := testTime.Add(5 * day)
			s, turn := deliver(t, o, intent("monday", listing(testTime, expiring("a", report.Warning, expires))))
			if k, ok := turn.Known("slack"); k != nil || !ok || turn.Changes("slack") != nil || !turn.Due("slack", Schedule{Location: time.UTC}).First {
				t.Errorf("the first run: %+v, %t", k, ok)
			}
			wantCodes(t, s)
			_, turn = claim(t, o, intent("tuesday", listing(testTime.Add(day), expiring("a", report.Critical, expires), expiring("b", report.Notice, expires))))
			if got := kinds(turn.Changes("slack")); got != "new b, escalated a" {
				t.Errorf("changes %q", got)
			}
			if m := turn.Snapshot().Matrices[0]; !m.Since.Equal(testTime) {
				t.Errorf("a has its finding since %s", m.Since)
			}
			turn.Record(t.Context(), "slack", Delivered)
			turn.Record(t.Context(), "teams", Failed)
			turn.Finish(t.Context())
			_, turn = claim(t, o, intent("wednesday", listing(testTime.Add(2*day), expiring("b", report.Notice, expires))))
			if slack, teams := kinds(turn.Changes("slack")), kinds(turn.Changes("teams")); slack != "released a" || teams != "new b, released a" {
				t.Errorf("changes for slack %q, for teams %q", slack, teams)
			}
			if days := Open(o).Latest(t.Context()).Days; len(days) != 2 || days[0].Reasons[report.Expiring] != 1 {
				t.Errorf("days %+v", days)
			}
		})
	}
}

// A report that a machine with a wrong clock dated a year ahead silences no later
// one: nothing is compared with it, and it is replaced.
func TestReportFromTheFuture(t *testing.T) {
	o := Folder(t.TempDir())
	expires := testTime.Add(400 * day)
	deliver(t, o, intent("wrong clock", listing(testTime.Add(365*day), fine("a", expires))))
	_, turn := deliver(t, o, intent("monday", listing(testTime, fine("a", expires))))
	if due := turn.Due("slack", Schedule{Location: time.UTC}); !due.First || turn.Changes("slack") != nil {
		t.Errorf("the first report after it: %+v, changes %q", due, kinds(turn.Changes("slack")))
	}
	_, turn = deliver(t, o, intent("tuesday", listing(testTime.Add(day), expiring("a", report.Critical, testTime.Add(2*day)))))
	if due := turn.Due("slack", Schedule{Location: time.UTC}); due.First || !due.Changed {
		t.Errorf("the next one: %+v", due)
	}
}

func TestAnEventIsSentOnceToEachChannel(t *testing.T) {
	o := Folder(t.TempDir())
	_, turn := claim(t, o, intent("monday", listing(testTime)))
	if !slices.Equal(turn.Channels, []string{"slack", "teams"}) {
		t.Fatalf("channels %q", turn.Channels)
	}
	turn.Record(t.Context(), "slack", Uncertain)
	turn.Record(t.Context(), "teams", Failed)
	if _, turn = deliver(t, o, intent("monday", listing(testTime))); !slices.Equal(turn.Channels, []string{"teams"}) {
		t.Errorf("after an uncertain and a failed delivery: %q", turn.Channels)
	}
	if _, turn = deliver(t, o, intent("monday", listing(testTime))); len(turn.Channels) != 0 {
		t.Errorf("after all: %q", turn.Channels)
	}
	if _, turn = deliver(t, o, intent("tuesday", listing(testTime))); len(turn.Channels) != 2 {
		t.Errorf("another event: %q", turn.Channels)
	}
}

func TestPartialRunsDoNotBecomeTheState(t *testing.T) {
	o := Folder(t.TempDir())
	deliver(t, o, intent("monday", listing(testTime, fine("a", testTime))))
	in := intent("request", listing(testTime.Add(time.Hour)))
	in.Partial = true
	if _, turn := deliver(t, o, in); turn.Changes("slack") != nil {
		t.Errorf("changes %+v", turn.Changes("slack"))
	}
	r := Open(o).Latest(t.Context())
	if len(r.Snapshot.Matrices) != 1 || !r.Snapshot.At.Equal(testTime) || !settled(r.Claims, "request", "slack") {
		t.Errorf("the state is %+v", r)
	}
}

func TestWithoutAStore(t *testing.T) {
	s, turn := deliver(t, nil, intent("monday", listing(testTime, fine("a", testTime))))
	wantCodes(t, s)
	if s.Latest(t.Context()) != nil || len(turn.Channels) != 2 || !turn.Until.IsZero() {
		t.Errorf("turn %+v", turn)
	}
}

// A store that cannot be opened is a problem, and the turn is one without a store.
func TestUnavailable(t *testing.T) {
	s, turn := deliverBy(t, Unavailable(errors.New("no access key")), intent("monday", listing(testTime)))
	wantCodes(t, s, CodeUnavailable)
	if len(turn.Channels) != 2 || !turn.Until.IsZero() || turn.Remembers() {
		t.Errorf("turn %+v", turn)
	}
}

// What is only looked at writes nothing.
func TestLookWritesNothing(t *testing.T) {
	o := Folder(t.TempDir())
	if turn := Open(o).Look(t.Context(), intent("", listing(testTime))); turn.Remembers() {
		t.Error("an empty store remembers something")
	}
	deliver(t, o, intent("monday", listing(testTime, fine("a", testTime.Add(day)))))
	before, err := o.List(t.Context(), "runs/", "")
	turn := Open(o).Look(t.Context(), intent("", listing(testTime.Add(day), expiring("a", report.Notice, testTime.Add(day)))))
	after, err2 := o.List(t.Context(), "runs/", "")
	if got := kinds(turn.Changes("slack")); got != "new a" || !turn.Remembers() || !slices.Equal(before, after) || err != nil || err2 != nil {
		t.Errorf("changes %q, records %q and then %q, %v %v", got, before, after, err, err2)
	}
	if m, found := turn.Snapshot().Matrix("", "a"); !found || !m.Since.Equal(testTime.Add(day)) {
		t.Errorf("since %s", m.Since)
	}
	if m, found := turn.Snapshot().Matrix("", "b"); found {
		t.Errorf("the snapshot has %+v", m)
	}
}

// waiting runs a second run of the event while another one holds a claim, in a
// bubble. It returns the channels that the second is to send to, and after how
// long.
func waiting(t *testing.T, limit time.Duration, event string, first func(*Turn)) (channels []string, took time.Duration, err error) {
	o := Folder(t.TempDir())
	synctest.Test(t, func(t *testing.T) {
		_, turn := claim(t, o, intent("monday", listing(time.Now())))
		go first(turn)
		ctx, cancel := context.WithTimeout(t.Context(), limit)
		defer cancel()
		start := time.Now()
		var second *Turn
		second, err = Open(o).Claim(ctx, intent(event, listing(time.Now())))
		if took = time.Since(start); err == nil {
			channels = second.Channels
		}
	})
	return channels, took, err
}

func TestSecondRunWaitsForTheOutcome(t *testing.T) {
	channels, took, err := waiting(t, time.Hour, "monday", func(turn *Turn) {
		time.Sleep(4 * time.Second)
		turn.Record(context.Background(), "slack", Delivered)
		time.Sleep(4 * time.Second)
		turn.Record(context.Background(), "teams", Failed)
	})
	if err != nil || !slices.Equal(channels, []string{"teams"}) || took < 8*time.Second || took > 13*time.Second {
		t.Errorf("sends to %q after %s, %v", channels, took, err)
	}
}

func TestSecondRunWaitsUntilTheClaimIsOver(t *testing.T) {
	channels, took, err := waiting(t, time.Hour, "monday", func(*Turn) {})
	if err != nil || len(channels) != 2 || took < 29*time.Second || took > 31*time.Second { // 20 s to send and 10 s for the clocks
		t.Errorf("sends to %q after %s, %v", channels, took, err)
	}
}

func TestSecondRunWithoutTimeIsBusy(t *testing.T) {
	channels, took, err := waiting(t, 45*time.Second, "monday", func(*Turn) {})
	if !errors.Is(err, ErrBusy) || channels != nil || took > 25*time.Second {
		t.Errorf("sends to %q after %s, %v", channels, took, err)
	}
}

func TestAnotherEventWaitsOnlyIfThereIsTime(t *testing.T) {
	channels, took, err := waiting(t, time.Hour, "tuesday", func(*Turn) {})
	if err != nil || len(channels) != 2 || took < 29*time.Second {
		t.Errorf("with time: sends to %q after %s, %v", channels, took, err)
	}
	channels, took, err = waiting(t, 45*time.Second, "tuesday", func(*Turn) {})
	if err != nil || len(channels) != 2 || took > 25*time.Second {
		t.Errorf("without time: sends to %q after %s, %v", channels, took, err)
	}
}

func TestUntilIsAtMostTheDeadline(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	turn, err := Open(Folder(t.TempDir())).Claim(ctx, intent("monday", listing(testTime)))
	if deadline, _ := ctx.Deadline(); err != nil || turn.Until.Sub(deadline).Abs() > time.Second {
		t.Errorf("until %s, %v", turn.Until, err)
	}
}

// Many runs of one event, concurrently and over HTTP, send it once to each channel.
func TestManyRunsOfOneEvent(t *testing.T) {
	o := bucket(t, strict())
	var mu sync.Mutex
	sent := map[string]int{}
	var wg sync.WaitGroup
	for range 6 {
		wg.Go(func() {
			turn, err := Open(o).Claim(t.Context(), intent("monday", listing(testTime)))
			if err != nil {
				t.Error(err)
				return
			}
			for _, ch := range turn.Channels {
				mu.Lock()
				sent[ch]++
				mu.Unlock()
				turn.Record(t.Context(), ch, Delivered)
			}
			turn.Finish(t.Context())
		})
	}
	wg.Wait()
	if sent["slack"] != 1 || sent["teams"] != 1 {
		t.Errorf("sent %v", sent)
	}
}
