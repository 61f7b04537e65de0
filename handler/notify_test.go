package handler_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// TestNotifyNamesFailedChannel checks that POST /notify has status 502 if a
// channel failed, and that the other channels name it.
func TestNotifyNamesFailedChannel(t *testing.T) {
	w := setup(t, "DINGTALK_WEBHOOK_URL=ROOM/gone?access_token=x")
	rec := w.do("POST", "/notify")
	if rec.Code != 502 || !strings.Contains(rec.Body.String(), `{"channel":"dingtalk","delivered":false`) || !strings.Contains(rec.Body.String(), `{"channel":"slack","delivered":true`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	posted := w.room.Messages()
	if last := posted[len(posted)-1]; last.Service != "slack" || !strings.Contains(last.Title, "did not reach dingtalk") || !strings.Contains(last.Text, "HTTP 404") {
		t.Errorf("no message about the failed channel, but %s: %s\n%s", last.Service, last.Title, last.Text)
	}
	if !strings.Contains(rec.Body.String(), `"channel":"slack","delivered":true,"messages":2`) {
		t.Errorf("the second message is not counted: %s", rec.Body)
	}
	if _, err := w.Invoke(t.Context(), []byte(timer(""))); err != nil {
		t.Errorf("a run that reached one of two channels failed: %v", err)
	}
	if !strings.Contains(w.log.String(), `"msg":"not delivered","trigger":"http","channel":"dingtalk"`) || !strings.Contains(w.log.String(), `"msg":"delivered","trigger":"http","channel":"slack"`) {
		t.Errorf("the log is %s", w.log)
	}
}

// TestNotifyReportsDeliveries checks that POST /notify returns the deliveries
// even if all channels failed.
func TestNotifyReportsDeliveries(t *testing.T) {
	w := setup(t, "DINGTALK_WEBHOOK_URL=ROOM/gone?access_token=x", "SLACK_WEBHOOK_URL=ROOM/gone/services/T0/B0/x")
	rec := w.do("POST", "/notify")
	if rec.Code != 502 || !strings.Contains(rec.Body.String(), `{"channel":"dingtalk","delivered":false`) || !strings.Contains(rec.Body.String(), `{"channel":"slack","delivered":false`) {
		t.Errorf("%d %.300s", rec.Code, rec.Body)
	}
}

func TestNotifyWithoutChannels(t *testing.T) {
	w := setup(t)
	w.Channels = nil
	rec := w.do("POST", "/notify")
	if rec.Code != 502 || !strings.Contains(rec.Body.String(), "NoChannel") || !strings.Contains(rec.Body.String(), "SLACK_WEBHOOK_URL") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	if rec := w.send("POST", "/notify", `{"post":false}`); rec.Code != 200 || strings.Contains(rec.Body.String(), "deliveries") {
		t.Errorf("without posting: %d %s", rec.Code, rec.Body)
	}
	if _, err := w.Invoke(t.Context(), []byte(timer(""))); !errors.Is(err, handler.ErrUndelivered) {
		t.Errorf("a timer: %v, want %v", err, handler.ErrUndelivered)
	}
}

// A fakeChannel is a channel that needs no network.
type fakeChannel struct {
	name string
	send func(ctx context.Context, o message.Options, key string) error
}

func (c fakeChannel) Name() string { return c.name }

func (c fakeChannel) Send(ctx context.Context, _ report.Report, o message.Options, key string) error {
	return c.send(ctx, o, key)
}

// uncertainError is the error of a message that may have arrived.
type uncertainError bool

func (uncertainError) Error() string     { return "no response" }
func (u uncertainError) Uncertain() bool { return bool(u) }

// TestUncertainDeliveryIsNotRetried checks which runs return an error, so that
// the platform retries them: those of which no message can have arrived.
func TestUncertainDeliveryIsNotRetried(t *testing.T) {
	ok, failed, wrapped := error(nil), error(uncertainError(false)), fmt.Errorf("slack: %w", uncertainError(true))
	for _, c := range []struct {
		name             string
		errors           []error
		fails, uncertain bool
	}{
		{"delivered", []error{ok, ok}, false, false},
		{"one failed", []error{failed, ok}, false, false},
		{"all failed", []error{failed, errors.New("refused")}, true, false},
		{"one uncertain, one failed", []error{failed, wrapped}, false, true},
		{"one uncertain, one delivered", []error{ok, wrapped}, false, false},
		{"one uncertain", []error{wrapped}, false, true},
	} {
		h := newHandler(sourceFunc(func(context.Context, []string) report.Listing { return report.Listing{} }))
		var log bytes.Buffer
		h.Log = slog.New(slog.NewJSONHandler(&log, nil))
		for i, err := range c.errors {
			h.Channels = append(h.Channels, fakeChannel{fmt.Sprint("channel-", i), func(context.Context, message.Options, string) error { return err }})
		}
		_, err := h.Invoke(t.Context(), []byte(timer("")))
		if (err != nil) != c.fails || err != nil && !errors.Is(err, handler.ErrUndelivered) {
			t.Errorf("%s: %v, want an error: %t", c.name, err, c.fails)
		}
		if c.fails && !strings.HasSuffix(err.Error(), ": no response; refused") {
			t.Errorf("%s: %v, want the errors of the channels", c.name, err)
		}
		if logged := strings.Contains(log.String(), `"msg":"delivery uncertain"`); logged != c.uncertain {
			t.Errorf("%s: the log is %s", c.name, &log)
		}
		if r, _ := h.Post(t.Context(), "key", config.Overrides{}); len(r.Deliveries) != len(c.errors) {
			t.Errorf("%s: %d deliveries, want %d", c.name, len(r.Deliveries), len(c.errors))
		}
	}
}

// TestSecondMessageIsCounted checks that the message which names a failed channel
// is counted for the channel that got it, whatever their order.
func TestSecondMessageIsCounted(t *testing.T) {
	h := newHandler(sourceFunc(func(context.Context, []string) report.Listing { return report.Listing{} }))
	send := func(err error) func(context.Context, message.Options, string) error {
		return func(context.Context, message.Options, string) error { return err }
	}
	h.Channels = []handler.Channel{fakeChannel{"gone", send(errors.New("refused"))}, fakeChannel{"works", send(nil)}}
	r, err := h.Post(t.Context(), "key", config.Overrides{})
	if err != nil || len(r.Deliveries) != 2 || r.Deliveries[0].Messages != 0 || r.Deliveries[1].Messages != 2 {
		t.Errorf("%v: %+v, want no message to gone and two to works", err, r.Deliveries)
	}
}

// TestPanickingChannel checks that a channel which panics affects no other.
func TestPanickingChannel(t *testing.T) {
	w := setup(t)
	w.Channels = append(w.Channels, fakeChannel{"broken", func(context.Context, message.Options, string) error { panic("no room") }})
	r, err := w.Post(t.Context(), "key", config.Overrides{})
	if err != nil || len(r.Deliveries) != 3 || !r.Deliveries[0].Delivered || !r.Deliveries[1].Delivered || !strings.Contains(r.Deliveries[2].Error, "broken: panic: no room") {
		t.Errorf("%v %+v", err, r.Deliveries)
	}
}

// TestStalledChannelLeavesTimeForTheOthers checks how long a channel that
// stalls is waited for: with several channels two thirds of the time, so that
// the others can name it.
func TestStalledChannelLeavesTimeForTheOthers(t *testing.T) {
	for _, c := range []struct {
		timeout time.Duration
		others  bool
		want    time.Duration
	}{
		{31 * time.Second, true, 20 * time.Second}, // a second is left for the response
		{31 * time.Second, false, 30 * time.Second},
		{5 * time.Second, true, 3 * time.Second}, // a tenth
		{5 * time.Second, false, 4500 * time.Millisecond},
	} {
		synctest.Test(t, func(t *testing.T) {
			var waited time.Duration
			h := newHandler(sourceFunc(func(context.Context, []string) report.Listing { return report.Listing{} }))
			h.Channels = []handler.Channel{fakeChannel{"stalled", func(ctx context.Context, _ message.Options, _ string) error {
				start := time.Now()
				<-ctx.Done()
				waited = time.Since(start)
				return ctx.Err()
			}}}
			var sent []string
			if c.others {
				h.Channels = append(h.Channels, fakeChannel{"works", func(ctx context.Context, o message.Options, key string) error {
					sent = append(sent, fmt.Sprintf("%s %t", key, o.Undelivered))
					return ctx.Err()
				}})
			}
			ctx, cancel := context.WithTimeout(t.Context(), c.timeout)
			defer cancel()
			r, err := h.Post(ctx, "key", config.Overrides{})
			if waited != c.want {
				t.Errorf("%s, others %t: waited %s, want %s", c.timeout, c.others, waited, c.want)
			}
			if c.others && (err != nil || !slices.Equal(sent, []string{"key false", "key undelivered true"}) || r.Deliveries[1].Messages != 2) {
				t.Errorf("%s: %v, sent %q, %+v", c.timeout, err, sent, r.Deliveries)
			}
		})
	}
}
