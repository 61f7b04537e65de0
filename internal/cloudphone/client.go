// Package cloudphone calls the Cloud Phone API (eds-aic 2023-09-30): it signs a
// request, sends it, retries it if that may help, and decodes the response. The
// package returns report.Matrix values and none of the SDK's types. Package
// inventory decides which calls are made.
//
// Read client.go (the calls), retry.go (when a call is retried), request.go (what
// is sent), response.go, node.go, json.go and time.go (what is read), and
// errors.go (what an error means). No error and no report.Problem of this package
// contains a credential, see redact.go.
package cloudphone

import (
	"context"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/report"
)

// The versions of eds-aic and of STS.
const apiVersion, stsVersion = "2023-09-30", "2015-04-01"

// MaxPageSize is the most rows that the API returns at once.
const MaxPageSize = 100

// An API configures calls of the Cloud Phone API. All fields are required.
type API struct {
	Zone        *time.Location // of timestamps that name none
	Credentials func(context.Context) (Credentials, error)
	HTTP        *http.Client
	MaxInFlight int // concurrent requests to one endpoint
}

// responseTimeout is how long one response may take, including its body: a page
// has 90 kB.
const responseTimeout = 10 * time.Second

// NewHTTPClient returns a client for all endpoints. The SDK's own client has no
// timeouts.
func NewHTTPClient() *http.Client {
	return &http.Client{
		Timeout: responseTimeout,
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second,
			IdleConnTimeout:     30 * time.Second,
			MaxIdleConnsPerHost: config.MaxInFlight,
			ReadBufferSize:      64 << 10, // most of a page
			ForceAttemptHTTP2:   true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// A Session makes the calls of one run, which share credentials and are counted
// together. It is safe for concurrent use.
type Session struct {
	api                   API
	credentials           Credentials
	calls, retries, bytes atomic.Int64
}

// Open starts a session. It closes idle connections: one that was open before
// the instance was frozen may be dead, and a request on it would time out.
func (a API) Open(ctx context.Context) (*Session, error) {
	c, err := a.Credentials(ctx)
	if err != nil {
		return nil, err
	}
	a.HTTP.CloseIdleConnections()
	return &Session{api: a, credentials: c}, nil
}

// Stats returns the number of calls and bytes of the session so far.
func (s *Session) Stats() report.Stats {
	return report.Stats{Calls: int(s.calls.Load()), Retries: int(s.retries.Load()), Bytes: s.bytes.Load()}
}

// A Client calls one endpoint. It is safe for concurrent use. The API limits an
// account, not a region: at most so many calls run at a time as there are slots,
// and after one of them was throttled all wait, so that a run does not prolong
// its own throttling.
type Client struct {
	session  *Session
	endpoint *url.URL // scheme and host
	slots    chan struct{}
	decoders sync.Pool
	skew     atomic.Int64 // a time.Duration

	mu                 sync.Mutex
	until              time.Time // no call starts before
	successes, retries int
}

// Client returns a client with its own rate limit and retry budget.
func (s *Session) Client(endpoint *url.URL) *Client {
	return &Client{
		session: s, endpoint: endpoint, slots: make(chan struct{}, s.api.MaxInFlight),
		decoders: sync.Pool{New: func() any { return newDecoder(s.api.Zone) }},
	}
}

// Endpoint returns the host that c calls.
func (c *Client) Endpoint() string { return c.endpoint.Host }

// ClockSkew returns how far this machine's clock is ahead of the endpoint's, in
// whole seconds, according to the last response with a date.
func (c *Client) ClockSkew() time.Duration { return time.Duration(c.skew.Load()) }

// A NodesQuery selects one page of matrices.
type NodesQuery struct {
	Region string // BizRegionId; empty for all regions
	Token  string // NextToken of the previous page; empty for the first page
	Size   int    // maximum number of rows
}

// Nodes calls DescribeCloudPhoneNodes.
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
func (c *Client) Nodes(ctx context.Context, q NodesQuery) (Page, error) {
	query := url.Values{"MaxResults": {strconv.Itoa(q.Size)}}
	if q.Region != "" {
		query.Set("BizRegionId", q.Region)
	}
	if q.Token != "" {
		query.Set("NextToken", q.Token)
	}
	return get(ctx, c, call{"DescribeCloudPhoneNodes", apiVersion, query}, (*decoder).page)
}

// Regions calls DescribeRegions for the regions that sell matrices.
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describeregions
func (c *Client) Regions(ctx context.Context) ([]string, error) {
	query := url.Values{"SaleMode": {"Node"}, "AcceptLanguage": {"en"}}
	return get(ctx, c, call{"DescribeRegions", apiVersion, query}, (*decoder).regions)
}

// A CallerIdentity is the identity that the credentials belong to.
type CallerIdentity struct {
	Account string `json:"AccountId"`
	ARN     string `json:"Arn"`          // acs:ram::<account>:role/… or the like
	Type    string `json:"IdentityType"` // Account, RAMUser or AssumedRoleUser
	From    string `json:"-"`            // the name of the provider of the credentials, also if the call fails
}

// CallerIdentity calls GetCallerIdentity; c must be a client of STS.
// https://www.alibabacloud.com/help/en/ram/developer-reference/api-sts-2015-04-01-getcalleridentity
func (c *Client) CallerIdentity(ctx context.Context) (CallerIdentity, error) {
	id, err := get(ctx, c, call{"GetCallerIdentity", stsVersion, nil}, (*decoder).identity)
	id.From = c.session.credentials.From
	return id, err
}
