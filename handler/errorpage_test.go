package handler_test

import (
	"context"
	"encoding/json"
	"html"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/report"
)

// browserAccept is the Accept header of browsers.
const browserAccept = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"

// readable returns the text of a page without its markup.
func readable(page string) string {
	page = regexp.MustCompile(`(?s)<style>.*?</style>|<script>.*?</script>|<[^>]*>`).ReplaceAllString(page, " ")
	return strings.Join(strings.Fields(html.UnescapeString(page)), " ")
}

// TestErrorPages checks that a browser gets each kind of error as a page, which
// states what happened and what to do, and that other clients get JSON.
func TestErrorPages(t *testing.T) {
	failed := sourceFunc(func(context.Context, []string) report.Listing {
		return report.Listing{Problems: []report.Problem{{Endpoint: "eds-aic.cn-shanghai.aliyuncs.com", Code: "Forbidden.RAM", Message: "denied", MayHideMatrices: true}}}
	})
	one := expiring(1, 0)
	for _, c := range []struct {
		name, target string
		source       sourceFunc
		auth, token  string
		status       int
		code         string
		want, not    []string
	}{
		{"an unknown path", "/nowhere", one, "trigger", "", 404, "NotFound", []string{"There is no such page", "Check the address", `href="/"`}, nil},
		{"an unknown path, in Chinese", "/nowhere?lang=zh", one, "trigger", "", 404, "NotFound", []string{"页面不存在", "请检查地址", "打开报告", `<html lang="zh">`}, []string{"There is"}},
		{"an unknown language", "/nowhere?lang=xx", one, "trigger", "", 404, "NotFound", []string{"There is no such page"}, nil},
		{"an invalid value", "/report.html?days=x", one, "trigger", "", 400, "InvalidParameter", []string{"A value in the address is not valid", `"x" is not a whole number`, `href="/"`}, nil},
		{"a page beyond the last", "/report.html?page=9", one, "trigger", "", 400, "InvalidParameter", []string{"beyond the last page"}, nil},
		{"no password", "/report.html", one, "", testToken, 401, "Unauthorized", []string{"needs a password", "HTTP_TOKEN"}, []string{"Open the report"}},
		{"an old link", "/report.html?until=2020-01-01&signature=x", one, "", testToken, 403, "AccessDenied", []string{"This link is no longer valid", "Ask for a new one"}, []string{"Open the report"}},
		{"no access", "/report.html", one, "", "", 403, "AccessDenied", []string{"Access denied", "set HTTP_TOKEN"}, []string{"Open the report"}},
		{"a failed listing", "/report.html", failed, "trigger", "", 502, "ListingFailed", []string{"No report", "Forbidden.RAM", "What could not be read"}, []string{"Nothing needs attention", "0 of 0", "✅"}},
		{"a failed listing as CSV", "/report.csv?lang=zh", failed, "trigger", "", 502, "ListingFailed", []string{"今日无报告", "Forbidden.RAM", "未能读取的部分"}, []string{"0 /"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := &world{Handler: newHandler(c.source)}
			w.Settings.HTTPToken, w.Settings.HTTPAuth = config.Secret(c.token), c.auth
			do := func(accept string) (rec *httptest.ResponseRecorder) {
				synctest.Test(t, func(*testing.T) { rec = w.do("GET", c.target, "Accept", accept) }) // without the delay of a refusal
				return rec
			}
			rec := do(browserAccept)
			body := rec.Body.String()
			if rec.Code != c.status || !strings.HasPrefix(rec.Header().Get("Content-Type"), "text/html") || rec.Header().Get("Content-Disposition") != "" {
				t.Errorf("a browser gets %d %v", rec.Code, rec.Header())
			}
			if !strings.Contains(rec.Header().Get("Content-Security-Policy"), "style-src 'sha256-") {
				t.Error("the policy does not admit the style of the page")
			}
			for _, want := range c.want {
				if !strings.Contains(body, want) && !strings.Contains(readable(body), want) {
					t.Errorf("no %s in %s", want, readable(body))
				}
			}
			for _, not := range c.not {
				if strings.Contains(readable(body), not) {
					t.Errorf("%s in %s", not, readable(body))
				}
			}
			for _, accept := range []string{"", "*/*", "application/json", "text/html;q=0, */*"} {
				var got struct {
					Error struct{ Code, Message string }
				}
				rec := do(accept)
				if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || rec.Code != c.status || got.Error.Code != c.code || got.Error.Message == "" {
					t.Errorf("Accept: %s: %d %.200s", accept, rec.Code, rec.Body)
				}
			}
		})
	}
}

// TestPageOfTooLargeResponse checks that a browser gets a page, with its policy,
// instead of a response that the platform would refuse.
func TestPageOfTooLargeResponse(t *testing.T) {
	name := strings.Repeat("x", 1<<20)
	w := &world{Handler: newHandler(sourceFunc(func(context.Context, []string) (l report.Listing) {
		for range 31 {
			l.Matrices = append(l.Matrices, &report.Matrix{Name: name, Status: "FAILED"})
		}
		return l
	}))}
	res := w.respond(t, `{"rawPath":"/report.json","headers":{"accept":"text/html"},"requestContext":{"http":{"method":"GET"}}}`)
	if res.StatusCode != 507 || !strings.Contains(res.Body, "The report is too large") || !strings.Contains(res.Headers["Content-Security-Policy"], "style-src 'sha256-") {
		t.Errorf("%d %v %.300s", res.StatusCode, res.Headers, res.Body)
	}
}
