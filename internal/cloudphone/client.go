package cloudphone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/cenkalti/backoff/v5"

	"matrix-expiry-report/internal/config"
)

// answerTime is how long a whole answer may take, its body included: a page has
// 90 kB.
const answerTime = 10 * time.Second

// NewHTTPClient makes the client that all calls share. The SDK's own has no
// time limits at all.
func NewHTTPClient() *http.Client {
	return &http.Client{
		Timeout: answerTime,
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

// A session is what all questions of one listing share, whichever endpoint
// they go to.
type session struct {
	http *http.Client
	keyring
	large sync.Mutex // see decoder

	calls, retries, answered, bytes atomic.Int64
}

// One question is asked maxTries times at most, one whose answer stalls
// stalledTries times, since each costs all of the client's time limit.
const maxTries, stalledTries = 5, 2

// A listing may repeat spareRetries questions, and one more for every
// answersARetry good answers: where everything fails, asking more helps nobody.
const spareRetries, answersARetry = 50, 10

// mayRetry takes one retry from what the listing has left.
func (s *session) mayRetry() bool {
	if s.retries.Add(1) <= spareRetries+s.answered.Load()/answersARetry {
		return true
	}
	s.retries.Add(-1)
	return false
}

// A doer sends what the SDK has signed. It ignores the transport that the SDK
// makes for each call, and sorts out every answer that is not a page, because
// the SDK loses the status of those that are not its own JSON.
type doer struct {
	*session
	header http.Header   // of the last answer
	skew   time.Duration // of this machine's clock against the one that answered, by the last answer with a date
}

func (d *doer) Call(req *http.Request, _ *http.Transport) (*http.Response, error) {
	d.calls.Add(1)
	d.header = nil
	res, err := d.http.Do(req)
	if err != nil {
		return nil, transportError(err)
	}
	d.header = res.Header
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		d.skew = time.Since(date).Truncate(time.Second)
	}
	res.Body = counted{res.Body, &d.bytes}
	if res.StatusCode != http.StatusOK {
		return nil, answerError(res)
	}
	return res, nil
}

type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// A client asks one endpoint, one question after another. The SDK's client
// races when shared with style RPC, so every chain of pages has its own.
type client struct {
	*session
	endpoint *url.URL
	version  string // of the API
	gate     *gate
	doer     *doer
	pages    *decoder
	api      *openapi.Client
	with     identity // that api signs with
}

// version is that of the Cloud Phone API, eds-aic.
const version = "2023-09-30"

func newClient(endpoint *url.URL, zone *time.Location, s *session, g *gate) (*client, error) {
	c := &client{session: s, endpoint: endpoint, version: version, gate: g, doer: &doer{session: s}, pages: newDecoder(zone, &s.large)}
	return c, c.sign(s.current())
}

// sign makes the SDK's client anew, for a key.
func (c *client) sign(k identity) (err error) {
	conf := &openapiutil.Config{
		Endpoint:        &c.endpoint.Host,
		Protocol:        &c.endpoint.Scheme,
		AccessKeyId:     &k.AccessKeyID,
		AccessKeySecret: dara.String(k.AccessKeySecret.Reveal()),
		HttpClient:      c.doer,
	}
	if k.SecurityToken != "" {
		conf.SecurityToken = dara.String(k.SecurityToken.Reveal())
	}
	if c.api, err = openapi.NewClient(conf); err != nil {
		return fmt.Errorf("preparing the client for %s: %w", c.endpoint.Host, err)
	}
	c.api.DisableSDKError = dara.Bool(true) // else our errors come back as the SDK's
	c.with = k
	return nil
}

// maxPause is the longest that the service is waited for when it says how long.
const maxPause = 2 * time.Minute

// call asks one question of the Cloud Phone API; the page is good until the
// next call. token, if there is one, is told of the next page before the rest of
// this one is read.
func (c *client) call(ctx context.Context, action string, query map[string]string, token func(string)) (p *page, err error) {
	c.pages.token = token
	err = c.ask(ctx, action, query, func(body io.Reader) (err error) {
		p, err = c.pages.decode(body)
		return err
	})
	return p, err
}

// ask asks one question, again after a temporary failure. GET, because Go's
// transport repeats a GET that met a connection which died while the instance
// was frozen, but never a POST.
func (c *client) ask(ctx context.Context, action string, query map[string]string, decode func(io.Reader) error) error {
	params := &openapiutil.Params{
		Action: dara.String(action), Version: &c.version,
		Protocol: c.api.Protocol, Method: dara.String(http.MethodGet), Pathname: dara.String("/"),
		AuthType: dara.String("AK"), Style: dara.String("RPC"),
		ReqBodyType: dara.String("formData"), BodyType: dara.String("binary"),
	}
	pause := backoff.NewExponentialBackOff()
	// Full jitter: from nothing to half a second, one, two, four seconds.
	pause.InitialInterval, pause.Multiplier, pause.RandomizationFactor = 250*time.Millisecond, 2, 1

	var last error
	tries, stalled := 0, 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := c.once(ctx, params, query, decode)
		if err == nil {
			return struct{}{}, nil
		}
		if last != nil && err == ctx.Err() { // while waiting at the gate
			return struct{}{}, backoff.Permanent(last)
		}
		last = err
		tries++
		if t, ok := errors.AsType[*Temporary](err); ok && t.Stalled {
			stalled++
		}
		wait, again := c.temporary(ctx, err)
		switch {
		case !again || tries == maxTries || stalled == stalledTries || !c.mayRetry():
			return struct{}{}, backoff.Permanent(last)
		case wait >= 0:
			return struct{}{}, &backoff.RetryAfterError{Duration: wait}
		}
		return struct{}{}, last
	}, backoff.WithBackOff(pause), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil && !errors.Is(last, ctx.Err()):
		return fmt.Errorf("%w (no time for another try: %w)", last, ctx.Err())
	}
	return last
}

// temporary tells whether the same question may be answered on another try, and
// after which wait; a negative one leaves that to the caller. A key that has
// expired is renewed first.
func (c *client) temporary(ctx context.Context, err error) (wait time.Duration, again bool) {
	e, ok := errors.AsType[*Error](err)
	if !ok {
		_, again = errors.AsType[*Temporary](err)
		return -1, again
	}
	switch {
	case e.expiredKey():
		k, renewed := c.renew(ctx, c.with)
		return 0, renewed && c.sign(k) == nil
	case !e.Temporary():
		return 0, false
	case e.RetryAfter > maxPause:
		return 0, false
	}
	if end, ok := ctx.Deadline(); ok && e.RetryAfter > 0 && time.Until(end) < e.RetryAfter {
		return 0, false
	}
	if e.Throttled() {
		c.gate.shut(e.RetryAfter)
	}
	if e.RetryAfter > 0 {
		return e.RetryAfter, true
	}
	return -1, true
}

func (c *client) once(ctx context.Context, params *openapiutil.Params, query map[string]string, decode func(io.Reader) error) error {
	leave, err := c.gate.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	q := make(map[string]*string, len(query)) // the SDK adds to it
	for name, value := range query {
		q[name] = &value
	}
	res, err := c.api.CallApiWithCtx(ctx, params, &openapiutil.OpenApiRequest{Query: q}, &dara.RuntimeOptions{})
	if err != nil {
		return c.with.hidden(err)
	}
	body, ok := res["body"].(io.ReadCloser)
	if !ok {
		return fmt.Errorf("the SDK gave a %T for a body", res["body"])
	}
	defer body.Close()
	err = decode(body)
	if e, ok := errors.AsType[*Error](err); ok {
		e.RetryAfter = cmp.Or(e.RetryAfter, retryAfter(c.doer.header, time.Now()))
	}
	if err != nil {
		return c.with.hidden(err)
	}
	c.answered.Add(1)
	c.gate.well()
	return nil
}
