package cloud

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"
)

// maxClockSkew is how far the date of a request may be from the server's clock.
const maxClockSkew = 15 * time.Minute

const acs3 = "ACS3-HMAC-SHA256"

// authenticate checks the signature of a request, in either of its two forms.
func (c *Server) authenticate(in *call) *apiError {
	if in.old {
		return c.authenticateOld(in)
	}
	return c.authenticateACS3(in)
}

// authenticateACS3 checks the signature in the Authorization header:
// https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
func (c *Server) authenticateACS3(in *call) *apiError {
	given := in.header.Get("Authorization")
	if given == "" {
		return refuse(http.StatusBadRequest, "MissingAuthorization", "Authorization is mandatory for this action.")
	}
	auth, ok := parseAuthorization(given)
	if !ok {
		return refuse(http.StatusBadRequest, "InvalidAuthorization", "Authorization must be: %s Credential=<access key id>,SignedHeaders=<a;b;c>,Signature=<hex>.", acs3)
	}
	key, apiErr := c.key(auth.credential)
	if apiErr != nil {
		return apiErr
	}
	if id := in.header.Get("x-acs-accesskey-id"); id != "" && id != auth.credential {
		return refuse(http.StatusBadRequest, "InvalidAuthorization", "x-acs-accesskey-id and Credential differ.")
	}
	if apiErr := checkDate("x-acs-date", in.header.Get("x-acs-date"), in.now); apiErr != nil {
		return apiErr
	}
	if apiErr := in.checkSignedHeaders(auth.signed); apiErr != nil {
		return apiErr
	}
	payload := hexSHA256(in.body)
	if got := in.header.Get("x-acs-content-sha256"); got != payload {
		return refuse(http.StatusBadRequest, "SignatureDoesNotMatch", "x-acs-content-sha256 is %q, but the body hashes to %s.", got, payload)
	}
	request := in.canonicalRequest(auth.signed, payload)
	toSign, want := acs3Signature(request, key.Secret)
	if !hmac.Equal([]byte(want), []byte(auth.signature)) {
		return refuse(http.StatusBadRequest, "SignatureDoesNotMatch",
			"Specified signature is not matched with our calculation. server string to sign is:%s server canonical request is:%s", toSign, request)
	}
	if apiErr := checkSecurityToken(key, in.header.Get("x-acs-security-token")); apiErr != nil {
		return apiErr
	}
	return c.useNonce("x-acs-signature-nonce", auth.credential, in.header.Get("x-acs-signature-nonce"), in.now)
}

type authorization struct {
	credential string
	signed     []string
	signature  string
}

func parseAuthorization(s string) (a authorization, ok bool) {
	rest, ok := strings.CutPrefix(s, acs3+" ")
	if !ok {
		return a, false
	}
	parts := strings.Split(rest, ",")
	if len(parts) != 3 {
		return a, false
	}
	var names string
	for i, into := range []*string{&a.credential, &names, &a.signature} {
		if *into, ok = strings.CutPrefix(parts[i], []string{"Credential=", "SignedHeaders=", "Signature="}[i]); !ok || *into == "" {
			return a, false
		}
	}
	a.signed = strings.Split(names, ";")
	return a, true
}

// checkSignedHeaders checks that every header that can change the meaning of
// the request is signed, each once and in order, and that only headers that
// were sent are signed.
func (in *call) checkSignedHeaders(signed []string) *apiError {
	if !slices.IsSorted(signed) || len(slices.Compact(slices.Clone(signed))) != len(signed) {
		return refuse(http.StatusBadRequest, "InvalidAuthorization", "SignedHeaders must be sorted and without repetition.")
	}
	required := []string{"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}
	for name := range in.header {
		if name = strings.ToLower(name); strings.HasPrefix(name, "x-acs-") || name == "content-type" {
			required = append(required, name)
		}
	}
	slices.Sort(required)
	for _, name := range slices.Compact(required) {
		if name != "host" && len(in.header.Values(name)) == 0 {
			return refuse(http.StatusBadRequest, "MissingHeader", "The header %s is mandatory.", name)
		}
		if !slices.Contains(signed, name) {
			return refuse(http.StatusBadRequest, "SignatureDoesNotMatch", "The header %s is not among the SignedHeaders.", name)
		}
	}
	for _, name := range signed {
		if name != strings.ToLower(name) || name != "host" && len(in.header.Values(name)) == 0 {
			return refuse(http.StatusBadRequest, "SignatureDoesNotMatch", "SignedHeaders names %q, which was not sent or is not in lower case.", name)
		}
	}
	return nil
}

// canonicalRequest returns the form of the request that client and server sign.
// It does not encode parameter names, as the vendor's clients do not; no name
// of an action here contains a character that would be encoded.
func (in *call) canonicalRequest(signed []string, payload string) string {
	path := in.path
	if path == "" {
		path = "/"
	}
	var query []string
	for _, name := range slices.Sorted(maps.Keys(in.query)) {
		query = append(query, name+"="+percentEncode(in.query.Get(name)))
	}
	var headers strings.Builder
	for _, name := range signed {
		value := in.host
		if name != "host" {
			var values []string
			for _, v := range in.header.Values(name) {
				values = append(values, strings.TrimSpace(v))
			}
			slices.Sort(values)
			value = strings.Join(values, ",")
		}
		headers.WriteString(name + ":" + value + "\n")
	}
	return strings.Join([]string{in.method, path, strings.Join(query, "&"), headers.String(), strings.Join(signed, ";"), payload}, "\n")
}

func acs3Signature(canonicalRequest, secret string) (toSign, signature string) {
	toSign = acs3 + "\n" + hexSHA256([]byte(canonicalRequest))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(toSign))
	return toSign, hex.EncodeToString(mac.Sum(nil))
}

// percentEncode encodes all but letters, digits and -_.~ (RFC 3986).
func percentEncode(s string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
}

func hexSHA256(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
