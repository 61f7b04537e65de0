package inventory_test

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/report"
)

func withHeader(h http.HandlerFunc, name, value string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(name, value)
		h(w, r)
	}
}

// pauses are the times between the calls for one page.
func pauses(calls []fakecloud.Call, region string, page int) []time.Duration {
	var all []time.Duration
	var last time.Time
	for _, c := range calls {
		if c.Action != "DescribeCloudPhoneNodes" || c.Region != region || c.Page != page {
			continue
		}
		if !last.IsZero() {
			all = append(all, c.Time.Sub(last))
		}
		last = c.Time
	}
	return all
}

// Pauses are drawn from the whole of half a second, one, two and four, so that
// several who were refused together do not come back together.
func TestRetryDelaysAreJittered(t *testing.T) {
	least, greatest := 1.0, 0.0
	for range 40 {
		synctest.Test(t, func(t *testing.T) {
			cloud := &fakecloud.Server{Nodes: someNodes(), Faults: []fakecloud.Fault{{Region: "cn-hangzhou"}}}
			list(t, t.Context(), overPipes(t, cloud))
			got := pauses(cloud.Calls(), "cn-hangzhou", 1)
			if len(got) != 2*tries-1 { // of two scans
				t.Fatalf("got the pauses %v, want %d", got, 2*tries-1)
			}
			got = got[:tries-1]
			most := 500 * time.Millisecond
			for _, p := range got {
				least, greatest = min(least, float64(p)/float64(most)), max(greatest, float64(p)/float64(most))
				most *= 2
			}
		})
	}
	if least > 0.1 || greatest < 0.9 || greatest > 1.001 {
		t.Errorf("the pauses are from %.2f to %.2f of the most, want the whole of it", least, greatest)
	}
}

func TestListWaitsAsTheServiceAsks(t *testing.T) {
	throttled := fakecloud.APIError(400, "Throttling.User", "Denied by flow control.")
	inside := func(w http.ResponseWriter, _ *http.Request) { fmt.Fprint(w, `{"Code":"Throttling.User"}`) }
	for _, tt := range []struct {
		header, value string
		want          time.Duration
	}{
		{"Retry-After", "7", 7 * time.Second},
		{"x-acs-retry-after", "1500", 1500 * time.Millisecond},
		{"X-RateLimit-User-API", "Remain:0,Limit:10,Time:1000,TimeLeft:2500,Reset:1", 2500 * time.Millisecond},
		{"x-ratelimit-user", "Remain:0, TimeLeft:600", 600 * time.Millisecond},
		{"Retry-After", "120", 2 * time.Minute},
		{"Retry-After", "Sat, 01 Jan 2000 00:00:09 GMT", 9 * time.Second}, // in a bubble it is midnight then
	} {
		for name, answer := range map[string]http.HandlerFunc{"400": throttled, "200": inside} {
			t.Run(tt.header+" "+tt.value+" "+name, func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{
						{Region: "cn-hangzhou", Page: 2, Times: 1, Respond: withHeader(answer, tt.header, tt.value)},
					}}
					l := list(t, t.Context(), overPipes(t, cloud))
					wantRows(t, l, idsOf(someNodes()), 9)
					wantProblems(t, l)
					if got := pauses(cloud.Calls(), "cn-hangzhou", 2); len(got) != 1 || got[0] != tt.want {
						t.Errorf("waited %v, want %v", got, tt.want)
					}
				})
			})
		}
	}
}

func TestInvalidDelaysAreIgnored(t *testing.T) {
	for _, value := range []string{"soon", "-5", "0", "", "1.5", "99999999999999999999", "Wed, 21 Oct 1999 07:28:00 GMT"} {
		for _, header := range []string{"Retry-After", "x-acs-retry-after", "x-ratelimit-user-api", "x-ratelimit-user"} {
			synctest.Test(t, func(t *testing.T) {
				start := time.Now()
				cloud := &fakecloud.Server{Nodes: someNodes(), Faults: []fakecloud.Fault{
					{Region: "cn-hangzhou", Times: 2, Respond: withHeader(fakecloud.APIError(503, "ServiceUnavailable", "Later."), header, value)},
				}}
				wantRows(t, list(t, t.Context(), overPipes(t, cloud)), idsOf(someNodes()), 9)
				if took := time.Since(start); took > 2*time.Second {
					t.Errorf("%s: %q made the listing take %v", header, value, took)
				}
			})
		}
	}
}

// A delay that is too long is not waited for.
func TestListDoesNotWaitTooLong(t *testing.T) {
	for _, tt := range []struct {
		name     string
		limit    time.Duration // 0: none
		seconds  string
		deadline bool
	}{
		{"an hour, without a deadline", 0, "3600", false},
		{"longer than the run may last", 30 * time.Second, "31", true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx := t.Context()
				if tt.limit > 0 {
					var cancel context.CancelFunc
					ctx, cancel = context.WithTimeout(ctx, tt.limit)
					defer cancel()
				}
				start := time.Now()
				cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{
					{Region: "cn-hangzhou", Page: 2, Respond: withHeader(fakecloud.APIError(429, "Throttling", "Later."), "Retry-After", tt.seconds)},
				}}
				l := list(t, ctx, overPipes(t, cloud))
				wantRows(t, l, idsOf(someNodes()), 9)
				wantProblems(t, l, "cn-hangzhou Throttling may hide")
				if took := time.Since(start); took > time.Second {
					t.Errorf("took %v, want no wait", took)
				}
			})
		})
	}
}

// When the time of the run is over, what was read so far is kept.
func TestListAtDeadline(t *testing.T) {
	silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
	stalled := func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"TotalCount":9,`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}
	// Of each chain the first page is read; the unfiltered one says how many there are.
	known := []string{"cpn-00", "cpn-01", "cpn-02", "cpn-03", "cpn-05"}
	for _, tt := range []struct {
		name   string
		answer http.HandlerFunc
		code   string
	}{
		{"during a question", silent, "DeadlineExceeded"},
		{"during an answer", stalled, "DeadlineExceeded"},
		{"before the third try", withHeader(fakecloud.APIError(503, "ServiceUnavailable", "Later."), "Retry-After", "2"), "ServiceUnavailable"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
				defer cancel()
				start := time.Now()
				cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{{Page: 2, Respond: tt.answer}}}
				l := list(t, ctx, overPipes(t, cloud))
				wantRows(t, l, known, 9)
				wantProblems(t, l, "- "+tt.code+" may hide", "cn-hangzhou "+tt.code+" may hide", "cn-shanghai "+tt.code+" may hide")
				if took := time.Since(start); took > 5*time.Second+time.Millisecond {
					t.Errorf("took %v, want to end with the deadline", took)
				}
			})
		})
	}
}

func TestDeadlineDuringBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond) // the first pause is longer
		defer cancel()
		cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{{Region: "cn-hangzhou", Page: 2}}}
		l := list(t, ctx, overPipes(t, cloud))
		wantProblems(t, l, "cn-hangzhou DeadlineExceeded may hide", "- DeadlineExceeded may hide")
		for _, p := range l.Problems {
			if p.Region != "" && !strings.Contains(p.Message, "temporary failure") {
				t.Errorf("got the message %q, want what stood in the way", p.Message)
			}
		}
		if len(l.Matrices) == 0 || l.Total != 9 {
			t.Errorf("got %d rows of %d, want some of 9", len(l.Matrices), l.Total)
		}
	})
}

func TestListAfterDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithDeadline(t.Context(), time.Now().Add(-time.Second))
		defer cancel()
		cloud := &fakecloud.Server{Nodes: someNodes()}
		l := list(t, ctx, overPipes(t, cloud, cloud))
		wantRows(t, l, nil, 0)
		wantProblems(t, l, "- DeadlineExceeded may hide", "- DeadlineExceeded may hide")
		if n := len(cloud.Calls()); n != 0 {
			t.Errorf("got %d calls, want none", n)
		}
	})
}

func TestCancelEndsBackoff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{
			{Region: "cn-hangzhou", Page: 2, Respond: withHeader(fakecloud.APIError(503, "ServiceUnavailable", "Later."), "Retry-After", "60")},
		}}
		start := time.Now()
		time.AfterFunc(10*time.Second, cancel)
		l := list(t, ctx, overPipes(t, cloud))
		if took := time.Since(start); took != 10*time.Second {
			t.Errorf("took %v, want to end when cancelled after 10s", took)
		}
		if len(l.Matrices) == 0 || len(l.Problems) == 0 || !mayHide(l) {
			t.Errorf("got %d rows and %+v, want what was read and a problem that may hide", len(l.Matrices), l.Problems)
		}
	})
}

func mayHide(l report.Listing) bool {
	for _, p := range l.Problems {
		if p.MayHideMatrices {
			return true
		}
	}
	return false
}

// The client's own limits for one call are not the end of the run.
func TestResponseTimeoutIsNotDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Hour)
		defer cancel()
		silent := func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{{Region: "cn-hangzhou", Respond: silent}}}
		l := list(t, ctx, overPipes(t, cloud))
		wantProblems(t, l, "cn-hangzhou ConnectionFailed may hide")
	})
}

func TestListUnknownHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := overPipes(t, &fakecloud.Server{})
		s.Endpoints[0].Host = "nowhere.test"
		l := list(t, t.Context(), s)
		wantProblems(t, l, "- ConnectionFailed may hide")
		if len(l.Problems) > 0 && !strings.Contains(l.Problems[0].Message, "no such host: nowhere.test:80") {
			t.Errorf("got the message %q, want what the network says", l.Problems[0].Message)
		}
	})
}

// After one call was throttled, none is made before the service wants it.
func TestThrottlingPausesAllRequests(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		throttled := withHeader(fakecloud.APIError(400, "Throttling.User", "Denied by flow control."), "x-acs-retry-after", "5000")
		cloud := &fakecloud.Server{
			Nodes: fakecloud.Fleet(time.Now()), PageSize: 3, Latency: 100 * time.Millisecond,
			Faults: []fakecloud.Fault{{Region: "cn-hangzhou", Page: 2, Times: 1, Respond: throttled}},
		}
		if l := list(t, t.Context(), overPipes(t, cloud)); len(l.Matrices) != 131 || len(l.Problems) > 0 {
			t.Errorf("listed %d, %+v", len(l.Matrices), l.Problems)
		}
		var at time.Time
		for _, c := range cloud.Calls() {
			switch wait := c.Time.Sub(at); {
			case at.IsZero() && c.Region == "cn-hangzhou" && c.Page == 2:
				at = c.Time
			case !at.IsZero() && wait > 200*time.Millisecond && wait < 5*time.Second:
				t.Errorf("%s, page %d was requested %s after the throttle", c.Region, c.Page, wait)
			}
		}
		if at.IsZero() {
			t.Fatal("nothing was throttled")
		}
	})
}
