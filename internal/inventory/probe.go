package inventory

import (
	"cmp"
	"context"
	"net/url"
	"slices"
	"time"

	"matrix-expiry-report/internal/cloudphone"
)

// A Probe is the result of a few small calls to one endpoint.
type Probe struct {
	Endpoint  string
	ClockSkew time.Duration // how far this machine's clock is ahead
	Total     int           // matrices according to the query without a region
	Problem   error         // why Total is not known; nil if it is
	Regions   []RegionProbe // none if the endpoint cannot be used
	Covers    bool          // Total is too large for the query without a region to leave out one of Regions

	// RegionsProblem is why the list of regions is not known, so that Regions has
	// only the documented ones. If Covers is true, no matrix can be missing
	// because of it.
	RegionsProblem error

	// Expiry is the expiry date of one matrix as the API writes it, to show how it
	// is parsed; empty if there is none.
	Expiry string
}

// A RegionProbe is the count of one region.
type RegionProbe struct {
	Region   string
	Listed   bool // the service lists the region, or documents it
	Matrices int
	Problem  error // why Matrices is not known; nil if it is
	expiry   string
}

// Probe counts the matrices of every endpoint and region, requesting one row
// each. The regions are those that List would read without any, and named.
func (s *Source) Probe(ctx context.Context, named []string) ([]Probe, error) {
	session, err := s.API.Open(ctx)
	if err != nil {
		return nil, err
	}
	return sideBySide(s.Endpoints, func(u *url.URL) Probe { return (&endpoint{client: session.Client(u)}).probe(ctx, named) }), nil
}

func (e *endpoint) probe(ctx context.Context, named []string) Probe {
	listed, total := e.discover(ctx)
	p := Probe{Endpoint: e.client.Endpoint(), Total: max(0, total), Problem: e.totalErr, RegionsProblem: e.regionsErr}
	if !e.unavailable() {
		p.Regions = sideBySide(distinct(slices.Concat(listed, named)), func(region string) RegionProbe {
			page, err := e.client.Nodes(ctx, cloudphone.NodesQuery{Region: region, Size: 1})
			return RegionProbe{region, slices.Contains(listed, region), max(0, page.TotalCount, len(page.Nodes)), err, page.Expiry}
		})
	}
	counts := map[string]int{}
	for _, r := range p.Regions {
		counts[r.Region] = r.Matrices
		p.Expiry = cmp.Or(p.Expiry, r.expiry)
	}
	p.Covers = p.Problem == nil && coversByCount(p.Total, counts)
	p.ClockSkew = e.client.ClockSkew()
	return p
}

// sts is the endpoint of the Security Token Service.
var sts = &url.URL{Scheme: "https", Host: "sts.aliyuncs.com"}

// Identity returns the identity that the credentials belong to, according to STS.
// If the first endpoint is a loopback address (an emulator), it is called instead
// of STS.
func (s *Source) Identity(ctx context.Context) (cloudphone.CallerIdentity, error) {
	session, err := s.API.Open(ctx)
	if err != nil {
		return cloudphone.CallerIdentity{}, err
	}
	at := sts
	if s.Endpoints[0].Scheme == "http" {
		at = s.Endpoints[0]
	}
	return session.Client(at).CallerIdentity(ctx)
}
