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

// report measures a report of the emulator's fleet, from an API that verifies
// every signature, in a process that has run before.
func (b *bench) report() ([]row, error) {
	cloud := &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now()), Keys: map[string]fakecloud.Key{"key": {Secret: "secret"}}}
	measured, hand, err := b.compare(cloud, b.hand, 20, 15, 40)
	if err != nil {
		return nil, err
	}
	return []row{medianRatio("warm report of 131, processor", measured, hand, 1.3)}, nil
}

// listing measures a listing without latency, against each baseline.
func (b *bench) listing() (rows []row, err error) {
	s := newService(time.Now(), 25_000, 25_000, 25_000, 25_000)
	for _, base := range []struct {
		what, binary string
		rounds       int
		target       float64
	}{
		{"100,000 in 4 regions, processor", b.hand, 25, 1.3},
		{"the same, to encoding/json over the SDK", b.plain, 11, 1. / 3},
		{"the same, to the SDK's map", b.maps, 7, 1. / 12},
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
	s := newService(time.Now(), 25_000, 25_000, 25_000, 25_000)
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
	return []row{ratio(fmt.Sprintf("97,000 of them in one region (%d concurrent)", most), took, 970*(latency+transfer), ms, 0.5)}, nil
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
