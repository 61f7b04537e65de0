package chat

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// Passwords as they look, so that a leak of any piece of one is found.
const (
	token  = "q7Zk2mXv9LpR4tNw8cYbH3jF6sDgA1eU"
	secret = "SECf03b9e51ad7c48260e9bdb18a2f6657cbb1d"
)

// answers are what each service says. A new kind fails until it is here.
var answers = map[string]struct {
	env  map[string]string
	yes  answer
	noes []no
	// trusting: any 2xx is delivered, whatever the body, as nothing more is known
	trusting bool
	// forms are tried one after the other where the first is answered 500
	formsAt500 int
}{
	"slack": {
		env:        map[string]string{"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T0Zq8Xk1L/B0Vw3Yt7R/" + token},
		yes:        answer{200, "ok"},
		formsAt500: 2,
		noes: []no{
			{answer{200, "no_text"}, "no_text", 1},
			{answer{200, `{"ok":false}`}, "HTTP 200 without ok", 1},
			{answer{403, "invalid_token"}, "invalid_token", 1},
			{answer{404, "no_service"}, "no_service", 1},
			{answer{410, "channel_is_archived"}, "channel_is_archived", 1},
			{answer{400, "invalid_blocks"}, "invalid_blocks", 2},
			{answer{400, "invalid_payload"}, "invalid_payload", 1},
		},
	},
	"dingtalk": {
		env: map[string]string{"DINGTALK_WEBHOOK_URL": "https://oapi.dingtalk.com/robot/send?access_token=" + token, "DINGTALK_SECRET": secret},
		yes: answer{200, `{"errcode":0,"errmsg":"ok"}`},
		noes: []no{
			{answer{200, `{"errcode":310000,"errmsg":"sign not match"}`}, "310000", 1},
			{answer{200, `{"errcode":300001,"errmsg":"token is not exist"}`}, "300001", 1},
			{answer{200, `{"status":1111,"wait":5,"source":"x5","punish":"deny","errcode":130101,"errmsg":"send too fast"}`}, "130101", 1},
			{answer{200, `{"errcode":-1,"errmsg":"系统繁忙"}`}, "-1", 3},
			{answer{200, `{"errcode":430101,"errmsg":"unsafe link"}`}, "430101", 2},
			{answer{200, `{"errcode":430104,"errmsg":"improper"}`}, "430104", 2},
			{answer{200, `{"errcode":460101,"errmsg":"message too long"}`}, "460101", 1},
			{answer{200, `{"errcode":987654,"errmsg":"new"}`}, "987654", 1},
			{answer{200, `{"errmsg":"ok"}`}, "HTTP 200 without errcode", 1},
		},
	},
	"feishu": {
		env: map[string]string{"FEISHU_WEBHOOK_URL": "https://open.feishu.cn/open-apis/bot/v2/hook/" + token, "FEISHU_SECRET": secret},
		yes: answer{200, `{"StatusCode":0,"StatusMessage":"success","code":0,"data":{},"msg":"success"}`},
		noes: []no{
			{answer{200, `{"code":19021,"msg":"sign match fail"}`}, "19021", 1},
			{answer{200, `{"code":19022,"msg":"Ip Not Allowed"}`}, "19022", 1},
			{answer{200, `{"code":19024,"msg":"Key Words Not Found"}`}, "19024", 1},
			{answer{400, `{"code":9499,"msg":"Bad Request","data":{}}`}, "9499", 1},
			{answer{200, `{"code":11232,"msg":"frequency limited"}`}, "11232", 3},
			{answer{200, `{"StatusCode":0}`}, "HTTP 200 without code", 1},
		},
	},
	"wecom": {
		env: map[string]string{"WECOM_WEBHOOK_URL": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + token},
		yes: answer{200, `{"errcode":0,"errmsg":"ok"}`},
		noes: []no{
			{answer{200, `{"errcode":-1,"errmsg":"system busy"}`}, "-1", 3},
			{answer{200, `{"errcode":40058,"errmsg":"markdown.content exceed max length 4096"}`}, "40058", 1},
			{answer{200, `{"errcode":45009,"errmsg":"api freq out of limit"}`}, "45009", 1},
			{answer{200, `{"errcode":93000,"errmsg":"invalid webhook url"}`}, "93000", 1},
		},
	},
	"teams": {
		env:      map[string]string{"TEAMS_WEBHOOK_URL": "https://x.environment.api.powerplatform.com:443/powerautomate/automations/direct/workflows/" + token + "/triggers/manual/paths/invoke?sig=" + secret},
		yes:      answer{202, ""},
		trusting: true,
		noes: []no{
			{answer{200, "<!DOCTYPE html><title>Sign in</title>"}, "HTTP 200", 1},
			{answer{401, `{"error":{"code":"DirectApiAuthorizationRequired","message":"…"}}`}, "DirectApiAuthorizationRequired", 1},
			{answer{400, `{"error":{"code":"TriggerInputSchemaMismatch","message":"…"}}`}, "TriggerInputSchemaMismatch", 1},
			{answer{404, `{"error":{"code":"WorkflowNotFound","message":"…"}}`}, "WorkflowNotFound", 1},
			{answer{400, `{"error":{"code":"` + token + `"}}`}, "HTTP 400", 1},
		},
	},
	"webhook": {
		env:      map[string]string{"WEBHOOK_URL": "https://ops.example/hooks/" + token, "WEBHOOK_SECRET": secret},
		yes:      answer{204, ""},
		trusting: true, // no body of it means no: the receiver is somebody's own
		noes: []no{
			{answer{401, "bad signature"}, "HTTP 401", 1},
			{answer{410, ""}, "HTTP 410: the receiver wants no more", 1},
			{answer{413, ""}, "HTTP 413", 1},
		},
	},
}

type answer struct {
	status int
	body   string
}

// A no is an answer that means no, the code that is told, and how many
// requests are made for it.
type no struct {
	answer
	code     string
	requests int
}

func (a answer) ServeHTTP(w http.ResponseWriter, _ *http.Request) {
	w.WriteHeader(a.status)
	io.WriteString(w, a.body)
}

func TestConformance(t *testing.T) {
	t.Parallel()
	for _, kind := range Kinds {
		says, ok := answers[kind.Name]
		if !ok {
			t.Errorf("%s: add its answers", kind.Name)
			continue
		}
		t.Run(kind.Name, func(t *testing.T) {
			t.Parallel()
			idempotent := load(t, kind.Name, says.env).service.idempotent()
			untrusted := no{answer{200, strings.Repeat("x", 100)}, "HTTP 200", 1}
			if says.trusting {
				untrusted.code, untrusted.requests = "", 1
			}
			again := func(all bool) int {
				if all {
					return maxTries
				}
				return 1
			}
			var cases []exchange
			add := func(name string, h http.Handler, code string, requests int) *exchange {
				cases = append(cases, exchange{name: name, handler: h, code: code, requests: requests})
				return &cases[len(cases)-1]
			}
			add("delivered", says.yes, "", 1)
			for _, n := range says.noes {
				add(fmt.Sprint("no, ", n.status, " ", n.body), n.answer, n.code, n.requests)
			}
			for _, status := range []int{301, 302, 307, 308} {
				add(fmt.Sprint("redirect ", status), http.RedirectHandler("https://elsewhere.example/x", status), fmt.Sprint("HTTP ", status), 1)
			}
			for _, status := range []int{400, 404, 410} {
				add(fmt.Sprint("status ", status), answer{status, "sorry"}, fmt.Sprint("HTTP ", status), 1)
			}
			add("429 with seconds", retryLater(func() string { return "7" }), "HTTP 429", maxTries).pause = 7 * time.Second
			add("429 with a date", retryLater(func() string { return time.Now().Add(9 * time.Second).UTC().Format(http.TimeFormat) }), "HTTP 429", maxTries).pause = 8 * time.Second
			add("429 without a time", answer{429, ""}, "HTTP 429", maxTries).pause = time.Millisecond
			add("429 for longer than a run", retryLater(func() string { return "3600" }), "HTTP 429", 1)
			add("429 for ever", retryLater(func() string { return "9223372036854775807" }), "HTTP 429", 1)
			add("500 with an empty body", answer{500, ""}, "HTTP 500", max(says.formsAt500, 1)-1+maxTries)
			add("503", answer{503, "<html>upstream</html>"}, "HTTP 503", maxTries)
			add("no answer that it gives", answer{200, untrusted.body}, untrusted.code, 1)
			add("a megabyte", http.HandlerFunc(megabyte), untrusted.code, 1)
			add("a broken connection", http.HandlerFunc(func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }), "no answer: the connection broke", again(idempotent))
			add("half an answer", http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.Header().Set("Content-Length", "100")
				io.WriteString(w, "half")
				http.NewResponseController(w).Flush()
				panic(http.ErrAbortHandler)
			}), "no answer: the connection broke", again(idempotent))
			hang := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
			add("a server that hangs", hang, "no answer: the service was too slow", 1).timeout = 3 * time.Second
			add("a server that hangs for longer than one try", hang, "no answer: the service was too slow", again(idempotent)).timeout = time.Hour
			add("cancelled", hang, "no answer: the run was cancelled", 1).cancel = time.Second
			add("cancelled before", hang, "no answer: the run was cancelled", 0).cancel = -1
			for _, e := range cases {
				t.Run(e.name, func(t *testing.T) {
					synctest.Test(t, func(t *testing.T) { e.run(t, kind.Name, says.env) })
				})
			}
		})
	}
}

// retryLater answers 429 with the header that when gives.
func retryLater(when func() string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", when())
		w.WriteHeader(http.StatusTooManyRequests)
	})
}

// megabyte answers with one, and fails if much more than what is looked at is
// fetched.
func megabyte(w http.ResponseWriter, r *http.Request) {
	const chunk = 16 << 10
	for sent := 0; sent < 1<<20; sent += chunk {
		if sent > maxAnswerBytes+4*chunk {
			r.Context().Value(testKey{}).(*testing.T).Errorf("%d bytes of an answer were fetched", sent)
			return
		}
		if _, err := io.WriteString(w, strings.Repeat("x", chunk)); err != nil {
			return
		}
	}
}

type testKey struct{}

// An exchange is one delivery and what is to come of it.
type exchange struct {
	name     string
	handler  http.Handler
	code     string // within the error; empty: delivered
	requests int
	pause    time.Duration // at least, between requests
	timeout  time.Duration // 0: none
	cancel   time.Duration // after which the run is cancelled; negative: before
}

func (e exchange) run(t *testing.T, kind string, env map[string]string) {
	var requests atomic.Int32
	var last time.Time
	c, network := channelTo(t, kind, env, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if requests.Add(1) > 1 && time.Since(last) < e.pause {
			t.Errorf("asked again after %s, want %s", time.Since(last), e.pause)
		}
		last = time.Now()
		if r.Method != http.MethodPost || r.Header.Get("Content-Type") != "application/json; charset=utf-8" {
			t.Errorf("got %s of %s", r.Method, r.Header.Get("Content-Type"))
		}
		if !r.Close {
			t.Error("the connection is to be kept, and may be dead after a freeze")
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
		t.Errorf("called %q", hosts)
	}
	if e.code == "" {
		if err != nil {
			t.Errorf("not delivered: %v", err)
		}
		return
	}
	checkError(t, err, kind+": "+e.code, env)
}

// checkError wants an error that begins so, says what to do, and tells no
// password.
func checkError(t *testing.T, err error, begins string, env map[string]string) {
	t.Helper()
	told, ok := errors.AsType[*Error](err)
	if !ok || !strings.HasPrefix(err.Error(), begins) || told.Advice == "" || told.Code == "" {
		t.Errorf("got the error %v, want %s and advice", err, begins)
		return
	}
	whole := fmt.Sprintf("%v %+v %#v %#v", err, err, err, told)
	for _, password := range []string{token, secret} {
		for i := range len(password) - 5 {
			if strings.Contains(whole, password[i:i+6]) {
				t.Fatalf("%q of a password is in %s", password[i:i+6], whole)
			}
		}
	}
	for _, address := range env {
		if strings.Contains(whole, address) {
			t.Errorf("an address is in %s", whole)
		}
	}
}

// The real network's ways to fail: these can always be tried again, as nothing
// was sent.
func TestUnreachable(t *testing.T) {
	t.Parallel()
	unresolved := strings.Repeat("a", 64) + ".example:443" // which the resolver refuses without asking anybody
	for address, want := range map[string]string{
		"127.0.0.1:1": "no answer: no connection to the host", // nobody listens there
		unresolved:    "no answer: the host's name does not resolve",
	} {
		_, failure := net.Dial("tcp", address)
		if failure == nil {
			t.Fatalf("there is somebody at %s", address)
		}
		for _, kind := range Kinds {
			synctest.Test(t, func(t *testing.T) {
				env := answers[kind.Name].env
				c := load(t, kind.Name, env)
				dials := 0
				fail := func(context.Context, string, string) (net.Conn, error) { dials++; return nil, failure }
				c.http.Transport = &http.Transport{DialContext: fail}
				checkError(t, c.Send(t.Context(), badDay(1), message.Options{Language: "en"}, "key"), kind.Name+": "+want, env)
				if dials != maxTries {
					t.Errorf("%s: %d tries, want %d", kind.Name, dials, maxTries)
				}
			})
		}
	}
}

func TestLoad(t *testing.T) {
	t.Parallel()
	const uuid = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
	const key = "693a91f6-7abc-4bc4-97a0-0ec2f1fa5aaa"
	for _, tt := range []struct {
		name, value string
		want        string // the address that is used, or what is told
	}{
		{"SLACK_WEBHOOK_URL", "T0Zq8Xk1L/B0Vw3Yt7R/" + token, "https://hooks.slack.com/services/T0Zq8Xk1L/B0Vw3Yt7R/" + token},
		{"SLACK_WEBHOOK_URL", "hooks.slack-gov.com/services/T0/B0/" + token, "https://hooks.slack-gov.com/services/T0/B0/" + token},
		{"SLACK_WEBHOOK_URL", "https://chat.example/hooks/" + token, "https://chat.example/hooks/" + token},
		{"SLACK_WEBHOOK_URL", "https://hooks.slack.com/triggers/T0/1/" + token, "SLACK_WEBHOOK_URL: is not an incoming webhook but one of Workflow Builder"},
		{"SLACK_WEBHOOK_URL", "https://hooks.slack.com/" + token, "SLACK_WEBHOOK_URL: is not an address of the form"},
		{"SLACK_WEBHOOK_URL", "http://chat.example/hooks/" + token, "SLACK_WEBHOOK_URL: is not an address of the form"},
		{"SLACK_WEBHOOK_URL", token, "SLACK_WEBHOOK_URL: is not an address of the form"},
		{"DINGTALK_WEBHOOK_URL", token, "https://oapi.dingtalk.com/robot/send?access_token=" + token},
		{"DINGTALK_WEBHOOK_URL", "https://oapi.dingtalk.io/robot/send?access_token=" + token, "https://oapi.dingtalk.io/robot/send?access_token=" + token},
		{"DINGTALK_WEBHOOK_URL", "oapi.dingtalk.io/robot/send?access_token=" + token, "https://oapi.dingtalk.io/robot/send?access_token=" + token},
		{"DINGTALK_WEBHOOK_URL", "https://oapi.dingtalk.com/robot/send?token=" + token, "DINGTALK_WEBHOOK_URL: is not an address of the form"},
		{"FEISHU_WEBHOOK_URL", uuid, "https://open.feishu.cn/open-apis/bot/v2/hook/" + uuid},
		{"FEISHU_WEBHOOK_URL", "https://open.larksuite.com/open-apis/bot/v2/hook/" + uuid, "https://open.larksuite.com/open-apis/bot/v2/hook/" + uuid},
		{"FEISHU_WEBHOOK_URL", "https://www.feishu.cn/flow/api/trigger-webhook/" + token, "FEISHU_WEBHOOK_URL: is not the address of a custom bot"},
		{"WECOM_WEBHOOK_URL", key, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + key},
		{"WECOM_WEBHOOK_URL", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + key, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + key},
		{"WECOM_WEBHOOK_URL", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send", "WECOM_WEBHOOK_URL: is not an address of the form"},
		{"TEAMS_WEBHOOK_URL", "https://x.webhook.office.com/webhookb2/" + token, "TEAMS_WEBHOOK_URL: is not the address of a flow but that of a connector, which Microsoft has retired"},
		{"TEAMS_WEBHOOK_URL", "https://x.webhook.office.com.example/" + token, "https://x.webhook.office.com.example/" + token},
		{"WEBHOOK_URL", "http://ops.example/" + token, "WEBHOOK_URL: is not an address of the form"},
	} {
		env := config.NewEnv(func(name string) string { return map[string]string{tt.name: tt.value}[name] })
		channels := Load(env)
		if err := env.Err(); err != nil {
			if !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), token[:6]) || len(channels) > 0 {
				t.Errorf("%s=%s: got the error %v and %d channels, want %s", tt.name, tt.value, err, len(channels), tt.want)
			}
			continue
		}
		if len(channels) != 1 {
			t.Errorf("%s=%s: got %d channels", tt.name, tt.value, len(channels))
			continue
		}
		req, err := channels[0].service.request(t.Context(), "id", []byte("{}"), time.Now())
		if err != nil || req.URL.String() != tt.want {
			t.Errorf("%s=%s: posts to %v (%v), want %s", tt.name, tt.value, req.URL, err, tt.want)
		}
	}
	env := config.NewEnv(func(name string) string {
		return map[string]string{"WEBHOOK_URL": "https://ops.example/x", "WEBHOOK_SECRET": "whsec_???"}[name]
	})
	if Load(env); fmt.Sprint(env.Err()) != "WEBHOOK_SECRET: is not whsec_ and a key in base64, or any other text" {
		t.Errorf("whsec_ without base64: %v", env.Err())
	}
}

// badDay is a report of so many matrices that fail, expire and are stuck.
func badDay(findings int) report.Report {
	now := time.Date(2026, 11, 22, 9, 7, 0, 0, time.FixedZone("", 8*3600))
	var l report.Listing
	for i := range findings {
		m := report.Matrix{
			NodeID: fmt.Sprintf("cpn-%014d", i), Name: names[i%len(names)], Region: []string{"cn-hangzhou", "cn-shanghai", "eu-central-1"}[i%3],
			Status: "RUNNING", PhoneCount: 25, ExpiresAt: report.Time{Time: now.AddDate(0, 0, i%31)},
		}
		if i%2 == 0 && i < 3000 {
			m.InstanceType = m.NodeID // like no other
		}
		switch i % 50 {
		case 3:
			m.Status, m.CreatedAt = "FAILED", report.Time{Time: now.AddDate(0, 0, -3)}
		case 4:
			m.ExpiresAt = report.Time{}
		case 5:
			m.Status = "MAINTAINING"
		}
		l.Matrices = append(l.Matrices, m)
	}
	l.Matrices = append(l.Matrices, report.Matrix{NodeID: "cpn-fine", Name: "fine", Region: "cn-hangzhou", Status: "RUNNING", ExpiresAt: report.Time{Time: now.AddDate(1, 0, 0)}})
	l.Total, l.Regions = len(l.Matrices), []string{"cn-hangzhou", "cn-shanghai", "eu-central-1"}
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: now.Location()}
	return report.Build(rules, l, now)
}

var names = slices.Concat([]string{
	"x", "prod-hz-03", strings.Repeat("长", 128), strings.Repeat("😀", 128), "👩‍👩‍👧‍👦 family", "مصفوفة الهواتف", "e\u0301\u0301\u0301 combining",
	"invalid \xff\xfe UTF-8", "a & b < c > d", "prod_hz_03 _x_", strings.Repeat("&<>", 42),
}, hostile)

// Somebody who stands between gets no message, and is not asked again.
func TestUntrustedCertificate(t *testing.T) {
	t.Parallel()
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { t.Error("the message was handed over") }))
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	var connections atomic.Int32
	server.Config.ConnState = func(_ net.Conn, state http.ConnState) {
		if state == http.StateNew {
			connections.Add(1)
		}
	}
	server.StartTLS()
	defer server.Close()
	for _, kind := range Kinds {
		env := elsewhere(answers[kind.Name].env, server.URL)
		c := load(t, kind.Name, env)
		c.http.Transport.(*http.Transport).Proxy = nil
		checkError(t, c.Send(t.Context(), badDay(1), message.Options{Language: "en"}, "key"), kind.Name+": no answer: the host's certificate is not trusted", env)
	}
	if n := int(connections.Load()); n != len(Kinds) {
		t.Errorf("%d connections for %d kinds", n, len(Kinds))
	}
}

// elsewhere is env with its address at another host.
func elsewhere(env map[string]string, host string) map[string]string {
	moved := map[string]string{}
	for name, v := range env {
		if rest, ok := strings.CutPrefix(v, "https://"); ok {
			v = host + rest[strings.Index(rest, "/"):]
		}
		moved[name] = v
	}
	return moved
}
