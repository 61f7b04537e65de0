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
	"strings"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/cenkalti/backoff/v5"

	"matrix-expiry-report/internal/config"
)

// Credentials are one identity for one run.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret config.Secret
	SecurityToken   config.Secret // of a role's temporary key, else empty
}

// NewHTTPClient makes the client that all calls share. The SDK's own has no
// time limits at all.
func NewHTTPClient() *http.Client {
	return &http.Client{
		Timeout: 30 * time.Second, // a whole page, body included
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout:   5 * time.Second,
			ResponseHeaderTimeout: 20 * time.Second,
			IdleConnTimeout:       30 * time.Second,
			MaxIdleConnsPerHost:   maxInFlight,
			ForceAttemptHTTP2:     true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// A doer sends what the SDK has signed. It ignores the transport that the SDK
// makes for each call, and sorts out every answer that is not a page, because
// the SDK loses the status of those that are not its own JSON.
type doer struct{ http *http.Client }

func (d doer) Call(req *http.Request, _ *http.Transport) (*http.Response, error) {
	res, err := d.http.Do(req)
	if err != nil {
		return nil, transportError(err)
	}
	if res.StatusCode != http.StatusOK {
		return nil, answerError(res)
	}
	return res, nil
}

// A client asks one endpoint, one question after another. The SDK's client
// races when shared with style RPC, so every chain of pages has its own; they
// share the HTTP client below.
type client struct {
	api  *openapi.Client
	hide *strings.Replacer // of secrets: the service repeats what it was sent
	gate *gate
}

func newClient(endpoint *url.URL, c Credentials, hc *http.Client, g *gate) (*client, error) {
	conf := &openapiutil.Config{
		Endpoint:        &endpoint.Host,
		Protocol:        &endpoint.Scheme,
		AccessKeyId:     &c.AccessKeyID,
		AccessKeySecret: dara.String(c.AccessKeySecret.Reveal()),
		HttpClient:      doer{hc},
	}
	if c.SecurityToken != "" {
		conf.SecurityToken = dara.String(c.SecurityToken.Reveal())
	}
	api, err := openapi.NewClient(conf)
	if err != nil {
		return nil, fmt.Errorf("preparing the client for %s: %w", endpoint.Host, err)
	}
	api.DisableSDKError = dara.Bool(true) // else our errors come back as the SDK's
	var hide []string
	for _, secret := range []config.Secret{c.AccessKeySecret, c.SecurityToken} {
		if secret != "" {
			hide = append(hide, secret.Reveal(), secret.String())
		}
	}
	return &client{api, strings.NewReplacer(hide...), g}, nil
}

// maxTries bounds how often one question is asked.
const maxTries = 5

// maxPause is the longest that the service is waited for when it says how long.
const maxPause = 2 * time.Minute

// call asks one question, again after a temporary failure. GET, because Go's
// transport repeats a GET that met a connection which died while the instance
// was frozen, but never a POST.
func (c *client) call(ctx context.Context, action string, query map[string]string) (*page, error) {
	params := &openapiutil.Params{
		Action: dara.String(action), Version: dara.String("2023-09-30"),
		Protocol: c.api.Protocol, Method: dara.String(http.MethodGet), Pathname: dara.String("/"),
		AuthType: dara.String("AK"), Style: dara.String("RPC"),
		ReqBodyType: dara.String("formData"), BodyType: dara.String("binary"),
	}
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 300*time.Millisecond, 10*time.Second

	var last error
	p, err := backoff.Retry(ctx, func() (*page, error) {
		if err := c.gate.pass(ctx); err != nil {
			last = cmp.Or(last, err)
			return nil, backoff.Permanent(err)
		}
		var p *page
		if p, last = c.once(ctx, params, query); last == nil {
			return p, nil
		}
		if e, ok := errors.AsType[*Error](last); ok {
			for _, said := range []*string{&e.Code, &e.Message, &e.RequestID, &e.AuthAction} {
				*said = c.hide.Replace(*said)
			}
			if !e.Temporary() {
				return nil, backoff.Permanent(last)
			}
			if e.RetryAfter > 0 {
				if end, ok := ctx.Deadline(); e.RetryAfter > maxPause || ok && time.Until(end) < e.RetryAfter {
					return nil, backoff.Permanent(last)
				}
			}
			if e.Throttled() {
				c.gate.shut(cmp.Or(e.RetryAfter, leastPause))
			}
			if e.RetryAfter > 0 {
				return nil, &backoff.RetryAfterError{Duration: e.RetryAfter}
			}
			return nil, last
		}
		if _, ok := errors.AsType[*Temporary](last); !ok {
			return nil, backoff.Permanent(last)
		}
		return nil, last
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(maxTries), backoff.WithMaxElapsedTime(0))
	switch {
	case err == nil:
		return p, nil
	case ctx.Err() != nil && !errors.Is(last, ctx.Err()):
		return nil, fmt.Errorf("%w (no time for another try: %w)", last, ctx.Err())
	}
	return nil, last
}

func (c *client) once(ctx context.Context, params *openapiutil.Params, query map[string]string) (*page, error) {
	q := make(map[string]*string, len(query)) // the SDK adds to it
	for name, value := range query {
		q[name] = &value
	}
	res, err := c.api.CallApiWithCtx(ctx, params, &openapiutil.OpenApiRequest{Query: q}, &dara.RuntimeOptions{})
	if err != nil {
		return nil, err
	}
	body, ok := res["body"].(io.ReadCloser)
	if !ok {
		return nil, fmt.Errorf("the SDK gave a %T for a body", res["body"])
	}
	defer body.Close()
	return decodePage(body)
}
