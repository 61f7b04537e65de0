package cloudphone

import (
	"context"
	"net/http"
	"net/url"
	"time"

	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
)

const (
	signatureAlgorithm = "ACS3-HMAC-SHA256"
	emptyBodyHash      = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256
)

// request returns the request that the SDK's generic call would send, signed by
// the SDK's own function. The generic call adds 75 µs and 23 kB to each page, for
// a transport and a log entry that are not used. The method is GET because Go's
// transport repeats a GET on a connection that died while the instance was
// frozen, but never a POST.
// https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
func (c *Client) request(ctx context.Context, call call) *http.Request {
	keys := c.session.credentials
	headers := map[string]*string{
		"host":                  &c.endpoint.Host,
		"accept":                dara.String("application/json"),
		"user-agent":            openapiutil.GetUserAgent(nil),
		"x-acs-action":          &call.action,
		"x-acs-version":         &call.version,
		"x-acs-date":            dara.String(time.Now().UTC().Format("2006-01-02T15:04:05Z")),
		"x-acs-signature-nonce": openapiutil.GetNonce(),
		"x-acs-content-sha256":  dara.String(emptyBodyHash),
	}
	if token := keys.SecurityToken; token != "" {
		headers["x-acs-accesskey-id"] = &keys.AccessKeyID
		headers["x-acs-security-token"] = dara.String(token.Reveal())
	}
	method, path := http.MethodGet, "/"
	parameters := make(map[string]*string, len(call.query))
	for name, values := range call.query {
		parameters[name] = &values[0]
	}
	headers["authorization"] = openapiutil.GetAuthorization(&dara.Request{Method: &method, Pathname: &path, Query: parameters, Headers: headers},
		dara.String(signatureAlgorithm), dara.String(emptyBodyHash), &keys.AccessKeyID, dara.String(keys.AccessKeySecret.Reveal()))

	delete(headers, "host") // net/http sends it itself
	u := &url.URL{Scheme: c.endpoint.Scheme, Host: c.endpoint.Host, Path: path, RawQuery: call.query.Encode()}
	req := (&http.Request{Method: method, URL: u, Header: make(http.Header, len(headers))}).WithContext(ctx)
	for name, value := range headers {
		req.Header.Set(name, *value)
	}
	return req
}
