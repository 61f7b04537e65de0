package handler_test

import (
	"context"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"testing/synctest"

	"matrix-expiry-report/report"
)

// routes lists every path of the handler: the methods that it allows, and the
// status of these with the token, without it, and with a forged signature; and
// the status of other methods without a token.
var routes = []struct {
	path, allow              string
	token, noToken, badLink  int
	badMethod, badMethodLink int
}{
	{"/", "GET, HEAD", 200, 401, 403, 401, 405},
	{"/report", "GET, HEAD", 200, 401, 403, 401, 405},
	{"/report.json", "GET, HEAD", 200, 401, 403, 401, 405},
	{"/report.html", "GET, HEAD", 200, 401, 403, 401, 405},
	{"/report.txt", "GET, HEAD", 200, 401, 403, 401, 405},
	{"/report.csv", "GET, HEAD", 200, 401, 403, 401, 405},
	{"/report.md", "GET, HEAD", 200, 401, 403, 401, 405},
	{"/calendar.ics", "GET, HEAD", 200, 401, 403, 401, 405},
	{"/metrics", "GET, HEAD", 200, 401, 403, 401, 405},
	{"/history", "GET, HEAD", 200, 401, 401, 401, 401},
	{"/history.json", "GET, HEAD", 200, 401, 401, 401, 401},
	{"/link", "GET, HEAD", 200, 401, 401, 401, 401},
	{"/notify", "POST", 200, 401, 401, 401, 401},
	{"/healthz", "GET, HEAD", 200, 200, 200, 405, 405},
	{"/slack/command", "POST", 403, 403, 403, 405, 405}, // the body is not signed
	{"/dingtalk/command", "POST", 403, 403, 403, 405, 405},
}

// TestRoutes tries every path with every method.
func TestRoutes(t *testing.T) {
	w := setup(t, append(withToken, "SLACK_SIGNING_SECRET=x", "DINGTALK_APP_SECRET=x", "CACHE_SECONDS=3600")...)
	withStore(t, w.Handler)
	try := func(method, target string, status int, allow, code string, header ...string) {
		t.Helper()
		var rec *httptest.ResponseRecorder
		if status == 403 { // refused after a second
			synctest.Test(t, func(*testing.T) { rec = w.do(method, target, header...) })
		} else {
			rec = w.do(method, target, header...)
		}
		if rec.Code != status || rec.Header().Get("Allow") != allow {
			t.Errorf("%s %s: %d, Allow %q; want %d, %q", method, target, rec.Code, rec.Header().Get("Allow"), status, allow)
		}
		var body struct {
			Error struct{ Code, Message string }
		}
		if err := json.Unmarshal(rec.Body.Bytes(), &body); code != "" && (err != nil || body.Error.Code != code || body.Error.Message == "") {
			t.Errorf("%s %s: %s; want an error with code %s", method, target, rec.Body, code)
		}
		if status == 404 || status == 405 {
			for _, route := range []string{"GET /,", "GET /report", "GET /calendar.ics", "GET /link", "POST /notify", "GET /healthz", "POST /slack/command"} {
				if !strings.Contains(body.Error.Message, route) {
					t.Errorf("%s %s: no %s in %s", method, target, route, body.Error.Message)
				}
			}
		}
	}
	codes := map[int]string{401: "Unauthorized", 403: "AccessDenied", 404: "NotFound", 405: "MethodNotAllowed"}
	for _, route := range routes {
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"} {
			allow := func(status int) string {
				if status == 405 {
					return route.allow
				}
				return ""
			}
			withToken, without, link := route.token, route.noToken, route.badLink
			if !slices.Contains(strings.Split(route.allow, ", "), method) {
				withToken, without, link = 405, route.badMethod, route.badMethodLink
			}
			try(method, route.path, withToken, allow(withToken), codes[withToken], bearer...)
			try(method, route.path, without, allow(without), codes[without])
			try(method, route.path+"?signature=x&until=2026-11-24", link, allow(link), codes[link])
		}
	}
	for _, path := range []string{"/nowhere", "/report.pdf", "/report.json/", "/report/", "//report", "/./report", "/x/../report", "/REPORT", "/slack", "//notify", "//healthz", "/healthz/", "//slack/command"} {
		for _, method := range []string{"GET", "HEAD", "POST", "DELETE"} {
			try(method, path, 404, "", "NotFound", bearer...)
			try(method, path, 401, "", "Unauthorized")
			try(method, path+"?signature=x&until=2026-11-24", 401, "", "Unauthorized")
		}
	}
}

// FuzzAccess checks that no path leads a caller without a token to a report.
func FuzzAccess(f *testing.F) {
	for _, path := range []string{"/", "/report", "//report", "/healthz", "/healthz/../report", "/./report", "/%72eport", "/report%2f", "/healthz%2f..%2freport", "*", ""} {
		for _, method := range []string{"GET", "POST", "CONNECT"} {
			f.Add(method, path)
		}
	}
	h := newHandler(sourceFunc(func(context.Context, []string) report.Listing { return report.Listing{} }))
	h.Settings.HTTPToken = testToken
	f.Fuzz(func(t *testing.T, method, rawPath string) {
		path, err := url.PathUnescape(rawPath)
		if err != nil {
			return
		}
		rec := httptest.NewRecorder()
		h.ServeHTTP(rec, &http.Request{Method: method, URL: &url.URL{Path: path, RawPath: rawPath}, Host: "example.com", Body: http.NoBody})
		if rec.Code != 401 && path != "/healthz" || rec.Code == 200 && method != "GET" && method != "HEAD" {
			t.Errorf("%s %q: %d %s", method, rawPath, rec.Code, rec.Body)
		}
	})
}
