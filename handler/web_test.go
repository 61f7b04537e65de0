package handler_test

import (
	"context"
	"encoding/base64"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"log/slog"
	"mime"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/report"
)

func (w *world) do(method, target string, header ...string) *httptest.ResponseRecorder {
	return w.send(method, target, "", header...)
}

func (w *world) send(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

// forms is every format: how it is asked for, and what the demo fleet's has.
var forms = []struct{ name, path, media, accept, says string }{
	{"json", "/report.json", "application/json", "application/json", `"listed":131`},
	{"html", "/report.html", "text/html", "text/html", "23 of 131 matrices need somebody"},
	{"txt", "/report.txt", "text/plain", "text/plain", "23 of 131 matrices need attention"},
	{"csv", "/report.csv", "text/csv", "text/csv", "severity,reason,"},
	{"md", "/report.md", "text/markdown", "text/markdown", "| cpn-"},
	{"ics", "/calendar.ics", "text/calendar", "text/calendar", "BEGIN:VEVENT"},
	{"metrics", "/metrics", "text/plain", "", "matrix_listed 131"},
}

// Whoever adds a format adds what it has to forms.
func TestEveryFormatIsTried(t *testing.T) {
	_, names, _ := strings.Cut(setup(t).do("GET", "/report?format=none").Body.String(), "is not one of ")
	names, _, _ = strings.Cut(names, `"`)
	var tried []string
	for _, f := range forms {
		tried = append(tried, f.name)
	}
	if names != strings.Join(tried, ", ") {
		t.Errorf("there are the formats %s, tried are %s", names, strings.Join(tried, ", "))
	}
}

// Every format by its path, by parameter, by Accept, with GET and HEAD, by
// token and by link; and refused where it is to be.
func TestFormats(t *testing.T) {
	w := setup(t, "HTTP_AUTH=", "HTTP_TOKEN=t0ken-of-the-caller")
	bearer := []string{"Authorization", "Bearer t0ken-of-the-caller"}
	for _, f := range forms {
		t.Run(f.name, func(t *testing.T) {
			ways := map[string]*httptest.ResponseRecorder{
				"by path":      w.do("GET", f.path, bearer...),
				"by parameter": w.do("GET", "/report?format="+f.name, bearer...),
				"of the root":  w.do("GET", "/?format="+f.name, bearer...),
			}
			if f.accept != "" {
				ways["by Accept"] = w.do("GET", "/report", append(bearer, "Accept", "image/png, "+f.accept+";q=0.5")...)
			}
			link := w.do("GET", "/link?format="+f.name+"&days=30", bearer...)
			var made struct{ URL, Format, Until string }
			if err := json.Unmarshal(link.Body.Bytes(), &made); err != nil || link.Code != 200 || made.Format != f.name {
				t.Fatalf("a link: %d %s", link.Code, link.Body)
			}
			ways["by link"] = w.do("GET", made.URL)
			for way, rec := range ways {
				media, _, err := mime.ParseMediaType(rec.Header().Get("Content-Type"))
				if rec.Code != 200 || err != nil || media != f.media || !strings.Contains(rec.Body.String(), f.says) {
					t.Errorf("%s: %d %s %.300s; want %s with %q", way, rec.Code, rec.Header().Get("Content-Type"), rec.Body, f.media, f.says)
				}
				if rec.Header().Get("Cache-Control") != "no-store" || rec.Header().Get("X-Content-Type-Options") != "nosniff" || rec.Header().Get("ETag") != "" ||
					!strings.Contains(rec.Header().Get("Content-Security-Policy"), "default-src 'none'") || strings.Contains(rec.Header().Get("Content-Security-Policy"), "unsafe") || rec.Header().Get("X-Frame-Options") != "DENY" {
					t.Errorf("%s: the headers are %v", way, rec.Header())
				}
			}
			if head := w.do("HEAD", f.path, bearer...); head.Code != 200 || head.Header().Get("Content-Type") != ways["by path"].Header().Get("Content-Type") {
				t.Errorf("HEAD: %d %v", head.Code, head.Header())
			}
			for _, method := range []string{"POST", "PUT", "DELETE", "PATCH", "OPTIONS"} {
				if rec := w.do(method, f.path, bearer...); rec.Code != 405 || rec.Header().Get("Allow") != "GET, HEAD" {
					t.Errorf("%s: %d %v", method, rec.Code, rec.Header())
				}
			}
			if rec := w.do("GET", f.path); rec.Code != 401 || strings.Contains(rec.Body.String(), f.says) {
				t.Errorf("without a token: %d %s", rec.Code, rec.Body)
			}
		})
	}
	if rec := w.do("GET", "/report", append(bearer, "Accept", "image/png, video/*;q=0.3")...); rec.Code != 406 || !strings.Contains(rec.Body.String(), "json, ") {
		t.Errorf("a format that there is not: %d %s", rec.Code, rec.Body)
	}
	if n := len(w.room.Messages()); n != 0 {
		t.Errorf("%d messages were posted by looking", n)
	}
}

// What is answered has the form that is published.
func TestAnswersFollowTheSchema(t *testing.T) {
	schema, err := jsonschema.NewCompiler().Compile("../report/schema.json")
	if err != nil {
		t.Fatal(err)
	}
	w := setup(t)
	for _, rec := range []*httptest.ResponseRecorder{w.do("GET", "/report"), w.do("GET", "/report?all=1"), w.do("GET", "/report?severity=notice&reason=stuck"), w.do("POST", "/notify")} {
		answer, err := jsonschema.UnmarshalJSON(rec.Body)
		if err != nil {
			t.Fatal(err)
		}
		if err := schema.Validate(answer); err != nil {
			t.Error(err)
		}
	}
}

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

func TestFilters(t *testing.T) {
	w := setup(t)
	for query, want := range map[string]func(report.Finding) bool{
		"severity=critical":         func(f report.Finding) bool { return f.Severity == report.Critical },
		"severity=critical,warning": func(f report.Finding) bool { return f.Severity != report.Notice },
		"reason=failed":             func(f report.Finding) bool { return f.Reason == report.Failed },
		"reason=stuck,no_expiry":    func(f report.Finding) bool { return f.Reason != report.Failed && f.Reason != report.Expired },
		"region=cn-hangzhou":        func(f report.Finding) bool { return f.Region == "cn-hangzhou" },
		"owner=team-a":              func(f report.Finding) bool { return f.Tags["owner"] == "team-a" },
		"days=3&severity=": func(f report.Finding) bool {
			return f.DaysLeft == nil || *f.DaysLeft <= 3 || f.Reason != report.Expiring
		},
		"": func(report.Finding) bool { return true },
	} {
		rec := w.do("GET", "/report?"+query)
		var r report.Report
		if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil || rec.Code != 200 {
			t.Errorf("%s: %d %s", query, rec.Code, rec.Body)
			continue
		}
		counted := 0
		for reason, n := range r.Counts {
			if reason != "deleted" {
				counted += n
			}
		}
		if len(r.Findings) == 0 || counted != len(r.Findings) || query != "" && query != "days=3&severity=" && !strings.HasPrefix(query, "region") && r.Listed != 131 {
			t.Errorf("%s: %d findings, %d counted of %d listed", query, len(r.Findings), counted, r.Listed)
		}
		for _, f := range r.Findings {
			if !want(f) {
				t.Errorf("%s: has %s, %s, %s, %s", query, f.NodeID, f.Severity, f.Reason, f.Region)
			}
		}
	}
	for query, says := range map[string]string{
		"days=-1": "from 0 to 3650", "days=1,2": "from 0 to 3650", "days=1e3": "from 0 to 3650", "region=Moon": "cn-hangzhou",
		"severity=bad": "critical, warning, notice", "reason=old": strings.ReplaceAll(strings.Trim(fmt.Sprint(report.Reasons()), "[]"), " ", ", "),
		"owner=nobody": "team-a", "lang=de": "en, zh", "format=pdf": "json, ", "all=yes": "0, 1", "all=1&page=0": "from 1", "all=1&page=9": "page: there are 1",
		"all=1&format=txt": "csv, md", "sort=up": "there is all, days", "days=x&lang=y&reason=z": "reason",
	} {
		if rec := w.do("GET", "/report?"+query); rec.Code != 400 || !strings.Contains(rec.Body.String(), says) {
			t.Errorf("%s: %d %s; want 400 with %q", query, rec.Code, rec.Body, says)
		}
	}
	if rec := w.do("GET", "/report?days=x&lang=y&reason=z"); strings.Count(rec.Body.String(), "is not") != 3 {
		t.Errorf("three mistakes: %s", rec.Body)
	}
}

// Whoever narrows a report is not told that all is well, nor that there is no
// more than what was asked for.
func TestNarrowedReportsClaimNothing(t *testing.T) {
	w := setup(t)
	for query, want := range map[string]string{
		"severity=notice&region=eu-central-1&reason=failed": "Nothing of what was asked for; 4 of",
		"severity=critical": "7 of the 23 that need attention, of 131 matrices",
		"owner=team-a":      "of the 23 that need attention",
		"":                  "23 of 131 matrices need",
		"region=cn-shanghai&days=0&severity=notice": "Nothing of what was asked for;",
	} {
		for _, path := range []string{"/report.txt?", "/report.html?"} {
			body := w.do("GET", path+query).Body.String()
			if !strings.Contains(body, want) || strings.Contains(body, "are fine") || strings.Contains(body, "Nothing needs anybody") {
				t.Errorf("%s%s: no %q in %.2500s", path, query, want, body[strings.Index(body, "</style>")+1:])
			}
		}
	}
}

// With all=1 every matrix is listed, in pages, those that need somebody first.
func TestAllMatrices(t *testing.T) {
	w := setup(t)
	w.cloud.Nodes = nil
	for i := range 2300 {
		w.cloud.Nodes = append(w.cloud.Nodes, fakecloud.Node{
			NodeId: fmt.Sprintf("cpn-%04d", i), RegionId: "cn-hangzhou", Status: "RUNNING",
			GmtCreate: fakecloud.Time(time.Now().AddDate(-1, 0, 0)), GmtExpired: fakecloud.Time(time.Now().AddDate(0, 0, i+1)),
		})
	}
	seen := map[string]bool{}
	next := "/report.json?all=1"
	for pages := 0; next != ""; pages++ {
		rec := w.do("GET", next)
		var got report.Report
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Pages != 3 || got.Page != pages+1 || len(got.Findings) != 30 {
			t.Fatalf("%s: %v, page %d of %d, %d findings", next, err, got.Page, got.Pages, len(got.Findings))
		}
		for i, m := range got.Matrices {
			if seen[m.NodeID] {
				t.Errorf("%s is listed twice", m.NodeID)
			}
			seen[m.NodeID] = true
			if pages == 0 && i < 30 && m.NodeID != got.Findings[i].NodeID {
				t.Errorf("row %d is %s, want %s, which needs somebody", i, m.NodeID, got.Findings[i].NodeID)
			}
		}
		next = nextPage(t, rec)
	}
	if len(seen) != 2300 {
		t.Errorf("%d of 2300 matrices are listed", len(seen))
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(w.do("GET", "/report.csv?all=1&page=3").Body.String(), "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 1+300 {
		t.Errorf("the last page as CSV has %d rows, %v", len(rows), err)
	}
	for _, path := range []string{"/metrics", "/metrics?all=1"} {
		if n := strings.Count(w.do("GET", path).Body.String(), "\nmatrix_expiry_seconds{"); n != 2300 {
			t.Errorf("%s: %d matrices have a metric, want all", path, n)
		}
	}
}

// nextPage is where the Link header leads; empty on the last page.
func nextPage(t *testing.T, rec *httptest.ResponseRecorder) string {
	t.Helper()
	link := rec.Header().Get("Link")
	m := regexp.MustCompile(`^<([^<>]+)>; rel="next"$`).FindStringSubmatch(link)
	switch {
	case link == "":
		return ""
	case m == nil:
		t.Fatalf("Link: %s", link)
	}
	return m[1]
}

// A browser is shown five thousand findings at a time; what counts them counts all.
func TestALongPage(t *testing.T) {
	w := setup(t)
	w.cloud.Nodes = nil
	for i := range 11_000 {
		w.cloud.Nodes = append(w.cloud.Nodes, fakecloud.Node{
			NodeId: fmt.Sprintf("cpn-%05d", i), RegionId: "cn-hangzhou", Status: "RUNNING",
			GmtCreate: fakecloud.Time(time.Now().AddDate(-1, 0, 0)), GmtExpired: fakecloud.Time(time.Now().AddDate(0, 0, 10).Add(time.Duration(i) * time.Second)),
		})
	}
	seen := map[string]bool{}
	pages := 0
	for next := "/report.html?severity=notice"; next != ""; pages++ {
		rec := w.do("GET", next)
		page := rec.Body.String()
		for _, row := range regexp.MustCompile(`<th scope="row" role="rowheader"><bdi>(cpn-\d+)`).FindAllStringSubmatch(page, -1) {
			seen[row[1]] = true
		}
		if len(seen) != min(11_000, 5000*(pages+1)) || !strings.Contains(page, "11,000 of 11,000 matrices need somebody") || !strings.Contains(page, "page=3&amp;severity=notice") && pages < 2 {
			t.Errorf("%s: %d seen", next, len(seen))
		}
		next = nextPage(t, rec)
	}
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
	var all report.Report
	if err := json.Unmarshal(w.do("GET", "/report.json").Body.Bytes(), &all); err != nil || len(all.Findings) != 11_000 {
		t.Errorf("%d findings as JSON, %v", len(all.Findings), err)
	}
}

// The same question soon after, or at the same time, is asked of the service
// once; a listing that is not whole is not kept.
func TestListingsAreShared(t *testing.T) {
	w := setup(t, "CACHE_SECONDS=60")
	now := time.Now()
	w.Now = func() time.Time { return now }
	calls := func(target string) int {
		before := len(w.cloud.Calls())
		rec := w.do("GET", target)
		if rec.Code != 200 && rec.Code != 502 {
			t.Errorf("%s: %d %s", target, rec.Code, rec.Body)
		}
		return len(w.cloud.Calls()) - before
	}
	first := calls("/report")
	if first == 0 {
		t.Fatal("nothing was asked")
	}
	for _, target := range []string{"/report", "/report?days=3", "/report.csv?severity=critical", "/metrics"} {
		if n := calls(target); n != 0 {
			t.Errorf("%s: %d calls, want none", target, n)
		}
	}
	now = now.Add(59 * time.Second)
	rec := w.do("GET", "/report")
	var r report.Report
	if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil || rec.Header().Get("Age") != "59" || now.Sub(r.GeneratedAt.Time).Round(time.Second) != 59*time.Second {
		t.Errorf("the age is %s, generated at %s, now %s", rec.Header().Get("Age"), r.GeneratedAt, now)
	}
	if n := calls("/report?region=cn-hangzhou"); n == 0 {
		t.Error("another region was answered from what is kept")
	}
	now = now.Add(2 * time.Second)
	if n := calls("/report"); n != first {
		t.Errorf("after a minute: %d calls, want %d", n, first)
	}

	// What cannot be refreshed is not served from before.
	now = now.Add(time.Hour)
	w.cloud.Faults = []fakecloud.Fault{{Answer: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	if rec := w.do("GET", "/report"); rec.Code != 502 || !strings.Contains(rec.Body.String(), "Forbidden.RAM") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	w.cloud.Faults = nil
	if n := calls("/report"); n == 0 {
		t.Error("the failure was kept")
	}
	// A timer lists for itself.
	before := len(w.cloud.Calls())
	w.invoke(t, timer(""))
	if len(w.cloud.Calls()) == before {
		t.Error("the timer's report was made of what was kept")
	}
	w.Settings.Cache = 0
	calls("/report")
	if n := calls("/report"); n == 0 {
		t.Error("CACHE_SECONDS=0 keeps something")
	}
}

func TestQuestionsAtTheSameTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var listings atomic.Int64
		w := &world{Handler: bare(sourceFunc(func(ctx context.Context, _ []string) report.Listing {
			listings.Add(1)
			time.Sleep(time.Second)
			if ctx.Err() != nil {
				return report.Listing{Problems: []report.Problem{{Code: "Canceled", MayHideMatrices: true}}}
			}
			return report.Listing{Matrices: []report.Matrix{{NodeID: "cpn-1", Status: "FAILED"}}, Total: 1}
		}))}
		var wg sync.WaitGroup
		for i := range 20 {
			wg.Go(func() {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				r := httptest.NewRequestWithContext(ctx, "GET", "/report", nil)
				if i == 0 {
					time.AfterFunc(time.Second/2, cancel) // whoever came first leaves
				} else {
					time.Sleep(time.Millisecond)
				}
				rec := httptest.NewRecorder()
				w.ServeHTTP(rec, r)
				if want := map[bool]int{true: 502, false: 200}[i == 0]; rec.Code != want {
					t.Errorf("%d: %d %s, want %d", i, rec.Code, rec.Body, want)
				}
			})
		}
		wg.Wait()
		if n := listings.Load(); n != 1 {
			t.Errorf("listed %d times for 20 who asked at once", n)
		}
	})
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

// The platform's form of an answer: HEAD has no body, what is not text is
// base64, and what is too large says so.
func TestAnswersInThePlatformsForm(t *testing.T) {
	w := setup(t)
	ask := func(method, path string) (res struct {
		StatusCode      int
		Headers         map[string]string
		IsBase64Encoded bool
		Body            string
	}) {
		t.Helper()
		event, _ := json.Marshal(map[string]any{"rawPath": path, "requestContext": map[string]any{"http": map[string]any{"method": method}}})
		if err := json.Unmarshal([]byte(w.invoke(t, string(event))), &res); err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := ask("HEAD", "/report"); res.StatusCode != 200 || res.Body != "" || res.Headers["Content-Type"] == "" {
		t.Errorf("HEAD: %+v", res)
	}
	res := ask("GET", "/report.csv")
	body := res.Body
	if res.IsBase64Encoded {
		b, err := base64.StdEncoding.DecodeString(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		body = string(b)
	}
	if !strings.HasPrefix(body, "\ufeffseverity") || !strings.HasPrefix(res.Headers["Content-Disposition"], `inline; filename="matrices-`) {
		t.Errorf("CSV: %.80q %v", body, res.Headers)
	}
	w.Source = sourceFunc(func(context.Context, []string) report.Listing {
		var l report.Listing
		for i := range 2000 {
			l.Matrices = append(l.Matrices, report.Matrix{NodeID: fmt.Sprint(i), Name: strings.Repeat("x", 20_000), Status: "FAILED"})
		}
		return l
	})
	w.Settings.Cache = 0
	if res := ask("GET", "/report"); res.StatusCode != 507 || !strings.Contains(res.Body, "ask for less") {
		t.Errorf("40 MB: %d %.200s", res.StatusCode, res.Body)
	}
}

// bare is a handler that anybody may ask, around a source.
func bare(source handler.Source) *handler.Handler {
	return &handler.Handler{
		Settings: config.Settings{Rules: report.Rules{Location: time.UTC}, Language: "en", HTTPAuth: config.TriggerAuth, Cache: time.Minute},
		Source:   source, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
}
