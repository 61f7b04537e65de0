package cloudphone_test

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
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/cloudphone"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/report"
)

// A temporary key that expires in the middle of a listing is asked for anew,
// once; nobody notices if there is a fresh one.
func TestAKeyThatExpiresInTheMiddle(t *testing.T) {
	old := cloudphone.Credentials{AccessKeyID: "STS.old", AccessKeySecret: "old", SecurityToken: "t-old"}
	fresh := cloudphone.Credentials{AccessKeyID: "STS.new", AccessKeySecret: "new", SecurityToken: "t-new"}
	for _, tt := range []struct {
		name string
		next func() (cloudphone.Credentials, error)
		code string // of the problems, if any
	}{
		{"a fresh one", func() (cloudphone.Credentials, error) { return fresh, nil }, ""},
		{"the same again", func() (cloudphone.Credentials, error) { return old, nil }, "InvalidSecurityToken.Expired"},
		{"none", func() (cloudphone.Credentials, error) { return cloudphone.Credentials{}, errors.New("no role") }, "InvalidSecurityToken.Expired"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &fakecloud.Server{Nodes: regularNodes(), PageSize: 2, Keys: map[string]fakecloud.Key{
					"STS.old": {Secret: "old", SecurityToken: "t-old"}, "STS.new": {Secret: "new", SecurityToken: "t-new"},
				}}
				var served, asked atomic.Int64
				s := overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					if served.Add(1) > 4 && strings.Contains(r.Header.Get("Authorization"), "STS.old") {
						fakecloud.APIError(400, "InvalidSecurityToken.Expired", "Specified SecurityToken is expired.")(w, r)
						return
					}
					cloud.ServeHTTP(w, r)
				}))
				s.Credentials = func(context.Context) (cloudphone.Credentials, error) {
					if asked.Add(1) == 1 {
						return old, nil
					}
					return tt.next()
				}
				l := list(t, t.Context(), s)
				if n := asked.Load(); n != 2 {
					t.Errorf("the key was asked for %d times, want 2", n)
				}
				if tt.code == "" {
					wantRows(t, l, idsOf(regularNodes()), 15)
					wantProblems(t, l)
					wantMended(t, l)
					return
				}
				if l.Effort.Retries != 0 {
					t.Errorf("%d questions were asked again with a key that is no longer good", l.Effort.Retries)
				}
				if !mayHide(l) || !strings.Contains(fmt.Sprint(l.Problems), tt.code) {
					t.Errorf("got the problems %+v, want %s", l.Problems, tt.code)
				}
			})
		})
	}
}

// Where everything fails, asking more helps nobody.
func TestAListingHasSoManyRetries(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var regions []string
		for i := range 100 {
			regions = append(regions, fmt.Sprintf("cn-%d", i))
		}
		cloud := &fakecloud.Server{Nodes: someNodes(), Regions: regions, Faults: []fakecloud.Fault{{Action: "DescribeCloudPhoneNodes"}}}
		l := list(t, t.Context(), overPipes(t, cloud))
		if first, again := 1+1+104, 50; len(cloud.Calls()) != first+again || l.Effort.Calls != first+again || l.Effort.Retries != again {
			t.Errorf("%d calls came in, the effort is %+v, want %d and %d again", len(cloud.Calls()), l.Effort, first, again)
		}
		if !mayHide(l) {
			t.Errorf("got %+v, want a problem that may hide", l.Problems)
		}
	})
}

// A list of regions without measure is cut, and the unfiltered list tells
// whether that hides anything.
func TestTenThousandRegions(t *testing.T) {
	var regions []string
	for i := range 10_000 {
		regions = append(regions, fmt.Sprintf("xx-%d", i))
	}
	nodes := someNodes()
	nodes[3].RegionId = "xx-9999"
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: nodes, Regions: regions, PageSize: 2}
		l := list(t, t.Context(), overPipes(t, cloud))
		wantRows(t, l, idsOf(nodes), 9)
		wantProblems(t, l)
		wantMended(t, l, "- TooManyRegions")
		if n := len(cloud.Calls()); n > 520 {
			t.Errorf("%d calls, want about 500", n)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: nodes, Regions: regions, PageSize: 2, Faults: []fakecloud.Fault{{Region: "-", Action: "DescribeCloudPhoneNodes", Page: 2}}}
		l := list(t, t.Context(), overPipes(t, cloud))
		wantProblems(t, l, "- ServiceUnavailable may hide", "- TooManyRegions may hide")
	})
}

// All pages of a listing come over about as many connections as questions are
// asked at a time, and packed if the service can.
func TestConnectionsAreKeptAndAnswersArePacked(t *testing.T) {
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
	l := s.List(t.Context(), nil, nil)
	wantRows(t, l, idsOf(regularNodes()), 15)
	wantProblems(t, l)
	// One may be opened while another becomes free.
	if n := opened.Load(); n > 2*int64(s.MaxInFlight) {
		t.Errorf("%d connections for %d questions, want some %d", n, l.Effort.Calls, s.MaxInFlight)
	}
	if int(packed.Load()) != l.Effort.Calls || l.Effort.Calls < 15 || l.Effort.Bytes != written.Load() {
		t.Errorf("%d of %d answers were packed, %d bytes of %d are counted", packed.Load(), l.Effort.Calls, l.Effort.Bytes, written.Load())
	}
}

// Connections that died while the instance was frozen swallow what is sent:
// nobody hears it, nobody says so.
func TestAFrozenAndThawedInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := overPipes(t, &fakecloud.Server{Nodes: someNodes(), PageSize: 2})
		transport := s.HTTP.Transport.(*http.Transport)
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
		wantRows(t, s.List(t.Context(), nil, nil), idsOf(someNodes()), 9)
		for _, c := range open {
			c.frozen.Store(true)
		}
		start := time.Now()
		l := list(t, t.Context(), s)
		wantRows(t, l, idsOf(someNodes()), 9)
		if took := time.Since(start); took > 0 || l.Effort.Retries > 0 {
			t.Errorf("took %v and %d retries, want the first try to work", took, l.Effort.Retries)
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
func TestAServiceThatGoesAway(t *testing.T) {
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
						{Region: "cn-hangzhou", Page: page, Answer: func(http.ResponseWriter, *http.Request) {
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
					transport := s.HTTP.Transport.(*http.Transport)
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
					got := s.List(t.Context(), nil, nil)
					if took := time.Since(start); took > 30*time.Second {
						t.Errorf("took %v", took)
					}
					time.Sleep(time.Minute) // TLS says goodbye, to nobody
					if len(got.Matrices) == 15 || len(got.Matrices) < 2*(page-1) || !mayHide(got) {
						t.Errorf("got %d rows and %+v, want some rows and a problem that may hide", len(got.Matrices), got.Problems)
					}
					if !strings.Contains(problemTexts(got), tt.says) {
						t.Errorf("got %s, want %q", problemTexts(got), tt.says)
					}
					if got.Effort.Calls > 60 {
						t.Errorf("%d calls", got.Effort.Calls)
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

// The setting bounds the questions to one endpoint, not those to all.
func TestQuestionsAtATime(t *testing.T) {
	for _, limit := range []int{1, 2, 7} {
		synctest.Test(t, func(t *testing.T) {
			var most [2]atomic.Int64
			endpoint := func(i int) http.Handler {
				cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 1, Latency: time.Second, Regions: []string{"a-1", "b-1", "c-1", "d-1", "e-1"}}
				var now atomic.Int64
				return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					n := now.Add(1)
					for old := most[i].Load(); n > old && !most[i].CompareAndSwap(old, n); old = most[i].Load() {
					}
					defer now.Add(-1)
					cloud.ServeHTTP(w, r)
				})
			}
			s := overPipes(t, endpoint(0), endpoint(1))
			s.MaxInFlight = limit
			wantRows(t, list(t, t.Context(), s), idsOf(someNodes()), 9)
			for i := range most {
				if got := most[i].Load(); got != int64(limit) {
					t.Errorf("endpoint %d was asked up to %d questions at a time, want %d", i+1, got, limit)
				}
			}
		})
	}
}

// A throttle that comes again costs more each time, and all together.
func TestThrottlesThatComeAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: regularNodes(), PageSize: 2, Latency: time.Millisecond, Faults: []fakecloud.Fault{
			{Action: "DescribeCloudPhoneNodes", Times: 12, Answer: fakecloud.APIError(400, "Throttling.User", "Denied by flow control.")},
		}}
		l := list(t, t.Context(), overPipes(t, cloud))
		wantRows(t, l, idsOf(regularNodes()), 15)
		wantProblems(t, l)
		var bursts []time.Time // when the gate opened
		for _, c := range cloud.Calls() {
			if n := len(bursts); n == 0 || c.Time.Sub(bursts[n-1]) > 500*time.Millisecond {
				bursts = append(bursts, c.Time)
			}
		}
		for i := 1; i < min(len(bursts), 4); i++ {
			if got, want := bursts[i].Sub(bursts[i-1]), time.Second<<(i-1); got < want || got > want+time.Second {
				t.Errorf("pause %d is %v, want about %v", i, got, want)
			}
		}
		if len(bursts) < 3 {
			t.Errorf("only %d bursts, want the 12 throttles to take more", len(bursts))
		}
	})
}

// A throttle long after another is a first one again.
func TestAThrottleIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttled := fakecloud.APIError(400, "Throttling.User", "Denied by flow control.")
		cloud := &fakecloud.Server{Nodes: regularNodes(), PageSize: 1, Faults: []fakecloud.Fault{
			{Region: "cn-hangzhou", Page: 1, Times: 2, Answer: throttled}, {Region: "cn-hangzhou", Page: 4, Times: 1, Answer: throttled},
		}}
		s := overPipes(t, cloud)
		s.MaxInFlight = 1
		wantRows(t, list(t, t.Context(), s), idsOf(regularNodes()), 15)
		if got := pauses(cloud.Calls(), "cn-hangzhou", 4); len(got) != 1 || got[0] > 1600*time.Millisecond {
			t.Errorf("waited %v, want about a second", got)
		}
	})
}

// Doctor asks each region of each endpoint once, and learns how far the clocks
// are apart and whose the key is.
func TestProbe(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		behind := func(h http.Handler) http.Handler {
			return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				w.Header().Set("Date", time.Now().Add(-5*time.Minute).UTC().Format(http.TimeFormat))
				h.ServeHTTP(w, r)
			})
		}
		cloud := &fakecloud.Server{Nodes: someNodes(), Keys: map[string]fakecloud.Key{"STS.k": {Secret: "its-secret", SecurityToken: "its-token"}}}
		other := &fakecloud.Server{Keys: map[string]fakecloud.Key{"else": {}}}
		s := overPipes(t, behind(cloud), other)
		s.Credentials = func(context.Context) (cloudphone.Credentials, error) {
			return cloudphone.Credentials{AccessKeyID: "STS.k", AccessKeySecret: "its-secret", SecurityToken: "its-token", From: "a test"}, nil
		}
		probes, err := s.Probe(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, p := range probes {
			code := ""
			if p.Problem != nil {
				code = " " + p.Problem.Code
			}
			got = append(got, fmt.Sprintf("%s %s %d %s%s", p.Endpoint, p.Region, p.Matrices, p.Skew, code))
		}
		want := []string{
			"endpoint-1.test  9 5m0s", "endpoint-1.test cn-shanghai 3 5m0s", "endpoint-1.test cn-hangzhou 5 5m0s", "endpoint-1.test ap-southeast-1 1 5m0s", "endpoint-1.test eu-central-1 0 5m0s",
			"endpoint-2.test  0 0s InvalidAccessKeyId.NotFound",
		}
		if len(got) < 6 || !slices.Equal(got[:6], want) {
			t.Errorf("got %q\nwant %q", got, want)
		}
		id, err := s.Identity(t.Context())
		if err != nil || id != (cloudphone.Identity{From: "a test", Account: "1234567890123456", Arn: "acs:ram::1234567890123456:assumed-role/matrix-expiry-report/emulator", Kind: "AssumedRoleUser"}) {
			t.Errorf("got %+v, %v", id, err)
		}
		s.HTTP.CloseIdleConnections()
	})
}

// An endpoint that cannot be reached costs little, and not the other's retries.
func TestAnUnreachableEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2}
		s := overPipes(t, cloud, &fakecloud.Server{})
		transport := s.HTTP.Transport.(*http.Transport)
		dial, dialled := transport.DialContext, 0
		transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if !strings.HasPrefix(addr, "endpoint-2") {
				return dial(ctx, network, addr)
			}
			dialled++
			time.Sleep(5 * time.Second)
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.ErrDeadlineExceeded}
		}
		start := time.Now()
		l := list(t, t.Context(), s)
		if took := time.Since(start); took > 25*time.Second || dialled != 4 {
			t.Errorf("took %s and %d connections, want 4 of 5 seconds", took, dialled)
		}
		wantRows(t, l, idsOf(someNodes()), 9)
		wantProblems(t, l, "- ConnectionFailed may hide")
		if len(l.Problems) > 0 && !strings.Contains(l.Problems[0].Message, "i/o timeout") {
			t.Errorf("got %q", l.Problems[0].Message)
		}
	})
}
