package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/fctest"
	"matrix-expiry-report/report"
)

const (
	token  = "Zm9vYmFyLXRva2VuLW9mLXRoZS1yb2xl"
	secret = "SECxK7pQ2vT9mZ4rL8nW3bY6"
)

// The deployed binary runs on the platform's runtime protocol: it signs and pages
// its calls with a role's credentials or plain ones, posts to two chats, and serves
// HTTP.
func TestFunction(t *testing.T) {
	cloud := &fakecloud.Server{
		Nodes: fakecloud.Fleet(time.Now()),
		Keys: map[string]fakecloud.Key{
			"STS.role": {Secret: "role-secret", SecurityToken: token},
			"plain":    {Secret: "plain-secret"},
		},
		PageSize: 20,
	}
	api := httptest.NewServer(cloud)
	defer api.Close()
	room := &fakechat.Server{DingTalkSecret: secret}
	chat := httptest.NewServer(room)
	defer chat.Close()
	f, err := fctest.Start(build(t),
		"EDS_AIC_ENDPOINT="+api.URL,
		"SLACK_WEBHOOK_URL="+chat.URL+"/services/T0/B0/kF8sQ1xWz0Rt",
		"DINGTALK_WEBHOOK_URL="+chat.URL+"/robot/send?access_token=d41d8cd98f00b204",
		"DINGTALK_SECRET="+secret,
		"HTTP_TOKEN=hT7kPq2LmN9xWv4c",
	)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Stop()
	role := fctest.Invocation{AccessKeyID: "STS.role", AccessKeySecret: "role-secret", SecurityToken: token}
	plain := fctest.Invocation{AccessKeyID: "plain", AccessKeySecret: "plain-secret"}
	invoke := func(i fctest.Invocation, event string) []byte {
		t.Helper()
		i.Event = []byte(event)
		b, err := f.Invoke(t.Context(), i)
		if err != nil {
			t.Fatalf("%s: %v\n%s", event, err, f.Output())
		}
		return b
	}

	timer := `{"triggerTime":"2026-11-22T01:07:00Z","triggerName":"daily","payload":""}`
	for i, as := range []fctest.Invocation{role, plain} {
		var r report.Report
		answer := invoke(as, strings.Replace(timer, ":00Z", ":0"+string(rune('0'+i))+"Z", 1))
		if err := json.Unmarshal(answer, &r); err != nil {
			t.Fatal(err)
		}
		if r.Total != 131 || r.Listed != 131 || !r.Complete || r.Counts["failed"] != 2 || len(r.Deliveries) != 2 {
			t.Errorf("got the response %s", answer)
		}
		if strings.Contains(string(answer), `"findings"`) {
			t.Error("the response to a timer event has findings")
		}
		posted := room.Messages()
		if len(posted) != 2*(i+1) {
			t.Fatalf("%d messages, want %d", len(posted), 2*(i+1))
		}
		for _, m := range posted[2*i:] {
			if !m.Accepted || !strings.Contains(m.Title, "1 expired, 1 ends tonight, 2 failed, 3 more within 3 days") || !strings.Contains(m.Text, "cpn-") {
				t.Errorf("%s, accepted %t %s: %s", m.Service, m.Accepted, m.Why, m.Title)
			}
		}
	}
	if pages := len(cloud.Calls()); pages < 10 {
		t.Errorf("%d calls, want at least 10 for pages of 20", pages)
	}

	// The platform may repeat an event: DingTalk, which has idempotency keys, shows
	// it once.
	before := len(room.Messages())
	invoke(role, timer)
	if again := len(room.Messages()) - before; again != 1 {
		t.Errorf("a repeated event added %d messages, want one, in Slack", again)
	}

	// GET posts nothing, POST /notify does.
	before = len(room.Messages())
	get := invoke(role, httpEvent("GET", "/report", `"authorization":"Bearer hT7kPq2LmN9xWv4c"`))
	var res struct {
		StatusCode int
		Body       string
	}
	var r report.Report
	if json.Unmarshal(get, &res) != nil || json.Unmarshal([]byte(res.Body), &r) != nil || res.StatusCode != 200 || r.Listed != 131 || len(r.Findings) == 0 {
		t.Errorf("GET /report: %.300s", get)
	}
	if len(room.Messages()) != before {
		t.Error("GET /report posted")
	}
	post := invoke(role, httpEvent("POST", "/notify", `"Authorization":"Bearer hT7kPq2LmN9xWv4c"`))
	if json.Unmarshal(post, &res) != nil || json.Unmarshal([]byte(res.Body), &r) != nil || res.StatusCode != 200 || len(r.Deliveries) != 2 {
		t.Errorf("POST /notify: %.300s", post)
	}
	if posted := len(room.Messages()) - before; posted != 2 {
		t.Errorf("POST /notify posted %d messages, want 2", posted)
	}
	if json.Unmarshal(invoke(role, httpEvent("GET", "/report", "")), &res) != nil || res.StatusCode != 401 {
		t.Errorf("without a token: %d, want 401", res.StatusCode)
	}

	if !strings.Contains(f.Output(), `"msg":"done"`) || strings.Contains(f.Output(), `"level":"DEBUG"`) {
		t.Error("the log lacks the result, or has debug entries without LOG_LEVEL=debug")
	}

	// The output has no secret.
	for _, s := range []string{token, secret, "role-secret", "plain-secret", "kF8sQ1xWz0Rt", "d41d8cd98f00b204", "hT7kPq2LmN9x"} {
		if strings.Contains(f.Output(), s) {
			t.Errorf("the output has the secret %q", s)
		}
	}
}

// The function fails if no channel got the report, so that the platform retries. It
// succeeds if one did, so that a retry cannot post twice.
func TestFunctionFailsIfNothingIsDelivered(t *testing.T) {
	api := httptest.NewServer(&fakecloud.Server{Keys: map[string]fakecloud.Key{"k": {Secret: "s"}}, Nodes: fakecloud.Fleet(time.Now())})
	defer api.Close()
	room := &fakechat.Server{}
	chat := httptest.NewServer(room)
	defer chat.Close()
	timer := fctest.Invocation{
		Event:       []byte(`{"triggerTime":"2026-11-22T01:07:00Z","triggerName":"daily"}`),
		AccessKeyID: "k", AccessKeySecret: "s",
	}
	binary := build(t)
	for name, c := range map[string]struct {
		slack string
		fails bool
	}{
		"one of two": {"/services/T0/B0/x", false},
		"none":       {"/gone", true},
	} {
		t.Run(name, func(t *testing.T) {
			f, err := fctest.Start(binary, "EDS_AIC_ENDPOINT="+api.URL,
				"SLACK_WEBHOOK_URL="+chat.URL+c.slack, "DINGTALK_WEBHOOK_URL="+chat.URL+"/nowhere?access_token=x")
			if err != nil {
				t.Fatal(err)
			}
			defer f.Stop()
			b, err := f.Invoke(t.Context(), timer)
			failure, failed := errors.AsType[*fctest.Error](err)
			if failed != c.fails || err != nil && !failed {
				t.Fatalf("failed %t (%v), want %t: %s", failed, err, c.fails, b)
			}
			if c.fails && !strings.Contains(failure.Message, "HTTP 404") {
				t.Errorf("the error lacks the reason: %s", failure.Message)
			}
			if !c.fails && !strings.Contains(string(b), `{"channel":"dingtalk","delivered":false`) {
				t.Errorf("the response does not name the channel that failed: %s", b)
			}
		})
	}
}

// With invalid settings and a valid channel, the function posts the errors and lists
// no matrices.
func TestFunctionPostsInvalidSettings(t *testing.T) {
	cloud := &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())}
	api := httptest.NewServer(cloud)
	defer api.Close()
	room := &fakechat.Server{}
	chat := httptest.NewServer(room)
	defer chat.Close()
	f, err := fctest.Start(build(t), "EXPIRY_DAYS=soon", "REGIONS=Hangzhou", "REPORT_LANGUAGE=zh", "LOG_LEVEL=error", "HTTP_AUTH=trigger", "EDS_AIC_ENDPOINT="+api.URL,
		"SLACK_WEBHOOK_URL="+chat.URL+"/services/T0/B0/x", "DINGTALK_WEBHOOK_URL=ftp://x/kF8sQ1xWz0Rt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Stop()
	answer, err := f.Invoke(t.Context(), fctest.Invocation{Event: []byte(`{"triggerTime":"2026-11-22T01:07:00Z","triggerName":"daily"}`), AccessKeyID: "k", AccessKeySecret: "s"})
	if err != nil || !strings.Contains(string(answer), `"delivered":true`) {
		t.Errorf("got the response %s and the error %v", answer, err)
	}
	if n := len(room.Messages()); n != 1 {
		t.Fatalf("%d messages, want 1", n)
	}
	m := room.Messages()[0]
	for _, want := range []string{"今日无报告", "设置有误：EXPIRY_DAYS: \"soon\"", "设置有误：REGIONS: \"Hangzhou\"", "DINGTALK_WEBHOOK_URL"} {
		if !strings.Contains(m.Title+"\n"+m.Text, want) {
			t.Errorf("no %q in\n%s", want, m.Text)
		}
	}
	page, err := f.Invoke(t.Context(), fctest.Invocation{Event: []byte(httpEvent("GET", "/report", ""))})
	if err != nil || !strings.Contains(string(page), `"statusCode":502`) || !strings.Contains(string(page), "EXPIRY_DAYS") {
		t.Errorf("GET /report: %s, %v", page, err)
	}
	if len(cloud.Calls()) > 0 {
		t.Error("the API was called")
	}
	if strings.Contains(f.Output(), `"level":"INFO"`) {
		t.Errorf("LOG_LEVEL=error is ignored:\n%s", f.Output())
	}
	if !strings.Contains(f.Output(), "invalid settings: no matrices are listed") || strings.Contains(f.Output()+m.Text, "kF8sQ1xWz0Rt") {
		t.Errorf("the log lacks the error, or has a secret:\n%s", f.Output())
	}
}

// With invalid settings and no valid channel, the function exits when it starts.
func TestFunctionExitsWithInvalidSettings(t *testing.T) {
	f, err := fctest.Start(build(t), "EXPIRY_DAYS=soon", "TIME_ZONE=Mars/Base", "SLACK_WEBHOOK_URL=ftp://x/kF8sQ1xWz0Rt")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	code, err := f.Exited(ctx)
	if err != nil || code != 2 {
		t.Errorf("exit code %d, %v; want 2", code, err)
	}
	for _, want := range []string{"EXPIRY_DAYS: ", "TIME_ZONE: ", "SLACK_WEBHOOK_URL: "} {
		if !strings.Contains(f.Output(), want) {
			t.Errorf("no %s in\n%s", want, f.Output())
		}
	}
	if strings.Contains(f.Output(), "kF8sQ1xWz0Rt") {
		t.Error("the output has the webhook's secret")
	}
}

// httpEvent returns the event of an HTTP trigger.
func httpEvent(method, path, headers string) string {
	return `{"version":"v1","rawPath":"` + path + `","headers":{` + headers + `},"queryParameters":{},"isBase64Encoded":false,"body":"",` +
		`"requestContext":{"accountId":"1","domainName":"x.cn-shanghai.fcapp.run","http":{"method":"` + method + `","path":"` + path + `","protocol":"HTTP/1.1","sourceIp":"192.0.2.1","userAgent":"curl"},"requestId":"1-2","time":"2026-11-22T01:07:00Z","timeEpoch":"1"}}`
}
