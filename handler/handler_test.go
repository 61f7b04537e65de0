package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/report"
)

// TestInvoke tries every kind of event: what the response contains and how many
// messages are posted.
func TestInvoke(t *testing.T) {
	for _, c := range []struct {
		name, event string
		posts       int
		want        []string
	}{
		{"timer", timer(""), 2, []string{`"listed":131`, `"days":30`, `"channel":"slack","delivered":true,"messages":1`}},
		{"timer with overrides", timer(`{"days":7,"channels":["dingtalk"],"language":"zh"}`), 1, []string{`"days":7`}},
		{"timer for one region", timer(`{"regions":["eu-central-1"]}`), 2, []string{`"regions":["eu-central-1"]`}},
		{"timer that does not post", timer(`{"post":false}`), 0, []string{`"listed":131`}},
		{"timer with an object as payload", `{"triggerTime":"2026-11-22T01:07:00Z","triggerName":"daily","payload":{"days":7,"channels":["dingtalk"]}}`, 1, []string{`"days":7`}},
		{"timer with null as payload", `{"triggerTime":"2026-11-22T01:07:00Z","triggerName":"daily","payload":null}`, 2, []string{`"days":30`}},
		{"timer without a payload", `{"triggerTime":"2026-11-22T01:07:00Z","triggerName":"daily"}`, 2, []string{`"days":30`}},
		{"timer with a number as payload", `{"triggerTime":"2026-11-22T01:07:00Z","triggerName":"daily","payload":7}`, 2, []string{`"UnreadablePayload"`, `"days":30`}},
		{"timer with text as payload", timer("good morning"), 2, []string{`"UnreadablePayload"`, `"listed":131`, `"complete":true`}},
		{"timer with an unknown field", timer(`{"dayz":7}`), 2, []string{`"UnreadablePayload"`, `dayz`, `"days":30`}},
		{"timer with an invalid value", timer(`{"days":-1}`), 2, []string{`"UnreadablePayload"`, `days: \"-1\"`, `"days":30`}},
		{"timer for an unknown channel", timer(`{"channels":["irc"]}`), 2, []string{`"UnreadablePayload"`, `slack, dingtalk`}},
		{"timer for doctor", timer(`{"doctor":true}`), 2, []string{`"UnreadablePayload"`, `doctor`}},
		{"plain event", `{"days":7}`, 2, []string{`"days":7`}},
		{"empty event", ``, 2, []string{`"days":30`}},
		{"empty object", `{}`, 2, []string{`"days":30`}},
		{"plain event that does not post", `{"post":false}`, 0, []string{`"listed":131`}},
		{"plain event for an empty region", `{"regions":["cn-beijing"],"notify_on":"findings"}`, 2, []string{`"listed":0`, `"EmptyRegion"`}},
		{"plain event with an invalid value", `{"days":4000}`, 0, []string{`"InvalidEvent"`, `from 0 to 3650`}},
		{"plain event with an unknown field", `{"day":7}`, 0, []string{`"InvalidEvent"`, `{\"days\":7,`}},
		{"plain event that posts", `{"post":true}`, 2, []string{`"listed":131`}},
		{"event without the fields of HTTP", `{"requestContext":{}}`, 0, []string{`{"error":{"code":"InvalidEvent"`}},
		{"event without the time of a timer", `{"triggerName":"daily"}`, 0, []string{`{"error":{"code":"InvalidEvent"`}},
		{"text", `hello`, 0, []string{`"InvalidEvent"`, `{\"days\":7,`}},
		{"array", `[1]`, 0, []string{`"InvalidEvent"`}},
		{"two objects", `{}{}`, 0, []string{`"InvalidEvent"`, `unexpected data`}},
		{"event of another service", `{"events":[{"eventName":"ObjectCreated"}]}`, 0, []string{`"InvalidEvent"`}},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := setup(t)
			got := w.invoke(t, c.event)
			for _, want := range c.want {
				if !strings.Contains(got, want) {
					t.Errorf("no %s in %s", want, got)
				}
			}
			if n := len(w.room.Messages()); n != c.posts {
				t.Errorf("%d messages, want %d", n, c.posts)
			}
		})
	}
}

func TestTimerReportsUnreadablePayload(t *testing.T) {
	w := setup(t)
	w.invoke(t, timer("good morning"))
	for _, m := range w.room.Messages() {
		if !strings.Contains(m.Text, "timer payload ignored: invalid character") {
			t.Errorf("%s does not report the payload:\n%s", m.Service, m.Text)
		}
	}
}

// TestPanic panics in the source, which becomes a problem of the report, and in
// the handler itself, which becomes an error.
func TestPanic(t *testing.T) {
	w := setup(t)
	w.Source = sourceFunc(func(context.Context, []string) report.Listing { panic("torn page") })
	if got := w.invoke(t, timer("")); !strings.Contains(got, "torn page") {
		t.Errorf("got %s", got)
	}
	if n := len(w.room.Messages()); n != 2 {
		t.Errorf("%d messages about the panic, want 2", n)
	}
	if !strings.Contains(w.log.String(), `"msg":"panic"`) || !strings.Contains(w.log.String(), "handler_test.go") {
		t.Errorf("the panic is not logged with its stack: %s", w.log)
	}
	w.log.Reset()
	w.Now = func() time.Time { panic("no clock") }
	if _, err := w.Invoke(t.Context(), []byte(timer(""))); err == nil || !strings.Contains(err.Error(), "no clock") {
		t.Errorf("got %v, want the panic as an error", err)
	}
	if !strings.Contains(w.log.String(), `"msg":"panic"`) || !strings.Contains(w.log.String(), "handler_test.go") {
		t.Errorf("the panic is not logged with its stack: %s", w.log)
	}
}

// TestDoctorEvent checks that only a plain event can run doctor, which posts
// only if the event says so.
func TestDoctorEvent(t *testing.T) {
	w := setup(t)
	var posted []bool
	w.Doctor = func(_ context.Context, post bool) ([]byte, error) {
		posted = append(posted, post)
		return []byte(`[{"name":"clock"}]`), nil
	}
	for _, event := range []string{`{"doctor":true}`, `{"doctor":true,"post":false}`, `{"doctor":true,"post":true}`} {
		if got := w.invoke(t, event); got != `[{"name":"clock"}]` {
			t.Errorf("%s: %s", event, got)
		}
	}
	if got := w.invoke(t, `{"post":false}`); !strings.Contains(got, `"listed":131`) {
		t.Errorf("an event without doctor: %s", got)
	}
	if rec := w.send("POST", "/notify", `{"doctor":true}`); rec.Code != 400 || !strings.Contains(rec.Body.String(), "doctor") {
		t.Errorf("over HTTP: %d %s", rec.Code, rec.Body)
	}
	if fmt.Sprint(posted) != "[false false true]" || len(w.room.Messages()) > 0 {
		t.Errorf("doctor posted %v, and the handler %d messages", posted, len(w.room.Messages()))
	}
	w.Doctor = nil
	if got := w.invoke(t, `{"doctor":true}`); !strings.Contains(got, `"InvalidEvent"`) {
		t.Errorf("without doctor: %s", got)
	}
}

// FuzzInvoke checks that the response to any event is JSON and no panic.
func FuzzInvoke(f *testing.F) {
	for _, seed := range []string{
		"", "{}", "null", "[]", `"x"`, timer(""), timer(`{"days":7}`), timer("{"), `{"days":1e99}`, `{"post":false,"days":7}`,
		`{"requestContext":{"http":{"method":"POST","path":"/notify"}},"body":"{}","rawPath":"/notify"}`,
		`{"requestContext":{"http":{"method":"GET","path":"//x"}},"rawPath":"%"}`,
		`{"requestContext":{"http":{"method":"GET"}},"queryParameters":{"days":"1,2"},"headers":{"\u0000":"x"}}`,
		`{"triggerName":null,"triggerTime":"x"}`,
	} {
		f.Add([]byte(seed))
	}
	h := &handler.Handler{
		Settings: config.Settings{Rules: report.Rules{Location: time.UTC}, Language: "en", HTTPAuth: config.TriggerAuth},
		Log:      slog.New(slog.DiscardHandler), Now: time.Now,
		Source: sourceFunc(func(context.Context, []string) report.Listing { return report.Listing{} }),
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		b, err := h.Invoke(context.Background(), event)
		if err != nil {
			if strings.Contains(err.Error(), "panic") {
				t.Fatal(err)
			}
			return
		}
		if !json.Valid(b) {
			t.Fatalf("not JSON: %s", b)
		}
		var res struct{ StatusCode int }
		_ = json.Unmarshal(b, &res)
		if res.StatusCode >= 500 && res.StatusCode != 502 {
			t.Fatalf("status %d: %s", res.StatusCode, b)
		}
	})
}

// TestUnknownEventIsLogged checks that the log names the fields of an event that
// is not understood, and none of their values.
func TestUnknownEventIsLogged(t *testing.T) {
	for event, want := range map[string]string{
		`{"key1":"s3cret"}`: `"fields":["key1"]`,
		`{"specversion":"1.0","source":"s3cret","type":"x","data":{"s3cret":1}}`: `"fields":["data","source","specversion","type"]`,
		`["s3cret"]`: `"fields":[]`,
		`s3cret`:     `"fields":[]`,
		`{"` + strings.Repeat("x", 1000) + `\u001b":"s3cret"}`: `"fields":["` + strings.Repeat("x", 50) + `"]`,
	} {
		w := setup(t)
		w.invoke(t, event)
		log := w.log.String()
		if !strings.Contains(log, `"level":"WARN","msg":"event not understood"`) || !strings.Contains(log, want) || strings.Contains(log, "s3cret") {
			t.Errorf("%s: the log is %s, want %s", event, log, want)
		}
		if n := len(w.room.Messages()); n != 0 {
			t.Errorf("%s: %d messages", event, n)
		}
	}
}
