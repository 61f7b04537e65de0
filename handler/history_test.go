package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/state"
	"matrix-expiry-report/report"
)

// withHistory returns a handler whose store has reports of 22, 23 and 25 November,
// the last one incomplete. It is 26 November.
func withHistory(t *testing.T) *world {
	t.Helper()
	start := time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC)
	var l report.Listing
	h := newHandler(sourceFunc(func(context.Context, []string) report.Listing { return l }))
	h.Settings.Days, h.Settings.Location = 30, time.FixedZone("UTC+8", 8*60*60)
	h.Settings.Rules.Location = h.Settings.Location
	withStore(t, h)
	h.Channels = []handler.Channel{&recorder{name: "a"}}
	for _, run := range []struct {
		day      int
		expiries map[string]int // days from the start
		problems []report.Problem
	}{
		{0, map[string]int{"x": 10, "y": 12, "z": 90}, nil},
		{1, map[string]int{"x": 40, "y": 12, "z": 90}, nil},
		{3, map[string]int{"x": 40, "y": 12, "z": 20}, []report.Problem{{Code: "Timeout", MayHideMatrices: true}}},
	} {
		h.Now = func() time.Time { return start.AddDate(0, 0, run.day) }
		l = report.Listing{Scanned: []string{"cn-hangzhou"}, Regions: []string{"cn-hangzhou"}, Total: len(run.expiries), Problems: run.problems}
		for id, days := range run.expiries {
			l.Matrices = append(l.Matrices, &report.Matrix{NodeID: id, Region: "cn-hangzhou", Status: report.StatusRunning, ExpiresAt: report.Time{Time: start.AddDate(0, 0, days)}})
		}
		if _, err := h.Post(t.Context(), fmt.Sprint("daily ", run.day), config.Overrides{}); err != nil {
			t.Fatal(err)
		}
	}
	h.Now = func() time.Time { return start.AddDate(0, 0, 4) }
	h.Source = sourceFunc(func(context.Context, []string) report.Listing {
		t.Error("a history makes a listing")
		return report.Listing{}
	})
	return &world{Handler: h}
}

// historyOf returns the history of a path.
func historyOf(t *testing.T, w *world, target string) (h report.History) {
	t.Helper()
	rec := w.do("GET", target)
	if err := json.Unmarshal(rec.Body.Bytes(), &h); err != nil || rec.Code != 200 {
		t.Fatalf("GET %s: %d %s", target, rec.Code, rec.Body)
	}
	return h
}

func TestHistory(t *testing.T) {
	w := withHistory(t)
	for _, target := range []string{"/history", "/history.json"} {
		h := historyOf(t, w, target)
		var days []string
		for _, d := range h.Days {
			days = append(days, fmt.Sprint(d.Date, " ", d.Complete, " ", d.Matrices, " ", d.Findings, " ", d.Counts["expiring"]))
		}
		const want = "2026-11-22 true 3 2 2, 2026-11-23 true 3 1 1, 2026-11-25 false 3 2 2" // none on the 24th
		if got := strings.Join(days, ", "); got != want || h.Comparison != nil || len(h.Problems) != 0 {
			t.Errorf("%s: %s; want %s; %+v", target, got, want, h)
		}
		if got := h.Days[0].At.Format(time.RFC3339); got != "2026-11-22T09:07:00+08:00" || h.TimeZone != "UTC+8" {
			t.Errorf("%s: the first report is of %s, the zone %s", target, got, h.TimeZone)
		}
	}
	c := historyOf(t, w, "/history.json?since=2026-11-23").Comparison
	var changes []string
	for _, change := range c.Changed {
		changes = append(changes, fmt.Sprint(change.Kind, " ", change.NodeID, " ", change.Reason))
	}
	if got := strings.Join(changes, ", "); got != "new z expiring, renewed x " || c.Complete || c.Changes["new"] != 1 || c.From.Day() != 22 || c.To.Day() != 25 {
		t.Errorf("since the 23rd: %s; %+v", got, c)
	}
}

// Browsers get a page, in the language of the request or of the settings.
func TestHistoryPage(t *testing.T) {
	w := withHistory(t)
	for _, c := range []struct{ target, accept, contentType, want string }{
		{"/history", browserAccept, "text/html; charset=utf-8", `<html lang="en">`},
		{"/history?lang=zh&since=2026-11-23", browserAccept, "text/html; charset=utf-8", "已续费（1）"},
		{"/history.json", browserAccept, "application/json; charset=utf-8", `"days":[`},
		{"/history", "application/json", "application/json; charset=utf-8", `"days":[`},
		{"/history", "*/*", "application/json; charset=utf-8", `"days":[`},
	} {
		rec := w.do("GET", c.target, "Accept", c.accept)
		if got := rec.Header().Get("Content-Type"); rec.Code != 200 || got != c.contentType || !strings.Contains(rec.Body.String(), c.want) {
			t.Errorf("GET %s with %s: %d %s %s; want %s with %s", c.target, c.accept, rec.Code, got, rec.Body, c.contentType, c.want)
		}
		if got := rec.Header().Get("Content-Security-Policy"); strings.Contains(got, "style-src") != strings.HasPrefix(c.contentType, "text/html") {
			t.Errorf("GET %s with %s: the policy is %s", c.target, c.accept, got)
		}
	}
	if rec := w.do("GET", "/history?since=2026-11-01&lang=zh", "Accept", browserAccept); rec.Code != 404 || !strings.Contains(rec.Body.String(), "没有该日期的记录") {
		t.Errorf("before the records: %d %s", rec.Code, rec.Body)
	}
}

// The page of the report links to the history if there is one and the reader can
// open it.
func TestPageLinksToHistory(t *testing.T) {
	w := withHistory(t)
	w.Settings.HTTPAuth, w.Settings.HTTPToken, w.Settings.Cache = "", testToken, 0
	w.Source = sourceFunc(func(context.Context, []string) report.Listing { return report.Listing{} })
	const link, chart = `href="/history?lang=en"`, `aria-label="Sun 22 Nov to Wed 25 Nov: 1 to 2 matrices`
	has := func(name string, want bool, target string, header ...string) {
		t.Helper()
		body := w.do("GET", target, header...).Body.String()
		if !strings.Contains(body, "<h1>") || strings.Contains(body, link) != want || strings.Contains(body, chart) != want {
			t.Errorf("%s: the history is there: %t, want %t, in %s", name, !want, want, body)
		}
	}
	has("with the token", true, "/report.html", bearer...)
	site := w.SignedLink(&url.URL{Scheme: "https", Host: "example.com"})
	has("by a signed link", false, strings.TrimPrefix(site, "https://example.com"))
	w.Channels = nil
	has("without a channel", true, "/report.html", bearer...)
	w.Store = nil
	has("without a store", false, "/report.html", bearer...)
}

func TestHistoryOfEmptyStore(t *testing.T) {
	w := &world{Handler: newHandler(nil)}
	w.Settings.Location = time.UTC
	withStore(t, w.Handler)
	if rec := w.do("GET", "/history.json"); rec.Code != 200 || !strings.Contains(rec.Body.String(), `"days":[]`) || !strings.Contains(rec.Body.String(), `"problems":[]`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if rec := w.do("GET", "/history.json?since=2026-11-23"); rec.Code != 404 || !strings.Contains(rec.Body.String(), "no report is recorded yet") {
		t.Errorf("since a day: %d %s", rec.Code, rec.Body)
	}
}

func TestHistoryErrors(t *testing.T) {
	w := withHistory(t)
	try := func(target string, status int, want string) {
		t.Helper()
		if rec := w.do("GET", target); rec.Code != status || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("GET %s: %d %s; want %d with %q", target, rec.Code, rec.Body, status, want)
		}
	}
	try("/history?since=2026-11-01", 404, `"NotRecorded","message":"since: no record reaches back to 2026-11-01 (they are kept for 90 days); the oldest one is of 2026-11-22"`)
	try("/history?since=2026-11-26", 404, "the last one is of 2026-11-25")
	try("/history?since=yesterday", 400, "is not a day such as")
	try("/history?days=7", 400, "days: not a parameter of /history; available: lang, since")
	w.Source = sourceFunc(func(context.Context, []string) report.Listing { return report.Listing{} })
	try("/report?since=2026-11-23", 400, "since: not a parameter of /report")
	w.Store = func(context.Context) (state.Objects, error) { return nil, errors.New("no such bucket") }
	try("/history", 502, `"StateUnavailable","message":"the records cannot be read: no such bucket"`)
	w.Store = nil
	try("/history", 501, `"NoStore","message":"there is no history: set STATE_URL, where runs are remembered"`)
	try("/history.json?since=2026-11-23", 501, `"NoStore"`)
}

// remembering returns a handler whose store has the reports of 120 days, with gaps
// and with incomplete ones, of matrices that are renewed at different times.
func remembering(t *testing.T) *handler.Handler {
	t.Helper()
	const days = 120
	zone, end := time.FixedZone("UTC+8", 8*60*60), time.Now()
	var now time.Time
	expires := make([]time.Time, 40)
	for i := range expires {
		expires[i] = end.AddDate(0, 0, i*7%60-days)
	}
	h := newHandler(sourceFunc(func(context.Context, []string) report.Listing {
		l := report.Listing{Scanned: []string{"cn-hangzhou"}, Regions: []string{"cn-hangzhou"}, Total: len(expires), TotalChecked: true}
		for i := range expires {
			if left := int(expires[i].Sub(now).Hours() / 24); left < i%12 {
				expires[i] = now.AddDate(0, 0, 60)
			}
			m := &report.Matrix{
				NodeID: fmt.Sprintf("cpn-%015d", i), Name: fmt.Sprintf("prod-hz-%02d", i), Region: "cn-hangzhou", Status: report.StatusRunning, PhoneCount: 25,
				ExpiresAt: report.Time{Time: expires[i].In(zone)}, CreatedAt: report.Time{Time: end.AddDate(-1, 0, 0)},
			}
			if i < 3 && now.Day() > 24 {
				m.Status = report.StatusFailed
			}
			l.Matrices = append(l.Matrices, m)
		}
		if now.Day() == 13 {
			l.Problems = []report.Problem{{Region: "eu-central-1", Code: "Timeout", MayHideMatrices: true}}
		}
		return l
	}))
	h.Settings.Rules = report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: zone}
	withStore(t, h)
	h.Channels = []handler.Channel{&recorder{name: "chat"}}
	h.Now = func() time.Time { return now }
	for d := range days {
		if now = end.AddDate(0, 0, d+1-days); now.Day() == 3 || now.Day() > 15 && now.Day() < 19 {
			continue
		}
		if _, err := h.Post(t.Context(), fmt.Sprint("daily ", d), config.Overrides{}); err != nil {
			t.Fatal(err)
		}
	}
	return h
}
