package cloudphone_test

import (
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"

	"matrix-expiry-report/internal/emulator"
)

// answer writes an answer that the service itself would not.
func answer(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

func withHeader(h http.HandlerFunc, name, value string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(name, value)
		h(w, r)
	}
}

const breaks = "a connection that breaks"

// tries is how often a question is asked whose answer may be better next time.
const tries = 5

var faults = []struct {
	name   string
	answer http.HandlerFunc
	code   string
	tries  int    // more is right only where net/http itself repeats a GET over a connection that broke
	says   string // part of the message
}{
	{"503", nil, "ServiceUnavailable", tries, "temporary failure"},
	{"500", emulator.APIError(500, "InternalError", "The request processing has failed."), "InternalError", tries, "processing has failed"},
	{"429 with Retry-After", withHeader(emulator.APIError(429, "TooManyRequests", "Slow down."), "Retry-After", "2"), "TooManyRequests", tries, "Slow down"},
	{"throttling with the time left", withHeader(emulator.APIError(400, "Throttling.User", "Denied by flow control."), "x-ratelimit-user-api", "Remain:0,Limit:10,TimeLeft:1500,Reset:1"), "Throttling.User", tries, "being limited"},
	{"throttling with x-acs-retry-after", withHeader(emulator.APIError(400, "Throttling.User", "Denied by flow control."), "x-acs-retry-after", "1500"), "Throttling.User", tries, "being limited"},
	{"throttling by a sibling's name", emulator.APIError(400, "Rejected.Throttling", "Too many."), "Rejected.Throttling", tries, "Too many"},
	{"any error with x-acs-retry-after", withHeader(emulator.APIError(400, "Odd.Code", "Not now."), "x-acs-retry-after", "1500"), "Odd.Code", tries, "Not now"},
	{"403 with the missing permission", answer(403, `{"Code":"Forbidden.RAM","Message":"User not authorized.","RequestId":"R-1","AccessDeniedDetail":{"AuthAction":"eds-aic:DescribeCloudPhoneNodes","PolicyType":"AccountLevelIdentityBasedPolicy"}}`), "Forbidden.RAM", 1, "missing permission: eds-aic:DescribeCloudPhoneNodes (request R-1)"},
	{"403 with a detail of another kind", answer(403, `{"Code":"Forbidden.RAM","Message":"User not authorized.","AccessDeniedDetail":"none"}`), "Forbidden.RAM", 1, "attach the policy"},
	{"403 without a reason", answer(403, `{"Code":"Odd.Code","RequestId":"R-3"}`), "Odd.Code", 1, "the service gave no reason (request R-3)"},
	{"404 in HTML", answer(404, "<html><h1>Not Found</h1></html>", "Content-Type", "text/html"), "HTTP404", 1, "a proxy between?"},
	{"502 in HTML", answer(502, "<html><h1>Bad Gateway</h1></html>", "Content-Type", "text/html"), "HTTP502", tries, "a proxy between?"},
	{"503 without a body", answer(503, ""), "HTTP503", tries, "a proxy between?"},
	{"a redirect", answer(302, "", "Location", "http://elsewhere.test/"), "HTTP302", 1, "a proxy between?"},
	{"200 with an error", answer(200, `{"Code":"Forbidden.RAM","Message":"No.","RequestId":"R-2"}`), "Forbidden.RAM", 1, "attach the policy"},
	{"200 with throttling", answer(200, `{"Code":"Throttling.User","Message":"No."}`), "Throttling.User", tries, "being limited"},
	{"200 with a long error", answer(200, `{"Code":"Odd`+strings.Repeat("x", 1000)+`","Message":"a\nlong `+strings.Repeat("story ", 10000)+`"}`), "Odd" + strings.Repeat("x", 297) + "…", 1, "a long story story"},
	{"200 with {}", answer(200, `{}`), "ConnectionFailed", tries, "neither rows nor a count"},
	{"200 with null", answer(200, `null`), "ConnectionFailed", tries, "neither rows nor a count"},
	{"200 without a body", answer(200, ``), "ConnectionFailed", tries, "not the service's JSON"},
	{"200 in HTML", answer(200, "<html>Please log in</html>"), "ConnectionFailed", tries, "not the service's JSON"},
	{"cut JSON", answer(200, `{"TotalCount":9,"NodeModel":[{"NodeId":"cpn-0`), "ConnectionFailed", tries, "not the service's JSON"},
	{"rows that are no list", answer(200, `{"TotalCount":9,"NodeModel":"cpn-00"}`), "ConnectionFailed", tries, "not the service's JSON"},
	{"JSON that is nested without end", answer(200, strings.Repeat(`{"NodeModel":[`, 20000)), "ConnectionFailed", tries, "not the service's JSON"},
	{"not gzip though it says so", answer(200, `{"TotalCount":0}`, "Content-Encoding", "gzip"), "ConnectionFailed", tries, "gzip: invalid header"},
	{breaks, func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }, "ConnectionFailed", tries, "EOF"},
	{"a connection that breaks in the body", func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "5000")
		fmt.Fprint(w, `{"TotalCount":9,`)
		w.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}, "ConnectionFailed", tries, "reading the answer: unexpected EOF"},
	{"an answer that is no HTTP", func(w http.ResponseWriter, _ *http.Request) {
		c, _, _ := w.(http.Hijacker).Hijack()
		defer c.Close()
		fmt.Fprint(c, "SSH-2.0-OpenSSH_9.6\r\n\r\n")
	}, "ConnectionFailed", tries, "malformed HTTP"},
	{"silence", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }, "ConnectionFailed", tries, "timeout awaiting response headers"},
	{"silence in the body", func(w http.ResponseWriter, r *http.Request) {
		fmt.Fprint(w, `{"TotalCount":9,`)
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	}, "ConnectionFailed", tries, "reading the answer: "},
}

func wantTries(t *testing.T, fault string, got, want int) {
	t.Helper()
	if repeated := fault == breaks && got <= 2*want; got != want && !(repeated && got > want) {
		t.Errorf("the page was asked for %d times, want %d", got, want)
	}
}

// A page of a region that cannot be read, be it the first, one in the middle
// or the last, costs that page and what follows, and the unfiltered list
// brings it back.
func TestAFaultInSomeRegions(t *testing.T) {
	t.Parallel()
	pages := map[string]int{"ap-southeast-1": 1, "cn-hangzhou": 2, "cn-shanghai": 2} // of 1, 3 and 2
	for _, f := range faults {
		t.Run(f.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &emulator.Cloud{Nodes: someNodes(), PageSize: 2}
				var problems []string
				for region, page := range pages {
					cloud.Faults = append(cloud.Faults, emulator.Fault{Region: region, Page: page, Answer: f.answer})
					problems = append(problems, region+" "+f.code)
				}
				l := list(t, t.Context(), overPipes(t, cloud))
				wantRows(t, l, idsOf(someNodes()), 9)
				wantProblems(t, l, problems...)
				for _, p := range l.Problems {
					if !strings.Contains(p.Message, f.says) {
						t.Errorf("got the message %q, want %q in it", p.Message, f.says)
					}
				}
				for region, page := range pages {
					wantTries(t, f.name, asked(cloud.Calls(), region, page), f.tries)
				}
			})
		})
	}
}

// The same page of every chain cannot be read: only what comes before it is
// known, and nothing says that all is well.
func TestAFaultInAllRegions(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		for page := 1; page <= 2; page++ {
			t.Run(fmt.Sprintf("%s on page %d", f.name, page), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cloud := &emulator.Cloud{Nodes: someNodes(), PageSize: 2, Faults: []emulator.Fault{{Action: "DescribeCloudPhoneNodes", Page: page, Answer: f.answer}}}
					l := list(t, t.Context(), overPipes(t, cloud))
					if page == 1 {
						wantRows(t, l, nil, 0)
						wantProblems(t, l, "- "+f.code+" may hide")
					} else {
						wantRows(t, l, []string{"cpn-00", "cpn-01", "cpn-02", "cpn-03", "cpn-05"}, 9)
						wantProblems(t, l, "- "+f.code+" may hide", "cn-hangzhou "+f.code+" may hide", "cn-shanghai "+f.code+" may hide")
					}
					for _, region := range []string{"-", "cn-hangzhou", "cn-shanghai"} {
						wantTries(t, f.name, asked(cloud.Calls(), region, page), f.tries)
					}
				})
			})
		}
	}
}

// What passes within the tries leaves no trace.
func TestAFaultThatPasses(t *testing.T) {
	t.Parallel()
	for _, f := range faults {
		if f.tries == 1 {
			continue
		}
		t.Run(f.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &emulator.Cloud{Nodes: someNodes(), PageSize: 2, Faults: []emulator.Fault{
					{Region: "cn-hangzhou", Page: 2, Times: tries - 1, Answer: f.answer},
					{Action: "DescribeCloudPhoneNodes", Region: "-", Page: 1, Times: tries - 1, Answer: f.answer},
					{Action: "DescribeRegions", Times: tries - 1, Answer: f.answer},
				}}
				l := list(t, t.Context(), overPipes(t, cloud))
				wantRows(t, l, idsOf(someNodes()), 9)
				wantProblems(t, l)
			})
		})
	}
}

func TestTheUnfilteredQueryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &emulator.Cloud{Nodes: someNodes(), PageSize: 2, Faults: []emulator.Fault{{Region: "-", Action: "DescribeCloudPhoneNodes"}}}
		l := list(t, t.Context(), overPipes(t, cloud))
		wantRows(t, l, idsOf(someNodes()), 9)
		wantProblems(t, l, "- ServiceUnavailable may hide")
		if len(l.Problems) > 0 && !strings.HasPrefix(l.Problems[0].Message, "the total could not be checked: ") {
			t.Errorf("got the message %q, want it to speak of the total", l.Problems[0].Message)
		}
		if got := asked(cloud.Calls(), "-", 1); got != tries {
			t.Errorf("asked %d times, want %d and no second look", got, tries)
		}
	})
}

// The unfiltered total stays known though the list behind it cannot be read.
func TestStraysThatCannotBeRead(t *testing.T) {
	for page := 1; page <= 2; page++ {
		synctest.Test(t, func(t *testing.T) {
			nodes := someNodes()
			for i := range nodes {
				if nodes[i].RegionId == "cn-hangzhou" {
					nodes[i].RegionId = "us-east-1"
				}
			}
			first := true
			cloud := &emulator.Cloud{Nodes: nodes, PageSize: 2}
			s := overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				if r.Header.Get("x-acs-action") == "DescribeCloudPhoneNodes" && q.Get("BizRegionId") == "" {
					if !first && (q.Get("NextToken") != "") == (page == 2) {
						emulator.APIError(403, "Forbidden", "No.")(w, r)
						return
					}
					first = false
				}
				cloud.ServeHTTP(w, r)
			}))
			l := list(t, t.Context(), s)
			wantRows(t, l, []string{"cpn-00", "cpn-01", "cpn-02", "cpn-05", "cpn-07"}, 9)
			wantProblems(t, l, "- Forbidden may hide")
		})
	}
}

// A chain whose token expires is begun anew, but only once.
func TestATokenThatExpiresInTheMiddle(t *testing.T) {
	expired := emulator.APIError(400, "InvalidParameter.NextToken", "The NextToken has expired.")
	for times, problems := range map[int][]string{1: nil, 2: {"cn-hangzhou InvalidParameter.NextToken"}} {
		synctest.Test(t, func(t *testing.T) {
			cloud := &emulator.Cloud{Nodes: someNodes(), PageSize: 2, Faults: []emulator.Fault{{Region: "cn-hangzhou", Page: 2, Times: times, Answer: expired}}}
			l := list(t, t.Context(), overPipes(t, cloud))
			wantRows(t, l, idsOf(someNodes()), 9)
			wantProblems(t, l, problems...)
		})
	}
}

// Answers of the right form that lie.
func TestPagesThatLie(t *testing.T) {
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
		calls    int // at most, for one region
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
		{"TotalCount is that of the page", 2, func(_ url.Values, p map[string]any) { p["TotalCount"] = len(rows(p)) }, ids, 9, nil, 6}, // the count falls, so once more
		{"TotalCount is too large without a region", 2, func(q url.Values, p map[string]any) {
			if q.Get("BizRegionId") == "" {
				p["TotalCount"] = 12
			}
		}, ids, 12, nil, 3},
		{"TotalCount is too large in a region", 2, func(q url.Values, p map[string]any) {
			if q.Get("BizRegionId") == "cn-shanghai" {
				p["TotalCount"] = 5
			}
		}, ids, 11, nil, 3},
		{"TotalCount changes with each page", 2, func() func(url.Values, map[string]any) {
			n := 0
			return func(_ url.Values, p map[string]any) { n++; p["TotalCount"] = p["TotalCount"].(float64) - float64(n%2) }
		}(), ids, 9, nil, 6},
		{"TotalCount falls after the first page", 2, func(q url.Values, p map[string]any) {
			if q.Get("NextToken") == "" && p["NextToken"] != nil {
				p["TotalCount"] = 100
			}
		}, ids, 9, nil, 6},
		{"a token comes again", 2, regionTokens(func(url.Values) string { return "again" }), ids, 9, []string{"cn-hangzhou RepeatedToken"}, 2},
		{"two tokens take turns", 2, regionTokens(func(q url.Values) string {
			if q.Get("NextToken") == "a" {
				return "b"
			}
			return "a"
		}), ids, 9, []string{"cn-hangzhou RepeatedToken"}, 3},
		{"fresh tokens without an end and nothing new", 100, func(q url.Values, p map[string]any) {
			if q.Get("BizRegionId") == "cn-hangzhou" {
				n, _ := strconv.Atoi(q.Get("NextToken"))
				p["NextToken"] = strconv.Itoa(n + 1)
			}
		}, ids, 9, []string{"cn-hangzhou EndlessPages"}, 11},
		{"empty pages with fresh tokens without an end", 100, func(q url.Values, p map[string]any) {
			if q.Get("BizRegionId") == "cn-hangzhou" {
				n, _ := strconv.Atoi(q.Get("NextToken"))
				p["NodeModel"], p["NextToken"] = []any{}, strconv.Itoa(n+1)
			}
		}, ids, 9, []string{"cn-hangzhou EndlessPages"}, 10},
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
		{"every row without NodeId", 2, everyRow(func(row map[string]any) { delete(row, "NodeId") }), make([]string, 9), 9, nil, 3},
		{"one row without NodeId", 2, everyRow(func(row map[string]any) {
			if row["NodeId"] == "cpn-00" {
				delete(row, "NodeId")
			}
		}), append([]string{""}, ids[1:]...), 9, nil, 3},
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
				if got := asked(service.calls, "cn-hangzhou", 0); got > tt.calls {
					t.Errorf("cn-hangzhou was asked for %d times, want at most %d", got, tt.calls)
				}
			})
		})
	}
}

// Without any count, only the end of the unfiltered list tells that nothing is
// missing.
func TestNoTotalCountAtAll(t *testing.T) {
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
					emulator.APIError(403, "Forbidden", "No.")(w, r)
					return
				}
				service.ServeHTTP(w, r)
			})))
			wantRows(t, l, idsOf(someNodes()), 9)
			wantProblems(t, l, "cn-hangzhou Forbidden")
		})
	})
}

func TestAServiceThatNeverEnds(t *testing.T) {
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
		if got := asked(service.calls, "cn-hangzhou", 0); got != 1000 {
			t.Errorf("cn-hangzhou was asked for %d times, want 1000", got)
		}
	})
}

func TestAPageLargerThanAsked(t *testing.T) {
	var nodes []emulator.Node
	for i := range 250 {
		nodes = append(nodes, emulator.Node{NodeId: fmt.Sprintf("cpn-%03d", i), RegionId: "cn-hangzhou"})
	}
	synctest.Test(t, func(t *testing.T) {
		l := list(t, t.Context(), overPipes(t, &liar{nodes: nodes, pageSize: 250}))
		wantRows(t, l, idsOf(nodes), 250)
		wantProblems(t, l)
	})
}

// The service's types drift, and one odd field must not cost a row.
func TestFieldsOfTheWrongKind(t *testing.T) {
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

func TestRowsThatHaveNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := list(t, t.Context(), overPipes(t, &liar{nodes: someNodes(), pageSize: 2, change: func(_ url.Values, p map[string]any) {
			for _, row := range p["NodeModel"].([]any) {
				for name := range row.(map[string]any) {
					row.(map[string]any)[name] = nil
				}
			}
		}}))
		if len(l.Matrices) == 0 || l.Total < 9 || len(l.Matrices) >= l.Total {
			t.Errorf("got %d rows of %d, want some and fewer than there should be", len(l.Matrices), l.Total)
		}
	})
}

func TestAnAnswerWithoutMeasure(t *testing.T) {
	t.Parallel()
	endless := func(w http.ResponseWriter, _ *http.Request) {
		line := []byte(strings.Repeat(" ", 1<<16))
		for range 1 << 10 { // 64 MiB
			if _, err := w.Write(line); err != nil {
				return
			}
		}
	}
	synctest.Test(t, func(t *testing.T) {
		cloud := &emulator.Cloud{Nodes: someNodes(), PageSize: 2, Faults: []emulator.Fault{{Region: "cn-hangzhou", Answer: endless}}}
		l := list(t, t.Context(), overPipes(t, cloud))
		wantRows(t, l, idsOf(someNodes()), 9)
		wantProblems(t, l, "cn-hangzhou ResponseTooLarge")
		if got := asked(cloud.Calls(), "cn-hangzhou", 1); got != 1 {
			t.Errorf("asked %d times, want once", got)
		}
	})
}

// Without a zone no time can be read; the package panics there, which costs
// the reading but not the program.
func TestAPanicIsAProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := overPipes(t, &emulator.Cloud{Nodes: someNodes()})
		s.Zone = nil
		l := list(t, t.Context(), s)
		if len(l.Matrices) != 0 || len(l.Problems) == 0 {
			t.Fatalf("got %+v, want no rows and a problem", l)
		}
		for _, p := range l.Problems {
			if !p.MayHide || !strings.Contains(p.Message, "panic: time: missing Location") {
				t.Errorf("got %+v, want the panic told", p)
			}
		}
	})
}

func TestAConnectionResetInTheBody(t *testing.T) {
	reset := func(w http.ResponseWriter, _ *http.Request) {
		c, _, err := w.(http.Hijacker).Hijack()
		if err != nil {
			panic(err)
		}
		fmt.Fprint(c, "HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")
		c.(*net.TCPConn).SetLinger(0)
		c.Close()
	}
	cloud := &emulator.Cloud{Nodes: someNodes(), PageSize: 2, Faults: []emulator.Fault{{Region: "cn-hangzhou", Page: 2, Times: 1, Answer: reset}}}
	l := overTCP(t, cloud).List(t.Context(), nil)
	wantRows(t, l, idsOf(someNodes()), 9)
	wantProblems(t, l)
	if got := asked(cloud.Calls(), "cn-hangzhou", 2); got != 2 {
		t.Errorf("the page was asked for %d times, want 2", got)
	}
}
