package handler_test

import (
	"net/http/httptest"
	"strings"
	"testing"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

func TestHTTP(t *testing.T) {
	for _, c := range []struct {
		name, method, target, body, accept string
		status                             int
		contentType                        string
		want                               []string
		posts                              int
	}{
		{"the report", "GET", "/report", "", "", 200, "application/json", []string{`"listed":131`, `"node_id"`}, 0},
		{"the root", "GET", "/", "", "", 200, "application/json", []string{`"listed":131`}, 0},
		{"head", "HEAD", "/report", "", "", 200, "application/json", nil, 0},
		{"as text by suffix", "GET", "/report.txt", "", "", 200, "text/plain", []string{"23 of 131 matrices need attention", "cpn-"}, 0},
		{"as text by parameter", "GET", "/report?format=txt&lang=zh", "", "", 200, "text/plain", []string{"23 / 131 台矩阵需要处理"}, 0},
		{"as text by Accept", "GET", "/report", "", "text/plain", 200, "text/plain", []string{"need attention"}, 0},
		{"for fewer days", "GET", "/report?days=3", "", "", 200, "application/json", []string{`"days":3`, `"expiring":4`}, 0},
		{"for a region", "GET", "/report?region=eu-central-1", "", "", 200, "application/json", []string{`"regions":["eu-central-1"]`}, 0},
		{"of a severity", "GET", "/report?severity=notice", "", "", 200, "application/json", []string{`"failed":0`, `"unknown_status":1`}, 0},
		{"bad days", "GET", "/report?days=x", "", "", 400, "application/json", []string{`"InvalidParameter"`, "from 0 to 3650"}, 0},
		{"too many days", "GET", "/report?days=4000", "", "", 400, "application/json", []string{"from 0 to 3650"}, 0},
		{"bad region", "GET", "/report?region=Moon", "", "", 400, "application/json", []string{"cn-hangzhou"}, 0},
		{"bad severity", "GET", "/report?severity=bad", "", "", 400, "application/json", []string{"critical, warning, notice"}, 0},
		{"bad language", "GET", "/report?lang=de", "", "", 400, "application/json", []string{"en, zh"}, 0},
		{"bad format", "GET", "/report?format=pdf", "", "", 400, "application/json", []string{"is not one of json, "}, 0},
		{"an unknown parameter", "GET", "/report?day=3", "", "", 400, "application/json", []string{"day: not a parameter of /report; available: all, days, format, lang, owner, page, reason, region, severity, signature, until"}, 0},
		{"an unreadable query", "GET", "/report?%zz", "", "", 400, "application/json", []string{`"InvalidParameter"`}, 0},
		{"posting", "POST", "/notify", "", "", 200, "application/json", []string{`"channel":"slack","delivered":true`, `"node_id"`}, 2},
		{"posting for days of the query and a language of the body", "POST", "/notify?days=3", `{"language":"zh"}`, "", 200, "application/json", []string{`"days":3`}, 2},
		{"posting a part", "POST", "/notify?severity=critical", "", "", 400, "application/json", []string{"severity: not a parameter of /notify; available: days, lang, region"}, 0},
		{"posting to one", "POST", "/notify", `{"channels":["slack"]}`, "", 200, "application/json", []string{`"channel":"slack"`}, 1},
		{"posting an unreadable body", "POST", "/notify", `{"channels":`, "", 400, "application/json", []string{`"InvalidBody"`}, 0},
		{"posting a huge body", "POST", "/notify", strings.Repeat(" ", 70<<10), "", 413, "application/json", []string{`"BodyTooLarge"`}, 0},
		{"looking with a huge body", "GET", "/report", strings.Repeat(" ", 70<<10), "", 413, "application/json", []string{`"BodyTooLarge"`}, 0},
		{"posting by GET", "GET", "/notify", "", "", 405, "application/json", []string{"POST /notify"}, 0},
		{"looking by POST", "POST", "/report", "", "", 405, "application/json", []string{"GET /report"}, 0},
		{"health", "GET", "/healthz", "", "", 200, "application/json", []string{`"ok"`}, 0},
		{"a wrong path", "GET", "/reports", "", "", 404, "application/json", []string{"not found; available: GET /, GET /report, ", "POST /notify", "GET /healthz"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := setup(t)
			r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
			r.Header.Set("Accept", c.accept)
			rec := httptest.NewRecorder()
			w.ServeHTTP(rec, r)
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
				t.Error("may be cached")
			}
		})
	}
}

// A run that could list nothing is no 200.
func TestReportThatFailed(t *testing.T) {
	w := setup(t)
	w.cloud.Faults = []fakecloud.Fault{{Answer: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequest("GET", "/report", nil))
	if rec.Code != 502 || !strings.Contains(rec.Body.String(), "Forbidden.RAM") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// Posting wants POST, the token, and no page of another site behind it.
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
		{[]string{"Origin", "http://example.com"}, 200}, // the host that httptest asks
		{nil, 200},
	} {
		before := len(w.room.Messages())
		rec := w.do("POST", "/notify", c.header...)
		if posted := len(w.room.Messages()) - before; rec.Code != c.status || (posted > 0) != (c.status == 200) {
			t.Errorf("%v: %d and %d messages, want %d", c.header, rec.Code, posted, c.status)
		}
	}
}
