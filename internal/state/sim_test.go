package state

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// The simulation draws worlds and runs the protocol in them, with three
// concurrent instances and a crash or a fault at any operation. More of it:
//
//	go test ./internal/state -run TestSimulation -worlds 10000 -seed 1
//	go test ./internal/state -run TestSimulation -worlds 20 -matrices 500 -days 400
var (
	simWorlds   = flag.Int("worlds", 200, "how many worlds to simulate")
	simSeed     = flag.Uint64("seed", 1, "the seed of the first world")
	simMatrices = flag.Int("matrices", 50, "how many matrices a world has")
	simDaysFlag = flag.Int("days", 60, "how many days a world has")
)

var simSchedule = Schedule{RemindAt: []int{30, 14, 7, 3, 1, 0}, Digest: true, DigestDay: time.Monday, Location: simZone}

// simSend is the time that a run keeps for sending.
const simSend = 20 * time.Second

func TestSimulation(t *testing.T) {
	var total simTotals
	worlds := *simWorlds
	if raceDetector() {
		worlds = min(worlds, 40)
	}
	t.Run("worlds", func(t *testing.T) {
		for i := range worlds {
			seed := *simSeed + uint64(i)
			t.Run(fmt.Sprint("seed=", seed), func(t *testing.T) {
				t.Parallel()
				synctest.Test(t, func(t *testing.T) {
					s := newSimulation(drawWorld(seed, time.Now(), *simMatrices, *simDaysFlag))
					s.run()
					total.add(s)
					if len(s.faults) > 0 {
						t.Errorf("%s\n%s", strings.Join(s.faults, "\n"), s.describe())
					}
				})
			})
		}
	})
	t.Logf("%d runs, %d died, %d without a store, %d found another run busy; %d messages, %d sent again in the window, %d left out; %d changes",
		total.runs, total.died, total.blind, total.busy, total.messages, total.again, total.quiet, total.changes)
	if worlds >= 100 && min(total.died, total.blind, total.busy, total.again, total.quiet, total.changes) == 0 {
		t.Error("the worlds are too quiet to show anything")
	}
}

// simTotals count what happened, so that a simulation in which nothing happens
// does not pass.
type simTotals struct {
	mu                                                       sync.Mutex
	runs, died, blind, busy, messages, again, quiet, changes int
}

func (t *simTotals) add(s *simulation) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, pair := range [][2]*int{
		{&t.runs, &s.totals.runs}, {&t.died, &s.totals.died}, {&t.blind, &s.totals.blind}, {&t.busy, &s.totals.busy},
		{&t.messages, &s.totals.messages}, {&t.again, &s.totals.again}, {&t.quiet, &s.totals.quiet}, {&t.changes, &s.totals.changes},
	} {
		*pair[0] += *pair[1]
	}
}

// A simulation is a world while it runs.
type simulation struct {
	*simWorld
	store *simStore

	mu       sync.Mutex
	channels map[string]*simChannel
	settled  map[string]bool // by channel and event: it needs no message
	days     map[string][]simDay
	attempts int
	log      []string
	faults   []string
	totals   simTotals
}

// The channels of a simulation: one gets every report, the other only those
// that its schedule calls for. Requests send to a third one, too.
var simChannels = []string{"always", "changes"}

func newSimulation(w *simWorld) *simulation {
	s := &simulation{simWorld: w, store: &simStore{objects: map[string][]byte{"runs/README": nil, "runs/1.json.gz": []byte("x"), "runs/999999999999.json.gz.bak": nil}}, channels: map[string]*simChannel{}, settled: map[string]bool{}, days: map[string][]simDay{}}
	for _, ch := range append(simChannels, "other") {
		s.channels[ch] = &simChannel{first: true, accepted: map[string][]*simMessage{}, shown: map[string]time.Time{}}
	}
	return s
}

// note adds a line to the log of the world. The mutex is held.
func (s *simulation) note(format string, args ...any) {
	s.log = append(s.log, time.Now().Format("01-02 15:04:05.000 ")+fmt.Sprintf(format, args...))
}

// fault adds something that is wrong. The mutex is held.
func (s *simulation) fault(format string, args ...any) {
	s.note("WRONG: "+format, args...)
	s.faults = append(s.faults, s.log[len(s.log)-1])
}

// describe prints the world and the last of what happened.
func (s *simulation) describe() string {
	last := s.log[max(0, len(s.log)-200):]
	if i := slices.IndexFunc(s.log, func(line string) bool { return strings.Contains(line, "WRONG") }); i >= 0 {
		last = s.log[max(0, i-100):min(len(s.log), i+20)]
	}
	return fmt.Sprintf("seed %d: %d days, of 1000 operations %d fail, of 100 runs %d die and %d have no store, of 100 messages %d fail, of 100 listings %d are incomplete\n%s",
		s.seed, s.simWorld.days, s.storeFaults, s.crashes, s.outages, s.chatFaults, s.incomplete, strings.Join(last, "\n"))
}

// run delivers every event, each on its own goroutine.
func (s *simulation) run() {
	var wg sync.WaitGroup
	for i, d := range s.deliveries {
		time.Sleep(time.Until(d.at))
		wg.Go(func() { s.deliver(i, d) })
	}
	wg.Wait()
	s.mu.Lock()
	defer s.mu.Unlock()
	s.checkDays()
}

// deliver does what the platform does: it repeats an event whose run fails or
// dies, up to three times.
func (s *simulation) deliver(i int, d delivery) {
	for try := range 4 {
		a := s.attempt(i, try, d)
		done := make(chan error, 1)
		go func() {
			err := errors.New("died")
			defer func() { done <- err }()
			err = a.run()
		}()
		err := <-done
		s.mu.Lock()
		s.note("%s ends: %v", a.name, err)
		s.mu.Unlock()
		if err == nil {
			return
		}
		time.Sleep(time.Minute + time.Duration(a.random.IntN(60_000_000_000)))
	}
}

// A simAttempt is one run of an event on one instance.
type simAttempt struct {
	world *simulation
	name  string
	delivery
	random  *rand.Rand
	skew    time.Duration
	outage  bool
	crashAt int // the step at which it dies; 0: never

	// Guarded by the world's mutex.
	steps    int
	dead     bool
	troubled bool            // an operation of the store failed
	blind    bool            // it goes on as without a store
	short    map[string]bool // objects that arrived short once: twice would be an unreadable record
	outcomes map[string]Outcome
}

type simRandom struct{}

func (s *simulation) attempt(i, try int, d delivery) *simAttempt {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.attempts++
	s.totals.runs++
	r := rand.New(rand.NewPCG(s.seed, uint64(i*10+try+100)))
	instance := r.IntN(3)
	a := &simAttempt{
		world: s, name: fmt.Sprintf("run %d.%d on %c", i, try, 'A'+instance), delivery: d, random: r,
		skew: time.Duration(instance-1) * 4 * time.Second, outage: r.IntN(100) < s.outages, outcomes: map[string]Outcome{}, short: map[string]bool{},
	}
	if r.IntN(100) < s.crashes {
		a.crashAt = 1 + r.IntN(40)
	}
	s.note("%s starts: %s%s", a.name, d.event, map[bool]string{true: ", partial"}[d.partial])
	return a
}

// step ends the goroutine if the attempt has died, or does so now.
func (a *simAttempt) step() {
	a.world.mu.Lock()
	a.steps++
	if a.steps == a.crashAt {
		a.dead = true
		a.world.totals.died++
		a.world.note("%s dies", a.name)
	}
	dead := a.dead
	a.world.mu.Unlock()
	if dead {
		runtime.Goexit()
	}
}

// firstShort reports whether an object has not arrived short before.
func (a *simAttempt) firstShort(name string) bool {
	a.world.mu.Lock()
	defer a.world.mu.Unlock()
	before := a.short[name]
	a.short[name] = true
	return !before
}

func (a *simAttempt) log(format string, args ...any) {
	a.world.mu.Lock()
	defer a.world.mu.Unlock()
	a.world.note("%s "+format, append([]any{a.name}, args...)...)
}

func (a *simAttempt) trouble() {
	a.world.mu.Lock()
	defer a.world.mu.Unlock()
	a.troubled = true
}

// run is a run as the program makes it: list, claim, send, record.
func (a *simAttempt) run() error {
	ctx, cancel := context.WithTimeout(context.WithValue(context.Background(), simRandom{}, a.random), a.world.timeout)
	defer cancel()
	time.Sleep(time.Duration(a.random.Int64N(int64(40 * time.Second))))
	listing := a.world.list(a.random, time.Now())
	time.Sleep(time.Duration(a.random.Int64N(int64(10 * time.Second))))

	session := Open(simObjects{a.world.store, a})
	session.run, session.now = a.name, func() time.Time { return time.Now().Add(a.skew) }
	if !a.world.realCodec {
		session.encode, session.decode = a.world.store.encode, a.world.store.decode
	}
	own := listing
	own.Matrices = slices.Clone(listing.Matrices) // which the turn changes
	turn, err := session.Claim(ctx, Intent{Event: a.event, Channels: a.channels, Listing: own, Send: simSend, Location: simZone, Partial: a.partial})
	if err != nil {
		a.world.mu.Lock()
		a.world.totals.busy++
		a.world.mu.Unlock()
		return err
	}
	var wg sync.WaitGroup
	for i, ch := range turn.Channels {
		r := rand.New(rand.NewPCG(a.random.Uint64(), uint64(i)))
		wg.Go(func() { a.send(context.WithValue(ctx, simRandom{}, r), r, session, turn, ch, listing) })
	}
	wg.Wait()
	a.step()
	turn.Finish(ctx)
	return a.ended(turn, listing)
}

// ended checks a run that has not died, and returns its error.
func (a *simAttempt) ended(turn *Turn, l Listing) error {
	w := a.world
	w.mu.Lock()
	defer w.mu.Unlock()
	failed := 0
	for _, ch := range turn.Channels {
		if a.outcomes[ch] == Failed {
			failed++
		}
	}
	if failed > 0 && failed == len(turn.Channels) {
		return errors.New("nothing was delivered")
	}
	for _, ch := range a.channels {
		c := w.channels[ch]
		if len(c.accepted[a.event]) == 0 && !w.settled[ch+a.event] && a.outcomes[ch] == "" {
			w.fault("%s ends without error, and %s lacks the event", a.name, ch)
		}
		if a.outcomes[ch] != Quiet || !l.Complete {
			continue
		}
		for _, m := range l.Matrices {
			if rank(m.Severity) == 3 && simDays(c.shown[m.ID]) < simDays(l.At) && w.storeFaults+w.outages+w.crashes+w.chatFaults == 0 {
				w.fault("%s: %s is critical and was not reported today", a.name, m.ID)
			}
		}
	}
	return nil
}
