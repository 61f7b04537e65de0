package handler_test

import (
	"strings"
	"testing"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// TestHTTP tries requests of every kind: the status, the type and a part of the
// response, and how many messages are posted.
func TestHTTP(t *testing.T) {
	for _, c := range []struct {
		name, method, target, body, accept string
		status                             int
		contentType                        string
		want                               []string
		posts                              int
	}{
		{"report", "GET", "/report", "", "", 200, "application/json", []string{`"listed":131`, `"node_id"`}, 0},
		{"root", "GET", "/", "", "", 200, "application/json", []string{`"listed":131`}, 0},
		{"HEAD", "HEAD", "/report", "", "", 200, "application/json", nil, 0},
		{"text by suffix", "GET", "/report.txt", "", "", 200, "text/plain", []string{"23 of 131 matrices need attention", "cpn-"}, 0},
		{"text by parameter", "GET", "/report?format=txt&lang=zh", "", "", 200, "text/plain", []string{"131", "台", "cpn-"}, 0},
		{"text by Accept", "GET", "/report", "", "text/plain", 200, "text/plain", []string{"need attention"}, 0},
		{"fewer days", "GET", "/report?days=3", "", "", 200, "application/json", []string{`"days":3`, `"expiring":4`}, 0},
		{"one region", "GET", "/report?region=eu-central-1", "", "", 200, "application/json", []string{`"regions":["eu-central-1"]`}, 0},
		{"one severity", "GET", "/report?severity=notice", "", "", 200, "application/json", []string{`"failed":0`, `"unknown_status":1`}, 0},
		{"too many days", "GET", "/report?days=4000", "", "", 400, "application/json", []string{"from 0 to 3650"}, 0},
		{"huge body of GET", "GET", "/report", strings.Repeat(" ", 70<<10), "", 413, "application/json", []string{`"BodyTooLarge"`}, 0},
		{"notify", "POST", "/notify", "", "", 200, "application/json", []string{`"channel":"slack","delivered":true`, `"node_id"`}, 2},
		{"notify one channel", "POST", "/notify", `{"channels":["slack"]}`, "", 200, "application/json", []string{`"channel":"slack"`}, 1},
		{"notify without posting", "POST", "/notify", `{"post":false}`, "", 200, "application/json", []string{`"listed":131`}, 0},
		{"notify with a truncated body", "POST", "/notify", `{"channels":`, "", 400, "application/json", []string{`"InvalidBody"`, "unexpected EOF; expected JSON such as"}, 0},
		{"notify with an invalid value", "POST", "/notify", `{"days":-1}`, "", 400, "application/json", []string{`"InvalidParameter"`, "from 0 to 3650"}, 0},
		{"notify with a huge body", "POST", "/notify", strings.Repeat(" ", 70<<10), "", 413, "application/json", []string{`"BodyTooLarge"`}, 0},
		{"notify with a large body", "POST", "/notify", strings.Repeat(" ", 64<<10), "", 200, "application/json", []string{`"delivered":true`}, 2},
		{"health", "GET", "/healthz", "", "", 200, "application/json", []string{`{"status":"ok"}`}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := setup(t)
			rec := w.send(c.method, c.target, c.body, "Accept", c.accept)
			if rec.Code != c.status || !strings.HasPrefix(rec.Header().Get("Content-Type"), c.contentType) {
				t.Errorf("%d %s, want %d %s: %.200s", rec.Code, rec.Header().Get("Content-Type"), c.status, c.contentType, rec.Body)
			}
			for _, want := range c.want {
				if !strings.Contains(rec.Body.String(), want) {
					t.Errorf("no %s in %.400s", want, rec.Body)
				}
			}
			if n := len(w.room.Messages()); n != c.posts {
				t.Errorf("%d messages, want %d", n, c.posts)
			}
			if rec.Header().Get("Cache-Control") != "no-store" {
				t.Error("the response may be cached")
			}
		})
	}
}

// TestFailedListingIs502 checks that a report of nothing is not a success.
func TestFailedListingIs502(t *testing.T) {
	w := setup(t)
	w.cloud.Faults = []fakecloud.Fault{{Respond: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	rec := w.do("GET", "/report")
	if rec.Code != 502 || !strings.Contains(rec.Body.String(), "Forbidden.RAM") || !strings.Contains(rec.Body.String(), `"ListingFailed"`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	w.cloud.Faults[0].Action, w.cloud.Faults[0].Region = "DescribeCloudPhoneNodes", "-"
	rec = w.do("GET", "/report")
	if rec.Code != 200 || rec.Header().Get("X-Report-Complete") != "false" {
		t.Errorf("an incomplete report: %d %v", rec.Code, rec.Header())
	}
}

// TestIncompleteFormats checks that the file name and a header state what a table
// cannot, and that the language reaches the calendar and Markdown.
func TestIncompleteFormats(t *testing.T) {
	w := setup(t)
	w.cloud.Faults = []fakecloud.Fault{{Action: "DescribeCloudPhoneNodes", Region: "cn-shanghai", Respond: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	for target, want := range map[string]string{
		"/report.csv":           "severity,reason,",
		"/calendar.ics?lang=zh": "上海未能核对",
		"/report.md?lang=zh":    "上海未能核对",
		"/report.md":            "cn-shanghai could not be checked",
	} {
		rec := w.do("GET", target)
		if rec.Code != 200 || !strings.Contains(strings.ReplaceAll(rec.Body.String(), "\r\n ", ""), want) {
			t.Errorf("%s: %d, no %q in %.300s", target, rec.Code, want, rec.Body)
		}
		if missing := rec.Header().Get("X-Report-Missing"); !strings.Contains(missing, "131 of 131 matrices read; cn-shanghai could not be checked") {
			t.Errorf("%s: X-Report-Missing is %q", target, missing)
		}
		if name := rec.Header().Get("Content-Disposition"); name != "" && !strings.Contains(name, "-incomplete.") {
			t.Errorf("%s: the file name is %s", target, name)
		}
	}
	w.cloud.Faults = nil
	if header := w.do("GET", "/report.csv?days=7").Header(); header.Get("X-Report-Missing") != "" || strings.Contains(header.Get("Content-Disposition"), "incomplete") {
		t.Errorf("a complete report: %v", header)
	}
}

// TestCrossSitePosting checks that a page of another site cannot post.
func TestCrossSitePosting(t *testing.T) {
	w := setup(t)
	for _, c := range []struct {
		header []string
		status int
	}{
		{[]string{"Sec-Fetch-Site", "cross-site"}, 403},
		{[]string{"Sec-Fetch-Site", "same-site"}, 403},
		{[]string{"Origin", "https://evil.example"}, 403},
		{[]string{"Origin", "null"}, 403},
		{[]string{"Sec-Fetch-Site", "same-origin"}, 200},
		{[]string{"Origin", "http://example.com"}, 200}, // the host of httptest's requests
		{nil, 200},
	} {
		before := len(w.room.Messages())
		rec := w.do("POST", "/notify", c.header...)
		if posted := len(w.room.Messages()) - before; rec.Code != c.status || (posted > 0) != (c.status == 200) {
			t.Errorf("%v: %d and %d messages, want %d", c.header, rec.Code, posted, c.status)
		}
	}
}
