package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A recorder is a channel that keeps the reports that it was sent.
type recorder struct {
	name    string
	refuses bool
	reports []report.Report
}

func (c *recorder) Name() string { return c.name }

func (c *recorder) Send(_ context.Context, r report.Report, o message.Options, _ string) error {
	switch {
	case c.refuses:
		return errors.New("refused")
	case !o.Undelivered:
		c.reports = append(c.reports, r)
	}
	return nil
}

// summary returns the changes of a report and the marks of its findings.
func summary(r report.Report) string {
	var parts []string
	for _, c := range r.Changed {
		parts = append(parts, fmt.Sprint(c.Kind, " ", c.NodeID))
	}
	for _, f := range r.Findings {
		since := ""
		if f.Since != nil {
			since = " since " + f.Since.Format("2 Jan")
		}
		parts = append(parts, strings.TrimSpace(fmt.Sprint(f.NodeID, " ", f.Change))+since)
	}
	return strings.Join(parts, ", ")
}

// Each channel gets the changes since the last report that reached it. The response
// to an event and a GET have those of the first channel.
func TestChangesPerChannel(t *testing.T) {
	start := time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC)
	var expiries map[string]int // days from the start
	h := newHandler(sourceFunc(func(context.Context, []string) report.Listing {
		l := report.Listing{Scanned: []string{"cn-hangzhou"}, Regions: []string{"cn-hangzhou"}, Total: len(expiries)}
		for id, days := range expiries {
			l.Matrices = append(l.Matrices, &report.Matrix{NodeID: id, Region: "cn-hangzhou", Status: report.StatusRunning, ExpiresAt: report.Time{Time: start.AddDate(0, 0, days)}})
		}
		return l
	}))
	h.Settings.Days, h.Settings.Cache = 30, 0
	withStore(t, h)
	a, b := &recorder{name: "a"}, &recorder{name: "b"}
	h.Channels = []handler.Channel{a, b}
	for day, c := range []struct {
		expiries       map[string]int
		refuses        bool   // b
		toA, toB, look string // look: before the run
	}{
		{map[string]int{"x": 10, "y": 90}, false, "x since 22 Nov", "x since 22 Nov", "x"},
		{map[string]int{"x": 10, "y": 20}, true, "new y, x since 22 Nov, y new since 23 Nov", "", "new y, x since 22 Nov, y new since 23 Nov"},
		{map[string]int{"x": 10, "y": 20}, false, "x since 22 Nov, y since 23 Nov", "new y, x since 22 Nov, y new since 23 Nov", "x since 22 Nov, y since 23 Nov"},
		{map[string]int{"x": 75}, false, "renewed x, released y", "renewed x, released y", "renewed x, released y"},
		{map[string]int{"x": 75}, false, "", "", ""},
	} {
		h.Now = func() time.Time { return start.AddDate(0, 0, day) }
		expiries, b.refuses = c.expiries, c.refuses
		a.reports, b.reports = nil, nil
		get := func(target string) (r report.Report) {
			w := &world{Handler: h}
			rec := w.do("GET", target)
			if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil {
				t.Fatalf("%v: %s", err, rec.Body)
			}
			return r
		}
		if got := summary(get("/report.json")); got != c.look {
			t.Errorf("day %d: GET shows %q, want %q", day, got, c.look)
		}
		if r := get("/report.json?days=31"); strings.Contains(summary(r), "since") || r.Changes != nil {
			t.Errorf("day %d: GET with other days shows %q", day, summary(r))
		}
		if r, err := h.Report(t.Context(), config.Overrides{}); err != nil || summary(r) != c.look {
			t.Errorf("day %d: Report returns %q and %v", day, summary(r), err)
		}
		r, err := h.Post(t.Context(), fmt.Sprint("daily ", day), config.Overrides{})
		if err != nil || len(a.reports) != 1 || summary(a.reports[0]) != c.toA || summary(r) != c.toA {
			t.Fatalf("day %d: %v, a got %q and the response is %q, want %q", day, err, summary(a.reports[0]), summary(r), c.toA)
		}
		if len(b.reports) > 0 != !c.refuses || !c.refuses && summary(b.reports[0]) != c.toB {
			t.Errorf("day %d: b got %+v, want %q", day, b.reports, c.toB)
		}
		if day > 0 && !a.reports[0].ChangesSince.Equal(start.AddDate(0, 0, day-1)) {
			t.Errorf("day %d: changes since %s", day, a.reports[0].ChangesSince)
		}
		if day > 0 && a.reports[0].Deliveries != nil {
			t.Errorf("day %d: a was sent the deliveries %+v", day, a.reports[0].Deliveries)
		}
	}
}

// A matrix that is snoozed has not recovered, and is new when it wakes up.
// ?ignored=1 lists it meanwhile.
func TestSnoozedMatrix(t *testing.T) {
	start := time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC)
	var tags map[string]string
	h := newHandler(sourceFunc(func(context.Context, []string) report.Listing {
		l := report.Listing{Scanned: []string{"cn-hangzhou"}, Regions: []string{"cn-hangzhou"}, Total: 1}
		l.Matrices = []*report.Matrix{{NodeID: "x", Region: "cn-hangzhou", Status: report.StatusRunning, Tags: tags, ExpiresAt: report.Time{Time: start.AddDate(0, 0, 20)}}}
		return l
	}))
	h.Settings.Days, h.Settings.Cache, h.Settings.NotifyOn = 30, 0, config.OnChanges
	withStore(t, h)
	chat := &recorder{name: "chat"}
	h.Channels = []handler.Channel{chat}
	snoozed := map[string]string{"expiry-report-until": "2026-11-25"}
	for day, c := range []struct {
		tags map[string]string
		sent string
	}{{nil, "x since 22 Nov"}, {snoozed, ""}, {snoozed, ""}, {snoozed, "new x, x new since 25 Nov"}, {nil, ""}} {
		h.Now = func() time.Time { return start.AddDate(0, 0, day) }
		tags, chat.reports = c.tags, nil
		if _, err := h.Post(t.Context(), fmt.Sprint("daily ", day), config.Overrides{}); err != nil {
			t.Fatal(err)
		}
		got := ""
		for _, r := range chat.reports {
			got += summary(r)
		}
		if got != c.sent {
			t.Errorf("day %d: sent %q, want %q", day, got, c.sent)
		}
	}
	tags = map[string]string{"expiry-report": "ignore"}
	for target, want := range map[string]string{
		"/report.json": `"ignored":1,"ignored_until":null,"problems":[],"changes_since"`, "/report.csv?ignored=1": "x,", "/report.json?ignored=1": `"node_id":"x"`,
		"/report.txt?ignored=1": "1 of the 1 that need attention", "/report.json?all=1&ignored=1": "leave one of them out", "/report.json?all=1": `"node_id":"x"`,
	} {
		w := &world{Handler: h}
		if body := w.do("GET", target).Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s lacks %s: %s", target, want, body)
		}
	}
	tags = map[string]string{"expiry-report-until": "2027-01-05", "expiry-report-reason": "planned move"}
	for target, want := range map[string]string{
		"/report.txt?ignored=1": "left out until Tue 5 Jan 2027: planned move", "/report.html?ignored=1": "left out until Tue 5 Jan 2027: planned move",
		"/report.html?ignored=1&lang=zh": "2027年1月5日 周二前不列入报告：planned move", "/report.md?ignored=1": "**1 of the 1 that need attention",
		"/report.txt?ignored=1&lang=zh": "以下矩阵按 IGNORE 或标签不列入报告。",
	} {
		w := &world{Handler: h}
		if body := w.do("GET", target).Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s lacks %s: %s", target, want, body)
		}
	}
	w := &world{Handler: h}
	if body := w.do("GET", "/report.csv").Body.String(); strings.Contains(body, "x,") {
		t.Errorf("the CSV has what is left out: %s", body)
	}
}

// A report says how often a matrix was renewed, and drops none because of that.
func TestRenewals(t *testing.T) {
	start := time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC)
	expires := start.AddDate(0, 0, 10)
	h := newHandler(matrixAt(&expires))
	h.Settings.Days, h.Settings.Location = 30, time.UTC
	withStore(t, h)
	chat := &recorder{name: "chat"}
	h.Channels = []handler.Channel{chat}
	w := &world{Handler: h}
	for _, c := range []struct {
		day, expires int
		want         string
	}{
		{0, 10, "<nil>"},
		{1, 10, "<nil>"},
		{5, 40, ""}, // 5 days ahead
		{15, 40, "&{1 5 5}"},
		{31, 70, ""}, // 9 days ahead
		{66, 70, "&{2 5 9}"},
	} {
		h.Now = func() time.Time { return start.AddDate(0, 0, c.day) }
		h.Settings.Cache = time.Hour
		expires, chat.reports = start.AddDate(0, 0, c.expires), nil
		if _, err := h.Post(t.Context(), fmt.Sprint("daily ", c.day), config.Overrides{}); err != nil {
			t.Fatal(err)
		}
		of := func(r report.Report) string {
			if len(r.Findings) == 0 {
				return ""
			}
			return fmt.Sprint(r.Findings[0].Renewals)
		}
		for range 2 { // the second is cached
			if got := of(w.get(t, "/report.json")); got != c.want || of(chat.reports[0]) != c.want {
				t.Errorf("day %d: renewals %s, in the chat %s, want %s", c.day, got, of(chat.reports[0]), c.want)
			}
		}
	}
	for target, want := range map[string]string{
		"/report.json": `"renewals":{"times":2,"least_ahead":5,"most_ahead":9}`, "/report.txt": "renewed 2 times so far, 5 to 9 days",
		"/report.html?lang=zh": "此前续费 2 次，提前 5 至 9 天；本次尚未续费",
	} {
		if body := w.do("GET", target).Body.String(); !strings.Contains(body, want) {
			t.Errorf("%s lacks %s: %s", target, want, body)
		}
	}
}
