package inventory_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// fleet returns so many matrices in each region.
func fleet(counts map[string]int) (nodes []fakecloud.Node) {
	for _, region := range []string{"cn-shanghai", "cn-hangzhou", "ap-southeast-1", "eu-central-1"} {
		for i := range counts[region] {
			nodes = append(nodes, fakecloud.Node{
				NodeId: fmt.Sprintf("cpn-%s-%03d", region, i), RegionId: region, Status: "RUNNING",
				GmtCreate: "2025-11-13 02:03:14", GmtModified: "2026-02-13 02:03:14", GmtExpired: "2027-03-09 02:00:34",
			})
		}
	}
	return nodes
}

// intercept calls before each request for a page of matrices, with its number
// among those of the same region, from 1. If before returns a handler, that
// responds instead.
func intercept(cloud *fakecloud.Server, before func(region string, n int) http.HandlerFunc) http.Handler {
	var mu sync.Mutex
	calls := map[string]int{}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := http.Handler(cloud)
		if r.Header.Get("x-acs-action") == "DescribeCloudPhoneNodes" {
			region := r.URL.Query().Get("BizRegionId")
			mu.Lock()
			calls[region]++
			if instead := before(region, calls[region]); instead != nil {
				h = instead
			}
			mu.Unlock()
		}
		h.ServeHTTP(w, r)
	})
}

func TestListIsIncompleteIfTheRepeatIsRefused(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: fleet(map[string]int{"cn-shanghai": 6, "cn-hangzhou": 3}), PageSize: 2}
		l := list(t, t.Context(), overPipes(t, intercept(cloud, func(region string, n int) http.HandlerFunc {
			switch {
			case region == "cn-shanghai" && n == 2:
				cloud.Release("cpn-cn-shanghai-000")
			case region == "cn-shanghai" && n > 3:
				return fakecloud.APIError(403, "Forbidden.RAM", "User not authorized.")
			}
			return nil
		})), "cn-shanghai", "cn-hangzhou", "ap-southeast-1")
		wantProblems(t, l, "cn-shanghai Forbidden.RAM may hide")
		if l.Complete() {
			t.Error("the listing is complete, though the third row of cn-shanghai was never shown")
		}
	})
}

func TestListIsIncompleteIfTheTotalChangesTwice(t *testing.T) {
	for name, complete := range map[string]bool{"falls once": true, "falls again in the repeat": false} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &fakecloud.Server{Nodes: fleet(map[string]int{"cn-shanghai": 9}), PageSize: 2}
				l := list(t, t.Context(), overPipes(t, intercept(cloud, func(region string, n int) http.HandlerFunc {
					switch {
					case region == "cn-shanghai" && n == 2:
						cloud.Release("cpn-cn-shanghai-000")
					case region == "cn-shanghai" && n == 7 && !complete:
						cloud.Release("cpn-cn-shanghai-001")
					}
					return nil
				})), "cn-shanghai")
				if l.Complete() != complete {
					t.Errorf("complete is %t, want %t: %+v", l.Complete(), complete, l.Problems)
				}
				if !complete {
					wantProblems(t, l, "cn-shanghai CountChanged may hide")
				}
			})
		})
	}
}

func TestListRequestsARegionThatIsNamedTwiceOnce(t *testing.T) {
	var calls [2]int
	for i, regions := range [][]string{{"cn-shanghai", "cn-hangzhou"}, {"cn-shanghai", "cn-hangzhou", "cn-shanghai"}} {
		cloud := &fakecloud.Server{Nodes: fleet(map[string]int{"cn-shanghai": 3, "cn-hangzhou": 2}), PageSize: 2}
		l := overTCP(t, cloud).List(t.Context(), regions)
		wantRows(t, l, idsOf(cloud.Nodes), 5)
		wantProblems(t, l)
		calls[i] = len(cloud.Calls())
	}
	if calls[0] != calls[1] {
		t.Errorf("%d calls with a region named twice, %d with it named once", calls[1], calls[0])
	}
}

func TestListShowsFewerMatricesThanTheServiceCounts(t *testing.T) {
	for _, counted := range []int{30, 23} {
		synctest.Test(t, func(t *testing.T) {
			nodes := fleet(map[string]int{"cn-shanghai": 20})
			l := list(t, t.Context(), overPipes(t, &liar{nodes: nodes, pageSize: 7, change: func(q url.Values, p map[string]any) {
				if region := q.Get("BizRegionId"); region == "" || region == "cn-shanghai" {
					p["TotalCount"] = counted
				}
			}}))
			wantRows(t, l, idsOf(nodes), counted)
			wantProblems(t, l, "cn-shanghai RowsMissing may hide")
			if want := fmt.Sprintf("20 of %d matrices read", counted); len(l.Problems) != 1 || !strings.HasPrefix(l.Problems[0].Message, want) {
				t.Errorf("got %+v, want %q", l.Problems, want)
			}
		})
	}
}

func TestListOfTwoEndpointsThatShareOneMatrix(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := fleet(map[string]int{"cn-shanghai": 15})
		first, second := &fakecloud.Server{Nodes: all[:6]}, &liar{nodes: all[5:10], pageSize: 100, change: func(q url.Values, p map[string]any) {
			if region := q.Get("BizRegionId"); region == "" || region == "cn-shanghai" {
				p["TotalCount"] = 10
			}
		}}
		l := list(t, t.Context(), overPipes(t, first, second))
		wantRows(t, l, idsOf(all[:10]), 15)
		wantProblems(t, l, "cn-shanghai RowsMissing may hide")
	})
}

func TestListSurvivesOneExpiredToken(t *testing.T) {
	nodes := fleet(map[string]int{"cn-shanghai": 50})
	for _, page := range []int{2, 10, 11, 20, 24} {
		synctest.Test(t, func(t *testing.T) {
			cloud := &fakecloud.Server{Nodes: nodes, PageSize: 2, Faults: []fakecloud.Fault{
				{Region: "cn-shanghai", Page: page, Times: 1, Respond: fakecloud.APIError(400, "InvalidParameter.NextToken", "The NextToken has expired.")},
			}}
			l := list(t, t.Context(), overPipes(t, cloud), "cn-shanghai")
			wantRows(t, l, idsOf(nodes), 50)
			wantProblems(t, l)
			if n := len(cloud.Calls()); n > 2*25 {
				t.Errorf("page %d: %d calls, want at most twice the 25 pages", page, n)
			}
		})
	}
}

func TestListDoesNotRetryRefusalsWithRateLimitHeaders(t *testing.T) {
	for _, code := range []string{"InvalidAccessKeyId", "Forbidden", "NoPermission", "SignatureDoesNotMatch"} {
		synctest.Test(t, func(t *testing.T) {
			refused := withHeader(fakecloud.APIError(400, code, "No."), "x-ratelimit-user", "Limit:1000,Remain:999,TimeLeft:1000")
			l := list(t, t.Context(), overPipes(t, &fakecloud.Server{Faults: []fakecloud.Fault{{Respond: refused}}}))
			wantProblems(t, l, "- "+code+" may hide")
			if l.Stats.Retries > 0 {
				t.Errorf("%s: %d retries, want none", code, l.Stats.Retries)
			}
		})
	}
}

func TestListRetriesThrottlingWithLowerCaseKeys(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{{Region: "cn-hangzhou", Page: 2, Times: 2, Respond: func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(400)
			fmt.Fprint(w, `{"code":"Throttling.User","message":"Denied by flow control.","requestId":"R"}`)
		}}}}
		l := list(t, t.Context(), overPipes(t, cloud))
		wantRows(t, l, idsOf(someNodes()), 9)
		wantProblems(t, l)
		if l.Stats.Retries != 2 {
			t.Errorf("%d retries, want 2", l.Stats.Retries)
		}
	})
}

func TestListDoesNotWaitForWrappedRetryAfter(t *testing.T) {
	for _, value := range []string{"18446744074", "9223372037", "-1"} {
		synctest.Test(t, func(t *testing.T) {
			start := time.Now()
			later := withHeader(fakecloud.APIError(429, "TooManyRequests", "Slow down."), "Retry-After", value)
			cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{{Region: "cn-hangzhou", Page: 2, Respond: later}}}
			l := list(t, t.Context(), overPipes(t, cloud))
			wantProblems(t, l, "cn-hangzhou TooManyRequests may hide")
			if took := time.Since(start); took > time.Minute {
				t.Errorf("%s: took %v", value, took)
			}
			if retried := asked(cloud.Calls(), "cn-hangzhou", 2) > 2; retried != (value == "-1") {
				t.Errorf("%s: retried is %t, want it only without a delay that is too long", value, retried)
			}
		})
	}
}

func TestListCountsRowsWithoutNodeIDOnce(t *testing.T) {
	for name, drop := range map[string][]string{"with a region": {"NodeId"}, "without a region": {"NodeId", "RegionId"}} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				nodes := someNodes()
				l := list(t, t.Context(), overPipes(t, &liar{nodes: nodes, pageSize: 2, change: func(_ url.Values, p map[string]any) {
					for _, row := range p["NodeModel"].([]any) {
						row := row.(map[string]any)
						if id := row["NodeId"]; id == "cpn-00" || id == "cpn-01" || id == "cpn-03" {
							for _, field := range drop {
								delete(row, field)
							}
						}
					}
				}}))
				wantRows(t, l, slices.Concat([]string{"", "", ""}, []string{"cpn-02", "cpn-04", "cpn-05", "cpn-06", "cpn-07", "cpn-08"}), 9)
				wantProblems(t, l, "- RowsWithoutID may hide")
				if len(l.Problems) == 1 && !strings.HasPrefix(l.Problems[0].Message, "3 rows ") {
					t.Errorf("got %q, want 3 rows", l.Problems[0].Message)
				}
			})
		})
	}
}

func TestListAndProbeAgreeWithoutDescribeRegions(t *testing.T) {
	denied := []fakecloud.Fault{{Action: "DescribeRegions", Respond: fakecloud.APIError(403, "NoPermission", "You are not authorized.")}}
	for name, tt := range map[string]struct {
		cloud  *fakecloud.Server
		covers bool
	}{
		"all matrices in one region":                 {&fakecloud.Server{Nodes: fleet(map[string]int{"cn-shanghai": 5}), PageSize: 2, Faults: denied}, true},
		"in two regions":                             {&fakecloud.Server{Nodes: fleet(map[string]int{"cn-shanghai": 5, "cn-hangzhou": 1}), PageSize: 2, Faults: denied}, true},
		"in two regions, and a query shows only one": {&fakecloud.Server{Nodes: fleet(map[string]int{"cn-shanghai": 5, "cn-hangzhou": 1}), OneRegion: "cn-shanghai", PageSize: 2, Faults: denied}, false},
	} {
		t.Run(name, func(t *testing.T) {
			s := overTCP(t, tt.cloud)
			l := s.List(t.Context(), nil)
			probes, err := s.Probe(t.Context(), nil)
			if err != nil || len(probes) != 1 || probes[0].RegionsProblem == nil {
				t.Fatalf("got %+v and the error %v, want DescribeRegions denied", probes, err)
			}
			if l.Complete() != tt.covers || l.TotalChecked != tt.covers || probes[0].Covers != tt.covers {
				t.Errorf("complete %t, total checked %t, the probe covers %t; want all %t", l.Complete(), l.TotalChecked, probes[0].Covers, tt.covers)
			}
		})
	}
}

// A row whose id is too long is counted, reported and not listed.
func TestListCountsRowsWithAnOversizedID(t *testing.T) {
	nodes := fleet(map[string]int{"cn-shanghai": 3})
	nodes[1].NodeId = strings.Repeat("x", 257)
	nodes[2].NodeId = strings.Repeat("y", 256)
	l := overTCP(t, &fakecloud.Server{Nodes: nodes, PageSize: 2}).List(t.Context(), nil)
	wantRows(t, l, []string{nodes[0].NodeId, nodes[2].NodeId}, 3)
	wantProblems(t, l, "- UnreadableRows may hide")
}

// An interrupt is a problem of its own, and no connection failure.
func TestListIsInterrupted(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 1, Latency: time.Second}
		l := list(t, cancelledAfter(t, 3*time.Second), overPipes(t, cloud))
		if l.Complete() || len(l.Matrices) == 0 {
			t.Errorf("got %d rows and %+v, want some rows of an incomplete listing", len(l.Matrices), l.Problems)
		}
		for _, p := range l.Problems {
			if p.Code != "Interrupted" {
				t.Errorf("got %+v, want Interrupted", p)
			}
		}
	})
}

// The regions are checked by one more query above 1,000 matrices, and not read
// again.
func TestListChecksLargeFleetsByTheTotal(t *testing.T) {
	nodes := fleet(map[string]int{"cn-shanghai": 900, "cn-hangzhou": 150})
	for name, tt := range map[string]struct {
		unlisted int // matrices in a region that is not listed
		pages    int // of the unfiltered query
		one      string
		checked  bool
	}{
		"regions have all": {0, 2, "", true}, "an unlisted region": {1, 2 + 11, "", true}, "a query that shows one region": {0, 2, "cn-shanghai", false},
	} {
		t.Run(name, func(t *testing.T) {
			all := slices.Clone(nodes)
			for i := range tt.unlisted {
				all[i].RegionId = "us-east-1"
			}
			cloud := &fakecloud.Server{Nodes: all, OneRegion: tt.one}
			l := overTCP(t, cloud).List(t.Context(), nil)
			wantRows(t, l, idsOf(all), 1050)
			wantProblems(t, l)
			if n := asked(cloud.Calls(), "-", 0); n != tt.pages || l.TotalChecked != tt.checked {
				t.Errorf("%d pages without a region, total checked %t; want %d, %t", n, l.TotalChecked, tt.pages, tt.checked)
			}
		})
	}
}

func cancelledAfter(t *testing.T, d time.Duration) context.Context {
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(d, cancel)
	return ctx
}
