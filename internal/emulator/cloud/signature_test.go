package cloud

import (
	"crypto/hmac"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sort"
	"strings"
	"testing"
	"time"
)

var testNow = time.Date(2026, 11, 22, 9, 0, 0, 0, beijing)

func clock() time.Time { return testNow }

// The example of
// https://www.alibabacloud.com/help/en/sdk/product-overview/v3-request-structure-and-signature
func TestACS3MatchesTheDocumentedExample(t *testing.T) {
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	in := &call{method: "POST", path: "/", host: "ecs.cn-shanghai.aliyuncs.com",
		query: url.Values{"ImageId": {"win2019_1809_x64_dtc_zh-cn_40G_alibase_20230811.vhd"}, "RegionId": {"cn-shanghai"}},
		header: http.Header{"X-Acs-Action": {"RunInstances"}, "X-Acs-Content-Sha256": {empty}, "X-Acs-Date": {"2023-10-26T10:22:32Z"},
			"X-Acs-Signature-Nonce": {"3156853299f313e23d1673dc12e1703d"}, "X-Acs-Version": {"2014-05-26"}}}
	request := in.canonicalRequest([]string{"host", "x-acs-action", "x-acs-content-sha256", "x-acs-date", "x-acs-signature-nonce", "x-acs-version"}, hexSHA256(nil))
	_, got := acs3Signature(request, "YourAccessKeySecret")
	if want := "06563a9e1b43f5dfe96b81484da74bceab24a1d853912eee15083a6f0f3283c0"; got != want {
		t.Errorf("got %s, want %s for\n%s", got, want, request)
	}
}

// The example of
// https://www.alibabacloud.com/help/en/sdk/product-overview/rpc-mechanism
func TestOldSignatureMatchesTheDocumentedExample(t *testing.T) {
	params, _ := url.ParseQuery("AccessKeyId=testid&Action=DescribeRegions&Format=XML&SignatureMethod=HMAC-SHA1&SignatureNonce=3ee8c1b8-83d3-44af-a94f-4e0ad82fd6cf&SignatureVersion=1.0&Timestamp=2016-02-23T12%3A46%3A24Z&Version=2014-05-26")
	if _, got := oldSignature("GET", params, "testsecret"); got != "OLeaidS1JvxuMvnyHOwuJ+uX5qY=" {
		t.Errorf("got %s", got)
	}
}

// vector returns a request whose signature was not computed by this package.
func vector() *http.Request {
	r := httptest.NewRequest("POST", "/?Status=a+%2A~%2B%2F%E4%B8%AD&MaxResults=20&BizRegionId=cn-hangzhou", strings.NewReader("NodeIds.1=cpn-a&NodeName=%E7%9B%B4%E6%92%AD+02"))
	r.Host = "127.0.0.1:8080"
	for name, value := range map[string]string{
		"Content-Type": "application/x-www-form-urlencoded", "x-acs-accesskey-id": "STS.key", "x-acs-action": "DescribeCloudPhoneNodes",
		"x-acs-content-sha256": "a2bbf85ad4f44352ee760dbccb2f3f5439c3058f8b19ba001290d642b9273500", "x-acs-date": "2026-11-22T01:00:00Z",
		"x-acs-security-token": "CAIS+/=", "x-acs-signature-nonce": "0123456789abcdef0123456789abcdef", "x-acs-version": "2023-09-30",
		"Authorization": "ACS3-HMAC-SHA256 Credential=STS.key,SignedHeaders=content-type;host;x-acs-accesskey-id;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;x-acs-signature-nonce;x-acs-version," +
			"Signature=2b3974b6e61ab1ef493626f366b937b764fc3e616e17cb96b37fe04f6ac5150e",
	} {
		r.Header.Set(name, value)
	}
	return r
}

func TestAlteredRequestsAreRefused(t *testing.T) {
	set := func(name, value string) func(*http.Request) {
		return func(r *http.Request) { r.Header.Set(name, value) }
	}
	for _, tt := range []struct {
		name, code string
		status     int
		change     func(*http.Request)
	}{
		{"unaltered", "", 200, func(*http.Request) {}},
		{"method", "SignatureDoesNotMatch", 400, func(r *http.Request) { r.Method = "GET" }},
		{"query value", "SignatureDoesNotMatch", 400, func(r *http.Request) { r.URL.RawQuery = strings.Replace(r.URL.RawQuery, "20", "21", 1) }},
		{"query added", "SignatureDoesNotMatch", 400, func(r *http.Request) { r.URL.RawQuery += "&SortKey=x" }},
		{"query removed", "SignatureDoesNotMatch", 400, func(r *http.Request) { r.URL.RawQuery = "MaxResults=20" }},
		{"query repeated", "InvalidParameter", 400, func(r *http.Request) { r.URL.RawQuery += "&MaxResults=20" }},
		{"body", "SignatureDoesNotMatch", 400, func(r *http.Request) { r.Body = io.NopCloser(strings.NewReader("NodeIds.1=cpn-b")) }},
		{"hash", "SignatureDoesNotMatch", 400, set("x-acs-content-sha256", strings.Repeat("0", 64))},
		{"host", "SignatureDoesNotMatch", 400, func(r *http.Request) { r.Host = "127.0.0.1:8081" }},
		{"content type", "SignatureDoesNotMatch", 400, set("Content-Type", "application/x-www-form-urlencoded;charset=utf-8")},
		{"action", "SignatureDoesNotMatch", 400, set("x-acs-action", "DescribeRegions")},
		{"date within 15 minutes", "SignatureDoesNotMatch", 400, set("x-acs-date", "2026-11-22T01:14:59Z")},
		{"nonce", "SignatureDoesNotMatch", 400, set("x-acs-signature-nonce", "other")},
		{"token", "SignatureDoesNotMatch", 400, set("x-acs-security-token", "CAIS")},
		{"signature", "SignatureDoesNotMatch", 400, func(r *http.Request) { r.Header.Set("Authorization", r.Header.Get("Authorization")+"0") }},
		{"header added", "SignatureDoesNotMatch", 400, set("x-acs-extra", "1")},
		{"header removed", "SignatureDoesNotMatch", 400, func(r *http.Request) { r.Header.Del("x-acs-security-token") }},
		{"hash removed", "MissingHeader", 400, func(r *http.Request) { r.Header.Del("x-acs-content-sha256") }},
		{"date removed", "MissingTimestamp", 400, func(r *http.Request) { r.Header.Del("x-acs-date") }},
		{"date malformed", "InvalidTimeStamp.Format", 400, set("x-acs-date", "2026-11-22 01:00:00")},
		{"date old", "InvalidTimeStamp.Expired", 400, set("x-acs-date", "2026-11-22T00:44:59Z")},
		{"date early", "InvalidTimeStamp.Expired", 400, set("x-acs-date", "2026-11-22T01:15:01Z")},
		{"version", "InvalidVersion", 400, set("x-acs-version", "2014-05-26")},
		{"action missing", "MissingParameter", 400, func(r *http.Request) { r.Header.Del("x-acs-action") }},
		{"version missing", "MissingParameter", 400, func(r *http.Request) { r.Header.Del("x-acs-version") }},
		{"other action in the query", "InvalidAction", 400, func(r *http.Request) { r.URL.RawQuery += "&Action=DescribeRegions" }},
		{"unknown action", "InvalidAction.NotFound", 404, set("x-acs-action", "DeleteEverything")},
		{"path", "InvalidAction.NotFound", 404, func(r *http.Request) { r.URL.Path = "/x" }},
		{"unsigned", "MissingAuthorization", 400, func(r *http.Request) { r.Header.Del("Authorization") }},
		{"other algorithm", "InvalidAuthorization", 400, set("Authorization", "Bearer x")},
		{"key", "InvalidAccessKeyId.NotFound", 404, func(r *http.Request) {
			r.Header.Set("Authorization", strings.Replace(r.Header.Get("Authorization"), "STS.key", "other", 1))
		}},
		{"key of the header", "InvalidAuthorization", 400, set("x-acs-accesskey-id", "other")},
		{"JSON body", "UnsupportedContentType", 415, set("Content-Type", "application/json")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			c := &Server{Now: clock, Keys: map[string]Key{"STS.key": {"s3cret", "CAIS+/="}}}
			r := vector()
			tt.change(r)
			w := httptest.NewRecorder()
			c.ServeHTTP(w, r)
			if code := errorCode(t, w); w.Code != tt.status || code != tt.code {
				t.Errorf("got %d %s, want %d %s: %s", w.Code, code, tt.status, tt.code, w.Body)
			}
		})
	}
}

// A correct signature that does not cover every required header is refused.
func TestRequiredHeadersMustBeSigned(t *testing.T) {
	for _, tt := range []struct {
		s    signer
		code string
	}{
		{signer{}, ""},
		{signer{unsigned: "host"}, "SignatureDoesNotMatch"},
		{signer{unsigned: "content-type"}, "SignatureDoesNotMatch"},
		{signer{unsigned: "x-acs-action"}, "SignatureDoesNotMatch"},
		{signer{unsigned: "x-acs-signature-nonce"}, "SignatureDoesNotMatch"},
		{signer{unsigned: "x-acs-security-token", id: "STS.key", secret: "s3cret", token: "tok"}, "SignatureDoesNotMatch"},
		{signer{id: "STS.key", secret: "s3cret", token: "tok"}, ""},
		{signer{hash: strings.Repeat("0", 64)}, "SignatureDoesNotMatch"},
		{signer{id: "emulator", secret: "other"}, "SignatureDoesNotMatch"},
	} {
		c := &Server{Now: clock, Keys: map[string]Key{"emulator": {Secret: "emulator-secret"}, "STS.key": {"s3cret", "tok"}}}
		if got := errorCode(t, tt.s.call(c, "DescribeRegions", nil)); got != tt.code {
			t.Errorf("%+v: got %q, want %q", tt.s, got, tt.code)
		}
	}
}

func TestReplayedRequestsAreRefused(t *testing.T) {
	now := testNow
	c := &Server{Now: func() time.Time { return now }, Keys: map[string]Key{"STS.key": {"s3cret", "CAIS+/="}}}
	for i, want := range []string{"", "SignatureNonceUsed", "SignatureNonceUsed"} {
		w := httptest.NewRecorder()
		c.ServeHTTP(w, vector())
		if got := errorCode(t, w); got != want {
			t.Errorf("post %d: got %q, want %q", i, got, want)
		}
		now = now.Add(7 * time.Minute)
	}
}

func TestSecurityToken(t *testing.T) {
	for _, old := range []bool{false, true} {
		for _, tt := range []struct{ has, sent, code string }{
			{"tok", "tok", ""}, {"tok", "", "MissingSecurityToken"}, {"tok", "tik", "InvalidSecurityToken.Malformed"},
			{"", "tok", "InvalidSecurityToken.MismatchWithAccessKey"}, {"", "", ""},
		} {
			c := &Server{Now: clock, Keys: map[string]Key{"id": {"secret", tt.has}}}
			s := signer{id: "id", secret: "secret", token: tt.sent, old: old}
			w := s.call(c, "DescribeRegions", nil)
			if got := errorCode(t, w); got != tt.code {
				t.Errorf("old %v, key %q, sent %q: got %q, want %q", old, tt.has, tt.sent, got, tt.code)
			}
		}
	}
}

func TestAlteredOldRequestsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		name, code string
		change     func(url.Values)
	}{
		{"unaltered", "", func(url.Values) {}},
		{"value", "SignatureDoesNotMatch", func(v url.Values) { v.Set("MaxResults", "8") }},
		{"added", "SignatureDoesNotMatch", func(v url.Values) { v.Set("Status", "FAILED") }},
		{"removed", "SignatureDoesNotMatch", func(v url.Values) { v.Del("MaxResults") }},
		{"action", "SignatureDoesNotMatch", func(v url.Values) { v.Set("Action", "DescribeRegions") }},
		{"nonce", "SignatureDoesNotMatch", func(v url.Values) { v.Set("SignatureNonce", "x") }},
		{"signature", "SignatureDoesNotMatch", func(v url.Values) { v.Set("Signature", "x") }},
		{"signature removed", "MissingSignature", func(v url.Values) { v.Del("Signature") }},
		{"key removed", "MissingAccessKeyId", func(v url.Values) { v.Del("AccessKeyId") }},
		{"other key", "InvalidAccessKeyId.NotFound", func(v url.Values) { v.Set("AccessKeyId", "x") }},
		{"method", "InvalidParameter.SignatureMethod", func(v url.Values) { v.Set("SignatureMethod", "HMAC-MD5") }},
		{"XML", "InvalidParameter.Format", func(v url.Values) { v.Set("Format", "XML") }},
		{"bearer token", "InvalidParameter.SignatureType", func(v url.Values) { v.Set("SignatureType", "BEARERTOKEN") }},
		{"action removed", "MissingParameter", func(v url.Values) { v.Del("Action") }},
		{"version removed", "MissingParameter", func(v url.Values) { v.Del("Version") }},
		{"late", "InvalidTimeStamp.Expired", func(v url.Values) { v.Set("Timestamp", "2026-11-22T00:44:00Z") }},
		{"version", "InvalidVersion", func(v url.Values) { v.Set("Version", "2014-05-26") }},
		{"both removed", "MissingAuthorization", func(v url.Values) { v.Del("AccessKeyId"); v.Del("Signature") }},
	} {
		for _, method := range []string{"GET", "POST"} {
			c := &Server{Now: clock}
			s := signer{old: true, method: method, change: tt.change}
			w := s.call(c, "DescribeCloudPhoneNodes", url.Values{"MaxResults": {"7"}, "RegionId": {"cn-shanghai"}, "NodeName": {"a b*~/+中"}})
			if got := errorCode(t, w); got != tt.code {
				t.Errorf("%s, %s: got %q, want %q: %s", tt.name, method, got, tt.code, w.Body)
			}
		}
	}
}

// errorCode returns the Code of a response, empty if it is not an error.
func errorCode(t *testing.T, w *httptest.ResponseRecorder) string {
	t.Helper()
	var e struct{ RequestId, HostId, Code, Message, Recommend string }
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil {
		t.Fatalf("%v: %s", err, w.Body)
	}
	if e.RequestId == "" || e.RequestId != w.Header().Get("x-acs-request-id") {
		t.Errorf("request id %q, in the header %q", e.RequestId, w.Header().Get("x-acs-request-id"))
	}
	if e.Code != "" && (e.Message == "" || e.HostId == "" || e.Recommend == "") {
		t.Errorf("an error lacks a field: %+v", e)
	}
	return e.Code
}

// signer signs requests as a client does. It shares no code with the server.
type signer struct {
	id, secret, token string
	old               bool             // use the older signature
	method            string           // empty means GET
	change            func(url.Values) // alters the signed parameters, with old only
	without           string           // a public parameter to leave out, with old only
	unsigned          string           // a header to leave out of the signature
	hash              string           // x-acs-content-sha256; empty means the correct one
}

var nonces = make(chan int)

func init() {
	go func() {
		for i := 0; ; i++ {
			nonces <- i
		}
	}()
}

func (s signer) request(action string, params url.Values) *http.Request {
	if s.id == "" {
		s.id, s.secret = "emulator", "emulator-secret"
	}
	if s.method == "" {
		s.method = "GET"
	}
	escape := func(v string) string {
		return strings.ReplaceAll(strings.ReplaceAll(url.QueryEscape(v), "+", "%20"), "*", "%2A")
	}
	date := testNow.UTC().Format("2006-01-02T15:04:05Z")
	nonce := fmt.Sprint("nonce-", <-nonces)
	if s.old {
		all := url.Values{"Action": {action}, "Version": {"2023-09-30"}, "Format": {"JSON"}, "AccessKeyId": {s.id}, "SignatureMethod": {"HMAC-SHA1"},
			"SignatureVersion": {"1.0"}, "SignatureNonce": {nonce}, "Timestamp": {date}}
		for k, v := range params {
			all[k] = v
		}
		if s.token != "" {
			all.Set("SecurityToken", s.token)
		}
		all.Del(s.without)
		mac := hmac.New(sha1.New, []byte(s.secret+"&"))
		fmt.Fprint(mac, s.method+"&%2F&"+escape(strings.NewReplacer("+", "%20", "*", "%2A").Replace(all.Encode())))
		all.Set("Signature", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		if s.change != nil {
			s.change(all)
		}
		if s.method == "GET" {
			return httptest.NewRequest("GET", "/?"+all.Encode(), nil)
		}
		r := httptest.NewRequest("POST", "/", strings.NewReader(all.Encode()))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		return r
	}
	r := httptest.NewRequest(s.method, "/?"+params.Encode(), nil)
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	if s.hash == "" {
		s.hash = empty
	}
	headers := [][2]string{{"content-type", "application/json"}, {"host", r.Host}, {"x-acs-action", action}, {"x-acs-content-sha256", s.hash}, {"x-acs-date", date}}
	if s.token != "" {
		headers = append(headers, [2]string{"x-acs-security-token", s.token})
	}
	headers = append(headers, [2]string{"x-acs-signature-nonce", nonce}, [2]string{"x-acs-version", "2023-09-30"})
	var query, names []string
	for k := range params {
		query = append(query, k+"="+escape(params.Get(k)))
	}
	sort.Strings(query)
	canonical := s.method + "\n/\n" + strings.Join(query, "&") + "\n"
	for _, h := range headers {
		r.Header.Set(h[0], h[1])
		if h[0] == s.unsigned {
			continue
		}
		canonical += h[0] + ":" + h[1] + "\n"
		names = append(names, h[0])
	}
	r.Header.Del("Host")
	canonical += "\n" + strings.Join(names, ";") + "\n" + empty
	hash := sha256.Sum256([]byte(canonical))
	mac := hmac.New(sha256.New, []byte(s.secret))
	fmt.Fprintf(mac, "ACS3-HMAC-SHA256\n%x", hash)
	r.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential="+s.id+",SignedHeaders="+strings.Join(names, ";")+",Signature="+hex.EncodeToString(mac.Sum(nil)))
	return r
}

func (s signer) call(c *Server, action string, params url.Values) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	c.ServeHTTP(w, s.request(action, params))
	return w
}
