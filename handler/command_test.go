package handler_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

func (w *world) slack(text string) *httptest.ResponseRecorder {
	body := url.Values{"command": {"/matrices"}, "text": {text}}.Encode()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte("slack-signing-secret"))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	return w.send("POST", "/slack/command", body, "Content-Type", "application/x-www-form-urlencoded",
		"X-Slack-Request-Timestamp", stamp, "X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
}

func (w *world) dingtalk(text string) *httptest.ResponseRecorder {
	body, _ := json.Marshal(map[string]any{"msgtype": "text", "text": map[string]string{"content": text}})
	stamp := strconv.FormatInt(w.Now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte("dingtalk-app-secret"))
	fmt.Fprintf(mac, "%s\n%s", stamp, "dingtalk-app-secret")
	return w.send("POST", "/dingtalk/command", string(body), "timestamp", stamp, "sign", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// What people type in a chat, and what they read.
func TestCommands(t *testing.T) {
	w := setup(t, "HTTP_AUTH=", "HTTP_TOKEN=t0ken", "SLACK_SIGNING_SECRET=slack-signing-secret", "DINGTALK_APP_SECRET=dingtalk-app-secret", "DINGTALK_LANGUAGE=zh")
	for _, c := range []struct {
		words         string
		slack, inDing string // what the answer has; in DingTalk it is Chinese
	}{
		{"", "2 failed, 1 expired, 4 expire within 3 days", "2 台创建失败"},
		{"3", "11 of 131 matrices", "11 / 131 台矩阵"},
		{"7d", "Next 7 days", "未来 7 天"},
		{"60 cn-hangzhou", "Next 60 days", "未来 60 天"},
		{"eu-central-1", "1 region", "1 个地域"},
		{"critical", "2 failed, 1 expired", "2 台创建失败"},
		{"@robot 到期 14", "未来 14 天", "未来 14 天"},
		{"到期14天", "未来 14 天", "未来 14 天"},
		{"14天内到期", "未来 14 天", "未来 14 天"},
		{"紧急 杭州", "需要处理的", "需要处理的"},
		{"法兰克福", "1 个地域", "1 个地域"},
		{"help", "Ask for days", "可以输入天数"},
		{"帮助", "可以输入天数", "可以输入天数"},
		{"?", "Ask for days", "可以输入天数"},
		{"helpme", `\"helpme\" is no number of days`, "“helpme”不是天数"},
		{"9999", `\"9999\" is no number`, "“9999”不是天数"},
		{"<!channel>", `\"&lt;!channel&gt;\" is no number`, "不是天数"},
	} {
		t.Run(c.words, func(t *testing.T) {
			for name, rec := range map[string]*httptest.ResponseRecorder{c.slack: w.slack(c.words), c.inDing: w.dingtalk(c.words)} {
				if rec.Code != 200 || !json.Valid(rec.Body.Bytes()) || !strings.Contains(rec.Body.String(), name) {
					t.Errorf("%d %.600s; want %s", rec.Code, rec.Body, name)
				}
			}
		})
	}
	if n := len(w.room.Messages()); n != 0 {
		t.Errorf("%d messages were posted by asking", n)
	}
}

func TestCommandsAreRefused(t *testing.T) {
	w := setup(t, "HTTP_AUTH=trigger", "SLACK_SIGNING_SECRET=another", "DINGTALK_APP_SECRET=another")
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		stale := w.send("POST", "/slack/command", "text=14", "X-Slack-Request-Timestamp", "1", "X-Slack-Signature", "v0=00")
		if stale.Code != 403 || time.Since(start) != time.Second || !strings.Contains(stale.Body.String(), "the signature is not that of the service") {
			t.Errorf("%d after %s: %s", stale.Code, time.Since(start), stale.Body)
		}
		if rec := w.dingtalk("14"); rec.Code != 403 {
			t.Errorf("dingtalk: %d %s", rec.Code, rec.Body)
		}
		if rec := w.do("GET", "/slack/command"); rec.Code != 405 {
			t.Errorf("GET: %d", rec.Code)
		}
		if rec := w.send("POST", "/slack/command", strings.Repeat("x", 65<<10)); rec.Code != 413 {
			t.Errorf("65 kB: %d", rec.Code)
		}
	})
	if strings.Contains(w.log.String(), "v0=00") || !strings.Contains(w.log.String(), `"msg":"refused"`) {
		t.Errorf("the log is %s", w.log)
	}
	// With commands, everybody comes through the trigger: it says nothing then.
	if rec := w.do("GET", "/report"); rec.Code != 403 || !strings.Contains(rec.Body.String(), "set HTTP_TOKEN") {
		t.Errorf("GET /report with HTTP_AUTH=trigger: %d %s", rec.Code, rec.Body)
	}
	if rec := w.do("POST", "/notify"); rec.Code != 403 || len(w.room.Messages()) > 0 {
		t.Errorf("POST /notify with HTTP_AUTH=trigger: %d", rec.Code)
	}
	if without := setup(t, "HTTP_AUTH=trigger"); without.slack("14").Code != 404 {
		t.Error("a command without a secret is there")
	}
}

// Slack waits three seconds: where the listing takes longer, the answer has
// what is known, and says that it is not all; one that is kept is used.
func TestACommandDoesNotWait(t *testing.T) {
	w := setup(t, "HTTP_AUTH=", "HTTP_TOKEN=t0ken", "SLACK_SIGNING_SECRET=slack-signing-secret")
	w.cloud.PageSize = 9
	w.cloud.Faults = []fakecloud.Fault{{Region: "cn-hangzhou", Page: 2, Times: 2, Answer: func(_ http.ResponseWriter, r *http.Request) {
		select {
		case <-time.After(4 * time.Second):
		case <-r.Context().Done():
		}
	}}}
	// Somebody with more time has asked already.
	ctx, cancel := context.WithCancel(t.Context())
	patient := make(chan struct{})
	go func() {
		defer close(patient)
		r := httptest.NewRequestWithContext(ctx, "GET", "/report", nil)
		r.Header.Set("Authorization", "Bearer t0ken")
		w.ServeHTTP(httptest.NewRecorder(), r)
	}()
	defer func() { cancel(); <-patient }()
	time.Sleep(100 * time.Millisecond)
	start := time.Now()
	rec := w.slack("")
	if took := time.Since(start); took > 2900*time.Millisecond {
		t.Errorf("took %s", took)
	}
	if rec.Code != 200 || !strings.Contains(rec.Body.String(), "cn-hangzhou") || !strings.Contains(rec.Body.String(), "At least") {
		t.Errorf("%d %.900s", rec.Code, rec.Body)
	}
	if rec := w.do("GET", "/report", "Authorization", "Bearer t0ken"); rec.Code != 200 { // goes on with what the patient one waits for
		t.Fatal(rec.Body)
	}
	before := len(w.cloud.Calls())
	if rec := w.slack("3"); rec.Code != 200 || len(w.cloud.Calls()) != before {
		t.Errorf("%d, %d calls though a listing is kept", rec.Code, len(w.cloud.Calls())-before)
	}
}
