package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// TestFailedListingIsReported checks that a run that listed nothing notifies the
// channels, with the id of its request and the time of the next run.
func TestFailedListingIsReported(t *testing.T) {
	w := setup(t)
	w.cloud.Faults = []fakecloud.Fault{{Respond: fakecloud.APIError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")}}
	got := w.invoke(t, timer(""))
	if !strings.Contains(got, `"complete":false`) || !strings.Contains(got, "InvalidAccessKeyId.NotFound") {
		t.Errorf("got %s", got)
	}
	if n := len(w.room.Messages()); n != 2 {
		t.Fatalf("%d messages, want 2", n)
	}
	for _, m := range w.room.Messages() {
		if !strings.Contains(m.Title, "No report today") || !strings.Contains(m.Text, "InvalidAccessKeyId.NotFound") || !strings.Contains(m.Text, "1-req") || !strings.Contains(m.Text, "Next run ") {
			t.Errorf("%s: %s\n%s", m.Service, m.Title, m.Text)
		}
	}
}

// TestNextRunIsOfTheTimer checks that a run outside Function Compute, or with an
// invalid CRON, names no next run.
func TestNextRunIsOfTheTimer(t *testing.T) {
	for _, c := range []struct {
		cron string
		run  func(w *world)
	}{
		{"", func(w *world) { _, _ = w.Post(t.Context(), "key", config.Overrides{}) }},
		{"CRON=0 7 9 30 FEB *", func(w *world) { w.invoke(t, timer("")) }},
	} {
		w := setup(t, c.cron)
		w.cloud.Faults = []fakecloud.Fault{{Respond: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
		c.run(w)
		if m := w.room.Messages(); len(m) != 2 || !strings.Contains(m[0].Text, "Nothing is known") || strings.Contains(m[0].Text, "Next run") {
			t.Errorf("%q: %+v", c.cron, m)
		}
	}
}

// TestNotifyOnFindings checks that NOTIFY_ON=findings is silent only if there is
// nothing to report.
func TestNotifyOnFindings(t *testing.T) {
	fine := fakecloud.Node{NodeId: "cpn-1", RegionId: "cn-shanghai", Status: "RUNNING", GmtCreate: "2025-01-01 00:00:00", GmtExpired: "2099-01-01 00:00:00"}
	for _, c := range []struct {
		name, event string
		nodes       []fakecloud.Node
		faults      []fakecloud.Fault
		posts       int
	}{
		{"no matrices", timer(""), nil, nil, 2}, // the account may be the wrong one
		{"no findings", timer(""), []fakecloud.Node{fine}, nil, 0},
		{"a finding", timer(""), []fakecloud.Node{fine, {NodeId: "cpn-2", RegionId: "cn-shanghai", Status: "FAILED", GmtCreate: "2025-01-01 00:00:00"}}, nil, 2},
		{"a failed listing", timer(""), nil, []fakecloud.Fault{{Respond: fakecloud.APIError(403, "Forbidden.RAM", "no")}}, 2},
		{"an incomplete listing", timer(""), []fakecloud.Node{fine}, []fakecloud.Fault{{Action: "DescribeCloudPhoneNodes", Region: "-", Respond: fakecloud.APIError(403, "Forbidden.RAM", "no")}}, 2},
		{"a problem that hides nothing", timer("good morning"), []fakecloud.Node{fine}, nil, 2},
		{"an override", timer(`{"notify_on":"always"}`), []fakecloud.Node{fine}, nil, 2},
	} {
		w := setup(t, "NOTIFY_ON=findings")
		w.cloud.Nodes, w.cloud.Faults = c.nodes, c.faults
		got := w.invoke(t, c.event)
		if n := len(w.room.Messages()); n != c.posts {
			t.Errorf("%s: %d messages, want %d: %s", c.name, n, c.posts, got)
		}
	}
}

// TestEmptyRegion checks which of the named regions become a problem: only
// those that were read and hold no matrices.
func TestEmptyRegion(t *testing.T) {
	fault := func(region string) report.Problem {
		return report.Problem{Code: "Fault", Region: region, MayHideMatrices: true}
	}
	for _, c := range []struct {
		name    string
		regions []string
		listing report.Listing
		want    string
	}{
		{"no region named", nil, report.Listing{}, ""},
		{"both with matrices", []string{"a", "b"}, report.Listing{Regions: []string{"a", "b"}}, ""},
		{"one without", []string{"a", "b"}, report.Listing{Regions: []string{"a"}}, "b"},
		{"one without, one unread", []string{"a", "b"}, report.Listing{Problems: []report.Problem{fault("a")}}, "b"},
		{"all unread", []string{"a", "b"}, report.Listing{Problems: []report.Problem{fault("")}}, ""},
		{"a problem that hides nothing", []string{"a"}, report.Listing{Problems: []report.Problem{{Code: "Note"}}}, "a"},
	} {
		h := newHandler(sourceFunc(func(context.Context, []string) report.Listing { return c.listing }))
		h.Settings.Regions = c.regions
		r, err := h.Report(t.Context(), config.Overrides{})
		if err != nil {
			t.Fatal(err)
		}
		var empty []string
		for _, p := range r.Problems {
			if p.Code == "EmptyRegion" {
				empty = append(empty, p.Region)
			}
		}
		if got := strings.Join(empty, " "); got != c.want {
			t.Errorf("%s: empty regions %q, want %q", c.name, got, c.want)
		}
	}
}

// TestListingLeavesTimeToDeliver checks that a listing ends 10 seconds or a
// fifth of the time before the deadline, but at half of the time at the latest.
func TestListingLeavesTimeToDeliver(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		2 * time.Minute:  96 * time.Second,
		60 * time.Second: 48 * time.Second,
		30 * time.Second: 20 * time.Second,
		8 * time.Second:  4 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			var listed time.Duration
			h := &handler.Handler{Now: time.Now, Log: slog.New(slog.DiscardHandler),
				Settings: config.Settings{Rules: report.Rules{Location: time.UTC}, Language: "en"},
				Source: sourceFunc(func(ctx context.Context, _ []string) report.Listing {
					start := time.Now()
					<-ctx.Done()
					listed = time.Since(start)
					return report.Listing{Problems: []report.Problem{{Code: "DeadlineExceeded", MayHideMatrices: true}}}
				}),
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			if r, err := h.Report(ctx, config.Overrides{}); err != nil || r.Complete {
				t.Errorf("the report is complete, though the listing was cut short: %v", err)
			}
			if listed != want {
				t.Errorf("with %s, the listing had %s, want %s", timeout, listed, want)
			}
		})
	}
}

// TestReportIsOfItsBeginning checks that the report is of the instant at which
// the run began.
func TestReportIsOfItsBeginning(t *testing.T) {
	began := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	h := newHandler(sourceFunc(func(context.Context, []string) (l report.Listing) {
		for i := range 10 {
			l.Matrices = append(l.Matrices, &report.Matrix{Status: "RUNNING", ExpiresAt: report.Time{Time: began.AddDate(0, 0, 1+i)}})
		}
		return l
	}))
	h.Settings.Days, h.Settings.StuckAfter = 3, time.Hour
	now := began
	h.Now = func() time.Time { defer func() { now = now.Add(36 * time.Hour) }(); return now }
	r, err := h.Report(t.Context(), config.Overrides{})
	if err != nil || !r.GeneratedAt.Equal(began) || r.Counts["expiring"] != 3 {
		t.Errorf("%v at %s and the error %v, want 3 that expire within 3 days of %s", r.Counts, r.GeneratedAt, err, began)
	}
}

func TestReportOverrides(t *testing.T) {
	var regions []string
	h := newHandler(sourceFunc(func(_ context.Context, named []string) report.Listing {
		regions = named
		return report.Listing{}
	}))
	if r, err := h.Report(t.Context(), config.Overrides{Days: new(9), Regions: []string{"cn-hangzhou"}}); err != nil || r.Days != 9 || !slices.Equal(regions, []string{"cn-hangzhou"}) {
		t.Errorf("a report of %d days in %q and the error %v, want 9 in cn-hangzhou", r.Days, regions, err)
	}
	regions = nil
	if _, err := h.Report(t.Context(), config.Overrides{Days: new(-1), Regions: []string{"cn-hangzhou"}}); err == nil || regions != nil {
		t.Errorf("with invalid days: listed %q, and the error %v", regions, err)
	}
}

// TestLog checks what a run logs: each recovered problem, problem and finding,
// and a last line with the outcome.
func TestLog(t *testing.T) {
	now := time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC)
	h := newHandler(sourceFunc(func(context.Context, []string) report.Listing {
		now = now.Add(3 * time.Second)
		return report.Listing{
			Matrices: []*report.Matrix{{NodeID: "cpn-1", Region: "cn-hangzhou", Status: "FAILED"}, {NodeID: "cpn-2", Status: "DELETED"}}, Total: 3,
			Problems:  []report.Problem{{Code: "Throttling", Endpoint: "a.example", Region: "cn-x", MayHideMatrices: true}},
			Recovered: []report.Problem{{Code: "ConnectionFailed"}},
			Stats:     report.Stats{Calls: 7, Retries: 2, Bytes: 1234},
		}
	}))
	h.Now = func() time.Time { return now }
	h.Channels = []handler.Channel{fakeChannel{"slow", func(context.Context, message.Options, string) error {
		now = now.Add(2 * time.Second)
		return nil
	}}}
	var log bytes.Buffer
	h.Log = slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	ctx := fccontext.NewContext(t.Context(), &fccontext.FcContext{RequestID: "1-req", AccountId: "123", Region: "cn-shanghai"})
	if _, err := h.Invoke(ctx, []byte(timer(""))); err != nil {
		t.Fatal(err)
	}
	var messages []string
	var line map[string]any
	for text := range strings.Lines(log.String()) {
		line = map[string]any{}
		if err := json.Unmarshal([]byte(text), &line); err != nil {
			t.Fatal(err)
		}
		messages = append(messages, fmt.Sprint(line["level"], " ", line["msg"]))
		if line["request_id"] != "1-req" || line["account"] != "123" || line["region"] != "cn-shanghai" || line["trigger"] != "timer" || line["timer"] != "daily" {
			t.Errorf("%s does not name the event", text)
		}
		switch p, _ := line["problem"].(map[string]any); line["msg"] {
		case "problem":
			if p["code"] != "Throttling" || p["endpoint"] != "a.example" || p["region"] != "cn-x" || p["may_hide"] != true {
				t.Errorf("the problem is %v", p)
			}
		case "recovered":
			if p["code"] != "ConnectionFailed" {
				t.Errorf("the recovered problem is %v", p)
			}
		case "finding":
			if line["node_id"] != "cpn-1" || line["matrix_region"] != "cn-hangzhou" || line["reason"] != "failed" {
				t.Errorf("the finding is %v", line)
			}
		}
	}
	if want := []string{"INFO delivered", "INFO recovered", "WARN problem", "DEBUG finding", "INFO done"}; !slices.Equal(messages, want) {
		t.Errorf("the log has %q, want %q", messages, want)
	}
	for name, want := range map[string]any{
		"findings": 1., "listed": 2., "total": 3., "complete": false, "problems": 1., "posted": 1., "channels": 1.,
		"calls": 7., "retries": 2., "bytes": 1234., "listing_ms": 3000., "took_ms": 5000.,
	} {
		if line[name] != want {
			t.Errorf("%s is %v, want %v", name, line[name], want)
		}
	}
}
