package handler_test

import (
	"context"
	"encoding/base64"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// TestHTTPAuth requests every kind of route with every state of the settings.
func TestHTTPAuth(t *testing.T) {
	for _, c := range []struct {
		settings, given string
		status          int
		text            string
	}{
		{"HTTP_AUTH=", "", 403, "HTTP_TOKEN"},
		{"HTTP_AUTH=", "Bearer x", 403, "HTTP_AUTH=trigger"},
		{"HTTP_AUTH=trigger", "", 200, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken-0123456789", "", 401, "Authorization: Bearer"},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken-0123456789", "Bearer wrong", 403, "wrong token"},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken-0123456789", "Bearer t0ken-012345678", 403, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken-0123456789", "Bearer t0ken-01234567890", 403, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken-0123456789", "Bearer", 403, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken-0123456789", "Basic t0ken-0123456789", 403, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken-0123456789", "Bearer t0ken-0123456789", 200, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken-0123456789", "bearer t0ken-0123456789", 200, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken-0123456789", basic("", "t0ken-0123456789"), 200, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken-0123456789", basic("anyone", "t0ken-0123456789"), 200, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken-0123456789", basic("t0ken-0123456789", ""), 403, "wrong token"},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken-0123456789", basic("anyone", "t0ken"), 403, "wrong token"},
		{"HTTP_AUTH=token HTTP_TOKEN=t0ken-0123456789", "", 401, "password of any user"},
		{"HTTP_AUTH=token HTTP_TOKEN=t0ken-0123456789", "Bearer t0ken-0123456789", 200, ""},
		{"HTTP_AUTH=trigger HTTP_TOKEN=t0ken-0123456789", "", 401, ""},
		{"HTTP_AUTH=trigger SLACK_SIGNING_SECRET=x", "", 403, "set HTTP_TOKEN"},
		{"HTTP_AUTH=trigger HTTP_TOKEN=t0ken-0123456789 SLACK_SIGNING_SECRET=x", "Bearer t0ken-0123456789", 200, ""},
	} {
		t.Run(c.settings+" "+c.given, func(t *testing.T) {
			w := setup(t, strings.Split(c.settings, " ")...)
			for _, route := range []string{"GET /report", "GET /", "GET /report.csv", "GET /calendar.ics", "GET /metrics", "GET /link", "POST /notify", "GET /elsewhere", "GET /healthz"} {
				method, path, _ := strings.Cut(route, " ")
				want := c.status
				switch {
				case path == "/healthz":
					want = 200
				case path == "/elsewhere" && c.status == 200:
					want = 404
				case path == "/link" && w.Settings.HTTPToken == "" && c.status == 200:
					want = 400 // there is no token to sign with
				}
				r := httptest.NewRequest(method, path, nil)
				if c.given != "" {
					r.Header.Set("Authorization", c.given)
				}
				rec := httptest.NewRecorder()
				if want == 200 && path != "/healthz" {
					w.ServeHTTP(rec, r)
				} else {
					synctest.Test(t, func(*testing.T) { // without the network, so that the delay takes no time
						start := time.Now()
						w.ServeHTTP(rec, r)
						if wrong := rec.Code == 403 && strings.Contains(rec.Body.String(), "wrong token"); wrong != (time.Since(start) == time.Second) {
							t.Errorf("%s: %d after %s", route, rec.Code, time.Since(start))
						}
					})
				}
				if rec.Code != want || want == c.status && !strings.Contains(rec.Body.String(), c.text) {
					t.Errorf("%s: %d %s; want %d with %q", route, rec.Code, rec.Body, want, c.text)
				}
				if (rec.Code == 401) != (strings.HasPrefix(rec.Header().Get("WWW-Authenticate"), "Basic realm=")) {
					t.Errorf("%s: %d with WWW-Authenticate %q", route, rec.Code, rec.Header().Get("WWW-Authenticate"))
				}
				if strings.Contains(rec.Body.String()+w.log.String(), "t0ken") {
					t.Errorf("%s: the token is in the response or the log: %s %s", route, rec.Body, w.log)
				}
			}
			if n := len(w.cloud.Calls()); n > 0 && c.status != 200 {
				t.Errorf("%d calls to the API for a refused caller", n)
			}
		})
	}
}

// basic returns the header of a user with a password.
func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// TestHTTPOff checks that a mistake in the settings of HTTP refuses every request
// that needs access, with the reason and without the value.
func TestHTTPOff(t *testing.T) {
	for settings, why := range map[string]string{
		"HTTP_AUTH= HTTP_TOKEN=t0ken":                            "HTTP is off: HTTP_TOKEN: is not a token of at least 16 characters",
		"HTTP_AUTH=trigger HTTP_TOKEN=t0ken":                     "HTTP is off: HTTP_TOKEN: is not a token of at least 16 characters",
		"HTTP_AUTH=t0ken-0123456789":                             "HTTP is off: HTTP_AUTH: is not one of trigger, token",
		"HTTP_AUTH=t0ken-0123456789 HTTP_TOKEN=t0ken-0123456789": "HTTP is off: HTTP_AUTH: is not one of trigger, token",
		"HTTP_AUTH=token":                                        "HTTP is off: HTTP_AUTH: token needs HTTP_TOKEN",
	} {
		w := setupWithMistakes(t, strings.Split(settings, " ")...)
		for _, route := range []string{"GET /report", "GET /", "GET /report.csv?signature=x&until=2030-01-01", "GET /link", "POST /notify", "GET /elsewhere"} {
			method, path, _ := strings.Cut(route, " ")
			for _, given := range []string{"", "Bearer t0ken", "Bearer t0ken-0123456789", basic("x", "t0ken")} {
				rec := w.do(method, path, "Authorization", given)
				if rec.Code != 403 || !strings.Contains(rec.Body.String(), why) || strings.Contains(rec.Body.String(), "t0ken") {
					t.Errorf("%s, %s, %q: %d %s, want 403 with %s", settings, route, given, rec.Code, rec.Body, why)
				}
			}
		}
		if rec := w.do("GET", "/healthz"); rec.Code != 200 {
			t.Errorf("%s: GET /healthz: %d", settings, rec.Code)
		}
		if len(w.cloud.Calls()) > 0 || len(w.room.Messages()) > 0 {
			t.Errorf("%s: %d calls to the API, %d messages", settings, len(w.cloud.Calls()), len(w.room.Messages()))
		}
	}
}

// TestRefusalEndsWithRequest checks that the delay of a refusal ends when the
// caller goes away.
func TestRefusalEndsWithRequest(t *testing.T) {
	w := setup(t, withToken...)
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		r := httptest.NewRequestWithContext(ctx, "GET", "/report", nil)
		r.Header.Set("Authorization", "Bearer wrong")
		start := time.Now()
		rec := httptest.NewRecorder()
		w.ServeHTTP(rec, r)
		if rec.Code != 403 || time.Since(start) != 0 {
			t.Errorf("%d after %s", rec.Code, time.Since(start))
		}
	})
	if !strings.Contains(w.log.String(), `"msg":"refused"`) || !strings.Contains(w.log.String(), `"path":"/report"`) {
		t.Errorf("the log is %s", w.log)
	}
}
