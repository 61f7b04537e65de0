package chat

import (
	"bytes"
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A network is an in-memory server behind every host name. In testing/synctest,
// waiting for it lets time pass.
type network struct {
	mu    sync.Mutex
	hosts []string // dialled, in order
	conns chan net.Conn
	done  chan struct{}
}

func (n *network) Accept() (net.Conn, error) {
	select {
	case c := <-n.conns:
		return c, nil
	case <-n.done:
		return nil, net.ErrClosed
	}
}
func (n *network) Close() error   { return nil }
func (n *network) Addr() net.Addr { return &net.UnixAddr{Name: "memory", Net: "unix"} }

func (n *network) dial(ctx context.Context, _, address string) (net.Conn, error) {
	host, _, _ := net.SplitHostPort(address)
	n.mu.Lock()
	n.hosts = append(n.hosts, host)
	n.mu.Unlock()
	a, b := net.Pipe()
	client, server := newBuffered(a), newBuffered(b)
	select {
	case n.conns <- server:
		return client, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

func (n *network) dialled() []string {
	n.mu.Lock()
	defer n.mu.Unlock()
	return slices.Compact(slices.Sorted(slices.Values(n.hosts)))
}

// A buffered is one end of a pipe whose writes do not wait for the reader, as
// those of TCP: crypto/tls holds a mutex while it writes, and time in a bubble
// stands still while a goroutine waits for a mutex.
type buffered struct {
	net.Conn
	queue  chan []byte
	closed chan struct{}
	once   sync.Once
}

func newBuffered(c net.Conn) *buffered {
	b := &buffered{Conn: c, queue: make(chan []byte, 2), closed: make(chan struct{})}
	go b.pump()
	return b
}

func (b *buffered) Write(p []byte) (int, error) {
	select {
	case <-b.closed:
		return 0, net.ErrClosed
	case b.queue <- bytes.Clone(p):
		return len(p), nil
	}
}

// SetWriteDeadline does nothing, as a write does not wait. crypto/tls ends
// writing with a deadline in the past, which would drop what is in the queue.
func (b *buffered) SetWriteDeadline(time.Time) error { return nil }

// SetDeadline sets the deadline of reads.
func (b *buffered) SetDeadline(t time.Time) error { return b.Conn.SetReadDeadline(t) }

// Close lets the reader have what was written, if it reads within a second.
func (b *buffered) Close() error {
	b.once.Do(func() {
		b.Conn.SetDeadline(time.Now().Add(time.Second))
		close(b.closed)
	})
	return nil
}

// pump passes on what is written until the end is closed.
func (b *buffered) pump() {
	defer b.Conn.Close()
	for {
		select {
		case p := <-b.queue:
			b.Conn.Write(p)
		case <-b.closed:
			if len(b.queue) == 0 {
				return
			}
		}
	}
}

// channelTo loads the channel of one kind, whose requests h handles. Only the
// transport differs from production.
func channelTo(t *testing.T, kind string, env map[string]string, h http.Handler) (*Channel, *network) {
	t.Helper()
	c := load(t, kind, env)
	n := &network{conns: make(chan net.Conn), done: make(chan struct{})}
	c.transport.Proxy, c.transport.DialContext, c.transport.DialTLSContext = nil, n.dial, n.dial
	server := &http.Server{Handler: h, TLSConfig: &tls.Config{}}
	go server.Serve(n)
	t.Cleanup(func() {
		close(n.done)
		server.Close()
	})
	return c, n
}

func load(t *testing.T, kind string, vars map[string]string) *Channel {
	t.Helper()
	env := config.NewEnv(func(name string) string { return vars[name] })
	channels := Load(env)
	if err := env.Err(); err != nil {
		t.Fatal(err)
	}
	if len(channels) != 1 || channels[0].Name() != kind {
		t.Fatalf("got %d channels, want %s", len(channels), kind)
	}
	return channels[0]
}

// sent returns the bodies that a channel posts if it gets these responses.
func sent(t *testing.T, kind string, env map[string]string, r report.Report, o message.Options, responses ...response) (bodies []string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c, _ := channelTo(t, kind, env, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var b bytes.Buffer
			b.ReadFrom(r.Body)
			bodies = append(bodies, b.String())
			responses[min(len(bodies), len(responses))-1].ServeHTTP(w, r)
		}))
		o.Language = "en"
		err = c.Send(t.Context(), r, o, "key")
	})
	return bodies, err
}

var linked = message.Options{ConsoleURL: console, ReportURL: console + "?all"}
