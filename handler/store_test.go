package handler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/internal/state"
	"matrix-expiry-report/report"
)

// withStore makes a handler remember runs in a folder, and returns that.
func withStore(t *testing.T, h *handler.Handler) state.Folder {
	folder := state.Folder(t.TempDir())
	h.Settings.Store = config.Store{Folder: string(folder)}
	h.Store = func(context.Context) (state.Objects, error) { return folder, nil }
	return folder
}

// newest returns the newest record of a store.
func newest(t *testing.T, o state.Objects) *state.Record {
	t.Helper()
	session := state.Open(o)
	r := session.Latest(t.Context())
	if r == nil {
		t.Fatalf("no record: %+v", session.Problems())
	}
	return r
}

// A scripted channel returns the errors of its script, one per message, and then
// nil.
type scripted struct {
	name   string
	script []error
	sent   []string // the keys of the messages
}

func (c *scripted) Name() string { return c.name }

func (c *scripted) Send(_ context.Context, _ report.Report, _ message.Options, key string) error {
	c.sent = append(c.sent, key)
	if i := len(c.sent) - 1; i < len(c.script) {
		return c.script[i]
	}
	return nil
}

// matrixAt returns a source of one matrix, in one region, that expires at a time.
func matrixAt(expires *time.Time) handler.Source {
	return sourceFunc(func(context.Context, []string) report.Listing {
		l := report.Listing{Total: 1, Scanned: []string{"cn-hangzhou"}, Regions: []string{"cn-hangzhou"}}
		l.Matrices = []*report.Matrix{{NodeID: "cpn-1", Region: "cn-hangzhou", Status: report.StatusRunning, ExpiresAt: report.Time{Time: *expires}}}
		return l
	})
}

// A repeated event is delivered only to the channels that lack it.
func TestRepeatedEvent(t *testing.T) {
	refused, uncertain := error(uncertainError(false)), error(uncertainError(true))
	for _, c := range []struct {
		name     string
		script   []error // of the first channel; the second one accepts everything
		fails    bool    // of the first run
		again    int     // messages of the second run to the first channel
		messages []int   // of the deliveries of the second run
	}{
		{"delivered", nil, false, 0, []int{0, 0}},
		{"refused", []error{refused}, false, 1, []int{1, 0}},
		{"uncertain", []error{uncertain}, false, 0, []int{0, 0}},
	} {
		t.Run(c.name, func(t *testing.T) {
			expires := time.Now().AddDate(1, 0, 0)
			h := newHandler(matrixAt(&expires))
			withStore(t, h)
			first, second := &scripted{name: "first", script: c.script}, &scripted{name: "second"}
			h.Channels = []handler.Channel{first, second}
			if _, err := h.Post(t.Context(), "daily 1", config.Overrides{}); (err != nil) != c.fails {
				t.Fatal(err)
			}
			before := len(first.sent)
			sent := len(second.sent)
			r, err := h.Post(t.Context(), "daily 1", config.Overrides{})
			if err != nil || len(r.Deliveries) != 2 {
				t.Fatalf("%v: %+v", err, r.Deliveries)
			}
			for i, d := range r.Deliveries {
				if !d.Delivered || d.Messages != c.messages[i] {
					t.Errorf("the delivery %+v, want %d messages", d, c.messages[i])
				}
			}
			if len(first.sent)-before != c.again || len(second.sent) != sent {
				t.Errorf("sent again: %q and %q", first.sent[before:], second.sent[sent:])
			}
			if r, err = h.Post(t.Context(), "daily 2", config.Overrides{}); err != nil || r.Deliveries[0].Messages != 1 || r.Deliveries[1].Messages != 1 {
				t.Errorf("another event: %v %+v", err, r.Deliveries)
			}
		})
	}
}

// A run whose messages cannot have arrived fails until every channel has them.
func TestRetryOfAFailedRun(t *testing.T) {
	expires := time.Now().AddDate(1, 0, 0)
	h := newHandler(matrixAt(&expires))
	withStore(t, h)
	refused := error(uncertainError(false))
	first, second := &scripted{name: "first", script: []error{refused, nil}}, &scripted{name: "second", script: []error{refused, refused}}
	h.Channels = []handler.Channel{first, second}
	if _, err := h.Invoke(t.Context(), []byte(timer(""))); !errors.Is(err, handler.ErrUndelivered) {
		t.Errorf("neither was reached: %v", err)
	}
	if _, err := h.Invoke(t.Context(), []byte(timer(""))); err != nil {
		t.Errorf("one was reached: %v", err)
	}
	if got, err := h.Invoke(t.Context(), []byte(timer(""))); err != nil || !strings.Contains(string(got), `{"channel":"first","delivered":true,"messages":0,"error":""}`) {
		t.Errorf("%v: %s", err, got)
	}
	// The second message to first names the channel that was not reached.
	if len(first.sent) != 3 || len(second.sent) != 3 || first.sent[2] != "daily 2026-11-22T01:07:00Z undelivered" {
		t.Errorf("sent %q and %q", first.sent, second.sent)
	}
}

// A run claims an event before it sends anything, and stores each outcome as it
// comes.
func TestClaimPrecedesSending(t *testing.T) {
	expires := time.Now().AddDate(1, 0, 0)
	h := newHandler(matrixAt(&expires))
	folder := withStore(t, h)
	h.Channels = []handler.Channel{
		fakeChannel{"a", func(ctx context.Context, _ message.Options, _ string) error {
			r := newest(t, folder)
			deadline, _ := ctx.Deadline()
			if c := r.Claims[0]; len(r.Claims) != 1 || c.Event != "daily 1" || len(c.Outcomes) != 0 || !slices.Equal(c.Channels, []string{"a", "b"}) || deadline.After(c.Until) {
				t.Errorf("while a is sent, with the deadline %s: %+v", deadline, r.Claims)
			}
			return nil
		}},
		fakeChannel{"b", func(context.Context, message.Options, string) error {
			for range 1000 {
				if newest(t, folder).Claims[0].Outcomes["a"] == state.Delivered {
					return nil
				}
				time.Sleep(5 * time.Millisecond)
			}
			t.Error("the outcome of a was not stored while b was sent")
			return nil
		}},
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if _, err := h.Post(ctx, "daily 1", config.Overrides{}); err != nil {
		t.Error(err)
	}
	r := newest(t, folder)
	if len(r.Baselines) != 2 || len(r.Snapshot.Matrices) != 1 || len(r.Days) != 1 {
		t.Errorf("got the record %+v", r)
	}
}

// A run with overrides or for a part of the channels, and one that posts nothing,
// do not become the state.
func TestPartialRunsAreNotRemembered(t *testing.T) {
	for name, c := range map[string]struct {
		event    string
		records  int
		becoming bool
	}{
		"days":      {timer(`{"days":7}`), 1, false},
		"same days": {timer(`{"days":30}`), 1, true},
		"regions":   {timer(`{"regions":["cn-hangzhou"]}`), 1, false},
		"channels":  {timer(`{"channels":["slack"]}`), 1, false},
		"language":  {timer(`{"language":"zh"}`), 1, true},
		"no post":   {timer(`{"post":false}`), 0, false},
	} {
		t.Run(name, func(t *testing.T) {
			w := setup(t)
			folder := withStore(t, w.Handler)
			w.invoke(t, c.event)
			if names, err := folder.List(t.Context(), "runs/", ""); err != nil || len(names) > 0 != (c.records > 0) {
				t.Fatalf("records %q, %v", names, err)
			}
			if c.records > 0 && (newest(t, folder).Snapshot.Number > 0) != c.becoming {
				t.Errorf("the state is %+v", newest(t, folder).Snapshot.Number)
			}
		})
	}
}

// A store that cannot be opened or used costs no report.
func TestUnusableStore(t *testing.T) {
	for name, open := range map[string]func(context.Context) (state.Objects, error){
		"not opened": func(context.Context) (state.Objects, error) { return nil, errors.New("no access key") },
		"not usable": func(context.Context) (state.Objects, error) { return state.Folder("/dev/null/x"), nil },
	} {
		t.Run(name, func(t *testing.T) {
			w := setup(t, "DINGTALK_LANGUAGE=zh")
			w.Store = open
			got := w.invoke(t, timer(""))
			if !strings.Contains(got, `"complete":true`) || !strings.Contains(got, `"code":"StateUnavailable"`) || strings.Count(got, `"delivered":true,"messages":1`) != 2 {
				t.Errorf("got %s", got)
			}
			for _, m := range w.room.Messages() {
				want := map[string]string{"slack": "may be sent more than once", "dingtalk": "可能重复推送"}[m.Service]
				if !strings.Contains(m.Text, want) {
					t.Errorf("%s does not say that it may be sent more than once: %s", m.Service, m.Text)
				}
			}
		})
	}
}

// A run waits for another one that may be delivering the same event, or fails if
// it has no time for that.
func TestAnotherRunDelivers(t *testing.T) {
	for _, c := range []struct {
		timeout time.Duration
		busy    bool
	}{{30 * time.Second, true}, {2 * time.Minute, false}} {
		synctest.Test(t, func(t *testing.T) {
			expires := time.Now().AddDate(1, 0, 0)
			h := newHandler(matrixAt(&expires))
			folder := withStore(t, h)
			channel := &scripted{name: "chat"}
			h.Channels = []handler.Channel{channel}
			// A run that dies after its claim.
			if _, err := state.Open(folder).Claim(t.Context(), state.Intent{Event: "daily 1", Channels: []string{"chat"}, Send: 24 * time.Second, Location: time.UTC}); err != nil {
				t.Fatal(err)
			}
			start := time.Now()
			ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
			defer cancel()
			_, err := h.Post(ctx, "daily 1", config.Overrides{})
			if errors.Is(err, state.ErrBusy) != c.busy || len(channel.sent) > 0 == c.busy {
				t.Errorf("within %s: %v, sent %q", c.timeout, err, channel.sent)
			}
			if waited := time.Since(start); !c.busy && (waited < 34*time.Second || waited > 40*time.Second) {
				t.Errorf("waited %s for the claim of 24s and the skew of 10s", waited)
			}
			h.Channels = append(h.Channels, &scripted{name: "other"})
			if _, err := h.Invoke(ctx, []byte(timer(""))); c.busy && err != nil {
				t.Errorf("another event: %v", err)
			}
		})
	}
}

// With NOTIFY_ON=changes a warning is posted once, and a second one with the same code
// is new.
func TestSecondWarningIsPosted(t *testing.T) {
	start := time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC)
	expires := start.AddDate(1, 0, 0)
	source, warning := matrixAt(&expires), ""
	h := newHandler(sourceFunc(func(ctx context.Context, regions []string) report.Listing {
		l := source.List(ctx, regions)
		if warning != "" {
			l.Problems = append(l.Problems, report.Problem{Code: "UnreadableTag", Message: warning})
		}
		return l
	}))
	withStore(t, h)
	h.Settings.NotifyOn = config.OnChanges
	channel := &scripted{name: "chat"}
	h.Channels = []handler.Channel{channel}
	for day, c := range []struct {
		warning string
		posted  bool
	}{{"", true}, {"", false}, {"cpn-01", true}, {"cpn-01", false}, {"cpn-04", true}, {"cpn-04", false}, {"", false}} {
		h.Now = func() time.Time { return start.AddDate(0, 0, day) }
		warning = c.warning
		before := len(channel.sent)
		if _, err := h.Post(t.Context(), fmt.Sprint("daily ", day), config.Overrides{}); err != nil {
			t.Fatal(err)
		}
		if posted := len(channel.sent) > before; posted != c.posted {
			t.Errorf("day %d with the warning %q: posted %t, want %t", day, c.warning, posted, c.posted)
		}
	}
}

// TestNotifyOnChanges checks on which days a matrix is reported that expires in
// 32 days, is renewed when a week is left, and then listed incompletely.
func TestNotifyOnChanges(t *testing.T) {
	start := time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC) // a Sunday
	expires := start.AddDate(0, 0, 32)
	var problems []report.Problem
	source := matrixAt(&expires)
	h := newHandler(sourceFunc(func(ctx context.Context, regions []string) report.Listing {
		l := source.List(ctx, regions)
		l.Problems = append(l.Problems, problems...)
		return l
	}))
	withStore(t, h)
	h.Settings.Days, h.Settings.WarningDays, h.Settings.CriticalDays = 30, 7, 3
	h.Settings.NotifyOn, h.Settings.RemindAt = config.OnChanges, []int{30, 14, 7, 3, 1, 0}
	channel := &scripted{name: "chat"}
	h.Channels = []handler.Channel{channel}
	var reported []int
	for day := range 40 {
		h.Now = func() time.Time { return start.AddDate(0, 0, day) }
		switch day {
		case 26:
			expires = expires.AddDate(0, 0, 31)
		case 35, 36:
			problems = []report.Problem{{Code: "Timeout", Region: "cn-shanghai", MayHideMatrices: true}}
		default:
			problems = nil
		}
		before := len(channel.sent)
		r, err := h.Post(t.Context(), fmt.Sprint("daily ", day), config.Overrides{})
		if err != nil || len(r.Deliveries) != len(channel.sent)-before {
			t.Fatalf("day %d: %v, %+v", day, err, r.Deliveries)
		}
		if len(channel.sent) > before {
			reported = append(reported, day)
		}
	}
	// The first report, new, two weeks left, a warning, renewed, new again, incomplete.
	if want := []int{0, 2, 18, 25, 26, 33, 35}; !slices.Equal(reported, want) {
		t.Errorf("reported on the days %v, want %v", reported, want)
	}
	h.Settings.DigestDay, h.Settings.Digest = time.Friday, true
	h.Now = func() time.Time { return start.AddDate(0, 0, 40) } // a Friday
	if _, err := h.Post(t.Context(), "digest", config.Overrides{}); err != nil || channel.sent[len(channel.sent)-1] != "digest" {
		t.Errorf("no weekly summary: %v %q", err, channel.sent)
	}
}

// With NOTIFY_ON=findings and a store, a quiet day is remembered, too.
func TestQuietDayIsRemembered(t *testing.T) {
	w := setup(t, "NOTIFY_ON=findings")
	folder := withStore(t, w.Handler)
	w.cloud.Nodes = []fakecloud.Node{{NodeId: "cpn-1", RegionId: "cn-shanghai", Status: "RUNNING", GmtCreate: "2025-01-01 00:00:00", GmtExpired: "2099-01-01 00:00:00"}}
	if got := w.invoke(t, timer("")); strings.Contains(got, "deliveries") || len(w.room.Messages()) > 0 {
		t.Errorf("posted: %s", got)
	}
	if r := newest(t, folder); len(r.Snapshot.Matrices) != 1 || len(r.Baselines) != 0 || r.Claims[0].Outcomes["slack"] != state.Quiet || r.Claims[0].Outcomes["dingtalk"] != state.Quiet {
		t.Errorf("got the record %+v", r)
	}
}

// A failed run names how many matrices the last report had without the deleted ones, if
// a store remembers it.
func TestFailedRunNamesLastReport(t *testing.T) {
	for _, remembered := range []bool{false, true} {
		w := setup(t)
		if remembered {
			withStore(t, w.Handler)
		}
		w.invoke(t, timer(""))
		before := len(w.room.Messages())
		w.cloud.Faults = []fakecloud.Fault{{Respond: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
		w.invoke(t, `{}`) // another event
		messages := w.room.Messages()[before:]
		if len(messages) == 0 {
			t.Fatal("no message about the failed run")
		}
		for _, m := range messages {
			if got := strings.Contains(m.Text, "Nothing is known about the 128 matrices of the last report."); got != remembered {
				t.Errorf("with a store %t: got %q", remembered, m.Text)
			}
		}
	}
}
