package cloudphone

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/go-faster/jx"

	"matrix-expiry-report/internal/retryafter"
)

// An Error is an error response of the service, or a response that is not the
// service's own.
type Error struct {
	Status     int // HTTP
	Code       string
	Message    string
	RequestID  string
	AuthAction string        // the permission that a denial names
	RetryAfter time.Duration // the delay that the service asks for; 0 if none
	NotService bool          // the response came from something else, such as a proxy, or is too large to be the service's
}

func (e *Error) Error() string {
	var b strings.Builder
	b.WriteString(e.Code)
	if e.Message != "" {
		fmt.Fprintf(&b, ": %s", e.Message)
	}
	if e.RequestID != "" {
		fmt.Fprintf(&b, " (request %s)", e.RequestID)
	}
	return b.String()
}

// Temporary reports whether the same call may succeed later. It goes by the
// code, as the gateway sends throttling as 400.
// https://www.alibabacloud.com/help/en/openapi/throttling-and-quota-management
func (e *Error) Temporary() bool {
	return e.Throttled() || e.Code == "ServiceUnavailable" || e.Status >= 500 || e.Status == http.StatusRequestTimeout || e.RetryAfter > 0
}

// Throttled reports whether the account makes too many calls.
func (e *Error) Throttled() bool {
	return strings.Contains(e.Code, "Throttling") || e.Status == http.StatusTooManyRequests
}

// ExpiredToken reports whether the service does not know a NextToken any more.
// How long one is valid is not documented.
func (e *Error) ExpiredToken() bool { return strings.Contains(e.Code, "NextToken") }

// UnknownAccount reports whether the endpoint does not know the access key, as
// one of the other site (China or international) does not.
func (e *Error) UnknownAccount() bool {
	return e.Code == "InvalidAccessKeyId" || e.Code == "InvalidAccessKeyId.NotFound"
}

// expiredCredentials reports whether temporary credentials have expired.
func (e *Error) expiredCredentials() bool { return family("InvalidSecurityToken.Expired", e.Code) }

// Refused reports whether the service received a call, understood it and denied
// it, so that another attempt would be denied too.
func Refused(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && !e.NotService && !e.Temporary() && !e.ExpiredToken()
}

// Responded reports whether err is a response of the service, of whatever kind.
func Responded(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && !e.NotService
}

// A Temporary is a failure on the way to the service or back. It has no Unwrap
// method: the timeouts of net/http are context.DeadlineExceeded too, which stands
// for the end of the run.
type Temporary struct {
	Err     error
	Timeout bool
}

func (t *Temporary) Error() string { return t.Err.Error() }

// maxErrorBytes bounds what is read of an error response, which may be a proxy's
// page.
const maxErrorBytes = 64 << 10

// responseError returns the error of a response with any status but 200. Keys may
// be in lower case, as the SDK reads both.
func responseError(status int, r io.Reader) *Error {
	e := &Error{Status: status}
	body, _ := io.ReadAll(io.LimitReader(r, maxErrorBytes)) // what cannot be read stays empty
	if json.Valid(body) {
		_ = object(jx.DecodeBytes(body), func(in *jx.Decoder, name []byte) (err error) {
			switch lower(string(name)) {
			case "code":
				e.Code, err = text(in)
			case "message":
				e.Message, err = text(in)
			case "requestid":
				e.RequestID, err = text(in)
			case "accessdenieddetail":
				e.AuthAction, err = authAction(in)
			default:
				err = in.Skip()
			}
			return err
		})
	}
	if e.Code == "" {
		e.NotService = true
		e.Code = "HTTP" + strconv.Itoa(status)
		e.Message = "the response is not the service's own: is there a proxy?"
	}
	return e
}

func authAction(in *jx.Decoder) (action string, err error) {
	if in.Next() != jx.Object {
		return "", in.Skip()
	}
	err = in.ObjBytes(func(in *jx.Decoder, name []byte) (err error) {
		if lower(string(name)) == "authaction" {
			action, err = text(in)
			return err
		}
		return in.Skip()
	})
	return action, err
}

// retryAfter returns the delay that the service asks for: milliseconds in
// x-acs-retry-after, as the official command line client reads it, or in the
// TimeLeft of x-ratelimit-user(-api), or Retry-After. A response that is not
// throttled may have the x-ratelimit headers too; there they only inform.
func retryAfter(h http.Header, e *Error, now time.Time) time.Duration {
	if d := retryafter.Count(h.Get("x-acs-retry-after"), time.Millisecond); d > 0 {
		return d
	}
	if e.Throttled() {
		for _, name := range []string{"x-ratelimit-user-api", "x-ratelimit-user"} {
			for field := range strings.SplitSeq(h.Get(name), ",") {
				left, _ := strings.CutPrefix(strings.TrimSpace(field), "TimeLeft:")
				if d := retryafter.Count(left, time.Millisecond); d > 0 {
					return d
				}
			}
		}
	}
	return retryafter.Parse(h.Get("Retry-After"), now)
}

// transportError removes the address that net/http adds to its errors, and marks
// failures that another attempt may avoid as Temporary.
func transportError(err error) error {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	_, badCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	switch {
	case badCertificate, notTLS, errors.Is(err, context.Canceled):
		return err
	case isTimeout(err):
		return errTimeout()
	}
	n, ok := errors.AsType[net.Error](err)
	return &Temporary{err, ok && n.Timeout()}
}

// isTimeout reports whether err is the timeout of a whole response. That of
// connecting is not: it says more.
func isTimeout(err error) bool {
	n, ok := errors.AsType[net.Error](err)
	_, connecting := errors.AsType[*net.OpError](err)
	return ok && n.Timeout() && !connecting
}

func errTimeout() error {
	return &Temporary{fmt.Errorf("no complete response within %s", responseTimeout), true}
}
