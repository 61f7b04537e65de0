package handler_test

import (
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// Who may look, in every state of the settings.
func TestHTTPAuth(t *testing.T) {
	for _, c := range []struct {
		settings, given string
		status          int
		says            string
	}{
		{"HTTP_AUTH=", "", 403, "HTTP_TOKEN"},
		{"HTTP_AUTH=", "Bearer x", 403, "HTTP_AUTH=trigger"},
		{"HTTP_AUTH=trigger", "", 200, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "", 401, "Authorization: Bearer"},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "Bearer wrong", 403, "wrong token"},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "Bearer t0ke", 403, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "Bearer t0kenn", 403, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "Basic t0ken", 403, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "Bearer t0ken", 200, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "bearer t0ken", 200, ""},
		{"HTTP_AUTH=trigger HTTP_TOKEN=t0ken", "", 401, ""},
	} {
		t.Run(c.settings+" "+c.given, func(t *testing.T) {
			w := setup(t, strings.Split(c.settings, " ")...)
			for _, route := range []string{"GET /report", "GET /", "GET /report.csv", "GET /calendar.ics", "GET /metrics", "GET /link", "POST /notify", "GET /elsewhere", "GET /healthz"} {
				method, path, _ := strings.Cut(route, " ")
				if path == "/link" && c.status == 200 {
					continue // wants a token to sign with
				}
				r := httptest.NewRequest(method, path, nil)
				if c.given != "" {
					r.Header.Set("Authorization", c.given)
				}
				rec := httptest.NewRecorder()
				if c.status == 200 {
					w.ServeHTTP(rec, r)
				} else {
					start, took := time.Now(), time.Duration(0)
					synctest.Test(t, func(*testing.T) { // nothing is asked over the network, and waiting takes no time
						start = time.Now()
						w.ServeHTTP(rec, r)
						took = time.Since(start)
					})
					if wrong := rec.Code == 403 && strings.Contains(rec.Body.String(), "wrong token"); wrong != (took == time.Second) {
						t.Errorf("%s: %d after %s", route, rec.Code, took)
					}
				}
				want := c.status
				switch {
				case path == "/healthz":
					want = 200
				case path == "/elsewhere" && c.status == 200:
					want = 404
				}
				if rec.Code != want || want == c.status && !strings.Contains(rec.Body.String(), c.says) {
					t.Errorf("%s: %d %s; want %d with %q", route, rec.Code, rec.Body, want, c.says)
				}
				if strings.Contains(rec.Body.String()+w.log.String(), "t0ken") {
					t.Errorf("%s: the token is repeated: %s %s", route, rec.Body, w.log)
				}
			}
			if len(w.cloud.Calls()) > 0 && c.status != 200 {
				t.Error("the API was asked for a stranger")
			}
		})
	}
}
