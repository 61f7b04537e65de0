// Command hand sends requests with net/http, signs them by hand
// (ACS3-HMAC-SHA256) and decodes with the fastest decoder found: the lowest
// known cost of a listing.
package main

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/valyala/fastjson"

	"matrix-expiry-report/bench/baseline"
)

func main() {
	baseline.Serve(func(endpoint, id, secret string) (baseline.Client, error) {
		u, err := url.Parse(endpoint)
		return &client{http: baseline.HTTP, endpoint: u, id: id, secret: []byte(secret)}, err
	})
}

type client struct {
	http     *http.Client
	endpoint *url.URL
	id       string
	secret   []byte
	parser   fastjson.Parser
	body     []byte
}

func (c *client) Page(ctx context.Context, action string, query map[string]string, take func(*baseline.Row)) (p baseline.Page, err error) {
	res, err := c.http.Do(c.request(ctx, action, query))
	if err != nil {
		return p, err
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return p, fmt.Errorf("%s: %s", action, res.Status)
	}
	if err := c.read(res); err != nil {
		return p, err
	}
	v, err := c.parser.ParseBytes(c.body)
	if err != nil {
		return p, err
	}
	p.Total, p.Next = v.GetInt("TotalCount"), string(v.GetStringBytes("NextToken"))
	for _, r := range v.GetArray("RegionModels") {
		p.Regions = append(p.Regions, string(r.GetStringBytes("RegionId")))
	}
	var row baseline.Row
	for _, n := range v.GetArray("NodeModel") {
		row = baseline.Row{Phones: n.GetInt("PhoneCount"), Tags: func() map[string]string { return tags(n) }}
		row.ID, row.Name, row.Region, row.Status = n.GetStringBytes("NodeId"), n.GetStringBytes("NodeName"), n.GetStringBytes("RegionId"), n.GetStringBytes("Status")
		row.ServerType, row.InstanceType = n.GetStringBytes("ServerType"), n.GetStringBytes("InstanceType")
		row.Created, row.Modified, row.Expired = n.GetStringBytes("GmtCreate"), n.GetStringBytes("GmtModified"), n.GetStringBytes("GmtExpired")
		take(&row)
	}
	return p, nil
}

func tags(n *fastjson.Value) map[string]string {
	all := map[string]string{}
	for _, list := range []string{"BizTags", "Tags"} {
		for _, t := range n.GetArray(list) {
			all[string(t.GetStringBytes("Key"))] = string(t.GetStringBytes("Value"))
		}
	}
	return all
}

// read reads the body into the client's buffer.
func (c *client) read(res *http.Response) error {
	c.body = c.body[:0]
	if n := int(res.ContentLength) + 1; n > cap(c.body) {
		c.body = make([]byte, 0, n)
	}
	for {
		if len(c.body) == cap(c.body) {
			c.body = slices.Grow(c.body, 32<<10)
		}
		n, err := res.Body.Read(c.body[len(c.body):cap(c.body)])
		c.body = c.body[:len(c.body)+n]
		switch err {
		case nil:
		case io.EOF:
			return nil
		default:
			return err
		}
	}
}

const emptyHash = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855" // SHA-256 of an empty body

// request returns a signed request.
// https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
func (c *client) request(ctx context.Context, action string, query map[string]string) *http.Request {
	var nonce [16]byte
	_, _ = rand.Read(nonce[:])
	headers := [][2]string{
		{"host", c.endpoint.Host},
		{"x-acs-action", action},
		{"x-acs-content-sha256", emptyHash},
		{"x-acs-date", time.Now().UTC().Format("2006-01-02T15:04:05Z")},
		{"x-acs-signature-nonce", hex.EncodeToString(nonce[:])},
		{"x-acs-version", "2023-09-30"},
	}
	var canonical, raw strings.Builder
	canonical.WriteString("GET\n/\n")
	for i, name := range slices.Sorted(maps.Keys(query)) {
		if i > 0 {
			raw.WriteByte('&')
		}
		raw.WriteString(name + "=" + strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(query[name])))
	}
	canonical.WriteString(raw.String())
	canonical.WriteByte('\n')
	var names []string
	for _, h := range headers {
		canonical.WriteString(h[0] + ":" + h[1] + "\n")
		names = append(names, h[0])
	}
	signed := strings.Join(names, ";")
	canonical.WriteString("\n" + signed + "\n" + emptyHash)
	sum := sha256.Sum256([]byte(canonical.String()))
	mac := hmac.New(sha256.New, c.secret)
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hex.EncodeToString(sum[:])))
	req := (&http.Request{
		Method: http.MethodGet, Host: c.endpoint.Host, Header: make(http.Header, 8),
		URL: &url.URL{Scheme: c.endpoint.Scheme, Host: c.endpoint.Host, Path: "/", RawQuery: raw.String()},
	}).WithContext(ctx)
	for _, h := range headers[1:] {
		req.Header.Set(h[0], h[1])
	}
	req.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+c.id+",SignedHeaders="+signed+",Signature="+hex.EncodeToString(mac.Sum(nil)))
	return req
}
