// Package cloudphone lists all matrices of an account through the Cloud Phone
// API (eds-aic 2023-09-30). The SDK's types stop here; plain report.Matrix
// values come out.
//
// Read source.go (which questions are asked), reading.go (whether the answers
// are complete), client.go and gate.go (one question), page.go and time.go (one answer),
// errors.go (what a failure means; to add a code's meaning, add a line to the
// table hints there).
package cloudphone

import (
	"context"
	"errors"
	"fmt"
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
func (s *Source) List(ctx context.Context, regions []string) report.Listing {
	talk, err := s.session(ctx)
	if err != nil {
		return report.Listing{Problems: []report.Problem{{Code: "NoCredentials", Message: err.Error(), MayHide: true}}}
	}
	readings := make([]*reading, len(s.Endpoints))
	progress := s.progress()
	var wg sync.WaitGroup
	for i, endpoint := range s.Endpoints {
		r := newReading(endpoint, s.Zone, progress)
		g := newGate(s.MaxInFlight)
		r.open = func() (*client, error) { return newClient(endpoint, talk, g) }
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
	return &session{http: s.HTTP, keyring: keyring{ask: s.Credentials, now: newKey(cred)}}, nil
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
		c, err := r.open()
		if err != nil {
			return err
		}
		p, err := c.call(ctx, "DescribeRegions", map[string]string{"SaleMode": "Node", "AcceptLanguage": "en"})
		if err != nil {
			return &regionsError{err}
		}
		for _, r := range p.Regions {
			if id := string(r.ID); id != "" && !slices.Contains(regions, id) {
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

// pages follows one chain of tokens to its end, or over limit pages if limit
// is not 0. Without a region it asks for all of them.
func (r *reading) pages(ctx context.Context, region string, limit int) error {
	c, err := r.open()
	if err != nil {
		return err
	}
	query := map[string]string{"MaxResults": pageSize}
	if region != "" {
		query["BizRegionId"] = region
	}
	chain := &chain{keys: map[string]bool{}, total: -1}
	tokens := map[string]bool{}
	startedOver := false
	for read, barren := 1, 0; ; read++ {
		p, err := c.call(ctx, "DescribeCloudPhoneNodes", query)
		if expiredToken(err) && query["NextToken"] != "" && !startedOver {
			startedOver = true
			delete(query, "NextToken")
			clear(tokens)
			continue
		}
		if err != nil {
			return err
		}
		barren++
		if r.add(chain, region, p) > 0 {
			barren = 0
		}
		token := string(p.NextToken)
		switch {
		case token == "":
			r.end(chain)
			return nil
		case read == limit:
			return nil
		case tokens[token]:
			return &Error{Code: "RepeatedToken", Message: "the service repeats its pages without end"}
		case barren == fruitless, read >= manyPages && len(chain.keys) > 2*chain.total, read == maxPages:
			return &Error{Code: "EndlessPages", Message: fmt.Sprintf("no end after %d pages, of which the last %d brought nothing new", read, barren)}
		}
		tokens[token] = true
		query["NextToken"] = token
	}
}

// expiredToken tells whether the service knows a page's token no more. How long
// one lives is not documented, so a chain is begun anew, once.
func expiredToken(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && strings.Contains(e.Code, "NextToken")
}
