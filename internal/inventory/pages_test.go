package inventory_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// Answers of the right form that lie.
func TestListInvalidPages(t *testing.T) {
	t.Parallel()
	ids := idsOf(someNodes())
	rows := func(p map[string]any) []any { v, _ := p["NodeModel"].([]any); return v }
	everyRow := func(change func(row map[string]any)) func(url.Values, map[string]any) {
		return func(_ url.Values, p map[string]any) {
			for _, r := range rows(p) {
				change(r.(map[string]any))
			}
		}
	}
	regionTokens := func(token func(q url.Values) string) func(url.Values, map[string]any) {
		return func(q url.Values, p map[string]any) {
			if q.Get("BizRegionId") == "cn-hangzhou" {
				p["NextToken"] = token(q)
			}
		}
	}
	for _, tt := range []struct {
		name     string
		pageSize int
		change   func(q url.Values, p map[string]any)
		ids      []string
		total    int
		problems []string
		calls    int // for one region
	}{
		{"TotalCount is absent", 2, func(_ url.Values, p map[string]any) { delete(p, "TotalCount") }, ids, 9, nil, 3},
		{"TotalCount is null", 2, func(_ url.Values, p map[string]any) { p["TotalCount"] = nil }, ids, 9, nil, 3},
		{"TotalCount is a word", 2, func(_ url.Values, p map[string]any) { p["TotalCount"] = "many" }, ids, 9, nil, 3},
		{"TotalCount is a list", 2, func(_ url.Values, p map[string]any) { p["TotalCount"] = []int{9} }, ids, 9, nil, 3},
		{"TotalCount is negative", 2, func(_ url.Values, p map[string]any) { p["TotalCount"] = -1 }, ids, 9, nil, 3},
		{"TotalCount is absurd", 2, func(_ url.Values, p map[string]any) { p["TotalCount"] = 1e300 }, ids, 9, nil, 3},
		{"TotalCount is a number in a string", 2, func(_ url.Values, p map[string]any) { p["TotalCount"] = fmt.Sprint(p["TotalCount"]) }, ids, 9, nil, 3},
		{"TotalCount is too small", 2, func(_ url.Values, p map[string]any) { p["TotalCount"] = min(1, p["TotalCount"].(float64)) }, ids, 9, nil, 3},
		{"TotalCount is 0", 2, func(_ url.Values, p map[string]any) { p["TotalCount"] = 0 }, ids, 9, nil, 3},
		{"TotalCount is that of the page", 2, func(_ url.Values, p map[string]any) { p["TotalCount"] = len(rows(p)) }, ids, 9, []string{"- CountChanged may hide", "cn-hangzhou CountChanged may hide", "cn-shanghai CountChanged may hide"}, 6},
		{"TotalCount is too large without a region", 2, func(q url.Values, p map[string]any) {
			if q.Get("BizRegionId") == "" {
				p["TotalCount"] = 12
			}
		}, ids, 12, []string{"- CountsDiffer may hide"}, 3},
		{"TotalCount is too large in a region", 2, func(q url.Values, p map[string]any) {
			if q.Get("BizRegionId") == "cn-shanghai" {
				p["TotalCount"] = 5
			}
		}, ids, 11, []string{"cn-shanghai RowsMissing may hide"}, 3},
		{"TotalCount falls after the first page", 2, func(q url.Values, p map[string]any) {
			if q.Get("NextToken") == "" && p["NextToken"] != nil {
				p["TotalCount"] = 100
			}
		}, ids, 9, []string{"- CountChanged may hide", "cn-hangzhou CountChanged may hide", "cn-shanghai CountChanged may hide"}, 6},
		{"a token comes again", 2, regionTokens(func(url.Values) string { return "again" }), ids, 9, []string{"cn-hangzhou RepeatedToken may hide"}, 4},
		{"two tokens take turns", 2, regionTokens(func(q url.Values) string {
			if q.Get("NextToken") == "a" {
				return "b"
			}
			return "a"
		}), ids, 9, []string{"cn-hangzhou RepeatedToken may hide"}, 6},
		{"fresh tokens without an end and nothing new", 100, func(q url.Values, p map[string]any) {
			if q.Get("BizRegionId") == "cn-hangzhou" {
				n, _ := strconv.Atoi(q.Get("NextToken"))
				p["NextToken"] = strconv.Itoa(n + 1)
			}
		}, ids, 9, []string{"cn-hangzhou EndlessPages may hide"}, 22},
		{"empty pages with fresh tokens without an end", 100, func(q url.Values, p map[string]any) {
			if q.Get("BizRegionId") == "cn-hangzhou" {
				n, _ := strconv.Atoi(q.Get("NextToken"))
				p["NodeModel"], p["NextToken"] = []any{}, strconv.Itoa(n+1)
			}
		}, ids, 9, []string{"cn-hangzhou EndlessPages may hide"}, 20},
		{"an empty page with a token, then rows", 100, func(q url.Values, p map[string]any) {
			if q.Get("NextToken") == "" {
				p["NodeModel"], p["NextToken"] = []any{}, "next"
			}
		}, ids, 9, nil, 2},
		{"rows are null on a page with a token", 100, func(q url.Values, p map[string]any) {
			if q.Get("NextToken") == "" {
				p["NodeModel"], p["NextToken"] = nil, "next"
			}
		}, ids, 9, nil, 2},
		{"NextToken is null", 100, func(_ url.Values, p map[string]any) { p["NextToken"] = nil }, ids, 9, nil, 1},
		{"NextToken is an object", 100, func(_ url.Values, p map[string]any) { p["NextToken"] = map[string]any{"a": 1} }, ids, 9, nil, 1},
		{"rows without RegionId", 2, everyRow(func(row map[string]any) { delete(row, "RegionId") }), ids, 9, nil, 3},
		{"every row without NodeId", 2, everyRow(func(row map[string]any) { delete(row, "NodeId") }), make([]string, 9), 9, []string{"- RowsWithoutID may hide"}, 3},
		{"one row without NodeId", 2, everyRow(func(row map[string]any) {
			if row["NodeId"] == "cpn-00" {
				delete(row, "NodeId")
			}
		}), append([]string{""}, ids[1:]...), 9, []string{"- RowsWithoutID may hide"}, 3},
	} {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				service := &liar{nodes: someNodes(), pageSize: tt.pageSize, change: tt.change}
				l := list(t, t.Context(), overPipes(t, service))
				wantRows(t, l, tt.ids, tt.total)
				wantProblems(t, l, tt.problems...)
				for _, m := range l.Matrices {
					if m.Region == "" {
						t.Errorf("%q has no region, want that of the question", m.NodeID)
					}
				}
				if got := asked(service.calls, "cn-hangzhou", 0); got != tt.calls {
					t.Errorf("cn-hangzhou was requested %d times, want %d", got, tt.calls)
				}
			})
		})
	}
}

// Without any count, only the end of the unfiltered query shows that nothing is
// missing.
func TestListWithoutTotals(t *testing.T) {
	uncounted := func(_ url.Values, p map[string]any) { delete(p, "TotalCount") }
	t.Run("strays on a late page", func(t *testing.T) {
		nodes := someNodes()
		nodes[8].RegionId = "us-east-1"
		synctest.Test(t, func(t *testing.T) {
			l := list(t, t.Context(), overPipes(t, &liar{nodes: nodes, pageSize: 2, change: uncounted}))
			wantRows(t, l, idsOf(nodes), 9)
			wantProblems(t, l)
		})
	})
	t.Run("a region fails", func(t *testing.T) {
		synctest.Test(t, func(t *testing.T) {
			service := &liar{nodes: someNodes(), pageSize: 2, change: uncounted}
			l := list(t, t.Context(), overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("BizRegionId") == "cn-hangzhou" {
					fakecloud.APIError(403, "Forbidden", "No.")(w, r)
					return
				}
				service.ServeHTTP(w, r)
			})))
			wantRows(t, l, idsOf(someNodes()), 9)
			wantProblems(t, l, "cn-hangzhou Forbidden may hide")
		})
	})
}

func TestListEndsIfPagesDoNot(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		n := 0
		service := &liar{nodes: someNodes(), pageSize: 100, change: func(q url.Values, p map[string]any) {
			if q.Get("BizRegionId") == "cn-hangzhou" {
				n++
				p["NodeModel"], p["NextToken"] = []any{map[string]any{"NodeId": fmt.Sprint("cpn-new-", n)}}, fmt.Sprint(n)
			}
		}}
		l := list(t, t.Context(), overPipes(t, service))
		wantProblems(t, l, "cn-hangzhou EndlessPages may hide")
		if got := asked(service.calls, "cn-hangzhou", 0); got < 2000 || got > 2050 { // two scans of twice the count and 1000 rows
			t.Errorf("cn-hangzhou was requested %d times, want about 2000", got)
		}
	})
}

func TestListPageLargerThanRequested(t *testing.T) {
	var nodes []fakecloud.Node
	for i := range 250 {
		nodes = append(nodes, fakecloud.Node{NodeId: fmt.Sprintf("cpn-%03d", i), RegionId: "cn-hangzhou"})
	}
	synctest.Test(t, func(t *testing.T) {
		l := list(t, t.Context(), overPipes(t, &liar{nodes: nodes, pageSize: 250}))
		wantRows(t, l, idsOf(nodes), 250)
		wantProblems(t, l)
	})
}

// The service's types drift, and one odd field must not cost a row.
func TestListFieldsOfWrongType(t *testing.T) {
	fields := []string{"NodeName", "Status", "ServerType", "InstanceType", "GmtCreate", "GmtModified", "GmtExpired", "PhoneCount", "Tags", "BizTags", "Cpu", "PhoneDataInfo"}
	for _, value := range []any{nil, "", "word", 7, 1.5, -3, true, []any{}, []any{1, nil}, map[string]any{}, map[string]any{"Key": 1}, 1e300, "2026-13-99 99:99:99"} {
		t.Run(fmt.Sprintf("%#v", value), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				l := list(t, t.Context(), overPipes(t, &liar{nodes: someNodes(), pageSize: 2, change: func(_ url.Values, p map[string]any) {
					p["RequestId"], p["MaxResults"] = value, value
					for _, row := range p["NodeModel"].([]any) {
						for _, name := range fields {
							row.(map[string]any)[name] = value
						}
					}
				}}))
				wantRows(t, l, idsOf(someNodes()), 9)
				wantProblems(t, l)
				for _, m := range l.Matrices {
					if m.PhoneCount < 0 || m.Tags == nil || !m.ExpiresAt.IsZero() || strings.ContainsAny(m.Name, "[{") {
						t.Errorf("got %+v, want odd fields to be absent", m)
					}
				}
			})
		})
	}
}

func TestListCountsRowsWithoutFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := list(t, t.Context(), overPipes(t, &liar{nodes: someNodes(), pageSize: 2, change: func(_ url.Values, p map[string]any) {
			for _, row := range p["NodeModel"].([]any) {
				for name := range row.(map[string]any) {
					row.(map[string]any)[name] = nil
				}
			}
		}}))
		wantRows(t, l, make([]string, 9), 9)
		wantProblems(t, l, "- RowsWithoutID may hide")
	})
}

// Without a zone no time can be read; the package panics there, which costs
// the reading but not the program.
func TestListRecoversFromPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := overPipes(t, &fakecloud.Server{Nodes: someNodes()})
		s.API.Zone = nil
		l := list(t, t.Context(), s)
		if len(l.Matrices) != 0 || len(l.Problems) == 0 {
			t.Fatalf("got %+v, want no rows and a problem", l)
		}
		for _, p := range l.Problems {
			if !p.MayHideMatrices || !strings.Contains(p.Message, "panic: time: missing Location") {
				t.Errorf("got %+v, want the panic", p)
			}
		}
	})
}

func TestListRetriesResetConnection(t *testing.T) {
	reset := func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{{Region: "cn-hangzhou", Page: 2, Times: 1, Respond: reset}}}
	l := overTCP(t, cloud).List(t.Context(), nil)
	wantRows(t, l, idsOf(someNodes()), 9)
	wantProblems(t, l)
	if got := asked(cloud.Calls(), "cn-hangzhou", 2); got != 2 {
		t.Errorf("the page was requested %d times, want 2", got)
	}
}
