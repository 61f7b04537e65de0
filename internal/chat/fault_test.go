package chat

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/emulator"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/message"
)

// platformRuns is how often Function Compute runs a timer's event that fails.
const platformRuns = 3

// With every fault, of the first request or of all, a service that is not
// idempotent gets at most one copy of a message, and a run succeeds only if a
// message may have been delivered.
func TestNoFaultDuplicatesOrLosesMessage(t *testing.T) {
	t.Parallel()
	// The server only supplies its certificate.
	server := httptest.NewTLSServer(nil)
	certificate := server.TLS.Certificates
	roots := x509.NewCertPool()
	roots.AddCert(server.Certificate())
	server.Close()
	for _, kind := range Kinds {
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			for _, fault := range emulator.ChatFaults() {
				for name, times := range map[string]int{"first": 1, "always": math.MaxInt} {
					t.Run(fault.Name+"/"+name, func(t *testing.T) {
						synctest.Test(t, func(t *testing.T) {
							f := faultTest{ChatFault: fault, kind: kind.Name, certificate: certificate, roots: roots}
							f.check(t, times)
						})
					})
				}
			}
		})
	}
}

type faultTest struct {
	emulator.ChatFault
	kind        string
	certificate []tls.Certificate
	roots       *x509.CertPool
}

// check runs the platform's event, through real TLS in memory, until a run
// succeeds.
func (f faultTest) check(t *testing.T, times int) {
	room := &fakechat.Server{}
	c := load(t, f.kind, emulatorWebhook(f.kind))
	connections, runs, delivered := f.serve(t, c, room, times), 0, false
	var last error
	for runs < platformRuns && !delivered {
		runs++
		err := c.Send(t.Context(), badDay(1), message.Options{Language: "en"}, "key")
		e, _ := errors.AsType[*Error](err)
		last = err
		delivered = err == nil || e != nil && e.Uncertain()
	}
	copies := 0
	for _, m := range room.Messages() {
		if m.Accepted {
			copies++
		}
	}
	always := times > 1
	idempotent := c.idempotent
	if copies > 1 && !idempotent {
		t.Errorf("%d copies", copies)
	}
	if delivered && copies == 0 && !(f.Unclear && !idempotent) {
		t.Errorf("the run succeeds without a message: %v", last)
	}
	if !delivered && copies > 0 && !idempotent {
		t.Error("the run fails with a message")
	}
	if !always && !delivered {
		t.Error("not delivered after the fault")
	}
	if f.Connect != nil && !always && runs != 1 {
		t.Errorf("%d runs after a connection that failed, want 1", runs)
	}
	if f.Connect != nil && always && int(connections.Load()) != platformRuns*maxTries {
		t.Errorf("%d connections, want %d tries in %d runs", connections.Load(), maxTries, platformRuns)
	}
	if f.Unclear && !idempotent && (runs != 1 || connections.Load() != 1) {
		t.Errorf("%d requests in %d runs, want one in all", connections.Load(), runs)
	}
}

// serve connects c to room through the fault, and counts its connections.
func (f faultTest) serve(t *testing.T, c *Channel, room http.Handler, times int) *atomic.Int32 {
	n := &network{conns: make(chan net.Conn), done: make(chan struct{})}
	var connections atomic.Int32
	c.transport.DialContext = func(ctx context.Context, network, address string) (net.Conn, error) {
		connections.Add(1)
		return n.dial(ctx, network, address)
	}
	c.transport.TLSClientConfig = &tls.Config{RootCAs: f.roots, ServerName: "example.com"}
	c.transport.Proxy = nil
	if f.ByProxy {
		c.transport.Proxy = http.ProxyURL(&url.URL{Scheme: "http", Host: "proxy.example:3128"})
	}
	server := &http.Server{Handler: f.Handler(room, times), ErrorLog: log.New(io.Discard, "", 0)}
	go server.Serve(tls.NewListener(f.Listen(n, times), &tls.Config{Certificates: f.certificate}))
	t.Cleanup(func() {
		close(n.done)
		server.Close()
		time.Sleep(time.Minute) // until all ends are closed
	})
	return &connections
}

// emulatorWebhook returns the setting of a kind for an emulated chat.
func emulatorWebhook(kind string) map[string]string {
	env := map[string]string{}
	for name, address := range fakechat.Webhooks("https://example.com") {
		if strings.HasPrefix(name, strings.ToUpper(kind)+"_") {
			env[name] = address
		}
	}
	return env
}

// Without time for a request, nothing was sent.
func TestSendAfterDeadlineIsCertain(t *testing.T) {
	for _, kind := range Kinds {
		synctest.Test(t, func(t *testing.T) {
			c, _ := channelTo(t, kind.Name, services[kind.Name].env, services[kind.Name].ok)
			ctx, cancel := context.WithTimeout(t.Context(), -time.Second)
			defer cancel()
			err := c.Send(ctx, badDay(1), message.Options{Language: "en"}, "key")
			checkError(t, err, kind.Name+": no response: the time was over before the message was sent", services[kind.Name].env)
			if e, ok := errors.AsType[*Error](err); ok && e.Uncertain() {
				t.Errorf("%s: uncertain", kind.Name)
			}
		})
	}
}

func TestTransportError(t *testing.T) {
	dial := &net.OpError{Op: "dial", Err: errors.New("refused")}
	read := &net.OpError{Op: "read", Err: errors.New("reset")}
	for _, c := range []struct {
		name      string
		err       error
		sent      bool
		advice    string
		temporary bool
	}{
		{"dial", dial, false, "no connection", true},
		{"dial timed out", &net.OpError{Op: "dial", Err: context.DeadlineExceeded}, false, "no connection", true},
		{"proxy", &net.OpError{Op: "proxyconnect", Err: dial}, false, "no connection", true},
		{"DNS", &net.OpError{Op: "dial", Err: &net.DNSError{}}, false, "the host name does not resolve", true},
		{"handshake", read, false, "no secure connection", true},
		{"certificate", &tls.CertificateVerificationError{}, false, "the server's certificate", false},
		{"deadline before", context.DeadlineExceeded, false, "the time was over", true},
		{"cancelled before", context.Canceled, false, "the run was cancelled", true},
		{"cancelled after", context.Canceled, true, "the run was cancelled", false},
		{"broken", read, true, "the connection broke", false},
		{"timed out", context.DeadlineExceeded, true, "the service timed out", false},
		{"quoted", errors.New(`malformed HTTP status code "secret"`), true, "the connection broke", false},
	} {
		e := transportError(c.err, c.sent)
		if !strings.HasPrefix(e.Advice, c.advice) || e.Temporary != c.temporary || e.MayHaveArrived != c.sent || strings.Contains(e.Error(), "secret") {
			t.Errorf("%s: %+v, want %s, temporary %t", c.name, e, c.advice, c.temporary)
		}
	}
}

func TestSettle(t *testing.T) {
	for _, c := range []struct {
		e, other, idempotent Error // before, and after for both kinds of service
	}{
		{Error{}, Error{}, Error{}},
		{Error{Temporary: true}, Error{Temporary: true}, Error{Temporary: true}},
		{Error{MayHaveArrived: true}, Error{MayHaveArrived: true}, Error{Temporary: true}},
		{Error{MayHaveArrived: true, Temporary: true}, Error{MayHaveArrived: true}, Error{Temporary: true}},
	} {
		other, idempotent := c.e, c.e
		if got := other.settle(false); *got != c.other {
			t.Errorf("%+v became %+v, want %+v", c.e, *got, c.other)
		}
		if got := idempotent.settle(true); *got != c.idempotent {
			t.Errorf("%+v became %+v for an idempotent service, want %+v", c.e, *got, c.idempotent)
		}
	}
	if (*Error)(nil).settle(true) != nil {
		t.Error("an error without a failure")
	}
}
