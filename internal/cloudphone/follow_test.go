package cloudphone_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/report"
)

// Whatever comes twice, in which order and from where: what a run keeps makes
// the report of all.
func TestASievedListingMakesTheSameReport(t *testing.T) {
	random := rand.New(rand.NewPCG(5, 6))
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, shanghai)
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: shanghai}
	statuses := []string{"RUNNING", "RUNNING", "RUNNING", "FAILED", "CREATING", "DELETED", "DELETING", "ODD"}
	for round := range 60 {
		var fleets [2][]fakecloud.Node
		for i := range 40 {
			n := fakecloud.Node{NodeId: fmt.Sprintf("cpn-%02d", i), RegionId: []string{"cn-hangzhou", "cn-shanghai", "us-east-1"}[random.IntN(3)]}
			for at := range fleets { // each has its own idea of it, of another time
				n.Status = statuses[random.IntN(len(statuses))]
				n.GmtCreate = fakecloud.Time(now.AddDate(0, 0, -60))
				n.GmtModified = fakecloud.Time(now.Add(-time.Duration(i*10+at*(1+random.IntN(2))-at*random.IntN(4)) * time.Second))
				n.GmtExpired = fakecloud.Time(now.AddDate(0, 0, random.IntN(80)-5))
				if random.IntN(4) > 0 {
					fleets[at] = append(fleets[at], n)
				}
			}
		}
		whole := []http.Handler{&fakecloud.Server{Nodes: fleets[0], PageSize: 7}, &fakecloud.Server{Nodes: fleets[1], PageSize: 5}}
		if round%3 == 0 {
			whole = whole[:1]
		}
		s := overTCP(t, whole...)
		all := s.List(t.Context(), nil, nil)
		some := s.List(t.Context(), nil, func(m *report.Matrix) report.Fate { return rules.Fate(m, now) })
		if len(some.Matrices) >= len(all.Matrices) || some.Others == 0 {
			t.Fatalf("of %d matrices %d were kept", len(all.Matrices), len(some.Matrices))
		}
		want, err := json.MarshalIndent(report.Build(rules, all, now), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		got, err := json.MarshalIndent(report.Build(rules, some, now), "", " ")
		if err != nil {
			t.Fatal(err)
		}
		if !bytes.Equal(got, want) {
			t.Fatalf("round %d: got\n%s\nwant\n%s", round, got, want)
		}
	}
}

// The next page is asked for when its token is known, not when the rows behind
// the token have been read.
func TestTheNextPageIsAskedForAhead(t *testing.T) {
	nodes := someNodes()[:1]
	asked := make(chan struct{})
	var once sync.Once
	page := func(w http.ResponseWriter, token string, i int) {
		row := nodes[0]
		row.NodeId = fmt.Sprint("cpn-", i)
		b, _ := json.Marshal(row)
		fmt.Fprintf(w, `{"TotalCount":2%s,"NodeModel":[%s]}`, token, b)
	}
	s := overTCP(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case r.Header.Get("x-acs-action") == "DescribeRegions":
			fmt.Fprint(w, `{"RegionModels":[]}`)
		case r.URL.Query().Get("NextToken") == "second":
			once.Do(func() { close(asked) })
			page(w, "", 2)
		case r.URL.Query().Get("BizRegionId") == "cn-hangzhou":
			page(w, `,"NextToken":"second"`, 1)
		default:
			page(w, "", 1)
		}
	}))
	kept := 0
	l := s.List(t.Context(), []string{"cn-hangzhou"}, func(*report.Matrix) report.Fate {
		if kept++; kept == 1 { // a row of the first page, which is still being read
			select {
			case <-asked:
			case <-time.After(10 * time.Second):
				t.Error("the second page was not asked for before the first was done with")
			}
		}
		return report.Keep
	})
	wantRows(t, l, []string{"cpn-1", "cpn-2"}, 2)
}

// longRegion is one region with nearly everything.
func longRegion(types ...string) []fakecloud.Node {
	var nodes []fakecloud.Node
	for i := range 130 {
		n := fakecloud.Node{
			NodeId: fmt.Sprintf("cpn-%03d", i), RegionId: "cn-hangzhou", Status: "RUNNING", ServerType: types[i%len(types)],
			GmtCreate: "2025-11-13 02:03:14", GmtModified: "2026-02-13 02:03:14", GmtExpired: "2027-03-09 02:00:34",
		}
		switch {
		case i%20 == 0:
			n.RegionId = "cn-shanghai"
		case i%11 == 0:
			n.Status = "FAILED"
		}
		nodes = append(nodes, n)
	}
	return nodes
}

func TestALongRegionIsReadInParts(t *testing.T) {
	types := []string{"cpm.gx7.10xlarge", "cpm.gx8.16xlarge", "cpm.gn6.gx1"}
	all := longRegion(types...)
	ignoring := func(h http.Handler, names ...string) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			for _, name := range names {
				q.Del(name)
			}
			r.URL.RawQuery = q.Encode()
			h.ServeHTTP(w, r)
		})
	}
	// believing lets pass what is changed after it was signed.
	believing := func(nodes []fakecloud.Node) http.Handler { return &liar{nodes: nodes, pageSize: 2} }
	odd := slices.Clone(all)
	odd[7].Status, odd[8].Status = "UNHEARD", "" // on no page that shows which values there are
	late := slices.Clone(all)
	late[78].ServerType = "cpm.gx9.32xlarge"
	sorted := longRegion(types[:2]...)
	slices.SortStableFunc(sorted[10:], func(a, b fakecloud.Node) int { return strings.Compare(a.ServerType, b.ServerType) })
	for _, tt := range []struct {
		name  string
		cloud http.Handler
		nodes []fakecloud.Node
		parts bool // whether the region is read by them
		slots int
	}{
		{"by status and type", &fakecloud.Server{Nodes: all, PageSize: 2}, all, true, 4},
		{"by a status that is not documented", &fakecloud.Server{Nodes: slices.DeleteFunc(slices.Clone(odd), func(n fakecloud.Node) bool { return n.Status == "" }), PageSize: 2},
			slices.DeleteFunc(slices.Clone(odd), func(n fakecloud.Node) bool { return n.Status == "" }), false, 4},
		{"though one type comes late", &fakecloud.Server{Nodes: late, PageSize: 2}, late, false, 4},
		{"a row without a status", &fakecloud.Server{Nodes: odd, PageSize: 2}, odd, false, 4},
		{"a service that knows no status", ignoring(believing(all), "Status"), all, false, 4},
		{"a service that knows no filter", ignoring(believing(all), "Status", "ServerType"), all, false, 4},
		{"all of one type", &fakecloud.Server{Nodes: longRegion(types[0]), PageSize: 2}, longRegion(types[0]), false, 4},
		{"a filter that is refused", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if r.URL.Query().Has("Status") {
				fakecloud.APIError(400, "InvalidParameter", "No.")(w, r)
				return
			}
			believing(all).ServeHTTP(w, r)
		}), all, false, 4},
		{"a part that cannot be read, of which the next pages have nothing", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			if q := r.URL.Query(); q.Get("ServerType") == types[1] && q.Get("MaxResults") != "1" {
				fakecloud.APIError(400, "InvalidParameter", "No.")(w, r)
				return
			}
			(&fakecloud.Server{Nodes: sorted, PageSize: 2}).ServeHTTP(w, r)
		}), sorted, false, 4},
		{"a part that leaves a row out", http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			q := r.URL.Query()
			if q.Get("ServerType") != all[127].ServerType || q.Get("Status") != all[127].Status || q.Get("MaxResults") == "1" {
				(&fakecloud.Server{Nodes: all, PageSize: 2}).ServeHTTP(w, r)
				return
			}
			rec := httptest.NewRecorder()
			(&fakecloud.Server{Nodes: slices.Delete(slices.Clone(all), 127, 128), PageSize: 2}).ServeHTTP(rec, r)
			_, _ = w.Write(regexp.MustCompile(`"TotalCount":\d+`).ReplaceAllFunc(rec.Body.Bytes(), func(b []byte) []byte {
				var n int
				_, _ = fmt.Sscanf(string(b), `"TotalCount":%d`, &n)
				return fmt.Appendf(nil, `"TotalCount":%d`, n+1)
			}))
		}), all, false, 4},
		{"one question at a time", &fakecloud.Server{Nodes: all, PageSize: 2}, all, false, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var mu sync.Mutex
				plain, inParts, busy, most := 0, 0, 0, 0
				s := overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					q := r.URL.Query()
					mu.Lock()
					busy++
					most = max(most, busy)
					switch {
					case q.Get("MaxResults") == "1":
					case q.Has("Status"):
						inParts++
					case q.Get("BizRegionId") == "cn-hangzhou":
						plain++
					}
					mu.Unlock()
					rec := httptest.NewRecorder()
					tt.cloud.ServeHTTP(rec, r)
					time.Sleep(time.Millisecond)
					mu.Lock() // before the answer can be read
					busy--
					mu.Unlock()
					w.WriteHeader(rec.Code)
					_, _ = w.Write(rec.Body.Bytes())
				}))
				s.MaxInFlight = tt.slots
				l := list(t, t.Context(), s)
				wantRows(t, l, idsOf(tt.nodes), len(tt.nodes))
				wantProblems(t, l)
				if most > tt.slots {
					t.Errorf("%d questions at a time, want at most %d", most, tt.slots)
				}
				if tt.parts && (plain > 6 || inParts < 50) {
					t.Errorf("%d pages of the region, %d of its parts: want it read by its parts", plain, inParts)
				}
				if !tt.parts && (plain < 60 || inParts > 70) {
					t.Errorf("%d pages of the region, %d of its parts: want it read as it is", plain, inParts)
				}
			})
		})
	}
}

// A matrix that goes, or changes its state, while the parts are read does not
// make any other one missing.
func TestALongRegionThatChanges(t *testing.T) {
	t.Parallel()
	before := longRegion("cpm.gx7.10xlarge", "cpm.gx8.16xlarge", "cpm.gn6.gx1")
	gone := slices.Delete(slices.Clone(before), 33, 34)
	failed := slices.Clone(before)
	failed[34].Status = "FAILED"
	bought := before[41]
	bought.NodeId = "cpn-new"
	for name, after := range map[string][]fakecloud.Node{"is released": gone, "fails": failed, "fails, and another is bought,": append(slices.Clone(failed), bought)} {
		for calls := 8; calls < 110; calls += 6 {
			t.Run(fmt.Sprintf("one %s after %d calls", name, calls), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					first, then := &fakecloud.Server{Nodes: before, PageSize: 2}, &fakecloud.Server{Nodes: after, PageSize: 2}
					var mu sync.Mutex
					n := 0
					l := list(t, t.Context(), overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
						mu.Lock()
						n++
						now := first
						if n > calls {
							now = then
						}
						mu.Unlock()
						now.ServeHTTP(w, r)
					})))
					wantProblems(t, l)
					ids := listedIDs(l)
					for _, id := range idsOf(gone) {
						if !slices.Contains(ids, id) {
							t.Errorf("%s is missing", id)
						}
					}
				})
			})
		}
	}
}

// A region of few pages is not worth the questions of a split, and of all
// regions together no more than a page is asked for.
func TestAShortRegionIsReadAsItIs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		pages := map[string]int{}
		cloud := &fakecloud.Server{Nodes: longRegion("cpm.gx7.10xlarge", "cpm.gx8.16xlarge")[:26], PageSize: 2}
		l := list(t, t.Context(), overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			if q := r.URL.Query(); r.Header.Get("x-acs-action") == "DescribeCloudPhoneNodes" {
				pages[q.Get("BizRegionId")+q.Get("Status")]++
			}
			cloud.ServeHTTP(w, r)
		})))
		wantRows(t, l, idsOf(cloud.Nodes), 26)
		want := map[string]int{"": 1, "cn-hangzhou": 12, "cn-shanghai": 1, "ap-southeast-1": 1, "eu-central-1": 1}
		if !maps.Equal(pages, want) {
			t.Errorf("asked for %v pages, want %v", pages, want)
		}
	})
}

// A chain without end is seen to be one, whether or not it was to be split.
func TestALongRegionWithoutEnd(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := longRegion("cpm.gx7.10xlarge", "cpm.gx8.16xlarge")
		var mu sync.Mutex
		calls := 0
		s := overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			mu.Lock()
			defer mu.Unlock()
			calls++
			q := r.URL.Query()
			if q.Has("Status") {
				fakecloud.APIError(400, "InvalidParameter", "No.")(w, r)
				return
			}
			var n int
			_, _ = fmt.Sscan(q.Get("NextToken"), &n)
			row, _ := json.Marshal(all[n%len(all)])
			fmt.Fprintf(w, `{"TotalCount":130,"NodeModel":[%s],"NextToken":"%d"}`, row, n+1)
		}))
		l := s.List(t.Context(), []string{"cn-hangzhou"}, nil)
		s.HTTP.CloseIdleConnections()
		if told := slices.Concat(l.Problems, l.Mended); len(l.Matrices) != 130 || len(told) != 1 || told[0].Code != "EndlessPages" || calls > 200 {
			t.Errorf("%d matrices after %d calls, and %+v", len(l.Matrices), calls, told)
		}
	})
}

// The token of an answer that is cut short leads nowhere.
func TestATokenOfNoPage(t *testing.T) {
	for name, token := range map[string]string{"and comes again": "second", "and was wrong": "wrong"} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var once sync.Once
				row := func(i int) string {
					return fmt.Sprintf(`{"NodeId":"cpn-%d","RegionId":"cn-hangzhou","Status":"RUNNING","GmtExpired":"2027-03-09 02:00:34"}`, i)
				}
				l := list(t, t.Context(), overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
					switch r.URL.Query().Get("NextToken") {
					case "second":
						fmt.Fprintf(w, `{"TotalCount":2,"NodeModel":[%s]}`, row(2))
					case "wrong":
						fmt.Fprintf(w, `{"TotalCount":2,"NodeModel":[%s]}`, row(9))
					default:
						whole := true
						once.Do(func() { whole = false })
						if !whole {
							fmt.Fprintf(w, `{"TotalCount":2,"NextToken":%q,"NodeModel":[%s,`, token, row(1))
							return
						}
						fmt.Fprintf(w, `{"TotalCount":2,"NextToken":"second","NodeModel":[%s]}`, row(1))
					}
				})), "cn-hangzhou")
				wantRows(t, l, []string{"cpn-1", "cpn-2"}, 2)
				wantProblems(t, l)
			})
		})
	}
}

// A panic in one of the parts costs what it was about to take in.
func TestAPanicInAPart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		all := longRegion("cpm.gx7.10xlarge", "cpm.gx8.16xlarge", "cpm.gn6.gx1")
		var once sync.Once
		s := overPipes(t, &fakecloud.Server{Nodes: all, PageSize: 2})
		l := s.List(t.Context(), nil, func(m *report.Matrix) report.Fate {
			if m.Status == "FAILED" && m.NodeID > "cpn-060" {
				once.Do(func() { panic("at a row") })
			}
			return report.Keep
		})
		s.HTTP.CloseIdleConnections()
		if n := len(listedIDs(l)); n < len(all)-1 {
			t.Errorf("%d of %d matrices", n, len(all))
		}
		if told := slices.Concat(l.Problems, l.Mended); len(told) != 1 || told[0].Message != "panic: at a row" {
			t.Errorf("got %+v, want the panic told", told)
		}
	})
}
