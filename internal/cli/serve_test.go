package cli

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// A pipeListener accepts connections in memory, which work in a synctest bubble.
type pipeListener struct {
	conns chan net.Conn
	once  sync.Once
	done  chan struct{}
}

func newPipeListener() *pipeListener {
	return &pipeListener{conns: make(chan net.Conn), done: make(chan struct{})}
}

func (l *pipeListener) dial() net.Conn {
	client, server := net.Pipe()
	l.conns <- server
	return client
}

func (l *pipeListener) Accept() (net.Conn, error) {
	select {
	case c := <-l.conns:
		return c, nil
	case <-l.done:
		return nil, net.ErrClosed
	}
}

func (l *pipeListener) Close() error {
	l.once.Do(func() { close(l.done) })
	return nil
}

func (l *pipeListener) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 9000} }

// startServer serves h in memory. The returned functions stop it as a signal does,
// and wait until it has ended.
func startServer(t *testing.T, h http.HandlerFunc) (l *pipeListener, interrupt func(), wait func() error) {
	t.Helper()
	l = newPipeListener()
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- serveListener(ctx, l, h) }()
	return l, cancel, func() error { return <-ended }
}

// A connection on which no request comes, or only a part of one, is closed.
func TestServeClosesIdleConnections(t *testing.T) {
	for _, c := range []struct {
		name, sent string
		after      time.Duration
	}{
		{"nothing", "", headerTimeout},
		{"half of a header", "GET / HTTP/1.1\r\nHost: ", headerTimeout},
		{"half of a body", "POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\nhalf", readTimeout},
		{"a request and nothing more", "GET / HTTP/1.1\r\nHost: x\r\n\r\n", idleTimeout},
	} {
		t.Run(c.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l, interrupt, wait := startServer(t, func(_ http.ResponseWriter, r *http.Request) { io.Copy(io.Discard, r.Body) })
				conn, start := l.dial(), time.Now()
				go io.WriteString(conn, c.sent)
				io.Copy(io.Discard, conn)
				if took := time.Since(start); took < c.after || took > c.after+time.Second {
					t.Errorf("closed after %s, want %s", took, c.after)
				}
				interrupt()
				if err := wait(); err != nil {
					t.Error(err)
				}
			})
		})
	}
}

// On a signal the server finishes what it is answering, with its context intact,
// and accepts nothing more. It does not wait for longer than shutdownTimeout.
func TestServeFinishesRequests(t *testing.T) {
	for _, c := range []struct {
		answer   time.Duration
		finished bool
	}{{20 * time.Second, true}, {time.Hour, false}} {
		synctest.Test(t, func(t *testing.T) {
			l, interrupt, wait := startServer(t, func(w http.ResponseWriter, r *http.Request) {
				select {
				case <-time.After(c.answer):
					io.WriteString(w, "the report")
				case <-r.Context().Done():
				}
			})
			conn := l.dial()
			go io.WriteString(conn, "GET / HTTP/1.1\r\nHost: x\r\n\r\n")
			body := make(chan string, 1)
			go func() {
				res, err := http.ReadResponse(bufio.NewReader(conn), nil)
				if err != nil {
					body <- ""
					return
				}
				b, _ := io.ReadAll(res.Body)
				body <- string(b)
			}()
			time.Sleep(time.Second)
			start := time.Now()
			interrupt()
			err := wait()
			if took := time.Since(start); took > shutdownTimeout+time.Second {
				t.Errorf("ended after %s", took)
			}
			if got := <-body; (got == "the report") != c.finished || (err == nil) != c.finished || err != nil && !errors.Is(err, context.DeadlineExceeded) {
				t.Errorf("an answer of %s: got %q and %v, finished: %t", c.answer, got, err, c.finished)
			}
		})
	}
}

// Without a token, a request that names another host is refused: its page has had
// its name resolve to this machine.
func TestCheckHost(t *testing.T) {
	h := checkHost(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "the report") }), "reports.internal:9000")
	for host, want := range map[string]int{
		"127.0.0.1:9000": 200, "127.0.0.1": 200, "[::1]:9000": 200, "[::1]": 200, "localhost:9000": 200, "192.168.0.7:9000": 200, "reports.internal:9000": 200,
		"evil.example": 421, "evil.example:9000": 421, "127.0.0.1.evil.example:9000": 421, "localhost.evil.example": 421, "": 421,
	} {
		r := httptest.NewRequest("GET", "/report", nil)
		r.Host = host
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, r)
		if rec.Code != want || (want == 200) != strings.Contains(rec.Body.String(), "the report") {
			t.Errorf("%q: %d %s, want %d", host, rec.Code, rec.Body, want)
		}
	}
}

func TestIsLoopback(t *testing.T) {
	for address, want := range map[string]bool{"127.0.0.1:9000": true, "[::1]:9000": true, "127.9.9.9:1": true, "0.0.0.0:9000": false, "[::]:9000": false, "192.168.0.7:9000": false} {
		if got := isLoopback(address); got != want {
			t.Errorf("%s: got %t", address, got)
		}
	}
}
