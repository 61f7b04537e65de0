package handler_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/report"
)

// slackCommand returns the response to a slash command.
func (w *world) slackCommand(text string) *httptest.ResponseRecorder {
	body := url.Values{"command": {"/matrices"}, "text": {text}}.Encode()
	stamp := strconv.FormatInt(time.Now().Unix(), 10)
	mac := hmac.New(sha256.New, []byte("slack-signing-secret"))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	return w.send("POST", "/slack/command", body, "Content-Type", "application/x-www-form-urlencoded",
		"X-Slack-Request-Timestamp", stamp, "X-Slack-Signature", "v0="+hex.EncodeToString(mac.Sum(nil)))
}

// dingtalkCommand returns the response to a message that mentions the robot.
func (w *world) dingtalkCommand(text string) *httptest.ResponseRecorder {
	body, _ := json.Marshal(map[string]any{"msgtype": "text", "text": map[string]string{"content": text}})
	stamp := strconv.FormatInt(w.Now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte("dingtalk-app-secret"))
	fmt.Fprintf(mac, "%s\n%s", stamp, "dingtalk-app-secret")
	return w.send("POST", "/dingtalk/command", string(body), "timestamp", stamp, "sign", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// TestCommands checks the replies in a channel without a language of its own and
// in a Chinese one.
func TestCommands(t *testing.T) {
	w := setup(t, append(withToken, "SLACK_SIGNING_SECRET=slack-signing-secret", "DINGTALK_APP_SECRET=dingtalk-app-secret", "DINGTALK_LANGUAGE=zh")...)
	for _, c := range []struct{ text, slack, dingtalk string }{
		{"", "2 failed, 1 expired, 4 expire within 3 days", "2 台创建失败"},
		{"3", "11 of 131 matrices", "11 / 131 台矩阵"},
		{"7d", "Next 7 days", "未来 7 天"},
		{"60 cn-hangzhou", "Next 60 days", "未来 60 天"},
		{"14 days", "Next 14 days", "未来 14 天"},
		{"eu-central-1", "1 region", "1 个地域"},
		{"critical", "2 failed, 1 expired", "2 台创建失败"},
		{"CRITICAL", "2 failed, 1 expired", "2 台创建失败"},
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
		t.Run(c.text, func(t *testing.T) {
			for want, rec := range map[string]*httptest.ResponseRecorder{c.slack: w.slackCommand(c.text), c.dingtalk: w.dingtalkCommand(c.text)} {
				if rec.Code != 200 || !json.Valid(rec.Body.Bytes()) || !strings.Contains(rec.Body.String(), want) {
					t.Errorf("%d %.600s; want %s", rec.Code, rec.Body, want)
				}
			}
		})
	}
	if n := len(w.room.Messages()); n != 0 {
		t.Errorf("commands posted %d messages", n)
	}
}

func TestCommandsAreRefused(t *testing.T) {
	w := setup(t, "HTTP_AUTH=trigger", "SLACK_SIGNING_SECRET=another", "DINGTALK_APP_SECRET=another")
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		old := w.send("POST", "/slack/command", "text=14", "X-Slack-Request-Timestamp", "1", "X-Slack-Signature", "v0=00")
		if old.Code != 403 || time.Since(start) != time.Second || !strings.Contains(old.Body.String(), "signature") {
			t.Errorf("%d after %s: %s", old.Code, time.Since(start), old.Body)
		}
		if rec := w.dingtalkCommand("14"); rec.Code != 403 {
			t.Errorf("dingtalk: %d %s", rec.Code, rec.Body)
		}
		if rec := w.send("POST", "/slack/command", strings.Repeat("x", 65<<10)); rec.Code != 413 {
			t.Errorf("65 kB: %d", rec.Code)
		}
	})
	if strings.Contains(w.log.String(), "v0=00") || !strings.Contains(w.log.String(), `"msg":"refused"`) {
		t.Errorf("the log is %s", w.log)
	}
	if rec := w.do("POST", "/notify"); rec.Code != 403 || len(w.room.Messages()) > 0 {
		t.Errorf("POST /notify with HTTP_AUTH=trigger: %d", rec.Code)
	}
	if without := setup(t, "HTTP_AUTH=trigger"); without.slackCommand("14").Code != 404 {
		t.Error("there is a command without a secret")
	}
}

// TestCommandDoesNotWait checks that a command replies in time with what is
// known, though another request waits for the whole listing; and that the next
// command uses that.
func TestCommandDoesNotWait(t *testing.T) {
	w := setup(t, append(withToken, "SLACK_SIGNING_SECRET=slack-signing-secret")...)
	synctest.Test(t, func(t *testing.T) {
		var listings atomic.Int64
		w.Source = sourceFunc(func(ctx context.Context, _ []string) report.Listing {
			listings.Add(1)
			l := report.Listing{Matrices: []report.Matrix{{NodeID: "cpn-1", Region: "cn-shanghai", Status: "FAILED"}}, Total: 1, Regions: []string{"cn-shanghai"}}
			select {
			case <-time.After(4 * time.Second):
			case <-ctx.Done():
				l.Problems = []report.Problem{{Region: "cn-hangzhou", Code: "DeadlineExceeded", MayHideMatrices: true}}
			}
			return l
		})
		var wg sync.WaitGroup
		wg.Go(func() {
			if rec := w.do("GET", "/report", bearer...); rec.Code != 200 || !strings.Contains(rec.Body.String(), `"complete":true`) {
				t.Errorf("the patient request: %d %s", rec.Code, rec.Body)
			}
		})
		time.Sleep(100 * time.Millisecond)
		start := time.Now()
		rec := w.slackCommand("")
		if took := time.Since(start); took < 2*time.Second || took > 2400*time.Millisecond {
			t.Errorf("took %s", took)
		}
		if rec.Code != 200 || !strings.Contains(rec.Body.String(), "cn-hangzhou") || !strings.Contains(rec.Body.String(), "At least") {
			t.Errorf("%d %.900s", rec.Code, rec.Body)
		}
		wg.Wait()
		if rec := w.slackCommand("3"); rec.Code != 200 || strings.Contains(rec.Body.String(), "At least") || listings.Load() != 2 {
			t.Errorf("%d after %d listings, want 2: %.900s", rec.Code, listings.Load(), rec.Body)
		}
	})
}
