// Package cloudphone lists all matrices of an account through the Cloud Phone
// API (eds-aic 2023-09-30). The SDK's types stop here; plain report.Matrix
// values come out.
//
// Read source.go (which questions are asked), follow.go and split.go (one
// region), reading.go and ledger.go (what is kept, and whether it is complete),
// client.go and gate.go (one question), page.go and time.go (one answer),
// errors.go (what a failure means; to add a code's meaning, add a line to the
// table hints there).
package cloudphone

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"matrix-expiry-report/report"
)

// pageSize is the most that the service gives at once.
const pageSize = "100"

// fruitless is how many pages in a row may bring nothing new before a chain
// counts as endless.
const fruitless = 10

// A chain that always brings something new ends after manyPages, if it has
// brought twice what the service counts, and after maxPages in any case.
const manyPages, maxPages = 1000, 20_000

// maxRegions bounds the regions that are asked for one by one. There were about
// 30 regions in all in 2026.
const maxRegions = 500

// Regions that the API documents for matrices. DescribeRegions lists what can
// be bought, which may leave out a region that still holds matrices.
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
var documentedRegions = []string{"cn-shanghai", "cn-hangzhou", "ap-southeast-1", "eu-central-1"}

// A Source is one account at one or more endpoints.
type Source struct {
	Endpoints   []*url.URL // scheme and host
	Zone        *time.Location
	Credentials func(context.Context) (Credentials, error)
	HTTP        *http.Client
	MaxInFlight int              // questions to one endpoint at a time, at least 1; the API's limit is unpublished
	Progress    func(listed int) // called as rows come in; nil for none
}

// List reads the matrices of the regions, or of all regions where none are
// given. It never fails as a whole: what could not be read is a problem in the
// listing, and what was read until ctx ended is in it.
//
// fate says which matrices are kept; the others are counted. nil keeps all. It
// may be called by several goroutines at a time.
func (s *Source) List(ctx context.Context, regions []string, fate func(*report.Matrix) report.Fate) report.Listing {
	talk, err := s.session(ctx)
	if err != nil {
		return report.Listing{Problems: []report.Problem{{Code: "NoCredentials", Message: err.Error(), MayHideMatrices: true}}}
	}
	readings := make([]*reading, len(s.Endpoints))
	progress := s.progress()
	if fate == nil {
		fate = keepAll
	}
	seed := maphash.MakeSeed()
	var wg sync.WaitGroup
	for i, endpoint := range s.Endpoints {
		r := newReading(endpoint, progress, fate, seed)
		g := newGate(s.MaxInFlight)
		r.open = func() *client { return newClient(endpoint, s.Zone, talk, g) }
		r.slots = s.MaxInFlight
		readings[i] = r
		wg.Go(func() { r.guard("", func() error { r.read(ctx, regions); return nil }) })
	}
	wg.Wait()
	l := merge(readings)
	l.Effort = report.Effort{Calls: int(talk.calls.Load()), Retries: int(talk.retries.Load()), Bytes: talk.bytes.Load()}
	return l
}

// session begins to talk. A connection that was open before the instance was
// frozen may be dead, and then swallows a question until the time limit.
func (s *Source) session(ctx context.Context) (*session, error) {
	cred, err := s.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	s.HTTP.CloseIdleConnections()
	return &session{http: s.HTTP, keyring: keyring{ask: s.Credentials, now: newIdentity(cred)}}, nil
}

func (s *Source) progress() func(int) {
	if s.Progress == nil {
		return func(int) {}
	}
	var mu sync.Mutex
	listed := 0
	return func(more int) {
		mu.Lock()
		defer mu.Unlock()
		listed += more
		s.Progress(listed)
	}
}

// read asks everything that one endpoint is to be asked.
func (r *reading) read(ctx context.Context, regions []string) {
	everything := len(regions) == 0
	if everything {
		regions = r.findRegions(ctx)
	}
	if r.silent() { // one more question tells whether it is to be asked any more
		r.guard("", func() error { return r.pages(ctx, "", 1) })
		if len(r.chains) == 0 {
			return
		}
	}
	var wg sync.WaitGroup
	ask := func(region string, limit int) {
		wg.Go(func() { r.guard(region, func() error { return r.pages(ctx, region, limit) }) })
	}
	if everything {
		ask("", 1)
	}
	for _, region := range regions {
		ask(region, 0)
	}
	wg.Wait()
	for _, region := range r.again() {
		ask(region, 0)
	}
	wg.Wait()
}

// findRegions joins what the service sells with what it documents.
func (r *reading) findRegions(ctx context.Context) []string {
	regions := slices.Clone(documentedRegions)
	r.guard("", func() error {
		p, err := r.open().call(ctx, "DescribeRegions", map[string]string{"SaleMode": "Node", "AcceptLanguage": "en"}, nil)
		if err != nil {
			return &regionsError{err}
		}
		for _, id := range p.Regions {
			if id != "" && !slices.Contains(regions, id) {
				if len(regions) == maxRegions {
					return &regionsError{&Error{Code: "TooManyRegions", Message: fmt.Sprintf("the service names %d regions; the first %d are asked for one by one", len(p.Regions), maxRegions)}}
				}
				regions = append(regions, id)
			}
		}
		return nil
	})
	return regions
}

// regionsError is a failure to find regions, which hides nothing as long as
// the unfiltered total agrees.
type regionsError struct{ error }

func (e *regionsError) Unwrap() error { return e.error }

// pages reads one region, or over limit pages of it if limit is not 0. Without a
// region it asks for all of them.
func (r *reading) pages(ctx context.Context, region string, limit int) error {
	c, err := r.newChain(region)
	if err != nil {
		return err
	}
	query := map[string]string{}
	if region != "" {
		query["BizRegionId"] = region
	}
	sample := sample{statuses: map[string]bool{}, types: map[string]bool{}}
	mayTry, tried := region != "" && limit == 0, false
	rows := 0
	ended, err := r.follow(ctx, query, limit, c, func(p *page) (fresh int, whole bool) {
		if sample.pages < samplePages {
			sample.add(p)
		}
		fresh = r.add(c, region, p, false)
		rows += len(p.Nodes)
		switch {
		case mayTry && !tried && sample.pages == samplePages && fresh > 0 && r.dominates(c, sample):
			tried = true
			return fresh, r.split(ctx, region, c, sample)
		case tried && rows <= p.TotalCount: // its parts may have brought them, so that they tell nothing of an end
			return len(p.Nodes), false
		}
		return fresh, false
	})
	if ended {
		r.end(c)
	}
	return err
}

// expiredToken tells whether the service knows a page's token no more. How long
// one lives is not documented, so a chain is begun anew, once.
func expiredToken(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && strings.Contains(e.Code, "NextToken")
}
