// Package fcinvoke calls the HTTP trigger of a deployed function that wants
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

// maxAnswerBytes is as much as the platform lets through.
const maxAnswerBytes = 32 << 20

// client follows no redirect: a role's token would go along to wherever it leads.
var client = &http.Client{
	Timeout:       5 * time.Minute,
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
}

// Call sends one request, signed with the key, and gives the answer whatever
// its status. The caller needs fc:InvokeFunction on the function. Other than in
// calls of the API, the body is no part of what is signed.
// https://www.alibabacloud.com/help/en/functioncompute/fc/user-guide/configure-signature-authentication-for-http-triggers
func Call(ctx context.Context, method, address string, body []byte, key cloudphone.Credentials) (status int, answer []byte, err error) {
	u, err := url.Parse(address)
	if err != nil || !config.SafeURL(u) {
		return 0, nil, errors.New("the address is not of the form https://host/path")
	}
	req, err := http.NewRequestWithContext(ctx, method, u.String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, fmt.Errorf("calling %s: %w", u.Host, err)
	}
	sign(req, key, time.Now())
	if len(body) > 0 {
		req.Header.Set("Content-Type", "application/json") // after signing: what is not there is not signed
	}
	res, err := client.Do(req)
	if err != nil {
		return 0, nil, fmt.Errorf("calling the function: %w", err)
	}
	defer res.Body.Close()
	answer, err = io.ReadAll(io.LimitReader(res.Body, maxAnswerBytes))
	if err != nil {
		return 0, nil, fmt.Errorf("reading the function's answer: %w", err)
	}
	return res.StatusCode, answer, nil
}

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
	if path == "" {
		path = "/"
	}
	authorization := openapiutil.GetAuthorization(&dara.Request{Method: &req.Method, Pathname: &path, Query: query, Headers: headers},
		dara.String(algorithm), dara.String(""), &key.AccessKeyID, dara.String(key.AccessKeySecret.Reveal()))
	for name, value := range headers {
		req.Header.Set(name, *value)
	}
	req.Header.Set("Authorization", *authorization)
}
