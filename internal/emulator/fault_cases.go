package emulator

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"matrix-expiry-report/internal/emulator/cloud"
)

// A FaultCase is a response that is not the requested page, or a page that is part
// of an endless list.
type FaultCase struct {
	Name    string
	Respond http.HandlerFunc // responds instead of the service
}

// FaultCases returns the responses that a client may receive instead of a page:
// errors of the service and of a proxy, invalid and oversized bodies, and
// connections that break, hang or are slow. To add one, add a row here; the tests of
// internal/cloudphone then require a row with the expected result.
func FaultCases() []FaultCase {
	return []FaultCase{
		{"503", cloud.APIError(503, "ServiceUnavailable", "The request has failed due to a temporary failure of the server.")},
		{"500", cloud.APIError(500, "InternalError", "The request processing has failed.")},
		{"408", respond(408, "")},
		{"429 with Retry-After", withHeader(cloud.APIError(429, "TooManyRequests", "Slow down."), "Retry-After", "2")},
		{"throttling with x-ratelimit-user-api", withHeader(cloud.APIError(400, "Throttling.User", "Denied by flow control."), "x-ratelimit-user-api", "Remain:0,Limit:10,TimeLeft:1500,Reset:1")},
		{"throttling with x-acs-retry-after", withHeader(cloud.APIError(400, "Throttling.User", "Denied by flow control."), "x-acs-retry-after", "1500")},
		{"throttling with another code", cloud.APIError(400, "Rejected.Throttling", "Too many.")},
		{"unknown error with x-acs-retry-after", withHeader(cloud.APIError(400, "Odd.Code", "Not now."), "x-acs-retry-after", "1500")},
		{"expired timestamp", cloud.APIError(400, "InvalidTimeStamp.Expired", "Specified time stamp or date value is expired.")},
		{"repeated nonce", cloud.APIError(400, "SignatureNonceUsed", "Specified signature nonce was used already.")},
		{"wrong signature", cloud.APIError(400, "SignatureDoesNotMatch", "Specified signature is not matched with our calculation.")},
		{"invalid parameter", cloud.APIError(400, "InvalidParameter", "The parameter BizRegionId is invalid.")},
		{"403 with the missing permission", respond(403, `{"Code":"Forbidden.RAM","Message":"User not authorized.","RequestId":"R-1","AccessDeniedDetail":{"AuthAction":"eds-aic:DescribeCloudPhoneNodes","PolicyType":"AccountLevelIdentityBasedPolicy"}}`)},
		{"403 with a detail of another type", respond(403, `{"Code":"Forbidden.RAM","Message":"User not authorized.","AccessDeniedDetail":"none"}`)},
		{"403 without a message", respond(403, `{"Code":"Odd.Code","RequestId":"R-3"}`)},
		{"404 in HTML", respond(404, "<html><h1>Not Found</h1></html>", "Content-Type", "text/html")},
		{"502 in HTML", respond(502, "<html><h1>Bad Gateway</h1></html>", "Content-Type", "text/html")},
		{"503 without a body", respond(503, "")},
		{"500 with 50 MB", endless(500, "", strings.Repeat("no ", 10_000), 50<<20)},
		{"redirect", respond(302, "", "Location", "http://elsewhere.test/")},
		{"200 with an error", respond(200, `{"Code":"Forbidden.RAM","Message":"No.","RequestId":"R-2"}`)},
		{"200 with throttling", withHeader(respond(200, `{"Code":"Throttling.User","Message":"No."}`), "x-acs-retry-after", "1500")},
		{"200 with a long error", respond(200, `{"Code":"Odd`+strings.Repeat("x", 1000)+`","Message":"a\nlong `+strings.Repeat("story ", 10000)+`"}`)},
		{"200 with {}", respond(200, `{}`)},
		{"200 with null", respond(200, `null`)},
		{"200 with null for every field", respond(200, `{"RequestId":null,"NodeModel":null,"TotalCount":null,"NextToken":null,"MaxResults":null}`)},
		{"200 with other types in every field", respond(200, `{"RequestId":[],"NodeModel":{"a":1},"TotalCount":"many","NextToken":[7],"MaxResults":{}}`)},
		{"200 without a body", respond(200, ``)},
		{"200 in HTML", respond(200, "<html>Please log in</html>")},
		{"truncated JSON", respond(200, `{"TotalCount":9,"NodeModel":[{"NodeId":"cpn-0`)},
		{"rows that are not an array", respond(200, `{"TotalCount":9,"NodeModel":"cpn-00"}`)},
		{"deeply nested JSON", respond(200, strings.Repeat(`{"NodeModel":[`, 20000))},
		{"Content-Encoding gzip without gzip", respond(200, `{"TotalCount":0}`, "Content-Encoding", "gzip")},
		{"50 MB of spaces", endless(200, "", strings.Repeat(" ", 30_000), 50<<20)},
		{"50 MB in one value", endless(200, `{"TotalCount":9,"NextToken":"`, strings.Repeat("x", 30_000), 50<<20)},
		{"50 MB of rows", endless(200, `{"TotalCount":9,"NodeModel":[`, `{"NodeId":"cpn-`+strings.Repeat("x", 30_000)+`"},`, 50<<20)},
		{"a million rows", endless(200, `{"TotalCount":9,"NodeModel":[`, strings.Repeat(`{},`, 10_000), 3_000_000)},
		{"connection closed", abort},
		{"connection closed in the body", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "5000")
			fmt.Fprint(w, `{"TotalCount":9,`)
			w.(http.Flusher).Flush()
			panic(http.ErrAbortHandler)
		}},
		{"response that is not HTTP", func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			defer c.Close()
			fmt.Fprint(c, "SSH-2.0-OpenSSH_9.6\r\n\r\n")
		}},
		{"no response", func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }},
		{"no end of the body", func(w http.ResponseWriter, r *http.Request) {
			fmt.Fprint(w, `{"TotalCount":9,`)
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}},
		{"slow headers", func(w http.ResponseWriter, _ *http.Request) {
			c, _, err := w.(http.Hijacker).Hijack()
			if err != nil {
				panic(err)
			}
			defer c.Close()
			closed := make(chan struct{})
			go func() {
				defer close(closed)
				io.Copy(io.Discard, c)
			}()
			trickle(closed, c, "HTTP/1.1 200 OK\r\nX-Slow: "+strings.Repeat("x", 1000))
		}},
		{"slow body", func(w http.ResponseWriter, r *http.Request) {
			trickle(r.Context().Done(), flusher{w}, `{"TotalCount":9,"NextToken":"`+strings.Repeat("x", 1000))
		}},
	}
}

// respond returns a handler for a response that need not have the API's form. The headers
// are pairs of name and value.
func respond(status int, body string, header ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i < len(header); i += 2 {
			w.Header().Set(header[i], header[i+1])
		}
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}
}

// withHeader returns h with one more header in the response.
func withHeader(h http.HandlerFunc, name, value string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set(name, value)
		h(w, r)
	}
}

// endless returns a handler that writes start and then repeats chunk until it
// has written n bytes or the client closes the connection.
func endless(status int, start, chunk string, n int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		for b, left := []byte(start), n; left > 0; b = []byte(chunk) {
			if _, err := w.Write(b); err != nil {
				return
			}
			left -= len(b)
		}
	}
}

// trickle writes one byte of s per second until closed is closed.
func trickle(closed <-chan struct{}, w io.Writer, s string) {
	for i := range len(s) {
		if _, err := w.Write([]byte(s[i : i+1])); err != nil {
			return
		}
		select {
		case <-time.After(time.Second):
		case <-closed:
			return
		}
	}
}

// flusher flushes after each write.
type flusher struct{ http.ResponseWriter }

func (f flusher) Write(b []byte) (int, error) {
	defer http.NewResponseController(f.ResponseWriter).Flush()
	return f.ResponseWriter.Write(b)
}
