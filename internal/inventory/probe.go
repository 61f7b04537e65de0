package inventory

import (
	"cmp"
	"context"
	"net/url"
	"time"

	"matrix-expiry-report/internal/cloudphone"
)

// A Probe is what a few small calls have shown of one endpoint.
type Probe struct {
	Endpoint  string
	ClockSkew time.Duration // this machine's clock is ahead by
	Total     int           // matrices by the query without a region
	Problem   error         // why Total is not known
	Regions   []RegionProbe // none if the endpoint cannot be used
	Covers    bool          // the query without a region counts all that the regions count

	// RegionsProblem is why the list of regions is not known, so that only the
	// documented ones are in Regions. Like in a run, it hides nothing if Covers.
	RegionsProblem error

	// Expiry is the expiry date of one matrix as the API writes it; empty if
	// there is none.
	Expiry string
}

// A RegionProbe is the count of one region.
type RegionProbe struct {
	Region   string
	Matrices int
	Problem  error // why Matrices is not known
	expiry   string
}

// Probe counts the matrices of every endpoint and region, requesting one row
// each.
func (s *Source) Probe(ctx context.Context) ([]Probe, error) {
	session, err := s.API.Open(ctx)
	if err != nil {
		return nil, err
	}
	return sideBySide(s.Endpoints, func(u *url.URL) Probe { return (&endpoint{client: session.Client(u)}).probe(ctx) }), nil
}

func (e *endpoint) probe(ctx context.Context) Probe {
	regions, total := e.discover(ctx)
	p := Probe{Endpoint: e.client.Endpoint(), Total: max(0, total), Problem: e.totalErr, RegionsProblem: e.regionsErr}
	if !e.unavailable() {
		p.Regions = sideBySide(regions, func(region string) RegionProbe {
			page, err := e.client.Nodes(ctx, cloudphone.NodesQuery{Region: region, Size: 1})
			return RegionProbe{region, max(0, page.TotalCount, len(page.Nodes)), err, page.Expiry}
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

// An Identity is whose credentials are used, and where they come from.
type Identity struct {
	cloudphone.CallerIdentity
	From string
}

// sts is the endpoint of the Security Token Service.
var sts = &url.URL{Scheme: "https", Host: "sts.aliyuncs.com"}

// Identity asks STS whose credentials the source has. An endpoint on the machine
// itself, which is an emulator, answers for STS.
func (s *Source) Identity(ctx context.Context) (id Identity, err error) {
	session, err := s.API.Open(ctx)
	if err != nil {
		return Identity{}, err
	}
	at := sts
	if s.Endpoints[0].Scheme == "http" {
		at = s.Endpoints[0]
	}
	id.From = session.CredentialSource()
	id.CallerIdentity, err = session.Client(at).CallerIdentity(ctx)
	return id, err
}
