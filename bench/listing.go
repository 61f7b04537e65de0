package main

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/fctest"
)

// report measures a report in a process that has run before: of the emulator's
// fleet, from an API that verifies every signature, and of a larger one.
func (b *bench) report() (rows []row, err error) {
	cloud := &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now()), Keys: map[string]fakecloud.Key{"key": {Secret: "secret"}}}
	for _, m := range []struct {
		what   string
		api    http.Handler
		rounds int
		runs   int
	}{
		{"warm report of 131, processor", cloud, 15, 40},
		{"warm report of 5,000, processor", newService(time.Now(), shares(5000)...), 15, 4},
	} {
		measured, plain, err := b.compare(m.api, b.plain, m.runs/2, m.rounds, m.runs)
		if err != nil {
			return nil, err
		}
		rows = append(rows, medianRatio(m.what+" to encoding/json over the SDK", measured, plain, 0.5))
	}
	return rows, nil
}

// listing measures a large listing without latency, against each baseline.
func (b *bench) listing() (rows []row, err error) {
	s := newService(time.Now(), shares(100_000)...)
	for _, base := range []struct {
		what, binary string
		rounds       int
		target       float64
	}{
		{"100,000 in 4 regions, processor", b.hand, 9, 2},
		{"the same, to encoding/json over the SDK", b.plain, 7, 0.5},
		{"the same, to the SDK's map", b.maps, 5, 1. / 6},
	} {
		measured, theirs, err := b.compare(s, base.binary, 1, base.rounds, 1)
		if err != nil {
			return nil, err
		}
		rows = append(rows, medianRatio(base.what, measured, theirs, base.target))
	}
	return rows, nil
}

// latency is the time before each response, where one is simulated.
const latency = 50 * time.Millisecond

// waiting measures the elapsed time of a listing with latency.
func (b *bench) waiting() ([]row, error) {
	s := newService(time.Now(), shares(100_000)...)
	transfer, err := transferTime(s)
	if err != nil {
		return nil, err
	}
	took, most, err := b.elapsed(s)
	if err != nil {
		return nil, err
	}
	return []row{ratio(fmt.Sprintf("100,000 at 50 ms a page, elapsed (%d concurrent)", most), took, 250*(latency+transfer), ms, 1.1)}, nil
}

// skewed is like waiting, with nearly all matrices in one region.
func (b *bench) skewed() ([]row, error) {
	s := newService(time.Now(), 1000, 97_000, 1000, 1000)
	transfer, err := transferTime(s)
	if err != nil {
		return nil, err
	}
	took, most, err := b.elapsed(s)
	if err != nil {
		return nil, err
	}
	return []row{ratio(fmt.Sprintf("97,000 of them in one region (%d concurrent)", most), took, 970*(latency+transfer), ms, 1.1)}, nil
}

// elapsed returns the time of a listing with latency, and the largest number of
// concurrent requests.
func (b *bench) elapsed(s *service) (took time.Duration, most int, err error) {
	api := httptest.NewServer(s)
	defer api.Close()
	f, err := fctest.Start(b.program, "EDS_AIC_ENDPOINT="+api.URL, "LOG_LEVEL=error")
	if err != nil {
		return 0, 0, err
	}
	defer f.Stop()
	if err := f.Polled(b.ctx); err != nil {
		return 0, 0, err
	}
	p := &process{Function: f}
	s.latency = 0
	if _, err := p.list(b); err != nil { // warm up
		return 0, 0, err
	}
	s.latency, s.most = latency, 0
	began := time.Now()
	_, err = p.list(b)
	return time.Since(began), s.most, err
}

// transferTime returns the median time of a request for one page without
// latency.
func transferTime(s *service) (time.Duration, error) {
	api := httptest.NewServer(s)
	defer api.Close()
	var took []time.Duration
	for range 101 {
		began := time.Now()
		res, err := http.Get(api.URL + "/?BizRegionId=" + regions[1])
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	return median(took), nil
}
