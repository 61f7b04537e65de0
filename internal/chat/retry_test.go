package chat

import (
	"context"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/message"
)

// Each try has a new signature and the same id. The emulated chat checks
// signatures by the fake clock.
func TestSendSignsEachTry(t *testing.T) {
	t.Parallel()
	later := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	for _, kind := range Kinds {
		synctest.Test(t, func(t *testing.T) {
			room := &fakechat.Server{DingTalkSecret: secret, FeishuSecret: secret, WebhookSecret: secret, Faults: []http.HandlerFunc{later, later}}
			env := map[string]string{"DINGTALK_SECRET": secret, "FEISHU_SECRET": secret, "WEBHOOK_SECRET": secret}
			for name, address := range fakechat.Webhooks("https://room.example") {
				if strings.HasPrefix(name, strings.ToUpper(kind.Name)+"_") || kind.Name == "webhook" && name == "WEBHOOK_URL" {
					env[name] = address
				}
			}
			c, _ := channelTo(t, kind.Name, env, room)
			if err := c.Send(t.Context(), badDay(1), message.Options{Language: "en"}, "key"); err != nil {
				t.Fatal(err)
			}
			var stamps, ids []string
			all := room.Messages()
			for _, m := range all {
				var body struct{ Timestamp, MsgUUID string }
				if err := json.Unmarshal(m.Body, &body); err != nil {
					t.Fatal(err)
				}
				stamps = append(stamps, body.Timestamp+m.Query.Get("timestamp")+m.Header.Get("webhook-timestamp"))
				ids = append(ids, body.MsgUUID+m.Header.Get("webhook-id"))
			}
			if len(all) != 3 || !all[2].Accepted {
				t.Fatalf("%s: %d posts, %+v", kind.Name, len(all), all[len(all)-1].Why)
			}
			signs := slices.Contains([]string{"dingtalk", "feishu", "webhook"}, kind.Name)
			if distinct := len(slices.Compact(slices.Clone(stamps))); signs && distinct != 3 || !signs && stamps[0] != "" {
				t.Errorf("%s: signed at %q", kind.Name, stamps)
			}
			if len(slices.Compact(ids)) != 1 || (ids[0] != "") != c.idempotent {
				t.Errorf("%s: got the ids %q, idempotent: %t", kind.Name, ids, c.idempotent)
			}
			if messageID(kind.Name, "key") == messageID(kind.Name, "other") {
				t.Errorf("%s: another key has the same id", kind.Name)
			}
		})
	}
}

// Send waits at most a minute for a service. If Retry-After is longer, it returns
// the error immediately.
func TestSendWaitsAtMostOneMinute(t *testing.T) {
	for seconds, want := range map[string]struct {
		requests int
		waited   time.Duration
	}{
		"60": {3, 2 * time.Minute},
		"61": {1, 0},
	} {
		synctest.Test(t, func(t *testing.T) {
			requests := 0
			c, _ := channelTo(t, "wecom", services["wecom"].env, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				requests++
				retryLater(func() string { return seconds }).ServeHTTP(w, r)
			}))
			start := time.Now() // of the fake clock
			err := c.Send(t.Context(), badDay(1), message.Options{Language: "en"}, "key")
			if requests != want.requests || time.Since(start) != want.waited {
				t.Errorf("Retry-After: %s: %d requests in %s, want %d in %s", seconds, requests, time.Since(start), want.requests, want.waited)
			}
			checkError(t, err, "wecom: HTTP 429", services["wecom"].env)
		})
	}
}

// If Retry-After exceeds the deadline, Send returns the error immediately.
func TestSendDoesNotWaitBeyondDeadline(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		c, _ := channelTo(t, "wecom", services["wecom"].env, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			retryLater(func() string { return "30" }).ServeHTTP(w, r)
		}))
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		start := time.Now()
		err := c.Send(ctx, badDay(1), message.Options{Language: "en"}, "key")
		if requests != 1 || time.Since(start) != 0 { // of the fake clock
			t.Errorf("%d requests in %s", requests, time.Since(start))
		}
		checkError(t, err, "wecom: HTTP 429", services["wecom"].env)
	})
}

// A response with a code of the service may also say when to retry.
func TestRetryAfterOfKnownCode(t *testing.T) {
	res := &http.Response{StatusCode: http.StatusOK, Header: http.Header{"Retry-After": {"7"}}}
	e := checkNumber("code", feishuErrors)(res, []byte(`{"code":11232}`))
	if e == nil || !e.Temporary || e.RetryAfter != 7*time.Second {
		t.Errorf("got %+v, want a retry after 7 seconds", e)
	}
}
