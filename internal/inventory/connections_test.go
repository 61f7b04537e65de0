package inventory_test

import (
	"compress/gzip"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"log"
	"maps"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/report"
)

// All pages of a listing come over about as many connections as questions are
// asked at a time, and packed if the service can.
func TestListReusesConnectionsAndAcceptsGzip(t *testing.T) {
	cloud := &fakecloud.Server{Nodes: regularNodes(), PageSize: 1, Keys: map[string]fakecloud.Key{"emulator": {Secret: "emulator-secret"}}}
	var opened, packed, written atomic.Int64
	srv := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		rec := httptest.NewRecorder()
		cloud.ServeHTTP(rec, r)
		maps.Copy(w.Header(), rec.Header())
		w.Header().Del("Content-Length")
		if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
			packed.Add(1)
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			defer z.Close()
			n, _ := z.Write(rec.Body.Bytes())
			written.Add(int64(n))
		}
	}))
	srv.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			opened.Add(1)
		}
	}
	srv.Start()
	defer srv.Close()
	s := overTCP(t)
	u, err := url.Parse(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	s.Endpoints = []*url.URL{u}
	l := s.List(t.Context(), nil)
	wantRows(t, l, idsOf(regularNodes()), 15)
	wantProblems(t, l)
	// One may be opened while another becomes free.
	if n := opened.Load(); n > 2*int64(s.API.MaxInFlight) {
		t.Errorf("%d connections for %d questions, want some %d", n, l.Stats.Calls, s.API.MaxInFlight)
	}
	if int(packed.Load()) != l.Stats.Calls || l.Stats.Calls < 15 || l.Stats.Bytes != written.Load() {
		t.Errorf("%d of %d answers were packed, %d bytes of %d are counted", packed.Load(), l.Stats.Calls, l.Stats.Bytes, written.Load())
	}
}

// Connections that died while the instance was frozen swallow what is sent:
// no error comes back.
func TestListAfterFreeze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := overPipes(t, &fakecloud.Server{Nodes: someNodes(), PageSize: 2})
		transport := s.API.HTTP.Transport.(*http.Transport)
		dial := transport.DialContext
		var mu sync.Mutex
		var open []*frozenConn
		transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			c, err := dial(ctx, network, addr)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			defer mu.Unlock()
			open = append(open, &frozenConn{Conn: c, closed: make(chan struct{})})
			return open[len(open)-1], nil
		}
		wantRows(t, s.List(t.Context(), nil), idsOf(someNodes()), 9)
		for _, c := range open {
			c.frozen.Store(true)
		}
		start := time.Now()
		l := list(t, t.Context(), s)
		wantRows(t, l, idsOf(someNodes()), 9)
		if took := time.Since(start); took > 0 || l.Stats.Retries > 0 {
			t.Errorf("took %v and %d retries, want the first try to work", took, l.Stats.Retries)
		}
	})
}

type frozenConn struct {
	net.Conn
	frozen atomic.Bool
	once   sync.Once
	closed chan struct{}
}

func (c *frozenConn) Write(b []byte) (int, error) {
	if c.frozen.Load() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

func (c *frozenConn) Close() error {
	c.once.Do(func() { close(c.closed) })
	return c.Conn.Close()
}

// A service that goes away in the middle, or is no longer itself, costs what
// comes after.
func TestListWhileEndpointGoesAway(t *testing.T) {
	good, other := certificate(t), certificate(t)
	for _, tt := range []struct {
		name string
		says string
		gone func(net.Conn) // what answers then; nil: nothing
	}{
		{"connection refused", "connection refused", nil},
		{"a certificate of another", "failed to verify certificate", func(c net.Conn) {
			tls.Server(c, &tls.Config{Certificates: []tls.Certificate{other}}).Handshake()
		}},
		{"no TLS at all", "HTTP response to HTTPS client", func(c net.Conn) {
			c.Read(make([]byte, 4096))
			fmt.Fprint(c, "HTTP/1.1 400 Bad Request\r\n\r\n")
		}},
	} {
		for page := 1; page <= 3; page++ {
			t.Run(fmt.Sprintf("%s/page %d", tt.name, page), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					var gone atomic.Bool
					cloud := &fakecloud.Server{Nodes: regularNodes(), PageSize: 2, Faults: []fakecloud.Fault{
						{Region: "cn-hangzhou", Page: page, Respond: func(http.ResponseWriter, *http.Request) {
							gone.Store(true)
							panic(http.ErrAbortHandler)
						}},
					}}
					l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
					srv := &http.Server{Handler: cloud, ErrorLog: log.New(io.Discard, "", 0)}
					go srv.Serve(tls.NewListener(l, &tls.Config{Certificates: []tls.Certificate{good}}))
					t.Cleanup(func() { srv.Close() })
					s := overPipes(t)
					s.Endpoints = []*url.URL{{Scheme: "https", Host: "endpoint.test"}}
					transport := s.API.HTTP.Transport.(*http.Transport)
					transport.TLSClientConfig = &tls.Config{RootCAs: x509.NewCertPool()}
					transport.TLSClientConfig.RootCAs.AddCert(good.Leaf)
					transport.DisableKeepAlives = true
					transport.DialContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
						switch {
						case !gone.Load():
							return l.dial(ctx)
						case tt.gone == nil:
							return nil, &net.OpError{Op: "dial", Net: network, Err: errors.New("connection refused")}
						}
						here, there := net.Pipe()
						go func() {
							defer there.Close()
							tt.gone(there)
						}()
						return here, nil
					}
					start := time.Now()
					got := s.List(t.Context(), nil)
					if took := time.Since(start); took > 30*time.Second {
						t.Errorf("took %v", took)
					}
					time.Sleep(time.Minute) // for the TLS close timeout
					if len(got.Matrices) == 15 || len(got.Matrices) < 2*(page-1) || !mayHide(got) {
						t.Errorf("got %d rows and %+v, want some rows and a problem that may hide", len(got.Matrices), got.Problems)
					}
					if !strings.Contains(problemTexts(got), tt.says) {
						t.Errorf("got %s, want %q", problemTexts(got), tt.says)
					}
					if got.Stats.Calls > 60 {
						t.Errorf("%d calls", got.Stats.Calls)
					}
				})
			})
		}
	}
}

// certificate is one of its own making for endpoint.test.
func certificate(t *testing.T) tls.Certificate {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"endpoint.test"}, IsCA: true, BasicConstraintsValid: true,
		NotBefore: time.Date(1999, 1, 1, 0, 0, 0, 0, time.UTC), NotAfter: time.Date(2099, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key, Leaf: leaf}
}

func problemTexts(l report.Listing) string {
	var all []string
	for _, p := range l.Problems {
		all = append(all, p.Code+": "+p.Message)
	}
	return strings.Join(all, "\n")
}
