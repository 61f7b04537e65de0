package inventory_test

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/cloudphone"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/inventory"
)

// If everything fails, more retries do not help.
func TestListRetryBudget(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var regions []string
		for i := range 100 {
			regions = append(regions, fmt.Sprintf("cn-%d", i))
		}
		cloud := &fakecloud.Server{Nodes: someNodes(), Regions: regions, Faults: []fakecloud.Fault{{Action: "DescribeCloudPhoneNodes"}}}
		l := list(t, t.Context(), overPipes(t, cloud))
		if first, again := 1+1+2*(104+1), 50; len(cloud.Calls()) != first+again || l.Stats.Calls != first+again || l.Stats.Retries != again {
			t.Errorf("%d calls came in, the effort is %+v, want %d and %d again", len(cloud.Calls()), l.Stats, first, again)
		}
		if !mayHide(l) {
			t.Errorf("got %+v, want a problem that may hide", l.Problems)
		}
	})
}

// A list of too many regions is cut, and the unfiltered query shows
// whether that hides anything.
func TestListBoundsRegions(t *testing.T) {
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
		wantRecovered(t, l, "- TooManyRegions")
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

// The setting bounds the questions to one endpoint, not those to all.
func TestMaxInFlightIsPerEndpoint(t *testing.T) {
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
			s.API.MaxInFlight = limit
			wantRows(t, list(t, t.Context(), s), idsOf(someNodes()), 9)
			for i := range most {
				if got := most[i].Load(); got != int64(limit) {
					t.Errorf("endpoint %d was asked up to %d questions at a time, want %d", i+1, got, limit)
				}
			}
		})
	}
}

// A throttled response that names no delay pauses all requests for two seconds.
func TestThrottlingWithoutDelayPausesAllRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: regularNodes(), PageSize: 2, Latency: time.Millisecond, Faults: []fakecloud.Fault{
			{Action: "DescribeCloudPhoneNodes", Times: 12, Respond: fakecloud.APIError(400, "Throttling.User", "Denied by flow control.")},
		}}
		l := list(t, t.Context(), overPipes(t, cloud))
		wantRows(t, l, idsOf(regularNodes()), 15)
		wantProblems(t, l)
		pauses, last := 0, time.Time{}
		for _, c := range cloud.Calls() {
			switch pause := c.Time.Sub(last); {
			case last.IsZero() || pause < 100*time.Millisecond:
			case pause < 2*time.Second-10*time.Millisecond || pause > 6*time.Second:
				t.Errorf("a pause of %v, want two seconds and the delay of a retry", pause)
			default:
				pauses++
			}
			last = c.Time
		}
		if pauses < 3 {
			t.Errorf("%d pauses for 12 throttled responses, want at least 3", pauses)
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
		s.API.Credentials = func(context.Context) (cloudphone.Credentials, error) {
			return cloudphone.Credentials{AccessKeyID: "STS.k", AccessKeySecret: "its-secret", SecurityToken: "its-token", From: "a test"}, nil
		}
		probes, err := s.Probe(t.Context(), nil)
		if err != nil {
			t.Fatal(err)
		}
		want := "endpoint-1.test: 9 matrices, clock 5m0s, covers true, expiry 2027-03-09 02:00:34; ap-southeast-1 1, cn-hangzhou 5, cn-shanghai 3, eu-central-1 0"
		if got := probeText(probes[0]); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		if e, ok := errors.AsType[*cloudphone.Error](probes[1].Problem); !ok || e.Code != "InvalidAccessKeyId.NotFound" || len(probes[1].Regions) > 0 {
			t.Errorf("got %+v, want an endpoint that does not know the key", probes[1])
		}
		named, err := s.Probe(t.Context(), []string{"cn-shenzhen", "cn-shanghai"})
		if err != nil {
			t.Fatal(err)
		}
		if got, want := probeText(named[0]), strings.Replace(want, ", eu", ", cn-shenzhen 0 (not listed), eu", 1); got != want {
			t.Errorf("got %s\nwant %s", got, want)
		}
		id, err := s.Identity(t.Context())
		if err != nil || id != (cloudphone.CallerIdentity{From: "a test", Account: "1234567890123456", ARN: "acs:ram::1234567890123456:assumed-role/matrix-expiry-report/emulator", Type: "AssumedRoleUser"}) {
			t.Errorf("got %+v, %v", id, err)
		}
		s.API.HTTP.CloseIdleConnections()
	})
}

// An endpoint that cannot be reached costs little, and not the other's retries.
func TestListUnreachableEndpoint(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2}
		s := overPipes(t, cloud, &fakecloud.Server{})
		transport := s.API.HTTP.Transport.(*http.Transport)
		dial := transport.DialContext
		var dialled atomic.Int64
		transport.DialContext = func(ctx context.Context, network, addr string) (net.Conn, error) {
			if !strings.HasPrefix(addr, "endpoint-2") {
				return dial(ctx, network, addr)
			}
			dialled.Add(1)
			time.Sleep(5 * time.Second)
			return nil, &net.OpError{Op: "dial", Net: network, Err: os.ErrDeadlineExceeded}
		}
		start := time.Now()
		l := list(t, t.Context(), s)
		if took := time.Since(start); took > 25*time.Second || dialled.Load() != 4 {
			t.Errorf("took %s and %d connections, want 4 of 5 seconds", took, dialled.Load())
		}
		wantRows(t, l, idsOf(someNodes()), 9)
		wantProblems(t, l, "- ConnectionFailed may hide")
		if len(l.Problems) > 0 && !strings.Contains(l.Problems[0].Message, "i/o timeout") {
			t.Errorf("got %q", l.Problems[0].Message)
		}
	})
}

func probeText(p inventory.Probe) string {
	var regions []string
	for _, r := range p.Regions {
		region := fmt.Sprintf("%s %d", r.Region, r.Matrices)
		if !r.Listed {
			region += " (not listed)"
		}
		regions = append(regions, region)
	}
	return fmt.Sprintf("%s: %d matrices, clock %s, covers %t, expiry %s; %s", p.Endpoint, p.Total, p.ClockSkew, p.Covers, p.Expiry, strings.Join(regions, ", "))
}
