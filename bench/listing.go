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

// report is one warm report of the fleet that the tests have, from an API that
// checks every signature.
func (b *bench) report() ([]row, error) {
	cloud := &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now()), Keys: map[string]fakecloud.Key{"key": {Secret: "secret"}}}
	ours, hand, err := b.compare(cloud, b.hand, 20, 15, 40)
	if err != nil {
		return nil, err
	}
	return []row{beside("a warm report of 131, processor", ours, hand, 1.3)}, nil
}

func (b *bench) listing() (rows []row, err error) {
	s := newService(time.Now(), 25_000, 25_000, 25_000, 25_000)
	for _, floor := range []struct {
		what, binary string
		rounds       int
		target       float64
	}{
		{"100,000 in 4 regions, processor", b.hand, 25, 1.3},
		{"the same, to encoding/json over the SDK", b.plain, 11, 1. / 3},
		{"the same, to the SDK's map", b.maps, 7, 1. / 12},
	} {
		ours, theirs, err := b.compare(s, floor.binary, 1, floor.rounds, 1)
		if err != nil {
			return nil, err
		}
		rows = append(rows, beside(floor.what, ours, theirs, floor.target))
	}
	return rows, nil
}

const latency = 50 * time.Millisecond

// waiting is the time that passes where every page takes its time.
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
	return []row{ratio(fmt.Sprintf("100,000 at 50 ms a page, elapsed (%d at a time)", most), took, 250*(latency+transfer), ms, 1.1)}, nil
}

// skewed is the same where nearly all matrices are in one region.
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
	return []row{ratio(fmt.Sprintf("97,000 of them in one region (%d at a time)", most), took, 970*(latency+transfer), ms, 0.5)}, nil
}

func (b *bench) elapsed(s *service) (took time.Duration, most int, err error) {
	api := httptest.NewServer(s)
	defer api.Close()
	f, err := fctest.Start(b.ours, "EDS_AIC_ENDPOINT="+api.URL, "LOG_LEVEL=error")
	if err != nil {
		return 0, 0, err
	}
	defer f.Stop()
	if err := f.Polled(b.ctx); err != nil {
		return 0, 0, err
	}
	e := &engine{Function: f}
	s.latency = 0
	if _, err := e.look(b); err != nil { // warm
		return 0, 0, err
	}
	s.latency, s.most = latency, 0
	began := time.Now()
	_, err = e.look(b)
	return time.Since(began), s.most, err
}

// transferTime is what a page takes without latency, the least that there is.
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
	return middle(took), nil
}
