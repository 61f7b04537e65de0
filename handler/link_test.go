package handler_test

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"maps"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// linkTime is the time at which the tests make links.
var linkTime = time.Date(2026, 11, 23, 1, 0, 0, 0, time.UTC)

// setupLink returns a handler, and the URL of a link to the critical findings as
// CSV that is valid until 2026-11-24 in Shanghai.
func setupLink(t *testing.T) (*world, *url.URL) {
	t.Helper()
	w := setup(t, append(withToken, "TIME_ZONE=Asia/Shanghai")...)
	w.Now = func() time.Time { return linkTime }
	rec := w.do("GET", "http://reports.example.com/link?format=csv&severity=critical&until=2026-11-24", bearer...)
	var link struct{ URL, Until string }
	if err := json.Unmarshal(rec.Body.Bytes(), &link); err != nil || rec.Code != 200 || link.Until != "2026-11-24" {
		t.Fatalf("%d %s", rec.Code, rec.Body)
	}
	u, err := url.Parse(link.URL)
	if err != nil || u.Scheme != "https" || u.Host != "reports.example.com" || u.Path != "/report.csv" {
		t.Fatalf("the link is %s", link.URL)
	}
	w.Settings.Cache = 1000 * time.Hour
	if rec := w.do("GET", link.URL); rec.Code != 200 || !strings.Contains(rec.Body.String(), "critical,") || strings.Contains(rec.Body.String(), "warning,") {
		t.Fatalf("the link: %d %.300s", rec.Code, rec.Body)
	}
	return w, u
}

// follow returns the response to a link, without the delay of a refusal. The
// listing must be cached, as there is no network in a bubble.
func (w *world) follow(t *testing.T, u *url.URL) (rec *httptest.ResponseRecorder) {
	t.Helper()
	synctest.Test(t, func(*testing.T) { rec = w.do("GET", u.RequestURI()) })
	return rec
}

// with returns a copy of u with another value of a parameter of its query.
func with(u *url.URL, name, value string) *url.URL {
	values := u.Query()
	values.Set(name, value)
	return &url.URL{Path: u.Path, RawQuery: values.Encode()}
}

// TestLinkReadsItsFormatOnly checks what a link opens, and that it does not
// open more if it is changed.
func TestLinkReadsItsFormatOnly(t *testing.T) {
	w, u := setupLink(t)
	signature := u.Query().Get("signature")
	if b, err := base64.RawURLEncoding.DecodeString(signature); err != nil || len(b) != 16 {
		t.Errorf("the signature %s has %d bytes, want 16", signature, len(b))
	}
	if want := "LuVDpABM6plNyxPQfBQfaQ"; signature != want { // a change would revoke the links in use
		t.Errorf("the signature is %s, want %s", signature, want)
	}
	if strings.Contains(u.String(), testToken) {
		t.Errorf("the token is in the link %s", u)
	}
	for name, link := range map[string]*url.URL{
		"its own page":                with(u, "page", "1"),
		"another language":            with(u, "lang", "zh"),
		"what a chat adds":            with(u, "utm_source", "slack"),
		"what a calendar adds":        with(u, "nocache", "1795400000"),
		"an empty parameter":          with(u, "owner", ""),
		"the severity between spaces": with(u, "severity", " critical "),
	} {
		if rec := w.follow(t, link); rec.Code != 200 {
			t.Errorf("with %s: %d %.200s", name, rec.Code, rec.Body)
		}
	}
	refused := map[string]*url.URL{
		"other days":              with(u, "days", "60"),
		"no severity":             with(u, "severity", ""),
		"another severity":        with(u, "severity", "warning"),
		"a region":                with(u, "region", "cn-hangzhou"),
		"a reason":                with(u, "reason", "failed"),
		"an owner":                with(u, "owner", "team-a"),
		"all matrices":            with(u, "all", "1"),
		"another format":          with(u, "format", "json"),
		"another path":            {Path: "/report.json", RawQuery: u.RawQuery},
		"the path of all formats": {Path: "/report", RawQuery: u.RawQuery},
		"GET /link":               {Path: "/link", RawQuery: u.RawQuery},
		"a later end":             with(u, "until", "2026-12-24"),
		"no end":                  with(u, "until", ""),
		"an end that is no day":   with(u, "until", "soon"),
		"another signature":       with(u, "signature", strings.Repeat("A", 22)),
		"half of the signature":   with(u, "signature", signature[:11]),
		"most of the signature":   with(u, "signature", signature[:21]),
		"a longer signature":      with(u, "signature", signature+"A"),
	}
	for _, query := range []string{"signature=", "signature", "signature=,", "signature=&until=2026-11-24", "until=2026-11-24&signature=%zz", "signature=&signature=", "signature=%2C&until=2026-11-24", "signature=x"} {
		for _, path := range []string{"/", "/report", "/report.csv", "/calendar.ics", "/metrics", "/report.html"} {
			refused[path+"?"+query] = &url.URL{Path: path, RawQuery: query}
		}
	}
	for name, link := range refused {
		if rec := w.follow(t, link); rec.Code != 403 && rec.Code != 401 {
			t.Errorf("with %s: %d %.200s", name, rec.Code, rec.Body)
		}
	}
	if rec := w.do("POST", "/notify?"+u.RawQuery); rec.Code != 401 || len(w.room.Messages()) > 0 {
		t.Errorf("POST /notify: %d", rec.Code)
	}
}

// linkPattern matches the links of a page to the program itself.
var linkPattern = regexp.MustCompile(`href="(/[^"#]*)`)

// TestPageOfLink checks that every link of a page that was opened by a signed link
// opens, is valid until the same day, and selects no more than that link.
func TestPageOfLink(t *testing.T) {
	w := setup(t, append(withToken, "TIME_ZONE=Asia/Shanghai")...)
	w.Settings.Cache = 1000 * time.Hour
	for query, want := range map[string][]string{
		"":                                {"/report.csv?", "/report.md?", "/calendar.ics?", "severity=notice", "region=cn-hangzhou", "reason=failed", "lang=zh"},
		"severity=critical,notice&days=9": {"severity=critical&", "severity=notice&", "/report.csv?days=9&", "reason=expired", "region=cn-hangzhou"},
		"region=cn-hangzhou&owner=team-c": {"region=cn-hangzhou&", "/calendar.ics?owner=team-c&"},
		"all=1&severity=critical":         {"all=1&", "/report.html?severity=critical&", "reason=failed"},
		"reason=failed&lang=zh":           {"lang=en&reason=failed&", "/report.csv?lang=zh&reason=failed"},
	} {
		path := signedPage(t, w, query)
		of, err := url.Parse(path)
		if err != nil {
			t.Fatal(err)
		}
		body := w.do("GET", path).Body.String()
		var links []string
		for _, m := range linkPattern.FindAllStringSubmatch(body, -1) {
			links = append(links, html.UnescapeString(m[1]))
		}
		for _, want := range want {
			if !slices.ContainsFunc(links, func(link string) bool { return strings.Contains(link, want) }) {
				t.Errorf("%s: no link with %s in %q", query, want, links)
			}
		}
		for _, link := range links {
			u, err := url.Parse(link)
			if err != nil {
				t.Fatal(err)
			}
			if rec := w.do("GET", link); rec.Code != 200 {
				t.Errorf("%s: the link %s: %d %.200s", query, link, rec.Code, rec.Body)
			}
			if u.Query().Get("until") != of.Query().Get("until") || u.Path == "/report.json" {
				t.Errorf("%s: the link %s is for longer, or for the problems of the run", query, link)
			}
			for name := range of.Query() {
				selected, narrower := strings.Split(of.Query().Get(name), ","), u.Query().Get(name)
				if !slices.Contains([]string{"signature", "lang"}, name) && narrower != of.Query().Get(name) && !slices.Contains(selected, narrower) && name+narrower != "all" {
					t.Errorf("%s: the link %s selects more", query, link)
				}
			}
		}
	}
	body := w.do("GET", "/report.html", bearer...).Body.String()
	for _, want := range []string{`href="/report.json`, `all=1`, `<select name="severity"`} {
		if !strings.Contains(body, want) || strings.Contains(body, "signature") {
			t.Errorf("the page of the token has no %s, or a signature", want)
		}
	}
}

// TestLinkWithoutSelectionKeepsItsSignature checks the signature of a link that
// selects nothing, which version 0.1.0 made: subscribed calendars go on working.
func TestLinkWithoutSelectionKeepsItsSignature(t *testing.T) {
	w := setup(t, append(withToken, "TIME_ZONE=Asia/Shanghai")...)
	w.Now = func() time.Time { return linkTime }
	w.Settings.Cache = 1000 * time.Hour
	w.do("GET", "/report", bearer...)
	const signature = "M_wuGvGWV84m-SggFtKpIQ" // made by version 0.1.0
	for query, want := range map[string]int{"": 200, "&lang=zh": 200, "&utm_source=x": 200, "&owner=": 200, "&days=60": 403} {
		u := &url.URL{Path: "/report.csv", RawQuery: "until=2026-11-24&signature=" + signature + query}
		if rec := w.follow(t, u); rec.Code != want {
			t.Errorf("%s: %d %.200s, want %d", u, rec.Code, rec.Body, want)
		}
	}
}

// TestLinkListsNoOwners checks that the holder of a link learns of no other owner
// than that of the link: neither from an error nor from the page.
func TestLinkListsNoOwners(t *testing.T) {
	w := setup(t, withToken...)
	w.Settings.Cache = 1000 * time.Hour
	for query, want := range map[string]int{"format=html&owner=team-a": 200, "format=csv&owner=team-z": 400} {
		var link struct{ URL string }
		if err := json.Unmarshal(w.do("GET", "/link?"+query, bearer...).Body.Bytes(), &link); err != nil {
			t.Fatal(err)
		}
		w.do("GET", "/report", bearer...)
		u, err := url.Parse(link.URL)
		if err != nil {
			t.Fatal(err)
		}
		rec := w.follow(t, u)
		if rec.Code != want || strings.Contains(rec.Body.String(), "team-b") || strings.Contains(rec.Body.String(), "team-c") {
			t.Errorf("%s: %d, want %d without another owner: %.300s", query, rec.Code, want, rec.Body)
		}
	}
}

// TestLinkIsPastable checks that the link in the JSON is not escaped.
func TestLinkIsPastable(t *testing.T) {
	w := setup(t, withToken...)
	body := w.do("GET", "/link?format=ics&owner=team-a&until=", bearer...).Body.String()
	var link struct{ URL string }
	if err := json.Unmarshal([]byte(body), &link); err != nil || !strings.Contains(body, link.URL) || strings.Count(link.URL, "&") < 2 {
		t.Errorf("%v, %s", err, body)
	}
}

// TestLinkExpires checks that a link ends with its day in the time zone of the
// report, and with its token.
func TestLinkExpires(t *testing.T) {
	w, u := setupLink(t)
	for at, want := range map[string]int{"2026-11-24T15:59:59Z": 200, "2026-11-24T16:00:00Z": 403} { // midnight in Shanghai
		now, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		w.Now = func() time.Time { return now }
		if rec := w.follow(t, u); rec.Code != want {
			t.Errorf("at %s: %d, want %d", at, rec.Code, want)
		}
	}
	w.Now = func() time.Time { return linkTime }
	w.Settings.HTTPToken = "another token"
	if rec := w.follow(t, u); rec.Code != 403 || !strings.Contains(rec.Body.String(), "the link has expired or is incomplete") {
		t.Errorf("with another token: %d %s", rec.Code, rec.Body)
	}
	w.Settings.HTTPToken, w.Settings.HTTPAuth = "", "trigger"
	for _, signature := range []string{u.Query().Get("signature"), "OsxUOIohlzHSPHskXELIAg"} { // the second is made with an empty token
		if rec := w.follow(t, with(u, "signature", signature)); rec.Code != 403 {
			t.Errorf("%s without a token: %d", signature, rec.Code)
		}
	}
}

// TestMakeLink checks the URL of a link, and which requests for one are refused.
func TestMakeLink(t *testing.T) {
	w := setup(t, append(withToken, "TIME_ZONE=Asia/Shanghai")...)
	w.Now = func() time.Time { return linkTime }
	for target, want := range map[string]map[string]string{
		"http://reports.example.com/link":                                {"scheme": "https", "path": "/report.json", "until": "2027-02-21"}, // 90 days
		"http://reports.example.com/link?until=2026-11-23":               {"scheme": "https", "path": "/report.json", "until": "2026-11-23"},
		"http://reports.example.com/link?until=2027-11-24":               {"scheme": "https", "path": "/report.json", "until": "2027-11-24"}, // 366 days
		"http://127.0.0.1:9000/link?format=ics&owner=a&format=":          {"scheme": "http", "path": "/calendar.ics", "until": "2027-02-21", "owner": "a"},
		"https://127.0.0.1:9000/link?format=html&region=cn-b&until=":     {"scheme": "https", "path": "/report.html", "until": "2027-02-21", "region": "cn-b"},
		"http://reports.example.com/link?signature=x&lang=zh&format=csv": {"scheme": "https", "path": "/report.csv", "until": "2027-02-21", "lang": "zh"},
	} {
		rec := w.do("GET", target, bearer...)
		var link struct{ URL, Format, Until string }
		if err := json.Unmarshal(rec.Body.Bytes(), &link); err != nil || rec.Code != 200 {
			t.Errorf("%s: %d %s", target, rec.Code, rec.Body)
			continue
		}
		u, err := url.Parse(link.URL)
		if err != nil {
			t.Fatal(err)
		}
		got := map[string]string{"scheme": u.Scheme, "path": u.Path}
		for name := range u.Query() {
			got[name] = u.Query().Get(name)
		}
		if len(got["signature"]) != 22 || link.Until != got["until"] {
			t.Errorf("%s: %s", target, rec.Body)
		}
		delete(got, "signature")
		if !maps.Equal(got, want) {
			t.Errorf("%s: %v, want %v", target, got, want)
		}
	}
	for query, want := range map[string]string{
		"until=2026-11-22": "not within 366 days",
		"until=2027-11-25": "not within 366 days",
		"until=soon":       "not a day",
		"format=pdf":       "is not one of",
		"day=3":            "day: not a parameter of /link",
	} {
		if rec := w.do("GET", "/link?"+query, bearer...); rec.Code != 400 || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %d %s, want 400 with %q", query, rec.Code, rec.Body, want)
		}
	}
	w.Settings.HTTPToken, w.Settings.HTTPAuth = "", "trigger"
	if rec := w.do("GET", "/link"); rec.Code != 400 || !strings.Contains(rec.Body.String(), "HTTP_TOKEN") {
		t.Errorf("without a token to sign with: %d %s", rec.Code, rec.Body)
	}
}
