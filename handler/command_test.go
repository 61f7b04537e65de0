package handler_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"html"
	"maps"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/locale"
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
	return w.dingtalkMessage(string(body))
}

// dingtalkMessage returns the response to a message of any type.
func (w *world) dingtalkMessage(body string) *httptest.ResponseRecorder {
	stamp := strconv.FormatInt(w.Now().UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte("dingtalk-app-secret"))
	fmt.Fprintf(mac, "%s\n%s", stamp, "dingtalk-app-secret")
	return w.send("POST", "/dingtalk/command", body, "timestamp", stamp, "sign", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
}

// texts returns the strings in JSON, without the markup of a chat that escapes
// quotes and spaces.
func texts(t *testing.T, b []byte) string {
	t.Helper()
	var v any
	if err := json.Unmarshal(b, &v); err != nil {
		t.Fatalf("%v: %s", err, b)
	}
	var all []string
	var walk func(any)
	walk = func(v any) {
		switch v := v.(type) {
		case string:
			all = append(all, v)
		case []any:
			for _, e := range v {
				walk(e)
			}
		case map[string]any:
			for _, name := range slices.Sorted(maps.Keys(v)) {
				walk(v[name])
			}
		}
	}
	walk(v)
	return html.UnescapeString(strings.Join(all, "\n"))
}

// TestCommands checks the replies in a channel of the settings' language, which
// is English, and in a Chinese one: what they contain, and their language.
func TestCommands(t *testing.T) {
	w := setup(t, append(withToken, "SLACK_SIGNING_SECRET=slack-signing-secret", "DINGTALK_APP_SECRET=dingtalk-app-secret", "DINGTALK_LANGUAGE=zh")...)
	type text func(*locale.Catalog) string
	days := func(n int, region string) text {
		r, err := w.Report(t.Context(), config.Overrides{Days: &n, Regions: strings.Fields(region)})
		if err != nil {
			t.Fatal(err)
		}
		return func(c *locale.Catalog) string {
			return c.Text("lead_needing", len(r.Findings), c.Text("matrices", r.Total))
		}
	}
	needing := func(n int) text {
		return func(c *locale.Catalog) string { return c.Text("lead_needing", n, c.Text("matrices", 131)) }
	}
	narrowed := func(n, of int) text {
		return func(c *locale.Catalog) string { return c.Text("lead_narrowed", n, of, 131) }
	}
	oneRegion := func(c *locale.Catalog) string { return strings.Trim(c.Text("foot_regions", 1), " ,，") }
	help := func(c *locale.Catalog) string { return c.Text("command_help") }
	unknown := func(word string) text {
		return func(c *locale.Catalog) string { return c.Text("command_unknown", word) }
	}
	for _, c := range []struct {
		text string
		want text
	}{
		{"", needing(23)},
		{"3", needing(11)},
		{"7d", days(7, "")},
		{"14 days", days(14, "")},
		{"report 14", days(14, "")},
		{"60 cn-hangzhou", days(60, "cn-hangzhou")},
		{"eu-central-1", oneRegion},
		{"critical", narrowed(7, 23)},
		{"CRITICAL", narrowed(7, 23)},
		{"critical warning", narrowed(15, 23)},
		{"@robot 到期 14", days(14, "")},
		{"到期14天", days(14, "")},
		{"14 天内", days(14, "")},
		{"14天内到期", days(14, "")},
		{"紧急", narrowed(7, 23)},
		{"critical 杭州", oneRegion},
		{"法兰克福", oneRegion},
		{"help", help},
		{"帮助", help},
		{"?", help},
		{"help 14", help},
		{"helpme", unknown("helpme")},
		{"helpme 14 nonsense", unknown("helpme")},
		{"helpme 杭州", unknown("helpme")},
		{"14, cn-hangzhou", days(14, "cn-hangzhou")},
		{"14,cn-hangzhou", oneRegion},
		{"critical; cn-hangzhou", oneRegion},
		{"14天，杭州", days(14, "cn-hangzhou")},
		{"14天，杭州", oneRegion},
		{"14天、杭州。", oneRegion},
		{"７天", days(7, "")},
		{"７ ｄａｙｓ", days(7, "")},
		{"？", help},
		{"hel\x1bp\x07me\x7f", unknown("helpme")},
		{"\u202ehelpme\u200b", unknown("helpme")},
		{"3650", days(3650, "")},
		{"3651", unknown("3651")},
		{"99999999999999999999", unknown("99999999999999999999")},
		{"14x", unknown("14x")},
		{"reportd", unknown("reportd")},
		{"days", needing(23)},
		{"d", needing(23)},
		{"14d7", unknown("14d7")},
		{"<!channel>", func(c *locale.Catalog) string { // the word is escaped for the chat
			_, after, _ := strings.Cut(c.Text("command_unknown", "|"), "|")
			return after
		}},
	} {
		t.Run(c.text, func(t *testing.T) {
			for language, rec := range map[string]*httptest.ResponseRecorder{"en": w.slackCommand(c.text), "zh": w.dingtalkCommand(c.text)} {
				catalog, err := locale.Of(language)
				if err != nil {
					t.Fatal(err)
				}
				if got, want := texts(t, rec.Body.Bytes()), c.want(catalog); rec.Code != 200 || !strings.Contains(got, want) {
					t.Errorf("%d %.600s\nwant %s", rec.Code, got, want)
				}
			}
		})
	}
	if n := len(w.room.Messages()); n != 0 {
		t.Errorf("commands posted %d messages", n)
	}
}

// TestSlackProbe checks that Slack's unsigned check of the address gets an empty
// 200, and does nothing else.
func TestSlackProbe(t *testing.T) {
	w := setup(t, "HTTP_AUTH=", "SLACK_SIGNING_SECRET=slack-signing-secret", "DINGTALK_APP_SECRET=dingtalk-app-secret")
	rec := w.send("POST", "/slack/command", "token=x&ssl_check=1", "Content-Type", "application/x-www-form-urlencoded")
	if rec.Code != 200 || rec.Body.Len() != 0 || len(w.cloud.Calls()) > 0 {
		t.Errorf("%d %s, %d calls", rec.Code, rec.Body, len(w.cloud.Calls()))
	}
	synctest.Test(t, func(t *testing.T) {
		for path, body := range map[string]string{"/slack/command": "ssl_check=0&text=14", "/dingtalk/command": "ssl_check=1"} {
			if rec := w.send("POST", path, body); rec.Code != 403 {
				t.Errorf("%s %s: %d %s", path, body, rec.Code, rec.Body)
			}
		}
	})
}

// TestDingTalkPictures checks that a message that is not text gets help.
func TestDingTalkPictures(t *testing.T) {
	w := setup(t, "HTTP_AUTH=", "DINGTALK_APP_SECRET=dingtalk-app-secret")
	en, err := locale.Of("en")
	if err != nil {
		t.Fatal(err)
	}
	for _, body := range []string{
		`{"msgtype":"picture","content":{"downloadCode":"x"}}`,
		`{"msgtype":"richText","content":{"richText":[{"text":"14"},{"type":"picture","downloadCode":"x"}]}}`,
		`{"msgtype":"audio","content":{"recognition":"14"}}`,
	} {
		if got := texts(t, w.dingtalkMessage(body).Body.Bytes()); !strings.Contains(got, en.Text("command_help")) {
			t.Errorf("%s: %s", body, got)
		}
	}
	if len(w.cloud.Calls()) > 0 {
		t.Error("the API was called")
	}
}

func TestCommandsAreRefused(t *testing.T) {
	w := setup(t, "HTTP_AUTH=trigger", "SLACK_SIGNING_SECRET=another", "DINGTALK_APP_SECRET=another")
	synctest.Test(t, func(t *testing.T) {
		start := time.Now()
		stale := w.send("POST", "/slack/command", "text=14", "X-Slack-Request-Timestamp", "1", "X-Slack-Signature", "v0=00")
		if stale.Code != 403 || time.Since(start) != time.Second || !strings.Contains(stale.Body.String(), "the signature does not match") {
			t.Errorf("%d after %s: %s", stale.Code, time.Since(start), stale.Body)
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
			l := report.Listing{Matrices: []*report.Matrix{{NodeID: "cpn-1", Region: "cn-shanghai", Status: "FAILED"}}, Total: 1, Regions: []string{"cn-shanghai"}}
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
