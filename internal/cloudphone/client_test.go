package cloudphone_test

import (
	"context"
	"maps"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"

	"matrix-expiry-report/internal/cloudphone"
)

// A page is asked for by the very request that the SDK's client sends.
func TestRequestIsThatOfTheSDK(t *testing.T) {
	for name, key := range map[string]cloudphone.Credentials{
		"a permanent key": {AccessKeyID: "id", AccessKeySecret: "secret"},
		"a role's key":    {AccessKeyID: "STS.id", AccessKeySecret: "secret", SecurityToken: "t0/ken+of="},
	} {
		t.Run(name, func(t *testing.T) {
			var seen []*http.Request // that ask for a second page
			var written atomic.Int64
			s := overTCP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				answer := `{"TotalCount":2,"NodeModel":[{"NodeId":"cpn-1","RegionId":"cn-hangzhou","Status":"RUNNING"}],"NextToken":"a b+c*d~e/f%20g=é&中;"}`
				if r.URL.Query().Has("NextToken") {
					seen = append(seen, r)
					answer = `{"TotalCount":2,"NodeModel":[{"NodeId":"cpn-2","RegionId":"cn-hangzhou","Status":"RUNNING"}]}`
				}
				n, _ := w.Write([]byte(answer))
				written.Add(int64(n))
			}))
			s.Credentials = func(context.Context) (cloudphone.Credentials, error) { return key, nil }
			if l := s.List(t.Context(), []string{"cn-hangzhou"}, nil); len(l.Matrices) != 2 || len(seen) != 1 {
				t.Fatalf("%d matrices, %d further pages: %+v", len(l.Matrices), len(seen), l.Problems)
			} else if l.Effort.Bytes != written.Load() {
				t.Errorf("%d bytes are counted, %d were written", l.Effort.Bytes, written.Load())
			}

			conf := &openapiutil.Config{
				Endpoint: &s.Endpoints[0].Host, Protocol: &s.Endpoints[0].Scheme,
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
					t.Errorf("the %s is %s, and of the SDK %s", what, got, want)
				}
			}
			for name := range ours.Header {
				if got, want := lasting(ours.Header.Get(name)), lasting(theirs.Header.Get(name)); got != want {
					t.Errorf("%s is %s, and of the SDK %s", name, got, want)
				}
			}
		})
	}
}

var passing = regexp.MustCompile(`\b[0-9a-f]{32}\b|Signature=[0-9a-f]{64}|\d\d:\d\d:\d\dZ|x-acs-credentials-provider;`)

// lasting is a header without what differs from one request to the next, and
// without that in which the SDK says which part of it knew the key.
func lasting(value string) string { return passing.ReplaceAllString(value, "") }
