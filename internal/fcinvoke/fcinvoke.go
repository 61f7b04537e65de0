// Package fcinvoke calls the HTTP trigger of a deployed function that requires
// signed requests (authType: function).
package fcinvoke

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"

	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/config"
)

const algorithm = "ACS3-HMAC-SHA256"

// maxResponseBytes is the platform's limit for the body of a response.
const maxResponseBytes = 32 << 20

// client follows no redirects, which would send the role's token elsewhere.
var client = &http.Client{
	Timeout:       5 * time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Call sends a request that is signed with key and returns the status and body of
// the response. The key needs the permission fc:InvokeFunction. Unlike in calls of
// the API, the signature does not cover the body.
// https://www.alibabacloud.com/help/en/functioncompute/fc/user-guide/configure-signature-authentication-for-http-triggers
func Call(ctx context.Context, method, address string, body []byte, key cloudphone.Credentials) (status int, response []byte, err error) {
	u, err := url.Parse(address)
	if err != nil || !config.SafeURL(u) {
		return 0, nil, errors.New("the URL is not of the form https://host/path")
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("calling %s: %w", u.Host, err)
	}
	sign(req, key, time.Now())
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json") // not signed
	}
	res, err := client.Do(req)
	if err != nil {
		if e, ok := errors.AsType[*url.Error](err); ok {
			err = e.Err // without the URL, which may be a signed link
		}
		return 0, nil, fmt.Errorf("calling %s: %w", u.Host, err)
	}
	defer res.Body.Close()
	response, err = io.ReadAll(io.LimitReader(res.Body, maxResponseBytes))
	if err != nil {
		return 0, nil, fmt.Errorf("reading the function's response: %w", err)
	}
	return res.StatusCode, response, nil
}

// sign adds the headers of signature version ACS3-HMAC-SHA256 to req.
func sign(req *http.Request, key cloudphone.Credentials, now time.Time) {
	headers := map[string]*string{"x-acs-date": dara.String(now.UTC().Format("2006-01-02T15:04:05Z"))}
	if key.SecurityToken != "" {
		headers["x-acs-security-token"] = dara.String(key.SecurityToken.Reveal())
	}
	query := map[string]*string{}
	for name, values := range req.URL.Query() {
		query[name] = &values[0]
	}
	path := req.URL.EscapedPath()
	authorization := openapiutil.GetAuthorization(&dara.Request{Method: &req.Method, Pathname: &path, Query: query, Headers: headers},
		dara.String(algorithm), dara.String(""), &key.AccessKeyID, dara.String(key.AccessKeySecret.Reveal()))
	for name, value := range headers {
		req.Header.Set(name, *value)
	}
	req.Header.Set("Authorization", *authorization)
}
