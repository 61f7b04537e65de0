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

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"

	"matrix-expiry-report/internal/config"
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
	client, server := net.Pipe()
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
