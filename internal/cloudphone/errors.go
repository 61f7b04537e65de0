package cloudphone

import (
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"matrix-expiry-report/internal/retryafter"
	"matrix-expiry-report/report"
)

// An Error is a failed call: an error response of the service or, if NotService is
// set, a failure to reach the service or to read its response. It does not unwrap,
// so that errors.Is(err, context.DeadlineExceeded) means that the run's deadline
// has passed, not that one request timed out.
type Error struct {
	Status     int // of HTTP; 0 without a response
	Code       string
	Message    string
	RequestID  string
	AuthAction string        // the permission that a denial names
	RetryAfter time.Duration // the delay that the service asks for; 0 if none
	NotService bool          // there is no response, or it is a proxy's, too large or not the service's JSON

	lost    bool // the request or the response was lost, so that a retry may succeed
	timeout bool
}

// Error returns the code, the message and the request id.
func (e *Error) Error() string {
	s := e.Code
	if e.Message != "" {
		s += ": " + e.Message
	}
	if e.RequestID != "" {
		s += " (request " + e.RequestID + ")"
	}
	return s
}

// Temporary reports whether the same call may succeed later. It examines Code,
// because the gateway returns status 400 for throttling.
// https://www.alibabacloud.com/help/en/openapi/throttling-and-quota-management
func (e *Error) Temporary() bool {
	return e.lost || e.Throttled() || e.Code == "ServiceUnavailable" || e.Status >= 500 || e.Status == http.StatusRequestTimeout || e.RetryAfter > 0
}

// Throttled reports whether the account makes too many calls.
func (e *Error) Throttled() bool {
	return strings.Contains(e.Code, "Throttling") || e.Status == http.StatusTooManyRequests
}

// Responded reports whether err is an error response of the service, of any kind.
func Responded(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && !e.NotService
}

// Refused reports whether the service received a call, understood it and denied
// it, so that another attempt would be denied too. An expired NextToken is not
// refused: how long one is valid is not documented.
func Refused(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && !e.NotService && !e.Temporary() && !strings.Contains(e.Code, "NextToken")
}

// UnknownAccount reports whether err means that the endpoint does not know the
// access key, as is the case at the endpoint of the other site (China or
// international).
func UnknownAccount(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && (e.Code == "InvalidAccessKeyId" || e.Code == "InvalidAccessKeyId.NotFound")
}

// retryAfter returns the delay that the service asks for: milliseconds in
// x-acs-retry-after, as the official command line client reads it, or in the
// TimeLeft of x-ratelimit-user(-api), or Retry-After. A response that is not
// throttled may have the x-ratelimit headers too; there they only inform.
func retryAfter(h http.Header, e *Error, now time.Time) time.Duration {
	if d := retryafter.ParseUnits(h.Get("x-acs-retry-after"), time.Millisecond); d > 0 {
		return d
	}
	if e.Throttled() {
		for field := range strings.SplitSeq(h.Get("x-ratelimit-user-api")+","+h.Get("x-ratelimit-user"), ",") {
			left, _ := strings.CutPrefix(strings.TrimSpace(field), "TimeLeft:")
			if d := retryafter.ParseUnits(left, time.Millisecond); d > 0 {
				return d
			}
		}
	}
	return retryafter.Parse(h.Get("Retry-After"), now)
}

func tooLarge(format string, args ...any) *Error {
	return &Error{Status: 200, NotService: true, Code: "ResponseTooLarge", Message: fmt.Sprintf(format, args...)}
}

func lost(format string, args ...any) *Error {
	return &Error{NotService: true, Code: "ConnectionFailed", Message: oneLine(fmt.Sprintf(format, args...)), lost: true}
}

// connectionError returns the Error of a call that failed in net/http. A retry may
// succeed unless the certificate is wrong or the server has no TLS.
func connectionError(doing string, err error) *Error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err // without the address
	}
	e := lost("%s%v", doing, err)
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	e.lost = !badCertificate && !notTLS
	n, ok := errors.AsType[net.Error](err)
	e.timeout = ok && n.Timeout()
	if _, connecting := errors.AsType[*net.OpError](err); e.timeout && !connecting { // the error of connecting names more
		e.Message = fmt.Sprintf("no complete response within %s", responseTimeout)
	}
	return e
}

const (
	accountHint = "the endpoint does not know the access key: check the function's role, and that this endpoint belongs to the account's site (China or international)"
	roleHint    = "the role may not list matrices: attach the policy of the README"
	secretHint  = "the secret does not belong to the access key"
	clockHint   = "the clock of this machine is wrong"
)

// hints holds what an error code usually means to the operator, by exact code or,
// with ".*", by documented family: "X.*" stands for "X" and "X.Y". A code that is
// not in it is explained by the service's message alone.
var hints = map[string]string{
	"InvalidAccessKeyId":          accountHint,
	"InvalidAccessKeyId.NotFound": accountHint,
	"InvalidAccessKeyId.Inactive": "the access key is disabled: enable it, or use another",
	"SignatureDoesNotMatch":       secretHint,
	"IncompleteSignature":         secretHint,
	"SignatureNonceUsed":          "the request arrived twice: a proxy repeats requests",
	"InvalidTimeStamp.*":          clockHint,
	"IllegalTimestamp":            clockHint,
	"InvalidSecurityToken.*":      "the temporary credentials of the role have expired or do not match: check the function's role",
	"MissingSecurityToken":        "temporary credentials without their token: set ALIBABA_CLOUD_SECURITY_TOKEN too",
	"Forbidden":                   roleHint,
	"Forbidden.RAM":               roleHint,
	"NoPermission":                roleHint,
	"NotAuthorized":               roleHint,
	"Throttling.*":                "the account's calls are throttled",
}

// Explain converts err to a [report.Problem]: its code, what the code usually
// means, and the service's message on one line. MayHideMatrices is not set.
func Explain(err error) report.Problem {
	timedOut := errors.Is(err, context.DeadlineExceeded)
	e, ok := errors.AsType[*Error](err)
	switch {
	case errors.Is(err, context.Canceled):
		return report.Problem{Code: "Interrupted", Message: "the run was interrupted"}
	case !ok && timedOut:
		return report.Problem{Code: "DeadlineExceeded", Message: "the run had no time left"}
	case !ok:
		return report.Problem{Code: "ConnectionFailed", Message: oneLine(err.Error())}
	}
	p := report.Problem{Code: e.Code, Message: cmp.Or(e.Message, "the service gave no reason"), RequestID: e.RequestID, Permission: e.AuthAction}
	family, _, _ := strings.Cut(e.Code, ".")
	if hint := cmp.Or(hints[e.Code], hints[family+".*"]); hint != "" {
		p.Hint = hint + ": "
		p.Message = p.Hint + p.Message
	}
	if p.Permission != "" {
		p.Message += "; missing permission: " + p.Permission
	}
	if p.RequestID != "" {
		p.Message += " (request " + p.RequestID + ")"
	}
	if timedOut {
		p.Message, p.Code = p.Code+": "+p.Message+" (no time for another attempt)", "DeadlineExceeded"
	}
	return p
}

// oneLine returns s without line breaks, truncated to 300 characters.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
