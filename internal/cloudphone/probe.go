package cloudphone

import (
	"context"
	"fmt"
	"hash/maphash"
	"io"
	"net/url"
	"time"

	"github.com/go-faster/jx"

	"matrix-expiry-report/report"
)

// A Probe is what one small call has shown.
type Probe struct {
	Endpoint string
	Region   string          // empty for all of them
	Matrices int             // that the service counts there
	Skew     time.Duration   // of this machine's clock against the service's, in whole seconds
	Problem  *report.Problem // nil where it was answered
}

// Probe asks every endpoint for its regions, and each of them, and all
// together, for as little as possible.
func (s *Source) Probe(ctx context.Context) ([]Probe, error) {
	talk, err := s.session(ctx)
	if err != nil {
		return nil, err
	}
	var probes []Probe
	for _, endpoint := range s.Endpoints {
		r := newReading(endpoint, func(int) {}, keepAll, maphash.MakeSeed())
		g := newGate(s.MaxInFlight)
		r.open = func() *client { return newClient(endpoint, s.Zone, talk, g) }
		for _, region := range append([]string{""}, r.findRegions(ctx)...) {
			probes = append(probes, r.probe(ctx, region))
		}
	}
	return probes, nil
}

func (r *reading) probe(ctx context.Context, region string) Probe {
	p := Probe{Endpoint: r.endpoint.Host, Region: region}
	query := map[string]string{"MaxResults": "1"}
	if region != "" {
		query["BizRegionId"] = region
	}
	c := r.open()
	page, err := c.call(ctx, "DescribeCloudPhoneNodes", query, nil)
	p.Skew = c.skew
	if err == nil {
		p.Matrices = max(page.TotalCount, len(page.Nodes))
	} else {
		code, message := explain(err)
		p.Problem = &report.Problem{Endpoint: p.Endpoint, Region: region, Code: code, Message: message, MayHideMatrices: true}
	}
	return p
}

// An Identity is whose key is used.
type Identity struct {
	From    string // which way the key came
	Account string
	Arn     string // acs:ram::<account>:role/… or the like
	Kind    string // Account, RAMUser, AssumedRoleUser
}

// Identity asks STS whose key the source has. At an endpoint on the machine
// itself, that is the emulator's business.
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-getcalleridentity
func (s *Source) Identity(ctx context.Context) (Identity, error) {
	talk, err := s.session(ctx)
	if err != nil {
		return Identity{}, err
	}
	id := Identity{From: talk.current().From}
	sts := &url.URL{Scheme: "https", Host: "sts.aliyuncs.com"}
	if s.Endpoints[0].Scheme == "http" {
		sts = s.Endpoints[0]
	}
	c := newClient(sts, s.Zone, talk, newGate(1))
	c.version = "2015-04-01"
	err = c.ask(ctx, "GetCallerIdentity", nil, func(body io.Reader) error {
		b, err := io.ReadAll(io.LimitReader(body, 64<<10))
		if err == nil {
			err = object(jx.DecodeBytes(b), func(in *jx.Decoder, name []byte) (err error) {
				switch string(name) {
				case "AccountId":
					id.Account, err = text(in)
				case "Arn":
					id.Arn, err = text(in)
				case "IdentityType":
					id.Kind, err = text(in)
				default:
					err = in.Skip()
				}
				return err
			})
		}
		if err != nil {
			return &Temporary{Err: fmt.Errorf("the answer is not the service's JSON: %w", err)}
		}
		return nil
	})
	if err != nil {
		code, message := explain(err)
		return id, fmt.Errorf("%s: %s", code, message)
	}
	return id, nil
}

// SampleTime is how a time of the API is read, which names no zone of its own.
func SampleTime(s string, zone *time.Location) time.Time { return parseTime(s, zone).Time }
