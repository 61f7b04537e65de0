package cloudphone

import (
	"cmp"
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
)

// An Error is the service's refusal, or an answer that is none of its own.
type Error struct {
	Status     int // HTTP
	Code       string
	Message    string
	RequestID  string
	AuthAction string        // the permission that a denial says is missing
	RetryAfter time.Duration // what the service asked for; 0 if nothing
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

// Temporary tells whether the same question may be answered later. It goes by
// the code: the gateway sends throttling as 400.
// https://www.alibabacloud.com/help/en/openapi/throttling-and-quota-management
func (e *Error) Temporary() bool {
	return e.Throttled() || e.Code == "ServiceUnavailable" || e.Status >= 500 || e.Status == http.StatusRequestTimeout || e.RetryAfter > 0
}

// expiredKey tells whether a temporary key has come to its end.
func (e *Error) expiredKey() bool {
	return strings.HasPrefix(e.Code, "InvalidSecurityToken.Expired")
}

// Throttled tells whether the account is asking too much.
func (e *Error) Throttled() bool {
	return strings.Contains(e.Code, "Throttling") || e.Status == http.StatusTooManyRequests
}

// Temporary marks a failure on the way to the service or back. It has no
// Unwrap: net/http's own time limits pass for context.DeadlineExceeded, which
// is for the end of the run.
type Temporary struct {
	Err     error
	Stalled bool // a time limit was reached
}

func (t *Temporary) Error() string { return t.Err.Error() }

// refused tells whether the service answered, knew what was asked, and will
// not do it for this account.
func refused(err error) bool {
	e, ok := errors.AsType[*Error](err)
	return ok && !e.Temporary() && e.Status >= 400
}

// answerError makes an error of any answer but 200, reading at most a little
// of it: it may be a proxy's page.
func answerError(res *http.Response) error {
	defer res.Body.Close()
	e := &Error{Status: res.StatusCode, RetryAfter: retryAfter(res.Header, time.Now())}
	body, _ := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if json.Valid(body) { // what cannot be read stays empty
		_ = object(jx.DecodeBytes(body), func(in *jx.Decoder, name []byte) (err error) {
			switch string(name) {
			case "Code":
				e.Code, err = text(in)
			case "Message":
				e.Message, err = text(in)
			case "RequestId":
				e.RequestID, err = text(in)
			case "AccessDeniedDetail":
				e.AuthAction, err = authAction(in)
			default:
				err = in.Skip()
			}
			return err
		})
	}
	if e.Code == "" {
		e.Code = "HTTP" + strconv.Itoa(res.StatusCode)
		e.Message = "an answer that is not the service's own: a proxy between?"
	}
	return e
}

func authAction(in *jx.Decoder) (action string, err error) {
	if in.Next() != jx.Object {
		return "", in.Skip()
	}
	err = in.ObjBytes(func(in *jx.Decoder, name []byte) (err error) {
		if string(name) == "AuthAction" {
			action, err = text(in)
			return err
		}
		return in.Skip()
	})
	return action, err
}

// retryAfter reads when the service wants to be asked again: milliseconds in
// x-acs-retry-after (as the official command-line client does) and in the
// TimeLeft of x-ratelimit-user(-api), seconds or a date in Retry-After.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.Atoi(h.Get("x-acs-retry-after")); err == nil && ms > 0 {
		return time.Duration(ms) * time.Millisecond
	}
	for _, name := range []string{"x-ratelimit-user-api", "x-ratelimit-user"} {
		for field := range strings.SplitSeq(h.Get(name), ",") {
			if left, ok := strings.CutPrefix(strings.TrimSpace(field), "TimeLeft:"); ok {
				if ms, err := strconv.Atoi(left); err == nil && ms > 0 {
					return time.Duration(ms) * time.Millisecond
				}
			}
		}
	}
	after := h.Get("Retry-After")
	if s, err := strconv.Atoi(after); err == nil && s > 0 {
		return time.Duration(s) * time.Second
	}
	if at, err := http.ParseTime(after); err == nil {
		return max(0, at.Sub(now))
	}
	return 0
}

// transportError drops the address that net/http puts into its errors, and
// says whether another try makes sense.
func transportError(err error) error {
	if uerr, ok := errors.AsType[*url.Error](err); ok {
		err = uerr.Err
	}
	_, badCert := errors.AsType[*tls.CertificateVerificationError](err)
	_, notTLS := errors.AsType[tls.RecordHeaderError](err)
	if badCert || notTLS || errors.Is(err, context.Canceled) {
		return err
	}
	if stalled(err) {
		return errStalled()
	}
	limit, ok := errors.AsType[net.Error](err)
	return &Temporary{err, ok && limit.Timeout()}
}

// stalled tells whether the client's time limit for one answer was reached,
// and not that for making a connection, which says more.
func stalled(err error) bool {
	limit, ok := errors.AsType[net.Error](err)
	_, dialling := errors.AsType[*net.OpError](err)
	return ok && limit.Timeout() && !dialling
}

func errStalled() error {
	return &Temporary{fmt.Errorf("no whole answer within %s", answerTime), true}
}

// hints say what a code usually means to the one who runs the function; the
// first prefix that fits is taken.
var hints = []struct{ prefix, hint string }{
	{"InvalidAccessKeyId", "the access key is not known here: check the function's role, and that this endpoint is of the account's site (China or international)"},
	{"SignatureDoesNotMatch", "the secret does not belong to the access key"},
	{"IncompleteSignature", "the secret does not belong to the access key"},
	{"SignatureNonceUsed", "the request was seen twice: a proxy or a retry in between repeats requests"},
	{"InvalidTimeStamp", "the clock of this machine is wrong"},
	{"IllegalTimestamp", "the clock of this machine is wrong"},
	{"InvalidSecurityToken", "the role's temporary key has expired or does not fit: check the function's role"},
	{"MissingSecurityToken", "a temporary key was used without its token: set ALIBABA_CLOUD_SECURITY_TOKEN too"},
	{"Forbidden", "the role may not list matrices: attach the policy of the README"},
	{"NoPermission", "the role may not list matrices: attach the policy of the README"},
	{"NotAuthorized", "the role may not list matrices: attach the policy of the README"},
	{"Throttling", "the account's calls are being limited"},
}

// explain is what people read of an error: the service's message, or what its
// code usually means, in one line.
func explain(err error) (code, message string) {
	e, ok := errors.AsType[*Error](err)
	switch {
	case !ok && errors.Is(err, context.DeadlineExceeded):
		return "DeadlineExceeded", "the time of this run was over"
	case !ok:
		return "ConnectionFailed", oneLine(err.Error())
	}
	message = cmp.Or(oneLine(e.Message), "the service gave no reason")
	for _, h := range hints {
		if strings.HasPrefix(e.Code, h.prefix) {
			message = h.hint
			break
		}
	}
	if e.AuthAction != "" {
		message += "; missing permission: " + oneLine(e.AuthAction)
	}
	if e.RequestID != "" {
		message += " (request " + oneLine(e.RequestID) + ")"
	}
	return oneLine(e.Code), message
}

// oneLine makes a foreign text fit to stand in a sentence.
func oneLine(s string) string {
	s = strings.Join(strings.Fields(s), " ")
	if r := []rune(s); len(r) > 300 {
		s = string(r[:300]) + "…"
	}
	return s
}
