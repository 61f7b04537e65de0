package handler_test

import (
	"context"
	"net/http/httptest"
	"strings"
	"testing"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// POST /notify is 502 where a channel did not get it, and says which.
func TestNotifyUndelivered(t *testing.T) {
	w := setup(t, "DINGTALK_WEBHOOK_URL=ROOM/gone?access_token=x")
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequest("POST", "/notify", nil))
	if rec.Code != 502 || !strings.Contains(rec.Body.String(), `{"channel":"dingtalk","delivered":false`) || !strings.Contains(rec.Body.String(), `{"channel":"slack","delivered":true`) {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
	posted := w.room.Messages()
	if last := posted[len(posted)-1]; last.Service != "slack" || !strings.Contains(last.Title, "did not reach dingtalk") || !strings.Contains(last.Text, "HTTP 404") {
		t.Errorf("the others are not told: %s: %s\n%s", last.Service, last.Title, last.Text)
	}
	if !strings.Contains(rec.Body.String(), `"channel":"slack","delivered":true,"messages":2`) {
		t.Errorf("the second message is not counted: %s", rec.Body)
	}
	w.Channels = nil
	rec = httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequest("POST", "/notify", nil))
	if rec.Code != 502 || !strings.Contains(rec.Body.String(), "NoChannel") || !strings.Contains(rec.Body.String(), "SLACK_WEBHOOK_URL") {
		t.Errorf("without channels: %d %s", rec.Code, rec.Body)
	}
}

type deaf struct{ uncertain bool }

func (d deaf) Error() string { return "no answer" }

func (d deaf) Uncertain() bool { return d.uncertain }

func (d deaf) Name() string { return "deaf" }

func (d deaf) Send(context.Context, report.Report, message.Options, string) error { return d }

// Where a message may have arrived the run does not fail: the platform would
// repeat it, and tell twice who has it.
func TestAMessageThatMayHaveArrived(t *testing.T) {
	for uncertain, fails := range map[bool]bool{true: false, false: true} {
		w := setup(t)
		w.Channels = []handler.Channel{deaf{uncertain}}
		if _, err := w.Invoke(t.Context(), []byte(timer(""))); (err != nil) != fails {
			t.Errorf("uncertain %t: %v", uncertain, err)
		}
	}
}
