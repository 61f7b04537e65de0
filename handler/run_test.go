package handler_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/report"
)

// A run that could list nothing still tells people, with the request to look up.
func TestFailureNotice(t *testing.T) {
	w := setup(t)
	w.cloud.Faults = []fakecloud.Fault{{Answer: fakecloud.APIError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")}}
	got := w.invoke(t, timer(""))
	if !strings.Contains(got, `"complete":false`) || !strings.Contains(got, "InvalidAccessKeyId.NotFound") {
		t.Errorf("answered %s", got)
	}
	if n := len(w.room.Messages()); n != 2 {
		t.Fatalf("%d messages, want 2", n)
	}
	for _, m := range w.room.Messages() {
		if !strings.Contains(m.Title, "No report today") || !strings.Contains(m.Text, "InvalidAccessKeyId.NotFound") || !strings.Contains(m.Text, "1-req") {
			t.Errorf("%s: %s\n%s", m.Service, m.Title, m.Text)
		}
	}
}

// With NOTIFY_ON=findings a good day is silent, but what is unknown is not.
func TestNotifyOnFindings(t *testing.T) {
	w := setup(t, "NOTIFY_ON=findings")
	w.cloud.Nodes = nil
	w.invoke(t, timer(""))
	if n := len(w.room.Messages()); n != 0 {
		t.Errorf("%d messages on a good day", n)
	}
	w.cloud.Faults = []fakecloud.Fault{{Answer: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	w.invoke(t, timer(""))
	if n := len(w.room.Messages()); n != 2 {
		t.Errorf("%d messages where nothing could be read, want 2", n)
	}
}

// Listing stops early enough to deliver: 10 seconds or a fifth of the time,
// less where there is little.
func TestTimeIsKeptToDeliver(t *testing.T) {
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
			if r := h.Report(ctx); r.Complete {
				t.Error("complete, though the time was over")
			}
			if listed != want {
				t.Errorf("with %s, %s were spent on listing, want %s", timeout, listed, want)
			}
		})
	}
}

// What a run keeps while it lists is decided for the moment at which it began,
// so the report is of that moment.
func TestAReportIsOfTheMomentThatItBegan(t *testing.T) {
	began := time.Date(2026, 11, 22, 1, 0, 0, 0, time.UTC)
	source := &large{now: began}
	h := bare(source)
	h.Settings.Rules.Days = 1
	now := began
	h.Now = func() time.Time { defer func() { now = now.Add(36 * time.Hour) }(); return now }
	r := h.Report(t.Context())
	if !r.GeneratedAt.Equal(began) || len(r.Findings) != 30 || r.Counts["expiring"] != 30 {
		t.Errorf("%d findings %v at %s, want the 30 that expire within a day of %s", len(r.Findings), r.Counts, r.GeneratedAt, began)
	}
}
