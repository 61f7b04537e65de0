package chat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
)

func commands(t *testing.T, vars map[string]string) []*Command {
	t.Helper()
	env := config.NewEnv(func(name string) string { return vars[name] })
	c := LoadCommands(env)
	if err := env.Err(); err != nil {
		t.Fatal(err)
	}
	return c
}

// signSlack returns the headers of Slack's signature, by its documentation.
// https://docs.slack.dev/authentication/verifying-requests-from-slack
func signSlack(secret string, at time.Time, body string) http.Header {
	stamp := strconv.FormatInt(at.Unix(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "v0:%s:%s", stamp, body)
	return http.Header{"X-Slack-Request-Timestamp": {stamp}, "X-Slack-Signature": {"v0=" + hex.EncodeToString(mac.Sum(nil))}}
}

func signDingTalk(secret string, at time.Time) http.Header {
	stamp := strconv.FormatInt(at.UnixMilli(), 10)
	mac := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(mac, "%s\n%s", stamp, secret)
	return http.Header{"Timestamp": {stamp}, "Sign": {base64.StdEncoding.EncodeToString(mac.Sum(nil))}}
}

// Text returns what was typed if Slack signed the request.
func TestTextOfSlack(t *testing.T) {
	const secret = "8f742231b10e8888abcd99yyyzzz85a5"
	c := commands(t, map[string]string{"SLACK_SIGNING_SECRET": secret, "SLACK_LANGUAGE": "zh"})[0]
	now := time.Now()
	body := url.Values{"command": {"/matrices"}, "text": {"14 cn-hangzhou"}, "user_name": {"ada"}}.Encode()
	if c.Path() != "/slack/command" {
		t.Errorf("the path is %s", c.Path())
	}
	words, language, err := c.Text(signSlack(secret, now, body), []byte(body), now)
	if words != "14 cn-hangzhou" || language != "zh" || err != nil {
		t.Errorf("got %q, %q, %v", words, language, err)
	}
	without := func(name string) http.Header {
		h := signSlack(secret, now, body)
		h.Del(name)
		return h
	}
	for name, h := range map[string]http.Header{
		"another secret":   signSlack("other", now, body),
		"another body":     signSlack(secret, now, body+"x"),
		"six minutes old":  signSlack(secret, now.Add(-6*time.Minute), body),
		"no time":          without("X-Slack-Request-Timestamp"),
		"no signature":     without("X-Slack-Signature"),
		"nothing":          {},
		"a bare signature": {"X-Slack-Request-Timestamp": {strconv.FormatInt(now.Unix(), 10)}, "X-Slack-Signature": {"v0="}},
	} {
		if words, _, err := c.Text(h, []byte(body), now); err == nil || words != "" || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %q, %v", name, words, err)
		}
	}
}

// Text returns what was typed if DingTalk signed the request.
func TestTextOfDingTalk(t *testing.T) {
	const secret = "this is a secret"
	c := commands(t, map[string]string{"DINGTALK_APP_SECRET": secret})[0]
	now := time.Now()
	body := []byte(`{"msgtype":"text","text":{"content":" 到期 14"},"senderNick":"Ada","isInAtList":true}`)
	words, language, err := c.Text(signDingTalk(secret, now.Add(-50*time.Minute)), body, now)
	if words != " 到期 14" || language != "" || err != nil || c.Path() != "/dingtalk/command" {
		t.Errorf("got %q, %q, %v", words, language, err)
	}
	for name, h := range map[string]http.Header{
		"another secret": signDingTalk("other", now),
		"an hour old":    signDingTalk(secret, now.Add(-61*time.Minute)),
		"an hour ahead":  signDingTalk(secret, now.Add(61*time.Minute)),
		"nothing":        {},
		"no time":        {"Sign": signDingTalk(secret, now)["Sign"]},
		"another time":   {"Sign": signDingTalk(secret, now)["Sign"], "Timestamp": {strconv.FormatInt(now.Add(time.Second).UnixMilli(), 10)}},
	} {
		if words, _, err := c.Text(h, body, now); err == nil || words != "" || strings.Contains(err.Error(), secret) {
			t.Errorf("%s: got %q, %v", name, words, err)
		}
	}
	if _, _, err := c.Text(signDingTalk(secret, now), []byte("x"), now); err == nil {
		t.Error("a body that is no JSON was taken")
	}
}

// Replies are within the limits of the services and have no mentions.
func TestReplies(t *testing.T) {
	both := commands(t, map[string]string{"SLACK_SIGNING_SECRET": "a", "DINGTALK_APP_SECRET": "b"})
	o := message.Options{Language: "en", OwnerTag: "owner", Mentions: map[string][]string{"team-a": {"U012AB3CD", "13800138000"}}, Age: 40 * time.Second}
	for _, findings := range []int{0, 1, 40, 5000} {
		r := badDay(findings)
		for i := range r.Findings {
			r.Findings[i].Tags = map[string]string{"owner": "team-a"}
		}
		for i, c := range both {
			b, err := c.Reply(r, o)
			if err != nil {
				t.Fatal(err)
			}
			var got struct {
				ResponseType string `json:"response_type"`
				Text         string
				Blocks       []json.RawMessage
				MsgType      string
				Markdown     struct{ Title, Text string }
				At           struct{ AtMobiles []string }
			}
			if err := json.Unmarshal(b, &got); err != nil {
				t.Fatal(err)
			}
			switch {
			case i == 0 && (got.ResponseType != "ephemeral" || got.Text == "" || len(got.Blocks) == 0 || len(got.Blocks) > 50):
				t.Errorf("slack, %d findings: %.300s", findings, b)
			case i == 1 && (got.MsgType != "markdown" || got.Markdown.Title == "" || len(b) > 20_000 || len(got.At.AtMobiles) > 0):
				t.Errorf("dingtalk, %d findings: %d bytes %.300s", findings, len(b), b)
			case !strings.Contains(string(b), "read 40 s ago"):
				t.Errorf("%s, %d findings: the age is missing: %.300s", c.service, findings, b)
			}
			alone := o
			alone.Mentions = nil
			if same, err := c.Reply(r, alone); err != nil || string(same) != string(b) {
				t.Errorf("%s mentions people: %.600s", c.service, b)
			}
		}
	}
	for i, c := range both {
		b, err := c.ReplyText("<!channel> *x* @all [a](b)")
		if err != nil || i == 0 && strings.Contains(string(b), "<!channel>") || i == 1 && strings.Contains(string(b), "](") {
			t.Errorf("%s: %s, %v", c.service, b, err)
		}
	}
	if none := commands(t, nil); len(none) != 0 {
		t.Errorf("%d commands without a secret", len(none))
	}
}
