package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"time"

	"matrix-expiry-report/bench/floor"
	"matrix-expiry-report/internal/fctest"
)

// An engine is a program that answers what a run has found.
type engine struct {
	*fctest.Function
	found floor.Answer
}

// look asks for a run that posts nothing, and gives what it found and the
// processor time that it took.
func (e *engine) look(b *bench) (took time.Duration, err error) {
	before, err := e.Processor()
	if err != nil {
		return 0, err
	}
	answer, err := e.Invoke(b.ctx, fctest.Invocation{
		Event: []byte(`{"post":false}`), AccessKeyID: "key", AccessKeySecret: "secret", Timeout: 10 * time.Minute,
	})
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, e.Output())
	}
	after, err := e.Processor()
	if err != nil {
		return 0, err
	}
	e.found = floor.Answer{}
	if err := json.Unmarshal(answer, &e.found); err != nil {
		return 0, err
	}
	for reason, n := range e.found.Counts {
		if n == 0 {
			delete(e.found.Counts, reason)
		}
	}
	return after - before, nil
}

// compare lets the program and a floor answer in turn, and gives what each took
// in each round: the mean of so many runs.
func (b *bench) compare(h http.Handler, floor string, warm, rounds, runs int) (ours, theirs []time.Duration, err error) {
	api := httptest.NewServer(h)
	defer api.Close()
	var engines []*engine
	for _, binary := range []string{b.ours, floor} {
		f, err := fctest.Start(binary, "EDS_AIC_ENDPOINT="+api.URL, "LOG_LEVEL=error")
		if err != nil {
			return nil, nil, err
		}
		defer f.Stop()
		if err := f.Polled(b.ctx); err != nil {
			return nil, nil, err
		}
		engines = append(engines, &engine{Function: f})
	}
	var all [2][]time.Duration
	for round := range rounds + 1 {
		for i, e := range engines {
			var sum time.Duration
			n := runs
			if round == 0 {
				n = warm
			}
			for range n {
				took, err := e.look(b)
				if err != nil {
					return nil, nil, err
				}
				sum += took
			}
			if round > 0 {
				all[i] = append(all[i], sum/time.Duration(runs))
			}
			if !reflect.DeepEqual(e.found, engines[0].found) || e.found.Listed == 0 {
				return nil, nil, fmt.Errorf("the answers differ: %+v and %+v", engines[0].found, e.found)
			}
		}
	}
	return all[0], all[1], nil
}
