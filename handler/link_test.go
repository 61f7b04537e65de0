package handler_test

import (
	"encoding/json"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// A link reads its format until its day is over, whatever is done to it.
func TestLinks(t *testing.T) {
	w := setup(t, "HTTP_AUTH=", "HTTP_TOKEN=t0ken-of-the-caller", "TIME_ZONE=Asia/Shanghai")
	now := time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)
	w.Now = func() time.Time { return now }
	bearer := []string{"Authorization", "Bearer t0ken-of-the-caller"}
	var made struct{ URL, Until string }
	rec := w.do("GET", "http://reports.example.com/link?format=csv&severity=critical&until=2026-11-24", bearer...)
	if err := json.Unmarshal(rec.Body.Bytes(), &made); err != nil || !strings.HasPrefix(made.URL, "https://reports.example.com/report.csv?") || made.Until != "2026-11-24" {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	if strings.Contains(rec.Body.String(), "t0ken") {
		t.Error("the link has the token")
	}
	get := func(link string) *httptest.ResponseRecorder {
		var rec *httptest.ResponseRecorder
		u, err := url.Parse(link)
		if err != nil {
			t.Fatal(err)
		}
		w.Settings.Cache = 100 * time.Hour // so that a bubble needs no network
		synctest.Test(t, func(*testing.T) { rec = w.do("GET", u.RequestURI()) })
		return rec
	}
	if rec := w.do("GET", made.URL); rec.Code != 200 || strings.Contains(rec.Body.String(), "warning,") {
		t.Fatalf("the link: %d %.300s", rec.Code, rec.Body)
	}
	change := func(name, value string) string {
		u, _ := url.Parse(made.URL)
		q := u.Query()
		q.Set(name, value)
		u.RawQuery = q.Encode()
		return u.String()
	}
	for name, link := range map[string]string{
		"of another format":          change("format", "json"),
		"of another path":            strings.Replace(made.URL, "/report.csv", "/report.json", 1),
		"for longer":                 change("until", "2026-12-24"),
		"with another signature":     change("signature", strings.Repeat("A", 22)),
		"with no end":                strings.Replace(made.URL, "until=2026-11-24", "", 1),
		"to make links":              strings.Replace(made.URL, "/report.csv", "/link", 1),
		"with half of its signature": change("signature", made.URL[len(made.URL)-11:]),
	} {
		if rec := get(link); rec.Code != 403 && rec.Code != 401 {
			t.Errorf("a link %s: %d %.200s", name, rec.Code, rec.Body)
		}
	}
	// What looks like a link and is none opens nothing.
	for _, query := range []string{"signature=", "signature", "signature=,", "signature=&until=2026-11-24", "until=2026-11-24&signature=%zz", "signature=&signature=", "signature=%2C&until=2026-11-24", "signature=x"} {
		for _, path := range []string{"/", "/report", "/report.csv", "/calendar.ics", "/metrics", "/report.html"} {
			if rec := get("http://x" + path + "?" + query); rec.Code != 403 && rec.Code != 401 {
				t.Errorf("%s?%s: %d %.200s", path, query, rec.Code, rec.Body)
			}
		}
	}
	u, _ := url.Parse(made.URL)
	if rec := w.send("POST", "/notify?"+u.RawQuery, ""); rec.Code != 401 || len(w.room.Messages()) > 0 {
		t.Errorf("posting by a link: %d", rec.Code)
	}
	if rec := get(change("days", "60")); rec.Code != 200 {
		t.Errorf("other days by the same link: %d", rec.Code)
	}
	for at, want := range map[string]int{"2026-11-24T15:59:59Z": 200, "2026-11-24T16:00:01Z": 403} { // midnight in Shanghai
		now, _ = time.Parse(time.RFC3339, at)
		if rec := get(made.URL); rec.Code != want {
			t.Errorf("at %s: %d, want %d", at, rec.Code, want)
		}
	}
	now = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)
	w.Settings.HTTPToken = "another token"
	if rec := get(made.URL); rec.Code != 403 {
		t.Errorf("after the token was changed: %d", rec.Code)
	}
	w.Settings.HTTPToken = ""
	if rec := get(made.URL); rec.Code != 403 {
		t.Errorf("after the token was taken away: %d", rec.Code)
	}
	w.Settings.HTTPToken = "t0ken-of-the-caller"
	for query, says := range map[string]string{"until=2026-11-22": "not within 366 days", "until=2028-01-01": "not within 366 days", "until=soon": "not a day", "format=pdf": "is not one of"} {
		if rec := w.do("GET", "/link?"+query, bearer...); rec.Code != 400 || !strings.Contains(rec.Body.String(), says) {
			t.Errorf("%s: %d %s", query, rec.Code, rec.Body)
		}
	}
	w.Settings.HTTPToken, w.Settings.HTTPAuth = "", "trigger"
	if rec := w.do("GET", "/link"); rec.Code != 400 || !strings.Contains(rec.Body.String(), "HTTP_TOKEN") {
		t.Errorf("without a token to sign with: %d %s", rec.Code, rec.Body)
	}
}
