package oss

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"slices"
	"strings"
	"time"
)

// The signature is that of
// https://www.alibabacloud.com/help/en/oss/developer-reference/recommend-to-use-signature-version-4
const (
	algorithm       = "OSS4-HMAC-SHA256"
	scopeEnd        = "aliyun_v4_request"
	unsignedPayload = "UNSIGNED-PAYLOAD"
	dateTimeFormat  = "20060102T150405Z"
)

// maxClockSkew is how far the date of a request may be from the service's
// clock: https://www.alibabacloud.com/help/en/oss/user-guide/0002-00000504
const maxClockSkew = 15 * time.Minute

// An authorization is a parsed Authorization header.
type authorization struct {
	keyID, date, region string
	additional          []string
	signature           string
}

// authenticate verifies the signature of a request, its date and its token.
func (s *Server) authenticate(in *request) *failure {
	header := in.header.Get("Authorization")
	if header == "" {
		return refuse(http.StatusForbidden, "AccessDenied", "You have no right to access this object because of bucket acl.")
	}
	auth, failure := parseAuthorization(header)
	if failure != nil {
		return failure
	}
	if failure := s.checkDate(in, auth); failure != nil {
		return failure
	}
	if s.Region != "" && auth.region != s.Region {
		return refuse(http.StatusForbidden, "InvalidArgument", "Invalid signing region in Authorization header.")
	}
	keys := s.Keys
	if keys == nil {
		keys = map[string]Key{"emulator": {Secret: "emulator-secret"}}
	}
	key, found := keys[auth.keyID]
	if !found {
		return refuse(http.StatusForbidden, "InvalidAccessKeyId", "The OSS Access Key Id you provided does not exist in our records.")
	}
	want := sign(key.Secret, auth.date, auth.region, stringToSign(in, auth))
	if !hmac.Equal([]byte(want), []byte(auth.signature)) {
		return refuse(http.StatusForbidden, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method.")
	}
	if token := in.header.Get("x-oss-security-token"); token != key.SecurityToken {
		return refuse(http.StatusForbidden, "InvalidAccessKeyId", "The security token you provided is invalid.")
	}
	return nil
}

// parseAuthorization parses the header form of the signature. Its key-value
// pairs are described at
// https://www.alibabacloud.com/help/en/oss/user-guide/0002-00000202
// https://www.alibabacloud.com/help/en/oss/user-guide/0002-00000209
func parseAuthorization(header string) (auth authorization, _ *failure) {
	invalid := refuse(http.StatusBadRequest, "InvalidArgument", "Invalid signature information in Authorization header.")
	pairs, ok := strings.CutPrefix(header, algorithm+" ")
	if !ok {
		return auth, invalid
	}
	seen := map[string]string{}
	for pair := range strings.SplitSeq(pairs, ",") {
		name, value, ok := strings.Cut(strings.TrimSpace(pair), "=")
		_, twice := seen[name]
		if !ok || twice || value == "" || !slices.Contains([]string{"Credential", "AdditionalHeaders", "Signature"}, name) {
			return auth, invalid
		}
		seen[name] = value
	}
	scope := strings.Split(seen["Credential"], "/")
	if len(scope) != 5 || scope[3] != "oss" || scope[4] != scopeEnd || seen["Signature"] == "" {
		return auth, invalid
	}
	auth.keyID, auth.date, auth.region, auth.signature = scope[0], scope[1], scope[2], seen["Signature"]
	if names := seen["AdditionalHeaders"]; names != "" {
		auth.additional = strings.Split(names, ";")
		if names != strings.ToLower(names) || !slices.IsSorted(auth.additional) || slices.Contains(auth.additional, "") {
			return auth, invalid
		}
	}
	return auth, nil
}

// checkDate compares x-oss-date with the scope and the clock.
func (s *Server) checkDate(in *request, auth authorization) *failure {
	date := in.header.Get("x-oss-date")
	at, err := time.Parse(dateTimeFormat, date)
	if err != nil {
		return refuse(http.StatusForbidden, "AccessDenied", "OSS authentication requires a valid Date.")
	}
	if auth.date != date[:8] {
		return refuse(http.StatusBadRequest, "InvalidArgument", "Invalid signing date in Authorization header.")
	}
	if s.now().Sub(at).Abs() > maxClockSkew {
		return refuse(http.StatusForbidden, "RequestTimeTooSkewed", "The difference between the request time and the current time is too large.")
	}
	if in.header.Get("x-oss-content-sha256") != unsignedPayload {
		return refuse(http.StatusBadRequest, "InvalidArgument", "x-oss-content-sha256 must be %s.", unsignedPayload)
	}
	return nil
}

// stringToSign returns what the signature signs.
func stringToSign(in *request, auth authorization) string {
	hash := sha256.Sum256([]byte(canonicalRequest(in, auth.additional)))
	return strings.Join([]string{
		algorithm, in.header.Get("x-oss-date"), strings.Join([]string{auth.date, auth.region, "oss", scopeEnd}, "/"), hex.EncodeToString(hash[:]),
	}, "\n")
}

// canonicalRequest returns the request in canonical form: the bucket is part
// of the path, whatever the style of the address.
func canonicalRequest(in *request, additional []string) string {
	var names []string
	for name := range in.header {
		name = strings.ToLower(name)
		if strings.HasPrefix(name, "x-oss-") || name == "content-type" || name == "content-md5" || slices.Contains(additional, name) {
			names = append(names, name)
		}
	}
	if slices.Contains(additional, "host") && !slices.Contains(names, "host") {
		names = append(names, "host")
	}
	slices.Sort(names)
	var headers strings.Builder
	for _, name := range names {
		value := in.host
		if name != "host" {
			values := in.header.Values(name)
			for i := range values {
				values[i] = strings.TrimSpace(values[i])
			}
			value = strings.Join(values, ",")
		}
		headers.WriteString(name + ":" + value + "\n")
	}
	path := "/" + in.bucket + "/" + in.key
	return strings.Join([]string{
		in.method, encode(path, "/"), canonicalQuery(in), headers.String(), strings.Join(additional, ";"), in.header.Get("x-oss-content-sha256"),
	}, "\n")
}

// canonicalQuery returns the parameters, encoded and sorted by encoded name. A
// parameter without a value has no equals sign.
func canonicalQuery(in *request) string {
	var params []string
	for name, values := range in.query {
		for _, value := range values {
			param := encode(name, "")
			if value != "" {
				param += "=" + encode(value, "")
			}
			params = append(params, param)
		}
	}
	slices.SortFunc(params, func(a, b string) int {
		nameA, valueA, _ := strings.Cut(a, "=")
		nameB, valueB, _ := strings.Cut(b, "=")
		return slices.Compare([]string{nameA, valueA}, []string{nameB, valueB})
	})
	return strings.Join(params, "&")
}

// encode percent-encodes all but unreserved characters and those in keep.
func encode(s, keep string) string {
	const hexDigits = "0123456789ABCDEF"
	const unreserved = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~"
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; strings.IndexByte(unreserved+keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.Write([]byte{'%', hexDigits[c>>4], hexDigits[c&15]})
		}
	}
	return b.String()
}

// sign derives the signing key from secret and signs text with it.
func sign(secret, date, region, text string) string {
	key := []byte("aliyun_v4" + secret)
	for _, part := range []string{date, region, "oss", scopeEnd, text} {
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(part))
		key = mac.Sum(nil)
	}
	return hex.EncodeToString(key)
}
