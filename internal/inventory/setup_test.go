package inventory_test

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/cloudphone"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/inventory"
	"matrix-expiry-report/report"
)

var shanghai = time.FixedZone("UTC+8", 8*60*60)

func key(context.Context) (cloudphone.Credentials, error) {
	return cloudphone.Credentials{AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"}, nil
}

// overTCP is a source that asks the handlers, one endpoint each, over real
// connections.
func overTCP(t testing.TB, endpoints ...http.Handler) *inventory.Source {
	t.Helper()
	s := &inventory.Source{API: cloudphone.API{Zone: shanghai, Credentials: key, HTTP: cloudphone.NewHTTPClient(), MaxInFlight: 4}}
	t.Cleanup(s.API.HTTP.CloseIdleConnections)
	for _, h := range endpoints {
		srv := httptest.NewServer(h)
		t.Cleanup(srv.Close)
		u, err := url.Parse(srv.URL)
		if err != nil {
			t.Fatal(err)
		}
		s.Endpoints = append(s.Endpoints, u)
	}
	return s
}

// overPipes is a source that asks the handlers over connections in memory, so
// that all of net/http runs inside a synctest bubble and waiting takes no time.
func overPipes(t *testing.T, endpoints ...http.Handler) *inventory.Source {
	t.Helper()
	s := &inventory.Source{API: cloudphone.API{Zone: shanghai, Credentials: key, HTTP: cloudphone.NewHTTPClient(), MaxInFlight: 4}}
	listeners := map[string]*pipes{}
	transport := s.API.HTTP.Transport.(*http.Transport)
	transport.Proxy = nil
	transport.DialContext = func(ctx context.Context, _, addr string) (net.Conn, error) {
		l := listeners[addr]
		if l == nil {
			return nil, fmt.Errorf("no such host: %s", addr)
		}
		return l.dial(ctx)
	}
	for i, h := range endpoints {
		host := fmt.Sprintf("endpoint-%d.test", i+1)
		l := &pipes{conns: make(chan net.Conn), closed: make(chan struct{})}
		listeners[host+":80"] = l
		s.Endpoints = append(s.Endpoints, &url.URL{Scheme: "http", Host: host})
		srv := &http.Server{Handler: h}
		go srv.Serve(l)
		t.Cleanup(func() { srv.Close() })
	}
	t.Cleanup(s.API.HTTP.CloseIdleConnections)
	return s
}

// pipes listens for connections within this process.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
	once   sync.Once
}

func (p *pipes) Addr() net.Addr { return &net.UnixAddr{Name: "pipe", Net: "pipe"} }

func (p *pipes) Close() error {
	p.once.Do(func() { close(p.closed) })
	return nil
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) dial(ctx context.Context) (net.Conn, error) {
	here, there := net.Pipe()
	select {
	case p.conns <- there:
		return here, nil
	case <-p.closed:
		return nil, net.ErrClosed
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// list lists over pipes, and checks that nothing keeps running afterwards. It
// must be called in a bubble.
func list(t *testing.T, ctx context.Context, s *inventory.Source, regions ...string) report.Listing {
	t.Helper()
	synctest.Wait()
	before := inBubble()
	l := s.List(ctx, regions)
	s.API.HTTP.CloseIdleConnections()
	synctest.Wait()
	if after := inBubble(); len(after) > len(before) {
		t.Errorf("%d goroutines before listing, %d after:\n%s", len(before), len(after), strings.Join(after, "\n\n"))
	}
	return l
}

// inBubble is the stacks of all goroutines in the caller's bubble.
func inBubble() []string {
	all := make([]byte, 1<<18)
	all = all[:runtime.Stack(all, true)]
	stacks := strings.Split(string(all), "\n\n") // the caller's comes first: "goroutine 7 [running, synctest bubble 3]:"
	_, bubble, _ := strings.Cut(strings.SplitN(stacks[0], "]", 2)[0], "synctest bubble ")
	return slices.DeleteFunc(stacks, func(stack string) bool {
		return !strings.Contains(strings.SplitN(stack, "\n", 2)[0], "synctest bubble "+bubble+"]")
	})
}

// someNodes are few matrices that still make several pages with PageSize 2:
// five in cn-hangzhou, three in cn-shanghai, one in ap-southeast-1.
func someNodes() []fakecloud.Node {
	var nodes []fakecloud.Node
	for i, region := range []string{
		"cn-hangzhou", "cn-shanghai", "ap-southeast-1", "cn-hangzhou", "cn-hangzhou", "cn-shanghai",
		"cn-hangzhou", "cn-shanghai", "cn-hangzhou",
	} {
		nodes = append(nodes, fakecloud.Node{
			NodeId: fmt.Sprintf("cpn-%02d", i), NodeName: fmt.Sprintf("matrix %d", i), RegionId: region, Status: "RUNNING",
			GmtCreate: "2025-11-13 02:03:14", GmtModified: "2026-02-13 02:03:14", GmtExpired: "2027-03-09 02:00:34", PhoneCount: 25,
			Tags: []fakecloud.Tag{{Key: "owner", Value: "team-a"}},
		})
	}
	return nodes
}

// regularNodes are five in each of three regions, so three pages each with
// PageSize 2.
func regularNodes() []fakecloud.Node {
	var nodes []fakecloud.Node
	for i := range 15 {
		nodes = append(nodes, fakecloud.Node{
			NodeId: fmt.Sprintf("cpn-%02d", i), RegionId: []string{"cn-hangzhou", "cn-shanghai", "ap-southeast-1"}[i%3], Status: "RUNNING",
			GmtCreate: "2025-11-13 02:03:14", GmtModified: "2026-02-13 02:03:14", GmtExpired: "2027-03-09 02:00:34",
		})
	}
	return nodes
}

// firstOfEach are the ids of the first n nodes of every region, and of all.
func firstOfEach(nodes []fakecloud.Node, n int) []string {
	seen := map[string]int{}
	var ids []string
	for i, node := range nodes {
		if seen[node.RegionId]++; seen[node.RegionId] <= n || i < n {
			ids = append(ids, node.NodeId)
		}
	}
	return ids
}

func idsOf(nodes []fakecloud.Node) []string {
	var ids []string
	for _, n := range nodes {
		ids = append(ids, n.NodeId)
	}
	slices.Sort(ids)
	return ids
}

func listedIDs(l report.Listing) []string {
	var ids []string
	for _, m := range l.Matrices {
		ids = append(ids, m.NodeID)
	}
	slices.Sort(ids)
	return ids
}

func wantRows(t *testing.T, l report.Listing, ids []string, total int) {
	t.Helper()
	if got := listedIDs(l); !slices.Equal(got, ids) {
		t.Errorf("got %d rows %v, want %d rows %v", len(got), got, len(ids), ids)
	}
	if l.Total != total {
		t.Errorf("got total %d, want %d", l.Total, total)
	}
}

// wantProblems compares the problems by "region code", with " may hide" where
// matrices may be missing because of it. A region of "-" is no region.
func wantProblems(t *testing.T, l report.Listing, want ...string) {
	t.Helper()
	compareProblems(t, l.Problems, want)
}

// wantRecovered does so with what went wrong and cost nothing.
func wantRecovered(t *testing.T, l report.Listing, want ...string) {
	t.Helper()
	compareProblems(t, l.Recovered, want)
}

func compareProblems(t *testing.T, all []report.Problem, want []string) {
	t.Helper()
	var got []string
	for _, p := range all {
		s := cmp.Or(p.Region, "-") + " " + p.Code
		if p.MayHideMatrices {
			s += " may hide"
		}
		got = append(got, s)
		if p.Endpoint == "" || p.Message == "" || strings.ContainsAny(p.Message, "\n\r\t") || len(p.Message) > 1500 {
			t.Errorf("got the problem %+v, want an endpoint and a message of one line", p)
		}
	}
	slices.Sort(got)
	slices.Sort(want)
	if !slices.Equal(got, want) {
		t.Errorf("got the problems %q, want %q\n%+v", got, want, all)
	}
}

// asked counts the calls for one page of a region ("-" for no region; page 0
// for all pages).
func asked(calls []fakecloud.Call, region string, page int) int {
	n := 0
	for _, c := range calls {
		if c.Action == "DescribeCloudPhoneNodes" && cmp.Or(c.Region, "-") == region && (page == 0 || c.Page == page) {
			n++
		}
	}
	return n
}

// A liar answers as the service does, but believes every token and every
// signature, and lets a test change its pages before they leave.
type liar struct {
	nodes    []fakecloud.Node
	pageSize int
	change   func(query url.Values, page map[string]any)

	mu    sync.Mutex
	calls []fakecloud.Call
}

func (l *liar) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	l.mu.Lock()
	defer l.mu.Unlock()
	q := r.URL.Query()
	l.calls = append(l.calls, fakecloud.Call{Action: r.Header.Get("x-acs-action"), Region: q.Get("BizRegionId")})
	if r.Header.Get("x-acs-action") == "DescribeRegions" {
		fmt.Fprint(w, `{"RegionModels":[]}`)
		return
	}
	rows := slices.DeleteFunc(slices.Clone(l.nodes), func(n fakecloud.Node) bool {
		return q.Get("BizRegionId") != "" && q.Get("BizRegionId") != n.RegionId
	})
	from, _ := strconv.Atoi(q.Get("NextToken"))
	from = min(from, len(rows))
	to := min(from+l.pageSize, len(rows))
	fields, err := json.Marshal(map[string]any{"NodeModel": rows[from:to], "TotalCount": len(rows)})
	page := map[string]any{}
	if err := cmp.Or(err, json.Unmarshal(fields, &page)); err != nil {
		panic(err)
	}
	if to < len(rows) {
		page["NextToken"] = strconv.Itoa(to)
	}
	if l.change != nil {
		l.change(q, page)
	}
	json.NewEncoder(w).Encode(page)
}
