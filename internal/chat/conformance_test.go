package chat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/message"
)

// Secrets that look like real ones, so that a part of one is found in a text.
const (
	token  = "q7Zk2mXv9LpR4tNw8cYbH3jF6sDgA1eU"
	secret = "SECf03b9e51ad7c48260e9bdb18a2f6657cbb1d"
)

// responses are what a service responds.
type responses struct {
	env          map[string]string
	ok           response
	failures     []failure
	anySuccess   bool // any 2xx means delivered, whatever the body
	formatsAt500 int  // how many formats are tried if the first gets a 500
}

// services are the responses of each service. A kind without a row fails.
var services = map[string]responses{
	"slack": {
		env:          map[string]string{"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0Zq8Xk1L/B0Vw3Yt7R/" + token},
		ok:           response{200, "ok"},
		formatsAt500: 2,
		failures: []failure{
			{response{200, "no_text"}, "no_text", 1},
			{response{200, `{"ok":false}`}, "HTTP 200 without ok", 1},
			{response{403, "invalid_token"}, "invalid_token", 1},
			{response{404, "no_service"}, "no_service", 1},
			{response{410, "channel_is_archived"}, "channel_is_archived", 1},
			{response{400, "invalid_blocks"}, "invalid_blocks", 2},
			{response{400, "invalid_payload"}, "invalid_payload", 1},
		},
	},
	"dingtalk": {
		env: map[string]string{"DINGTALK_WEBHOOK_URL": "https://oapi.dingtalk.com/robot/send?access_token=" + token, "DINGTALK_SECRET": secret},
		ok:  response{200, `{"errcode":0,"errmsg":"ok"}`},
		failures: []failure{
			{response{200, `{"errcode":310000,"errmsg":"sign not match"}`}, "310000", 1},
			{response{200, `{"errcode":300001,"errmsg":"token is not exist"}`}, "300001", 1},
			{response{200, `{"status":1111,"wait":5,"source":"x5","punish":"deny","errcode":130101,"errmsg":"send too fast"}`}, "130101", 1},
			{response{200, `{"errcode":-1,"errmsg":"系统繁忙"}`}, "-1", 3},
			{response{200, `{"errcode":430101,"errmsg":"unsafe link"}`}, "430101", 2},
			{response{200, `{"errcode":430104,"errmsg":"improper"}`}, "430104", 2},
			{response{200, `{"errcode":460101,"errmsg":"message too long"}`}, "460101", 1},
			{response{200, `{"errcode":987654,"errmsg":"new"}`}, "987654", 1},
			{response{200, `{"errmsg":"ok"}`}, "HTTP 200 without errcode", 1},
		},
	},
	"feishu": {
		env: map[string]string{"FEISHU_WEBHOOK_URL": "https://open.feishu.cn/open-apis/bot/v2/hook/" + token, "FEISHU_SECRET": secret},
		ok:  response{200, `{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}`},
		failures: []failure{
			{response{200, `{"code":19021,"msg":"sign match fail"}`}, "19021", 1},
			{response{200, `{"code":19022,"msg":"Ip Not Allowed"}`}, "19022", 1},
			{response{200, `{"code":19024,"msg":"Key Words Not Found"}`}, "19024", 1},
			{response{400, `{"code":9499,"msg":"Bad Request","data":{}}`}, "9499", 1},
			{response{200, `{"code":11232,"msg":"frequency limited"}`}, "11232", 3},
			{response{200, `{"StatusCode":0}`}, "HTTP 200 without code", 1},
		},
	},
	"wecom": {
		env: map[string]string{"WECOM_WEBHOOK_URL": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + token},
		ok:  response{200, `{"errcode":0,"errmsg":"ok"}`},
		failures: []failure{
			{response{200, `{"errcode":-1,"errmsg":"system busy"}`}, "-1", 3},
			{response{200, `{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}`}, "40058", 1},
			{response{200, `{"errcode":45009,"errmsg":"api freq out of limit"}`}, "45009", 1},
			{response{200, `{"errcode":93000,"errmsg":"invalid webhook url"}`}, "93000", 1},
		},
	},
	"teams": {
		env:        map[string]string{"TEAMS_WEBHOOK_URL": "https://x.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/" + token + "/triggers/manual/paths/invoke?sig=" + secret},
		ok:         response{202, ""},
		anySuccess: true,
		failures: []failure{
			{response{200, "<!DOCTYPE html><title>Sign in</title>"}, "HTTP 200", 1},
			{response{401, `{"error":{"code":"DirectApiAuthorizationRequired","message":"…"}}`}, "DirectApiAuthorizationRequired", 1},
			{response{400, `{"error":{"code":"TriggerInputSchemaMismatch","message":"…"}}`}, "TriggerInputSchemaMismatch", 1},
			{response{404, `{"error":{"code":"WorkflowNotFound","message":"…"}}`}, "WorkflowNotFound", 1},
			{response{400, `{"error":{"code":"` + token + `"}}`}, "HTTP 400", 1},
		},
	},
	"webhook": {
		env:        map[string]string{"WEBHOOK_URL": "https://ops.example/hooks/" + token, "WEBHOOK_SECRET": secret},
		ok:         response{204, ""},
		anySuccess: true,
		failures: []failure{
			{response{401, "bad signature"}, "HTTP 401", 1},
			{response{410, ""}, "HTTP 410: the receiver accepts no more", 1},
			{response{413, ""}, "HTTP 413", 1},
		},
	},
}

type response struct {
	status int
	body   string
}

// A failure is a response that means not delivered, the code of the error, and
// how many requests are made.
type failure struct {
	response
	code     string
	requests int
}

func (r response) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(r.status)
	io.WriteString(w, r.body)
}

// Every kind delivers, retries and fails as its service responds.
func TestConformance(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds {
		service, ok := services[kind.Name]
		if !ok {
			t.Errorf("%s: add its responses", kind.Name)
			continue
		}
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			testConformance(t, kind.Name, service)
		})
	}
}

func testConformance(t *testing.T, kind string, service responses) {
	idempotent := load(t, kind, service.env).idempotent
	unknown := failure{response{200, strings.Repeat("x", 100)}, "HTTP 200", 1}
	if service.anySuccess {
		unknown.code = ""
	}
	tries := 1
	if idempotent {
		tries = maxTries
	}
	var cases []exchange
	add := func(name string, h http.Handler, code string, requests int) *exchange {
		cases = append(cases, exchange{name: name, handler: h, code: code, requests: requests})
		return &cases[len(cases)-1]
	}
	add("delivered", service.ok, "", 1)
	for _, n := range service.failures {
		add(fmt.Sprint("failure ", n.status, " ", n.body), n.response, n.code, n.requests)
	}
	for _, status := range []int{301, 302, 307, 308} {
		add(fmt.Sprint("redirect ", status), http.RedirectHandler("https://elsewhere.example/x", status), fmt.Sprint("HTTP ", status), 1)
	}
	for _, status := range []int{400, 404, 410} {
		add(fmt.Sprint("status ", status), response{status, "sorry"}, fmt.Sprint("HTTP ", status), 1)
	}
	add("429 with seconds", retryLater(func() string { return "7" }), "HTTP 429", maxTries).pause = 7 * time.Second
	add("429 with a date", retryLater(func() string { return time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat) }), "HTTP 429", maxTries).pause = 8 * time.Second
	add("429 without a time", response{429, ""}, "HTTP 429", maxTries).pause = time.Millisecond
	add("429 for longer than a run", retryLater(func() string { return "3600" }), "HTTP 429", 1)
	add("429 with an overflowing number", retryLater(func() string { return "9223372036854775807" }), "HTTP 429", 1)
	add("500 with an empty body", response{500, ""}, "HTTP 500", max(service.formatsAt500, 1)-1+maxTries)
	add("503", response{503, "<html>upstream</html>"}, "HTTP 503", maxTries)
	add("unknown response", response{200, unknown.body}, unknown.code, 1)
	add("an endless response", http.HandlerFunc(endless), unknown.code, 1)
	add("broken connection", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), "no response: the connection broke", tries)
	add("half a failure", half(404), "HTTP 404", 1)
	if service.anySuccess {
		add("half a response", half(200), "", 1)
	} else {
		add("half a response", half(200), "no response: the connection broke", tries)
	}
	for _, status := range []int{408, 502, 504} {
		add(fmt.Sprint("gateway ", status), response{status, ""}, fmt.Sprint("HTTP ", status, ": a gateway"), tries)
	}
	hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	add("no response before the deadline", hang, "no response: the service timed out", 1).timeout = 3 * time.Second
	add("no response before the timeout", hang, "no response: the service timed out", tries).timeout = time.Hour
	add("cancelled", hang, "no response: the run was cancelled", 1).cancel = time.Second
	add("cancelled before the request", hang, "no response: the run was cancelled", 0).cancel = -1
	for _, e := range cases {
		t.Run(e.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) { e.run(t, kind, service.env) })
		})
	}
}

// half responds with a status and half a body.
func half(status int) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", "100")
		w.WriteHeader(status)
		io.WriteString(w, "half")
		http.NewResponseController(w).Flush()
		panic(http.ErrAbortHandler)
	}
}

// retryLater responds 429 with the Retry-After that when returns.
func retryLater(when func() string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", when())
		w.WriteHeader(http.StatusTooManyRequests)
	})
}

// endless responds with 64 MB. It fails the test if 16 are written, which is more
// than maxResponseBytes and the sockets' buffers, which grow under load.
func endless(w http.ResponseWriter, r *http.Request) {
	const chunk = 16 << 10
	for sent := 0; sent < 64<<20; sent += chunk {
		if sent > 16<<20 {
			r.Context().Value(testKey{}).(*testing.T).Errorf("%d bytes of the response were read", sent)
			return
		}
		if _, err := io.WriteString(w, strings.Repeat("x", chunk)); err != nil {
			return
		}
	}
}

type testKey struct{}

// An exchange is one delivery and its expected result.
type exchange struct {
	name     string
	handler  http.Handler
	code     string // start of the error; empty if delivered
	requests int
	pause    time.Duration // minimum between requests
	timeout  time.Duration // of the run; 0 for none
	cancel   time.Duration // when the run is cancelled; negative for before it starts
}

func (e exchange) run(t *testing.T, kind string, env map[string]string) {
	var requests atomic.Int32
	var last time.Time
	c, network := channelTo(t, kind, env, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) > 1 && time.Since(last) < e.pause {
			t.Errorf("retried after %s, want %s", time.Since(last), e.pause)
		}
		last = time.Now()
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("got %s of %s", r.Method, r.Header.Get("Content-Type"))
		}
		if !r.Close {
			t.Error("the connection is kept; it may be dead after the instance was frozen")
		}
		io.Copy(io.Discard, r.Body)
		e.handler.ServeHTTP(w, r.WithContext(context.WithValue(r.Context(), testKey{}, t)))
	}))
	ctx := t.Context()
	if e.timeout > 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithTimeout(ctx, e.timeout)
		defer stop()
	}
	if e.cancel != 0 {
		var stop context.CancelFunc
		ctx, stop = context.WithCancel(ctx)
		defer time.AfterFunc(max(e.cancel, 0), stop).Stop()
		if e.cancel < 0 {
			stop()
		}
	}
	err := c.Send(ctx, badDay(2), message.Options{Language: "en"}, "key")
	if got := int(requests.Load()); got != e.requests {
		t.Errorf("%d requests, want %d", got, e.requests)
	}
	if hosts := network.dialled(); len(hosts) > 1 {
		t.Errorf("connected to %q", hosts)
	}
	if e.code == "" {
		if err != nil {
			t.Errorf("not delivered: %v", err)
		}
		return
	}
	checkError(t, err, kind+": "+e.code, env)
}

// checkError checks that err starts with prefix, has advice, and contains no
// part of a secret.
func checkError(t *testing.T, err error, prefix string, env map[string]string) {
	t.Helper()
	e, ok := errors.AsType[*Error](err)
	if !ok || !strings.HasPrefix(err.Error(), prefix) || e.Advice == "" || e.Code == "" {
		t.Errorf("got the error %v, want %s and advice", err, prefix)
		return
	}
	text := fmt.Sprintf("%v %+v %#v %#v", err, err, err, e)
	for _, secret := range []string{token, secret} {
		for i := range len(secret) - 5 {
			if strings.Contains(text, secret[i:i+6]) {
				t.Fatalf("%q of a secret is in %s", secret[i:i+6], text)
			}
		}
	}
	for _, url := range env {
		if strings.Contains(text, url) {
			t.Errorf("a URL is in %s", text)
		}
	}
}
