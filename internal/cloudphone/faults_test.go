package cloudphone_test

import (
	"cmp"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/emulator"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/report"
)

// tries is how often a question is asked whose answer may be better next time.
const tries = 5

// faults is what is to become of the emulator's troubles. A tries of 2 is for
// answers that cost the whole time limit.
var faults = map[string]struct {
	code  string
	tries int
	says  string // part of the message
}{
	"503":                                  {"ServiceUnavailable", tries, "temporary failure"},
	"500":                                  {"InternalError", tries, "processing has failed"},
	"408":                                  {"HTTP408", tries, "a proxy between?"},
	"429 with Retry-After":                 {"TooManyRequests", tries, "Slow down"},
	"throttling with the time left":        {"Throttling.User", tries, "being limited"},
	"throttling with x-acs-retry-after":    {"Throttling.User", tries, "being limited"},
	"throttling by a sibling's name":       {"Rejected.Throttling", tries, "Too many"},
	"any error with x-acs-retry-after":     {"Odd.Code", tries, "Not now"},
	"a clock that is wrong":                {"InvalidTimeStamp.Expired", 1, "the clock of this machine is wrong"},
	"a request seen twice":                 {"SignatureNonceUsed", 1, "repeats requests"},
	"a signature refused":                  {"SignatureDoesNotMatch", 1, "the secret does not belong to the access key"},
	"a parameter refused":                  {"InvalidParameter", 1, "BizRegionId is invalid"},
	"403 with the missing permission":      {"Forbidden.RAM", 1, "missing permission: eds-aic:DescribeCloudPhoneNodes (request R-1)"},
	"403 with a detail of another kind":    {"Forbidden.RAM", 1, "attach the policy"},
	"403 without a reason":                 {"Odd.Code", 1, "the service gave no reason (request R-3)"},
	"404 in HTML":                          {"HTTP404", 1, "a proxy between?"},
	"502 in HTML":                          {"HTTP502", tries, "a proxy between?"},
	"503 without a body":                   {"HTTP503", tries, "a proxy between?"},
	"an error of 50 MB":                    {"HTTP500", tries, "a proxy between?"},
	"a redirect":                           {"HTTP302", 1, "a proxy between?"},
	"200 with an error":                    {"Forbidden.RAM", 1, "attach the policy"},
	"200 with throttling":                  {"Throttling.User", tries, "being limited"},
	"200 with a long error":                {"Odd" + strings.Repeat("x", 297) + "…", 1, "a long story story"},
	"200 with {}":                          {"ConnectionFailed", tries, "neither rows nor a count"},
	"200 with null":                        {"ConnectionFailed", tries, "neither rows nor a count"},
	"200 with null for every field":        {"ConnectionFailed", tries, "neither rows nor a count"},
	"200 with other types in every field":  {"ConnectionFailed", tries, "its rows are no list but object"},
	"200 without a body":                   {"ConnectionFailed", tries, "it ends too early"},
	"200 in HTML":                          {"ConnectionFailed", tries, "not the service's JSON"},
	"cut JSON":                             {"ConnectionFailed", tries, "not the service's JSON"},
	"rows that are no list":                {"ConnectionFailed", tries, "its rows are no list but string"},
	"JSON that is nested without end":      {"ConnectionFailed", tries, "not the service's JSON"},
	"not gzip though it says so":           {"ConnectionFailed", tries, "gzip: invalid header"},
	"50 MB of spaces":                      {"ResponseTooLarge", 1, "the answer is larger than 4 MiB"},
	"50 MB in one value":                   {"ResponseTooLarge", 1, "the answer is larger than 4 MiB"},
	"50 MB of rows":                        {"ResponseTooLarge", 1, "larger than 4 MiB"},
	"a million rows":                       {"ResponseTooLarge", 1, "more than 10000 rows"},
	breaks:                                 {"ConnectionFailed", tries, "EOF"},
	"a connection that breaks in the body": {"ConnectionFailed", tries, "reading the answer: unexpected EOF"},
	"an answer that is no HTTP":            {"ConnectionFailed", tries, "malformed HTTP"},
	"silence":                              {"ConnectionFailed", 2, "no whole answer within 10s"},
	"silence in the body":                  {"ConnectionFailed", 2, "no whole answer within 10s"},
	"headers that trickle":                 {"ConnectionFailed", 2, "no whole answer within 10s"},
	"a body that trickles":                 {"ConnectionFailed", 2, "no whole answer within 10s"},
}

// breaks is the trouble after which net/http itself repeats a GET, as long as
// it has connections that were used before, of which there are four.
const breaks = "a connection that breaks"

func wantTries(t *testing.T, trouble string, got int) {
	t.Helper()
	want := faults[trouble].tries
	if got != want && !(trouble == breaks && got > want && got <= 5*want) {
		t.Errorf("the page was asked for %d times, want %d", got, want)
	}
}

// Every trouble, on the first page, one in the middle and the last, of one
// region or of every chain: what was read before it is kept, what is missing is
// told, and what is not missing is not.
func TestTroubles(t *testing.T) {
	t.Parallel()
	nodes := regularNodes()
	for _, trouble := range emulator.FaultCases() {
		want, ok := faults[trouble.Name]
		if !ok {
			t.Errorf("nobody says what should become of %q", trouble.Name)
		}
		for page := 1; page <= 3; page++ {
			for _, region := range []string{"cn-hangzhou", ""} {
				t.Run(fmt.Sprintf("%s/page %d/%s", trouble.Name, page, cmp.Or(region, "everywhere")), func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) {
						cloud := &fakecloud.Server{Nodes: nodes, PageSize: 2, Faults: []fakecloud.Fault{
							{Action: "DescribeCloudPhoneNodes", Region: region, Page: page, Answer: trouble.Answer},
						}}
						start := time.Now()
						l := list(t, t.Context(), overPipes(t, cloud))
						if took := time.Since(start); took > time.Minute {
							t.Errorf("took %v, want less than a minute", took)
						}
						calls := cloud.Calls()
						if len(calls) > 60 || l.Effort.Calls > len(calls) || l.Effort.Calls < len(calls)/2 {
							t.Errorf("%d calls came in, %d are counted, want at most 60", len(calls), l.Effort.Calls)
						}
						var problems []report.Problem
						if region != "" { // the unfiltered list brings it back
							wantRows(t, l, idsOf(nodes), len(nodes))
							wantProblems(t, l)
							problems = l.Mended
							if len(problems) != 1 || problems[0].Region != region {
								t.Errorf("mended %+v, want one problem of %s", problems, region)
							}
						} else {
							known, total := firstOfEach(nodes, 2*(page-1)), len(nodes)
							if page == 1 {
								total = 0
							}
							wantRows(t, l, known, total)
							problems = l.Problems
							if !mayHide(l) || len(l.Mended) > 0 {
								t.Errorf("got the problems %+v and %+v, want one that may hide", l.Problems, l.Mended)
							}
						}
						for _, p := range problems {
							if p.Code != want.code || !strings.Contains(p.Message, want.says) {
								t.Errorf("got %s: %q, want %s and %q", p.Code, p.Message, want.code, want.says)
							}
						}
						wantTries(t, trouble.Name, asked(calls, "cn-hangzhou", page))
					})
				})
			}
		}
	}
}

// What passes within the tries leaves no trace but the retries.
func TestTroublesThatPass(t *testing.T) {
	t.Parallel()
	for _, trouble := range emulator.FaultCases() {
		times := faults[trouble.Name].tries - 1
		if times == 0 {
			continue
		}
		t.Run(trouble.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{
					{Region: "cn-hangzhou", Page: 2, Times: times, Answer: trouble.Answer},
					{Action: "DescribeCloudPhoneNodes", Region: "-", Page: 1, Times: times, Answer: trouble.Answer},
					{Action: "DescribeRegions", Times: times, Answer: trouble.Answer},
				}}
				l := list(t, t.Context(), overPipes(t, cloud))
				wantRows(t, l, idsOf(someNodes()), 9)
				wantProblems(t, l)
				if len(l.Mended) > 0 {
					t.Errorf("mended %+v, want nothing", l.Mended)
				}
				if l.Effort.Retries != 3*times && trouble.Name != breaks {
					t.Errorf("%d retries are counted, want %d", l.Effort.Retries, 3*times)
				}
			})
		})
	}
}

func TestTheUnfilteredQueryFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{{Region: "-", Action: "DescribeCloudPhoneNodes"}}}
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
			cloud := &fakecloud.Server{Nodes: nodes, PageSize: 2}
			s := overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				q := r.URL.Query()
				if r.Header.Get("x-acs-action") == "DescribeCloudPhoneNodes" && q.Get("BizRegionId") == "" {
					if !first && (q.Get("NextToken") != "") == (page == 2) {
						fakecloud.APIError(403, "Forbidden", "No.")(w, r)
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
	expired := fakecloud.APIError(400, "InvalidParameter.NextToken", "The NextToken has expired.")
	for times, problems := range map[int][]string{1: nil, 2: {"cn-hangzhou InvalidParameter.NextToken"}} {
		synctest.Test(t, func(t *testing.T) {
			cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{{Region: "cn-hangzhou", Page: 2, Times: times, Answer: expired}}}
			l := list(t, t.Context(), overPipes(t, cloud))
			wantRows(t, l, idsOf(someNodes()), 9)
			wantProblems(t, l)
			wantMended(t, l, problems...)
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
				wantProblems(t, l)
				wantMended(t, l, tt.problems...)
				for _, m := range l.Matrices {
					if m.Region == "" {
						t.Errorf("%q has no region, want that of the question", m.NodeID)
					}
				}
				if got := asked(service.calls, "cn-hangzhou", 0); got > tt.calls+1 { // one is asked for ahead
					t.Errorf("cn-hangzhou was asked for %d times, want at most %d", got, tt.calls+1)
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
					fakecloud.APIError(403, "Forbidden", "No.")(w, r)
					return
				}
				service.ServeHTTP(w, r)
			})))
			wantRows(t, l, idsOf(someNodes()), 9)
			wantProblems(t, l)
			wantMended(t, l, "cn-hangzhou Forbidden")
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
		if got := asked(service.calls, "cn-hangzhou", 0); got != 1000 && got != 1001 { // one is asked for ahead
			t.Errorf("cn-hangzhou was asked for %d times, want 1000", got)
		}
	})
}

func TestAPageLargerThanAsked(t *testing.T) {
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

// Without a zone no time can be read; the package panics there, which costs
// the reading but not the program.
func TestAPanicIsAProblem(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := overPipes(t, &fakecloud.Server{Nodes: someNodes()})
		s.Zone = nil
		l := list(t, t.Context(), s)
		if len(l.Matrices) != 0 || len(l.Problems) == 0 {
			t.Fatalf("got %+v, want no rows and a problem", l)
		}
		for _, p := range l.Problems {
			if !p.MayHideMatrices || !strings.Contains(p.Message, "panic: time: missing Location") {
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
	cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{{Region: "cn-hangzhou", Page: 2, Times: 1, Answer: reset}}}
	l := overTCP(t, cloud).List(t.Context(), nil, nil)
	wantRows(t, l, idsOf(someNodes()), 9)
	wantProblems(t, l)
	if got := asked(cloud.Calls(), "cn-hangzhou", 2); got != 2 {
		t.Errorf("the page was asked for %d times, want 2", got)
	}
}
