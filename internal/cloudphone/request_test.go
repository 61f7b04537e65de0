package cloudphone_test

import (
	"context"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"

	"matrix-expiry-report/internal/cloudphone"
)

// A page is requested as the SDK's client requests it.
func TestRequestMatchesSDK(t *testing.T) {
	for name, key := range map[string]cloudphone.Credentials{
		"a permanent key": {AccessKeyID: "id", AccessKeySecret: "secret"},
		"a role's key":    {AccessKeyID: "STS.id", AccessKeySecret: "secret", SecurityToken: "t0/ken+of="},
	} {
		t.Run(name, func(t *testing.T) {
			var seen []*http.Request
			var written atomic.Int64
			srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				seen = append(seen, r)
				n, _ := w.Write([]byte(`{"TotalCount":0,"NodeModel":[]}`))
				written.Add(int64(n))
			}))
			defer srv.Close()
			endpoint, err := url.Parse(srv.URL)
			if err != nil {
				t.Fatal(err)
			}
			api := cloudphone.API{Zone: time.UTC, HTTP: cloudphone.NewHTTPClient(), MaxInFlight: 1,
				Credentials: func(context.Context) (cloudphone.Credentials, error) { return key, nil }}
			defer api.HTTP.CloseIdleConnections()
			session, err := api.Open(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			q := cloudphone.NodesQuery{Region: "cn-hangzhou", Token: "a b+c*d~e/f%20g=é&中;", Size: 100}
			if _, err := session.Client(endpoint).Nodes(t.Context(), q); err != nil {
				t.Fatal(err)
			}
			if stats := session.Stats(); stats.Bytes != written.Load() || stats.Calls != 1 {
				t.Errorf("got %+v, want 1 call and %d bytes", stats, written.Load())
			}

			conf := &openapiutil.Config{
				Endpoint: &endpoint.Host, Protocol: &endpoint.Scheme,
				AccessKeyId: &key.AccessKeyID, AccessKeySecret: dara.String(key.AccessKeySecret.Reveal()),
			}
			if key.SecurityToken != "" {
				conf.SecurityToken = dara.String(key.SecurityToken.Reveal())
			}
			official, err := openapi.NewClient(conf)
			if err != nil {
				t.Fatal(err)
			}
			query := map[string]*string{}
			for name, values := range seen[0].URL.Query() {
				query[name] = &values[0]
			}
			_, err = official.CallApi(&openapiutil.Params{
				Action: dara.String("DescribeCloudPhoneNodes"), Version: dara.String("2023-09-30"), Protocol: official.Protocol, Method: dara.String("GET"), Pathname: dara.String("/"),
				AuthType: dara.String("AK"), Style: dara.String("RPC"), ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
			}, &openapiutil.OpenApiRequest{Query: query}, &dara.RuntimeOptions{})
			if err != nil {
				t.Fatal(err)
			}

			ours, theirs := seen[0], seen[1]
			for what, of := range map[string]func(*http.Request) string{
				"method": func(r *http.Request) string { return r.Method },
				"URI":    func(r *http.Request) string { return r.RequestURI },
				"host":   func(r *http.Request) string { return r.Host },
				"names of headers": func(r *http.Request) string {
					return strings.Replace(strings.Join(slices.Sorted(maps.Keys(r.Header)), " "), " X-Acs-Credentials-Provider", "", 1)
				},
			} {
				if got, want := of(ours), of(theirs); got != want {
					t.Errorf("the %s is %s, the SDK's is %s", what, got, want)
				}
			}
			for name := range ours.Header {
				if got, want := lasting(ours.Header.Get(name)), lasting(theirs.Header.Get(name)); got != want {
					t.Errorf("%s is %s, the SDK's is %s", name, got, want)
				}
			}
		})
	}
}

var passing = regexp.MustCompile(`\b[0-9a-f]{32}\b|Signature=[0-9a-f]{64}|\d\d:\d\d:\d\dZ|x-acs-credentials-provider;`)

// lasting is a header without what differs from one request to the next, and
// without that in which the SDK says which part of it knew the key.
func lasting(value string) string { return passing.ReplaceAllString(value, "") }
