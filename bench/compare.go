package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"reflect"
	"time"

	"matrix-expiry-report/bench/baseline"
	"matrix-expiry-report/internal/fctest"
)

// process is a running function, the program or a baseline.
type process struct {
	*fctest.Function
	found baseline.Result // by the last run
}

// list invokes a run that does not post. It returns the processor time of the
// run.
func (p *process) list(b *bench) (took time.Duration, err error) {
	before, err := p.CPUTime()
	if err != nil {
		return 0, err
	}
	response, err := p.Invoke(b.ctx, fctest.Invocation{
		Event: []byte(`{"post":false}`), AccessKeyID: "key", AccessKeySecret: "secret", Timeout: 10 * time.Minute,
	})
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, p.Output())
	}
	after, err := p.CPUTime()
	if err != nil {
		return 0, err
	}
	p.found = baseline.Result{}
	if err := json.Unmarshal(response, &p.found); err != nil {
		return 0, err
	}
	for reason, n := range p.found.Counts {
		if n == 0 {
			delete(p.found.Counts, reason)
		}
	}
	return after - before, nil
}

// compare runs the program and a baseline in turns against the API h. It
// returns the processor time of each in each round, as the mean of the given
// number of runs. A first round of warm runs does not count.
func (b *bench) compare(h http.Handler, baseline string, warm, rounds, runs int) (measured, base []time.Duration, err error) {
	api := httptest.NewServer(h)
	defer api.Close()
	var processes []*process
	for _, binary := range []string{b.program, baseline} {
		f, err := fctest.Start(binary, "EDS_AIC_ENDPOINT="+api.URL, "LOG_LEVEL=error")
		if err != nil {
			return nil, nil, err
		}
		defer f.Stop()
		if err := f.Polled(b.ctx); err != nil {
			return nil, nil, err
		}
		processes = append(processes, &process{Function: f})
	}
	var all [2][]time.Duration
	for round := range rounds + 1 {
		for i, p := range processes {
			var sum time.Duration
			n := runs
			if round == 0 {
				n = warm
			}
			for range n {
				took, err := p.list(b)
				if err != nil {
					return nil, nil, err
				}
				sum += took
			}
			if round > 0 {
				all[i] = append(all[i], sum/time.Duration(runs))
			}
			if !reflect.DeepEqual(p.found, processes[0].found) || p.found.Listed == 0 {
				return nil, nil, fmt.Errorf("the results differ: %+v and %+v", processes[0].found, p.found)
			}
		}
	}
	return all[0], all[1], nil
}
