package cloudphone

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"sync"
	"sync/atomic"
	"time"

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

type counted struct {
	io.ReadCloser
	n *atomic.Int64
}

func (c counted) Read(b []byte) (int, error) {
	n, err := c.ReadCloser.Read(b)
	c.n.Add(int64(n))
	return n, err
}

// A client asks one endpoint, one question after another.
type client struct {
	*session
	endpoint *url.URL
	version  string // of the API
	gate     *gate
	pages    *decoder
	with     identity      // that signs
	header   http.Header   // of the last answer
	skew     time.Duration // of this machine's clock against the one that answered, by the last answer with a date
}

// version is that of the Cloud Phone API, eds-aic.
const version = "2023-09-30"

func newClient(endpoint *url.URL, zone *time.Location, s *session, g *gate) *client {
	return &client{session: s, endpoint: endpoint, version: version, gate: g, pages: newDecoder(zone, &s.large), with: s.current()}
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

// ask asks one question, again after a temporary failure.
func (c *client) ask(ctx context.Context, action string, query map[string]string, decode func(io.Reader) error) error {
	pause := backoff.NewExponentialBackOff()
	// Full jitter: from nothing to half a second, one, two, four seconds.
	pause.InitialInterval, pause.Multiplier, pause.RandomizationFactor = 250*time.Millisecond, 2, 1

	var last error
	tries, stalled := 0, 0
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := c.once(ctx, action, query, decode)
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
		c.with, again = c.renew(ctx, c.with)
		return 0, again
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

func (c *client) once(ctx context.Context, action string, query map[string]string, decode func(io.Reader) error) error {
	leave, err := c.gate.enter(ctx)
	if err != nil {
		return err
	}
	defer leave()
	body, err := c.send(c.request(ctx, action, query))
	if err != nil {
		return c.with.hidden(err)
	}
	defer body.Close()
	err = decode(body)
	if e, ok := errors.AsType[*Error](err); ok {
		e.RetryAfter = cmp.Or(e.RetryAfter, retryAfter(c.header, time.Now()))
	}
	if err != nil {
		return c.with.hidden(err)
	}
	c.answered.Add(1)
	c.gate.well()
	return nil
}

// send gives the body of an answer that is a page, and sorts out all others.
func (c *client) send(req *http.Request) (io.ReadCloser, error) {
	c.calls.Add(1)
	c.header = nil
	res, err := c.http.Do(req)
	if err != nil {
		return nil, transportError(err)
	}
	c.header = res.Header
	if date, err := http.ParseTime(res.Header.Get("Date")); err == nil {
		c.skew = time.Since(date).Truncate(time.Second)
	}
	res.Body = counted{res.Body, &c.bytes}
	if res.StatusCode != http.StatusOK {
		return nil, answerError(res)
	}
	return res.Body, nil
}

const (
	algorithm = "ACS3-HMAC-SHA256"
	noBody    = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // its SHA-256
)

// request makes the request that the SDK's generic call would send, signed by
// the SDK's own function. The call itself would add 75 µs and 23 kB to each
// page, for a transport that is thrown away and a log that nobody reads. GET,
// because Go's transport repeats a GET that met a connection which died while
// the instance was frozen, but never a POST.
// https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
func (c *client) request(ctx context.Context, action string, query map[string]string) *http.Request {
	nonce := make([]byte, 16)
	_, _ = rand.Read(nonce) // never fails
	headers := map[string]*string{
		"host":                  &c.endpoint.Host,
		"accept":                dara.String("application/json"),
		"user-agent":            openapiutil.GetUserAgent(nil),
		"x-acs-action":          &action,
		"x-acs-version":         &c.version,
		"x-acs-date":            dara.String(time.Now().UTC().Format("2006-01-02T15:04:05Z")),
		"x-acs-signature-nonce": dara.String(hex.EncodeToString(nonce)),
		"x-acs-content-sha256":  dara.String(noBody),
	}
	if token := c.with.SecurityToken; token != "" {
		headers["x-acs-accesskey-id"] = &c.with.AccessKeyID
		headers["x-acs-security-token"] = dara.String(token.Reveal())
	}
	method, path := http.MethodGet, "/"
	parameters, values := make(map[string]*string, len(query)), make(url.Values, len(query))
	for name, value := range query {
		parameters[name] = &value
		values.Set(name, value)
	}
	headers["authorization"] = openapiutil.GetAuthorization(&dara.Request{Method: &method, Pathname: &path, Query: parameters, Headers: headers},
		dara.String(algorithm), dara.String(noBody), &c.with.AccessKeyID, dara.String(c.with.AccessKeySecret.Reveal()))

	delete(headers, "host") // net/http sends it of itself
	u := &url.URL{Scheme: c.endpoint.Scheme, Host: c.endpoint.Host, Path: path, RawQuery: values.Encode()}
	req := (&http.Request{Method: method, URL: u, Header: make(http.Header, len(headers))}).WithContext(ctx)
	for name, value := range headers {
		req.Header.Set(name, *value)
	}
	return req
}
