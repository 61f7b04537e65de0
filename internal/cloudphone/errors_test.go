package cloudphone

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
)

// decode decodes a response for matrices.
func decode(status int, body string) *Error {
	_, err := readPage(newDecoder(zone), status, strings.NewReader(body))
	return err
}

func TestResponseErrorReadsKeysOfAnyCase(t *testing.T) {
	for _, body := range []string{
		`{"Code":"Throttling.User","Message":"m","RequestId":"R","AccessDeniedDetail":{"AuthAction":"a"}}`,
		`{"code":"Throttling.User","message":"m","requestId":"R","accessDeniedDetail":{"authAction":"a"}}`,
	} {
		e := decode(400, body)
		if e.Code != "Throttling.User" || e.Message != "m" || e.RequestID != "R" || e.AuthAction != "a" || !e.Temporary() {
			t.Errorf("%s: got %+v", body, e)
		}
	}
	if err := decode(200, `{"code":"Throttling","message":"m","requestId":"R"}`); err == nil || err.Error() != "Throttling: m (request R)" {
		t.Errorf("got %v, want the error in the response", err)
	}
}

// The x-ratelimit headers come with every response; only a throttled one waits
// for them.
func TestRateLimitHeadersOfRefusalsAreIgnored(t *testing.T) {
	header := http.Header{}
	header.Set("x-ratelimit-user", "Limit:1000,Remain:999,TimeLeft:1000")
	for code, want := range map[string]time.Duration{
		"InvalidAccessKeyId.NotFound": 0, "Forbidden": 0, "NoPermission": 0, "SignatureDoesNotMatch": 0, "Throttling.User": time.Second,
	} {
		e := &Error{Status: 400, Code: code}
		e.RetryAfter = retryAfter(header, e, time.Now())
		if e.RetryAfter != want || e.Temporary() != (want > 0) || Refused(e) != (want == 0) {
			t.Errorf("%s: waits %v, temporary %t, refused %t", code, e.RetryAfter, e.Temporary(), Refused(e))
		}
	}
}

func TestRetryAfterIsBounded(t *testing.T) {
	for value, waits := range map[string]bool{"18446744074": true, "9223372037": true, "-1": false} {
		e := &Error{Status: 503, Code: "ServiceUnavailable"}
		got := retryAfter(http.Header{"Retry-After": {value}}, e, time.Now())
		if waits && got < time.Hour || !waits && got != 0 {
			t.Errorf("%s: got %v", value, got)
		}
	}
}

// A hint explains the codes that it is for, and no others; the service's own
// words are always there.
func TestExplain(t *testing.T) {
	for code, want := range map[string]string{
		"Forbidden": roleHint, "Forbidden.RAM": roleHint, "Forbidden.RiskControl": "", "NoPermission": roleHint, "NoPermissions": "",
		"InvalidAccessKeyId.NotFound": "does not know the access key", "InvalidAccessKeyId.Inactive": "the access key is disabled",
		"SignatureDoesNotMatch": secretHint, "InvalidTimeStamp.Expired": clockHint, "InvalidSecurityToken.Malformed": "temporary credentials",
		"Throttling": "throttled", "Throttling.Api": "throttled", "ThrottlingOdd": "", "Odd.Code": "",
	} {
		p := Explain(&Error{Status: 400, Code: code, Message: "in its own words", RequestID: "R", AuthAction: "a:b"})
		const rest = "; missing permission: a:b (request R)"
		own := "in its own words" + rest
		if want != "" {
			own = ": in its own words" + rest
		}
		if p.Code != code || p.RequestID != "R" || p.Permission != "a:b" || !strings.Contains(p.Message, want) || !strings.HasSuffix(p.Message, own) || want == "" && p.Message != own {
			t.Errorf("%s: got %+v, want %q", code, p, want)
		}
	}
	for code, err := range map[string]error{
		"Interrupted":      lost("x"),
		"DeadlineExceeded": &Error{Status: 503, Code: "ServiceUnavailable", Message: "Later."},
	} {
		end := map[string]error{"Interrupted": context.Canceled, "DeadlineExceeded": context.DeadlineExceeded}[code]
		if p := Explain(fmt.Errorf("%w (%w)", err, end)); p.Code != code {
			t.Errorf("got %+v, want %s", p, code)
		}
		if p := Explain(end); p.Code != code {
			t.Errorf("got %+v, want %s", p, code)
		}
	}
}

func TestUnknownAccount(t *testing.T) {
	for code, want := range map[string]bool{"InvalidAccessKeyId": true, "InvalidAccessKeyId.NotFound": true, "InvalidAccessKeyId.Inactive": false, "Forbidden": false} {
		if got := UnknownAccount(&Error{Code: code}); got != want {
			t.Errorf("%s: got %t, want %t", code, got, want)
		}
	}
}
