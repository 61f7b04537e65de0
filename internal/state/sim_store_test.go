package state

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// A simStore is the store of a world, shared by all its runs. Unless the world
// has the real codec, records are values: an object is the number of one.
type simStore struct {
	mu      sync.Mutex
	objects map[string][]byte
	values  []Record
}

func (s *simStore) encode(r Record) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.values = append(s.values, r)
	return fmt.Appendf(nil, "record %d.", len(s.values)-1), nil
}

func (s *simStore) decode(object []byte) (Record, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	number, ok := strings.CutPrefix(string(object), "record ")
	number, whole := strings.CutSuffix(number, ".")
	if n, err := strconv.Atoi(number); ok && whole && err == nil {
		return s.values[n], nil
	}
	return Record{}, errUnreadable
}

// A simObjects is the store as one attempt sees it, with faults.
type simObjects struct {
	store   *simStore
	attempt *simAttempt
}

var errSim = errors.New("simulated fault")

// before is the time and the trouble of one operation. It returns what goes
// wrong: 0 is nothing.
func (o simObjects) before(ctx context.Context) (dice int, r *rand.Rand, err error) {
	a := o.attempt
	a.step()
	r = ctx.Value(simRandom{}).(*rand.Rand)
	if a.outage {
		a.trouble()
		return 0, r, o.outage(ctx, r)
	}
	sleep(ctx, time.Duration(r.IntN(200_000_000)))
	if r.IntN(1000) < a.world.storeFaults {
		dice = 1 + r.IntN(6)
	}
	return dice, r, ctx.Err()
}

func (o simObjects) outage(ctx context.Context, r *rand.Rand) error {
	if r.IntN(2) == 0 {
		<-ctx.Done()
		return ctx.Err()
	}
	return errSim
}

// hang waits until the operation's time is over.
func (o simObjects) hang(ctx context.Context) error {
	o.attempt.trouble()
	<-ctx.Done()
	o.attempt.step()
	return ctx.Err()
}

func (o simObjects) fail() error {
	o.attempt.trouble()
	o.attempt.step()
	return errSim
}

func (o simObjects) Put(ctx context.Context, name string, data []byte) error {
	dice, r, err := o.before(ctx)
	if err != nil {
		return err
	}
	switch dice {
	case 1:
		return o.fail()
	case 2:
		return o.hang(ctx)
	}
	o.store.mu.Lock()
	_, exists := o.store.objects[name]
	if !exists && r.IntN(400) == 0 { // something else is faster, and not a record
		o.store.objects[name], exists = []byte("junk"), true
	}
	if !exists {
		o.store.objects[name] = data
	}
	o.store.mu.Unlock()
	o.attempt.log("puts %s: existed %t, fault %d", name[9:17], exists, dice)
	o.attempt.step()
	switch {
	case dice == 3:
		return o.hang(ctx)
	case dice == 4:
		return o.fail()
	case exists, dice > 4: // the library repeats a put whose answer was lost
		return fmt.Errorf("put: %w", fs.ErrExist)
	}
	return nil
}

func (o simObjects) Get(ctx context.Context, name string) ([]byte, error) {
	dice, _, err := o.before(ctx)
	if err != nil {
		return nil, err
	}
	o.store.mu.Lock()
	data, found := o.store.objects[name]
	o.store.mu.Unlock()
	o.attempt.log("gets %s: found %t, fault %d", name[9:17], found, dice)
	o.attempt.step()
	switch {
	case dice == 1:
		return nil, o.fail()
	case dice == 2:
		return nil, o.hang(ctx)
	case !found:
		return nil, fs.ErrNotExist
	case dice > 2 && o.attempt.firstShort(name):
		return data[:len(data)/2], nil
	}
	return data, nil
}

func (o simObjects) List(ctx context.Context, prefix, after string) (names []string, err error) {
	dice, r, err := o.before(ctx)
	if err != nil {
		return nil, err
	}
	switch dice {
	case 1:
		return nil, o.fail()
	case 2:
		return nil, o.hang(ctx)
	}
	o.store.mu.Lock()
	defer o.store.mu.Unlock()
	if r.IntN(200) == 0 { // something that is not a record takes the next number
		next := int64(1)
		for name := range o.store.objects {
			if n, ok := recordSequence(name); ok {
				next = max(next, n+1)
			}
		}
		o.store.objects[recordName(next)] = []byte("junk")
	}
	for name := range o.store.objects {
		if strings.HasPrefix(name, prefix) && name > after {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (o simObjects) Delete(ctx context.Context, name string) error {
	if _, _, err := o.before(ctx); err != nil {
		return err
	}
	o.store.mu.Lock()
	defer o.store.mu.Unlock()
	delete(o.store.objects, name)
	return nil
}

func sleep(ctx context.Context, d time.Duration) {
	select {
	case <-time.After(d):
	case <-ctx.Done():
	}
}
