// Package chat posts a report to chat services.
//
// To add a service, write a file like wecom.go, give it a line in [Kinds], one
// in the table formats of package templates with a file beside it, and its
// answers to the conformance test in chat_test.go, which fails until they are
// there.
package chat

import (
	"cmp"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A Kind is one chat service: the name of its format and of its channel, and
// how it reads its settings. load gives nil where the service is not set up.
type Kind struct {
	Name string
	load func(*config.Env) service
}

// Kinds lists every service, in the order in which they are told.
var Kinds = []Kind{
	{"slack", loadSlack},
	{"dingtalk", loadDingTalk},
	{"feishu", loadFeishu},
	{"wecom", loadWeCom},
	{"teams", loadTeams},
	{"webhook", loadWebhook},
}

// A service is what differs between chat services.
type service interface {
	// bodies puts the letter into as many forms as the service may need to be
	// offered, the best first.
	bodies(l letter) ([][]byte, error)
	// request addresses one body; signatures are made anew for every try. id
	// is that of the letter.
	request(ctx context.Context, id string, body []byte, now time.Time) (*http.Request, error)
	// verdict tells what an answer means; nil is delivered.
	verdict(status int, header http.Header, body []byte) *Error
	// host is where messages are posted: scheme and host, without the rest.
	host() *url.URL
	// idempotent tells whether a message that arrives twice is shown once.
	idempotent() bool
}

// A letter is what goes into a service's envelope.
type letter struct {
	id      string // the same for every try, and for a repeated run
	report  report.Report
	options message.Options
	draft   *message.Draft
}

// A Channel is one place that a report is sent to.
type Channel struct {
	name     string
	language string // empty for that of the run
	service  service
	http     *http.Client
}

// Load reads the channels that are set up; mistakes are left in env.
func Load(env *config.Env) []*Channel {
	var channels []*Channel
	hc := newHTTPClient()
	for _, k := range Kinds {
		language := env.OneOf(strings.ToUpper(k.Name)+"_LANGUAGE", "", locale.Languages()...)
		if s := k.load(env); s != nil {
			channels = append(channels, &Channel{name: k.Name, language: language, service: s, http: hc})
		}
	}
	return channels
}

// Name is the channel's name in reports, and the prefix of its settings.
func (c *Channel) Name() string { return c.name }

// Host is the scheme and the host that the channel posts to.
func (c *Channel) Host() *url.URL { return c.service.host() }

// hostOf is an address without what makes it a secret.
func hostOf(u *url.URL) *url.URL { return &url.URL{Scheme: u.Scheme, Host: u.Host} }

// newHTTPClient makes the client that all channels share. A redirect is an
// answer that means no: followed, it would lose the message or hand it to
// somebody else.
func newHTTPClient() *http.Client {
	return &http.Client{
		Timeout: 10 * time.Second,
		Transport: &http.Transport{
			Proxy:               http.ProxyFromEnvironment,
			DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
			TLSHandshakeTimeout: 5 * time.Second,
			ForceAttemptHTTP2:   true,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

// An Error is why a message was not delivered. It never holds an address: for
// these services the address is the password.
type Error struct {
	Code      string // the service's, or a short name for what happened on the way
	Advice    string // what it usually means and what to do
	Temporary bool   // the same message may be taken later
	After     time.Duration
	OtherForm bool // the service may take the message in another form

	MayHaveArrived bool // nobody knows whether it was taken: to repeat the run may tell it twice
}

// Uncertain tells whether the message may have arrived all the same.
func (e *Error) Uncertain() bool { return e.MayHaveArrived }

func (e *Error) Error() string {
	if e.Advice == "" {
		return e.Code
	}
	return e.Code + ": " + e.Advice
}

// maxTries bounds how often one form of a message is offered.
const maxTries = 3

// maxPause is as long as a service may ask to be left alone: whoever wants
// more will not have the message within this run.
const maxPause = time.Minute

// maxAnswerBytes is as much of an answer as is looked at.
const maxAnswerBytes = 64 << 10

// Send posts r. The key names the run: a service that can tell repeats by it
// shows a repeated run once.
func (c *Channel) Send(ctx context.Context, r report.Report, o message.Options, key string) error {
	o.Language = cmp.Or(c.language, o.Language)
	d, err := message.Compose(c.name, r, o)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	l := letter{id: messageID(c.name, key), report: r, options: o, draft: d}
	bodies, err := c.service.bodies(l)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	var last *Error
	for i, body := range bodies {
		another := i < len(bodies)-1
		if last = c.offer(ctx, l.id, body, another); last == nil {
			return nil
		}
		if !another || !last.OtherForm {
			break
		}
	}
	return fmt.Errorf("%s: %w", c.name, last)
}

// offer posts one body until it is taken or refused, or until another form of
// it is the better try.
func (c *Channel) offer(ctx context.Context, id string, body []byte, another bool) *Error {
	pause := backoff.NewExponentialBackOff()
	pause.InitialInterval, pause.MaxInterval = 500*time.Millisecond, 10*time.Second
	var last *Error
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		last = c.once(ctx, id, body)
		switch {
		case last == nil:
			return struct{}{}, nil
		case !last.Temporary || last.OtherForm && another || last.After > maxPause:
			return struct{}{}, backoff.Permanent(last)
		case last.After > 0:
			if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < last.After {
				return struct{}{}, backoff.Permanent(last) // it would be over before
			}
			return struct{}{}, &backoff.RetryAfterError{Duration: last.After}
		}
		return struct{}{}, last
	}, backoff.WithBackOff(pause), backoff.WithMaxTries(maxTries), backoff.WithMaxElapsedTime(0))
	if err == nil {
		return nil
	}
	return last // and not err, which may be the context's: why it took so long is of more use
}

func (c *Channel) once(ctx context.Context, id string, body []byte) *Error {
	req, err := c.service.request(ctx, id, body, time.Now())
	if err != nil {
		return &Error{Code: "BadAddress", Advice: "the webhook's address cannot be used"}
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	// A connection kept over a freeze of the instance may be dead, and a POST
	// that meets one is not repeated.
	req.Close = true
	res, err := c.http.Do(req)
	if err != nil {
		return c.transportError(err)
	}
	defer res.Body.Close()
	answer, err := io.ReadAll(io.LimitReader(res.Body, maxAnswerBytes))
	if err != nil {
		return c.transportError(err)
	}
	if res.StatusCode >= 300 && res.StatusCode < 400 {
		return &Error{Code: fmt.Sprint("HTTP ", res.StatusCode), Advice: "the address answers with a redirect: set the webhook's own address"}
	}
	return c.service.verdict(res.StatusCode, res.Header, answer)
}

// transportError says what happened without the address, which net/http puts
// into its errors. A message that may have arrived is sent again only where
// the service shows it once.
func (c *Channel) transportError(err error) *Error {
	if uerr, ok := errors.AsType[*url.Error](err); ok {
		err = uerr.Err
	}
	dialling, isOp := errors.AsType[*net.OpError](err)
	unsent := isOp && (dialling.Op == "dial" || dialling.Op == "proxyconnect")
	_, isDNS := errors.AsType[*net.DNSError](err)
	_, isCertificate := errors.AsType[*tls.CertificateVerificationError](err)
	e := &Error{Code: "no answer", Temporary: (unsent || c.service.idempotent()) && !isCertificate}
	e.MayHaveArrived = !e.Temporary && !isCertificate && !isDNS
	switch {
	case errors.Is(err, context.Canceled):
		e.Advice = "the run was cancelled; start it again"
	case isCertificate:
		e.Advice = "the host's certificate is not trusted: check the address and what stands between"
	case isDNS:
		e.Advice = "the host's name does not resolve: check the address and the function's network"
	case unsent:
		e.Advice = "no connection to the host: check the address and the function's network"
	case errors.Is(err, context.DeadlineExceeded) || isTimeout(err):
		e.Advice = "the service was too slow; look into the room, as the message may have arrived all the same"
	default:
		e.Advice = "the connection broke; look into the room, as the message may have arrived all the same"
	}
	return e
}

func isTimeout(err error) bool {
	t, ok := errors.AsType[net.Error](err)
	return ok && t.Timeout()
}

// messageID names a message in one channel, in the form of a UUID.
func messageID(channel, key string) string {
	sum := sha256.Sum256([]byte(channel + "\n" + key))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
