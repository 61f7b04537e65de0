package cloud

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// authenticateOld checks the older signature, which is a parameter of the query
// or of a form body:
// https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism
func (c *Server) authenticateOld(in *call) *apiError {
	for _, name := range []string{"AccessKeyId", "Signature", "SignatureMethod", "SignatureVersion", "SignatureNonce", "Timestamp"} {
		if in.params.Get(name) == "" {
			return refuse(http.StatusBadRequest, "Missing"+name, "%s is mandatory for this action.", name)
		}
	}
	for name, want := range map[string]string{"SignatureMethod": "HMAC-SHA1", "SignatureVersion": "1.0", "SignatureType": ""} {
		if got := in.params.Get(name); !strings.EqualFold(got, want) {
			return refuse(http.StatusBadRequest, "InvalidParameter."+name, "%s must be %q, got %q.", name, want, got)
		}
	}
	id := in.params.Get("AccessKeyId")
	key, apiErr := c.key(id)
	if apiErr != nil {
		return apiErr
	}
	if apiErr := checkDate("Timestamp", in.params.Get("Timestamp"), in.now); apiErr != nil {
		return apiErr
	}
	toSign, want := oldSignature(in.method, in.params, key.Secret)
	if !hmac.Equal([]byte(want), []byte(in.params.Get("Signature"))) {
		return refuse(http.StatusBadRequest, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation. server string to sign is:%s", toSign)
	}
	if apiErr := checkSecurityToken(key, in.params.Get("SecurityToken")); apiErr != nil {
		return apiErr
	}
	return c.useNonce("SignatureNonce", id, in.params.Get("SignatureNonce"), in.now)
}

func oldSignature(method string, params url.Values, secret string) (toSign, signature string) {
	var pairs []string
	for _, name := range slices.Sorted(maps.Keys(params)) {
		if name != "Signature" {
			pairs = append(pairs, percentEncode(name)+"="+percentEncode(params.Get(name)))
		}
	}
	toSign = method + "&" + percentEncode("/") + "&" + percentEncode(strings.Join(pairs, "&"))
	mac := hmac.New(sha1.New, []byte(secret+"&"))
	mac.Write([]byte(toSign))
	return toSign, base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
