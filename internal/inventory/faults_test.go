package inventory_test

import (
	"fmt"
	"net/http"
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
	"408":                                  {"HTTP408", tries, "is there a proxy?"},
	"429 with Retry-After":                 {"TooManyRequests", tries, "Slow down"},
	"throttling with x-ratelimit-user-api": {"Throttling.User", tries, "calls are throttled"},
	"throttling with x-acs-retry-after":    {"Throttling.User", tries, "calls are throttled"},
	"throttling with another code":         {"Rejected.Throttling", tries, "Too many"},
	"unknown error with x-acs-retry-after": {"Odd.Code", tries, "Not now"},
	"expired timestamp":                    {"InvalidTimeStamp.Expired", 1, "the clock of this machine is wrong"},
	"repeated nonce":                       {"SignatureNonceUsed", 1, "a proxy repeats requests"},
	"wrong signature":                      {"SignatureDoesNotMatch", 1, "the secret does not belong to the access key"},
	"invalid parameter":                    {"InvalidParameter", 1, "BizRegionId is invalid"},
	"403 with the missing permission":      {"Forbidden.RAM", 1, "missing permission: eds-aic:DescribeCloudPhoneNodes (request R-1)"},
	"403 with a detail of another type":    {"Forbidden.RAM", 1, "attach the policy"},
	"403 without a message":                {"Odd.Code", 1, "the service gave no reason (request R-3)"},
	"404 in HTML":                          {"HTTP404", 1, "is there a proxy?"},
	"502 in HTML":                          {"HTTP502", tries, "is there a proxy?"},
	"503 without a body":                   {"HTTP503", tries, "is there a proxy?"},
	"500 with 50 MB":                       {"HTTP500", tries, "is there a proxy?"},
	"redirect":                             {"HTTP302", 1, "is there a proxy?"},
	"200 with an error":                    {"Forbidden.RAM", 1, "attach the policy"},
	"200 with throttling":                  {"Throttling.User", tries, "calls are throttled"},
	"200 with a long error":                {"Odd" + strings.Repeat("x", 297) + "…", 1, "a long story story"},
	"200 with {}":                          {"ConnectionFailed", tries, "neither rows nor a count"},
	"200 with null":                        {"ConnectionFailed", tries, "neither rows nor a count"},
	"200 with null for every field":        {"ConnectionFailed", tries, "neither rows nor a count"},
	"200 with other types in every field":  {"ConnectionFailed", tries, "not the service's JSON"},
	"200 without a body":                   {"ConnectionFailed", tries, "not the service's JSON"},
	"200 in HTML":                          {"ConnectionFailed", tries, "not the service's JSON"},
	"truncated JSON":                       {"ConnectionFailed", tries, "not the service's JSON"},
	"rows that are not an array":           {"ConnectionFailed", tries, "not the service's JSON"},
	"deeply nested JSON":                   {"ConnectionFailed", tries, "not the service's JSON"},
	"Content-Encoding gzip without gzip":   {"ConnectionFailed", tries, "gzip: invalid header"},
	"50 MB of spaces":                      {"ResponseTooLarge", 1, "the response is larger than 4 MiB"},
	"50 MB in one value":                   {"ResponseTooLarge", 1, "the response is larger than 4 MiB"},
	"50 MB of rows":                        {"ResponseTooLarge", 1, "larger than 4 MiB"},
	"a million rows":                       {"ResponseTooLarge", 1, "more than 10000 rows"},
	breaks:                                 {"ConnectionFailed", tries, "EOF"},
	"connection closed in the body":        {"ConnectionFailed", tries, "reading the response: unexpected EOF"},
	"response that is not HTTP":            {"ConnectionFailed", tries, "malformed HTTP"},
	"no response":                          {"ConnectionFailed", 2, "no complete response within 10s"},
	"no end of the body":                   {"ConnectionFailed", 2, "no complete response within 10s"},
	"slow headers":                         {"ConnectionFailed", 2, "no complete response within 10s"},
	"slow body":                            {"ConnectionFailed", 2, "no complete response within 10s"},
}

// breaks is the trouble after which net/http itself repeats a GET, as long as
// it has connections that were used before, of which there are four.
const breaks = "connection closed"

func wantTries(t *testing.T, fault string, got, scans int) {
	t.Helper()
	want := faults[fault].tries * scans
	if got != want && !(fault == breaks && got > want && got <= 5*want) {
		t.Errorf("the page was requested %d times, want %d", got, want)
	}
}

// scans is how often a region is scanned that a fault strikes: once if it is a
// refusal.
func scans(fault string) int {
	switch f := faults[fault]; {
	case f.tries == 1 && f.code != "ResponseTooLarge" && !strings.HasPrefix(f.code, "HTTP"):
		return 1
	}
	return 2
}

// Every fault, on the first page, one in the middle and the last, of one region
// or of every query: what was read before it is kept, and what may be missing is
// a problem with its figures.
func TestListFaults(t *testing.T) {
	t.Parallel()
	nodes := regularNodes()
	for _, fault := range emulator.FaultCases() {
		want, ok := faults[fault.Name]
		if !ok {
			t.Errorf("no expectation for %q", fault.Name)
		}
		for page := 1; page <= 3; page++ {
			t.Run(fmt.Sprintf("%s/page %d/one region", fault.Name, page), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cloud := &fakecloud.Server{Nodes: nodes, PageSize: 2, Faults: []fakecloud.Fault{
						{Action: "DescribeCloudPhoneNodes", Region: "cn-hangzhou", Page: page, Respond: fault.Respond},
					}}
					l := listInTime(t, cloud)
					wantRows(t, l, idsOf(nodes), len(nodes)) // the unfiltered query shows them
					wantProblems(t, l, "cn-hangzhou "+want.code+" may hide")
					wantRecovered(t, l)
					figures := fmt.Sprintf("%d of 5 matrices read: ", 2*(page-1))
					if page == 1 {
						figures = "0 matrices read: "
					}
					for _, p := range l.Problems {
						if !strings.HasPrefix(p.Message, figures) || !strings.Contains(p.Message, want.says) {
							t.Errorf("got %q, want %q and %q", p.Message, figures, want.says)
						}
					}
					wantTries(t, fault.Name, asked(cloud.Calls(), "cn-hangzhou", page), scans(fault.Name))
				})
			})
			t.Run(fmt.Sprintf("%s/page %d/everywhere", fault.Name, page), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) {
					cloud := &fakecloud.Server{Nodes: nodes, PageSize: 2, Faults: []fakecloud.Fault{
						{Action: "DescribeCloudPhoneNodes", Page: page, Respond: fault.Respond},
					}}
					l := listInTime(t, cloud)
					known, total := firstOfEach(nodes, 2*(page-1)), len(nodes)
					if page == 1 {
						total = 0
					}
					wantRows(t, l, known, total)
					if l.Complete() || len(l.Problems) == 0 {
						t.Errorf("got %+v, want an incomplete listing", l.Problems)
					}
					for _, p := range l.Problems {
						if !p.MayHideMatrices || p.Code != want.code || !strings.Contains(p.Message, want.says) {
							t.Errorf("got %+v, want %s and %q, which may hide", p, want.code, want.says)
						}
					}
				})
			})
		}
	}
}

// listInTime lists, and checks the bounds of a run.
func listInTime(t *testing.T, cloud *fakecloud.Server) report.Listing {
	t.Helper()
	start := time.Now()
	l := list(t, t.Context(), overPipes(t, cloud))
	if took := time.Since(start); took > 2*time.Minute {
		t.Errorf("took %v, want less than two minutes", took)
	}
	if calls := len(cloud.Calls()); calls > 100 || l.Stats.Calls > calls || l.Stats.Calls < calls/2 {
		t.Errorf("%d calls came in, %d are counted, want at most 100", calls, l.Stats.Calls)
	}
	return l
}

// What passes within the tries leaves no trace but the retries.
func TestListRetriesTemporaryFaults(t *testing.T) {
	t.Parallel()
	for _, trouble := range emulator.FaultCases() {
		times := faults[trouble.Name].tries - 1
		if times == 0 {
			continue
		}
		t.Run(trouble.Name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{
					{Region: "cn-hangzhou", Page: 2, Times: times, Respond: trouble.Respond},
					{Action: "DescribeCloudPhoneNodes", Region: "-", Page: 1, Times: times, Respond: trouble.Respond},
					{Action: "DescribeRegions", Times: times, Respond: trouble.Respond},
				}}
				l := list(t, t.Context(), overPipes(t, cloud))
				wantRows(t, l, idsOf(someNodes()), 9)
				wantProblems(t, l)
				if len(l.Recovered) > 0 {
					t.Errorf("recovered %+v, want nothing", l.Recovered)
				}
				if l.Stats.Retries != 3*times && trouble.Name != breaks {
					t.Errorf("%d retries are counted, want %d", l.Stats.Retries, 3*times)
				}
			})
		})
	}
}

func TestListWithoutUnfilteredQuery(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{{Region: "-", Action: "DescribeCloudPhoneNodes"}}}
		l := list(t, t.Context(), overPipes(t, cloud))
		wantRows(t, l, idsOf(someNodes()), 9)
		wantProblems(t, l, "- ServiceUnavailable may hide")
		if len(l.Problems) > 0 && !strings.HasPrefix(l.Problems[0].Message, "the total could not be checked: ") {
			t.Errorf("got the message %q, want it to speak of the total", l.Problems[0].Message)
		}
		if got, want := asked(cloud.Calls(), "-", 1), 3*tries; got != want { // the count, and two scans
			t.Errorf("requested %d times, want %d", got, want)
		}
	})
}

// The unfiltered query shows matrices in regions that are not listed; if it cannot
// be read, its total still counts them.
func TestListKnowsTheTotalOfUnlistedRegions(t *testing.T) {
	for page, rows := range map[int][]string{
		1: {"cpn-01", "cpn-02", "cpn-05", "cpn-07"},
		2: {"cpn-00", "cpn-01", "cpn-02", "cpn-05", "cpn-07"},
	} {
		synctest.Test(t, func(t *testing.T) {
			nodes := someNodes()
			for i := range nodes {
				if nodes[i].RegionId == "cn-hangzhou" {
					nodes[i].RegionId = "us-east-1"
				}
			}
			cloud := &fakecloud.Server{Nodes: nodes, PageSize: 2}
			counted := false
			s := overPipes(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.Header.Get("x-acs-action") == "DescribeCloudPhoneNodes" && r.URL.Query().Get("BizRegionId") == "" {
					if counted && (r.URL.Query().Get("NextToken") != "") == (page == 2) {
						fakecloud.APIError(403, "Forbidden", "No.")(w, r)
						return
					}
					counted = true
				}
				cloud.ServeHTTP(w, r)
			}))
			l := list(t, t.Context(), s)
			wantRows(t, l, rows, 9)
			wantProblems(t, l, "- Forbidden may hide")
		})
	}
}

// A region whose token expires is read again from the start, but only once.
func TestListRepeatsOnceAfterExpiredToken(t *testing.T) {
	expired := fakecloud.APIError(400, "InvalidParameter.NextToken", "The NextToken has expired.")
	for times, want := range map[int]struct{ problems, recovered []string }{
		1: {nil, []string{"cn-hangzhou InvalidParameter.NextToken"}},
		2: {[]string{"cn-hangzhou InvalidParameter.NextToken may hide"}, nil},
	} {
		synctest.Test(t, func(t *testing.T) {
			cloud := &fakecloud.Server{Nodes: someNodes(), PageSize: 2, Faults: []fakecloud.Fault{{Region: "cn-hangzhou", Page: 2, Times: times, Respond: expired}}}
			l := list(t, t.Context(), overPipes(t, cloud))
			wantRows(t, l, idsOf(someNodes()), 9)
			wantProblems(t, l, want.problems...)
			wantRecovered(t, l, want.recovered...)
		})
	}
}
