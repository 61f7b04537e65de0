package baseline

import (
	"context"
	"net/http"
	"net/url"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
)

// SDK is the official client, unchanged except for a shared connection pool.
type SDK struct{ client *openapi.Client }

// OpenSDK returns a client for an endpoint and an access key.
func OpenSDK(endpoint, id, secret string) (*SDK, error) {
	u, err := url.Parse(endpoint)
	if err != nil {
		return nil, err
	}
	c, err := openapi.NewClient(&openapiutil.Config{
		Endpoint: &u.Host, Protocol: &u.Scheme, AccessKeyId: &id, AccessKeySecret: &secret, HttpClient: pool{},
	})
	return &SDK{c}, err
}

// pool is the SDK's interface to an HTTP client.
type pool struct{}

func (pool) Call(r *http.Request, _ *http.Transport) (*http.Response, error) { return HTTP.Do(r) }

// Call calls an action. bodyType selects the type of the response's body: json
// for a map, binary for a reader.
func (s *SDK) Call(ctx context.Context, action, bodyType string, query map[string]string) (map[string]any, error) {
	q := map[string]*string{}
	for name, value := range query {
		q[name] = &value
	}
	return s.client.CallApiWithCtx(ctx, &openapiutil.Params{
		Action: &action, Version: dara.String("2023-09-30"), Protocol: s.client.Protocol, Method: dara.String("GET"), Pathname: dara.String("/"),
		AuthType: dara.String("AK"), Style: dara.String("RPC"), ReqBodyType: dara.String("formData"), BodyType: &bodyType,
	}, &openapiutil.OpenApiRequest{Query: q}, &dara.RuntimeOptions{})
}
