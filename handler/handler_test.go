package handler_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/config"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// world is a handler with the emulated service and chat room around it.
type world struct {
	*handler.Handler
	cloud *fakecloud.Server
	room  *fakechat.Server
	log   *bytes.Buffer
}

func setup(t *testing.T, settings ...string) *world {
	t.Helper()
	w := &world{cloud: &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())}, room: &fakechat.Server{}, log: &bytes.Buffer{}}
	api, room := httptest.NewServer(w.cloud), httptest.NewServer(w.room)
	t.Cleanup(api.Close)
	t.Cleanup(room.Close)
	values := map[string]string{
		"EDS_AIC_ENDPOINT":     api.URL,
		"SLACK_WEBHOOK_URL":    room.URL + "/services/T0/B0/slack",
		"DINGTALK_WEBHOOK_URL": room.URL + "/robot/send?access_token=dingtalk",
		"HTTP_AUTH":            "trigger",
	}
	for _, s := range settings {
		name, value, _ := strings.Cut(s, "=")
		values[name] = strings.ReplaceAll(value, "ROOM", room.URL)
	}
	env := config.NewEnv(func(name string) string { return values[name] })
	s := config.Load(env)
	channels := chat.Load(env)
	commands := chat.LoadCommands(env)
	if err := env.Err(); err != nil {
		t.Fatal(err)
	}
	w.Handler = &handler.Handler{
		Settings: s, Now: time.Now, Log: slog.New(slog.NewJSONHandler(w.log, nil)),
		Source: &cloudphone.Source{
			Endpoints: s.Endpoints, Zone: s.APIZone, HTTP: cloudphone.NewHTTPClient(), MaxInFlight: s.MaxInFlight,
			Credentials: func(context.Context) (cloudphone.Credentials, error) {
				return cloudphone.Credentials{AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"}, nil
			},
		},
	}
	for _, c := range channels {
		w.Channels = append(w.Channels, c)
	}
	for _, c := range commands {
		w.Commands = append(w.Commands, c)
	}
	return w
}

func (w *world) invoke(t *testing.T, event string) string {
	t.Helper()
	ctx := fccontext.NewContext(t.Context(), &fccontext.FcContext{RequestID: "1-req"})
	b, err := w.Invoke(ctx, []byte(event))
	if err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	return string(b)
}

func timer(payload string) string {
	b, _ := json.Marshal(map[string]string{"triggerTime": "2026-11-22T01:07:00Z", "triggerName": "daily", "payload": payload})
	return string(b)
}

// Every shape of event: what it is answered and how many messages it posts.
func TestInvoke(t *testing.T) {
	for _, c := range []struct {
		name, event string
		posts       int
		want        []string
	}{
		{"a timer", timer(""), 2, []string{`"listed":131`, `"days":30`, `"channel":"slack","delivered":true,"messages":1`}},
		{"a timer with overrides", timer(`{"days":7,"channels":["dingtalk"],"language":"zh"}`), 1, []string{`"days":7`}},
		{"a timer for one region", timer(`{"regions":["eu-central-1"]}`), 2, []string{`"regions":["eu-central-1"]`}},
		{"a timer with a payload of words", timer("good morning"), 2, []string{`"UnreadablePayload"`, `"listed":131`, `"complete":true`}},
		{"a timer with an unknown name", timer(`{"dayz":7}`), 2, []string{`"UnreadablePayload"`, `dayz`, `"days":30`}},
		{"a timer with a bad value", timer(`{"days":-1}`), 2, []string{`"UnreadablePayload"`, `days: \"-1\"`, `"days":30`}},
		{"a timer for a channel that is not set up", timer(`{"channels":["irc"]}`), 2, []string{`"UnreadablePayload"`, `slack, dingtalk`}},
		{"a plain event", `{"days":7}`, 2, []string{`"days":7`}},
		{"an empty plain event", ``, 2, []string{`"days":30`}},
		{"an empty object", `{}`, 2, []string{`"days":30`}},
		{"a plain event that only looks", `{"post":false}`, 0, []string{`"listed":131`}},
		{"a plain event for a region that is empty", `{"regions":["cn-beijing"],"notify_on":"findings"}`, 2, []string{`"listed":0`, `"EmptyRegion"`}},
		{"a plain event with a bad value", `{"days":4000}`, 0, []string{`"InvalidEvent"`, `from 0 to 3650`}},
		{"a plain event with an unknown name", `{"day":7}`, 0, []string{`"InvalidEvent"`, `{\"days\":7,`}},
		{"no JSON", `hello`, 0, []string{`"InvalidEvent"`, `{\"days\":7,`}},
		{"a list", `[1]`, 0, []string{`"InvalidEvent"`}},
		{"two objects", `{}{}`, 0, []string{`"InvalidEvent"`, `something follows`}},
		{"an event of another service", `{"events":[{"eventName":"ObjectCreated"}]}`, 0, []string{`"InvalidEvent"`}},
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

// An unreadable payload is told to those who read the report.
func TestUnreadablePayloadIsTold(t *testing.T) {
	w := setup(t)
	w.invoke(t, timer("good morning"))
	for _, m := range w.room.Messages() {
		if !strings.Contains(m.Text, "the timer's payload was not followed: invalid character") {
			t.Errorf("%s does not say so:\n%s", m.Service, m.Text)
		}
	}
}

// A run that could list nothing still tells people, with the request to look up.
func TestFailureNotice(t *testing.T) {
	w := setup(t)
	w.cloud.Faults = []fakecloud.Fault{{Answer: fakecloud.APIError(404, "InvalidAccessKeyId.NotFound", "Specified access key is not found.")}}
	got := w.invoke(t, timer(""))
	if !strings.Contains(got, `"complete":false`) || !strings.Contains(got, "InvalidAccessKeyId.NotFound") {
		t.Errorf("answered %s", got)
	}
	if n := len(w.room.Messages()); n != 2 {
		t.Fatalf("%d messages, want 2", n)
	}
	for _, m := range w.room.Messages() {
		if !strings.Contains(m.Title, "No report today") || !strings.Contains(m.Text, "InvalidAccessKeyId.NotFound") || !strings.Contains(m.Text, "1-req") {
			t.Errorf("%s: %s\n%s", m.Service, m.Title, m.Text)
		}
	}
}

// With NOTIFY_ON=findings a good day is silent, but what is unknown is not.
func TestNotifyOnFindings(t *testing.T) {
	w := setup(t, "NOTIFY_ON=findings")
	w.cloud.Nodes = nil
	w.invoke(t, timer(""))
	if n := len(w.room.Messages()); n != 0 {
		t.Errorf("%d messages on a good day", n)
	}
	w.cloud.Faults = []fakecloud.Fault{{Answer: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	w.invoke(t, timer(""))
	if n := len(w.room.Messages()); n != 2 {
		t.Errorf("%d messages where nothing could be read, want 2", n)
	}
}

type sourceFunc func(context.Context, []string) report.Listing

func (f sourceFunc) List(ctx context.Context, regions []string, _ func(*report.Matrix) report.Fate) report.Listing {
	return f(ctx, regions)
}

// A panic while listing becomes a failure notice, one in the handler an error.
func TestPanic(t *testing.T) {
	w := setup(t)
	w.Source = sourceFunc(func(context.Context, []string) report.Listing { panic("torn page") })
	if got := w.invoke(t, timer("")); !strings.Contains(got, "torn page") {
		t.Errorf("answered %s", got)
	}
	if len(w.room.Messages()) != 2 {
		t.Error("nobody was told")
	}
	w.Now = func() time.Time { panic("no clock") }
	if _, err := w.Invoke(t.Context(), []byte(timer(""))); err == nil || !strings.Contains(err.Error(), "no clock") {
		t.Errorf("got %v, want the panic as an error", err)
	}
}

// Listing stops early enough to deliver: 10 seconds or a fifth of the time,
// less where there is little.
func TestTimeIsKeptToDeliver(t *testing.T) {
	for timeout, want := range map[time.Duration]time.Duration{
		2 * time.Minute:  96 * time.Second,
		60 * time.Second: 48 * time.Second,
		30 * time.Second: 20 * time.Second,
		8 * time.Second:  4 * time.Second,
	} {
		synctest.Test(t, func(t *testing.T) {
			var listed time.Duration
			h := &handler.Handler{Now: time.Now, Log: slog.New(slog.DiscardHandler),
				Settings: config.Settings{Rules: report.Rules{Location: time.UTC}, Language: "en"},
				Source: sourceFunc(func(ctx context.Context, _ []string) report.Listing {
					start := time.Now()
					<-ctx.Done()
					listed = time.Since(start)
					return report.Listing{Problems: []report.Problem{{Code: "DeadlineExceeded", MayHideMatrices: true}}}
				}),
			}
			ctx, cancel := context.WithTimeout(t.Context(), timeout)
			defer cancel()
			if r := h.Look(ctx); r.Complete {
				t.Error("complete, though the time was over")
			}
			if listed != want {
				t.Errorf("with %s, %s were spent on listing, want %s", timeout, listed, want)
			}
		})
	}
}

func TestHTTP(t *testing.T) {
	for _, c := range []struct {
		name, method, target, body, accept string
		status                             int
		contentType                        string
		want                               []string
		posts                              int
	}{
		{"the report", "GET", "/report", "", "", 200, "application/json", []string{`"listed":131`, `"node_id"`}, 0},
		{"the root", "GET", "/", "", "", 200, "application/json", []string{`"listed":131`}, 0},
		{"head", "HEAD", "/report", "", "", 200, "application/json", nil, 0},
		{"as text by suffix", "GET", "/report.txt", "", "", 200, "text/plain", []string{"23 of 131 matrices need attention", "cpn-"}, 0},
		{"as text by parameter", "GET", "/report?format=txt&lang=zh", "", "", 200, "text/plain", []string{"23 / 131 台矩阵需要处理"}, 0},
		{"as text by Accept", "GET", "/report", "", "text/plain", 200, "text/plain", []string{"need attention"}, 0},
		{"for fewer days", "GET", "/report?days=3", "", "", 200, "application/json", []string{`"days":3`, `"expiring":4`}, 0},
		{"for a region", "GET", "/report?region=eu-central-1", "", "", 200, "application/json", []string{`"regions":["eu-central-1"]`}, 0},
		{"of a severity", "GET", "/report?severity=notice", "", "", 200, "application/json", []string{`"failed":0`, `"unknown_status":1`}, 0},
		{"bad days", "GET", "/report?days=x", "", "", 400, "application/json", []string{`"InvalidParameter"`, "from 0 to 3650"}, 0},
		{"too many days", "GET", "/report?days=4000", "", "", 400, "application/json", []string{"from 0 to 3650"}, 0},
		{"bad region", "GET", "/report?region=Moon", "", "", 400, "application/json", []string{"cn-hangzhou"}, 0},
		{"bad severity", "GET", "/report?severity=bad", "", "", 400, "application/json", []string{"critical, warning, notice"}, 0},
		{"bad language", "GET", "/report?lang=de", "", "", 400, "application/json", []string{"en, zh"}, 0},
		{"bad format", "GET", "/report?format=pdf", "", "", 400, "application/json", []string{"is not one of json, "}, 0},
		{"an unknown parameter", "GET", "/report?day=3", "", "", 400, "application/json", []string{"day: there is all, days, format, lang, owner, page, reason, region, severity, signature, until"}, 0},
		{"an unreadable query", "GET", "/report?%zz", "", "", 400, "application/json", []string{`"InvalidParameter"`}, 0},
		{"posting", "POST", "/notify", "", "", 200, "application/json", []string{`"channel":"slack","delivered":true`, `"node_id"`}, 2},
		{"posting for days of the query and a language of the body", "POST", "/notify?days=3", `{"language":"zh"}`, "", 200, "application/json", []string{`"days":3`}, 2},
		{"posting a part", "POST", "/notify?severity=critical", "", "", 400, "application/json", []string{"what is posted is the whole report"}, 0},
		{"posting to one", "POST", "/notify", `{"channels":["slack"]}`, "", 200, "application/json", []string{`"channel":"slack"`}, 1},
		{"posting an unreadable body", "POST", "/notify", `{"channels":`, "", 400, "application/json", []string{`"InvalidBody"`}, 0},
		{"posting a huge body", "POST", "/notify", strings.Repeat(" ", 70<<10), "", 413, "application/json", []string{`"BodyTooLarge"`}, 0},
		{"looking with a huge body", "GET", "/report", strings.Repeat(" ", 70<<10), "", 413, "application/json", []string{`"BodyTooLarge"`}, 0},
		{"posting by GET", "GET", "/notify", "", "", 405, "application/json", []string{"/notify takes POST"}, 0},
		{"looking by POST", "POST", "/report", "", "", 405, "application/json", []string{"/report takes GET"}, 0},
		{"health", "GET", "/healthz", "", "", 200, "application/json", []string{`"ok"`}, 0},
		{"a wrong path", "GET", "/reports", "", "", 404, "application/json", []string{"GET / or /report", "POST /notify", "GET /healthz"}, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := setup(t)
			r := httptest.NewRequest(c.method, c.target, strings.NewReader(c.body))
			r.Header.Set("Accept", c.accept)
			rec := httptest.NewRecorder()
			w.ServeHTTP(rec, r)
			if rec.Code != c.status || !strings.HasPrefix(rec.Header().Get("Content-Type"), c.contentType) {
				t.Errorf("%d %s, want %d %s: %.200s", rec.Code, rec.Header().Get("Content-Type"), c.status, c.contentType, rec.Body)
			}
			for _, want := range c.want {
				if !strings.Contains(rec.Body.String(), want) {
					t.Errorf("no %s in %.400s", want, rec.Body)
				}
			}
			if n := len(w.room.Messages()); n != c.posts {
				t.Errorf("%d messages, want %d", n, c.posts)
			}
			if rec.Header().Get("Cache-Control") != "no-store" {
				t.Error("may be cached")
			}
		})
	}
}

// Who may look, in every state of the settings.
func TestHTTPAuth(t *testing.T) {
	for _, c := range []struct {
		settings, given string
		status          int
		says            string
	}{
		{"HTTP_AUTH=", "", 403, "HTTP_TOKEN"},
		{"HTTP_AUTH=", "Bearer x", 403, "HTTP_AUTH=trigger"},
		{"HTTP_AUTH=trigger", "", 200, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "", 401, "Authorization: Bearer"},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "Bearer wrong", 403, "not the token"},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "Bearer t0ke", 403, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "Bearer t0kenn", 403, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "Basic t0ken", 403, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "Bearer t0ken", 200, ""},
		{"HTTP_AUTH= HTTP_TOKEN=t0ken", "bearer t0ken", 200, ""},
		{"HTTP_AUTH=trigger HTTP_TOKEN=t0ken", "", 401, ""},
	} {
		t.Run(c.settings+" "+c.given, func(t *testing.T) {
			w := setup(t, strings.Split(c.settings, " ")...)
			for _, route := range []string{"GET /report", "GET /", "GET /report.csv", "GET /calendar.ics", "GET /metrics", "GET /link", "POST /notify", "GET /elsewhere", "GET /healthz"} {
				method, path, _ := strings.Cut(route, " ")
				if path == "/link" && c.status == 200 {
					continue // wants a token to sign with
				}
				r := httptest.NewRequest(method, path, nil)
				if c.given != "" {
					r.Header.Set("Authorization", c.given)
				}
				rec := httptest.NewRecorder()
				if c.status == 200 {
					w.ServeHTTP(rec, r)
				} else {
					start, took := time.Now(), time.Duration(0)
					synctest.Test(t, func(*testing.T) { // nothing is asked over the network, and waiting takes no time
						start = time.Now()
						w.ServeHTTP(rec, r)
						took = time.Since(start)
					})
					if wrong := rec.Code == 403 && strings.Contains(rec.Body.String(), "not the token"); wrong != (took == time.Second) {
						t.Errorf("%s: %d after %s", route, rec.Code, took)
					}
				}
				want := c.status
				switch {
				case path == "/healthz":
					want = 200
				case path == "/elsewhere" && c.status == 200:
					want = 404
				}
				if rec.Code != want || want == c.status && !strings.Contains(rec.Body.String(), c.says) {
					t.Errorf("%s: %d %s; want %d with %q", route, rec.Code, rec.Body, want, c.says)
				}
				if strings.Contains(rec.Body.String()+w.log.String(), "t0ken") {
					t.Errorf("%s: the token is repeated: %s %s", route, rec.Body, w.log)
				}
			}
			if len(w.cloud.Calls()) > 0 && c.status != 200 {
				t.Error("the API was asked for a stranger")
			}
		})
	}
}

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

// A run that could list nothing is no 200.
func TestReportThatFailed(t *testing.T) {
	w := setup(t)
	w.cloud.Faults = []fakecloud.Fault{{Answer: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, httptest.NewRequest("GET", "/report", nil))
	if rec.Code != 502 || !strings.Contains(rec.Body.String(), "Forbidden.RAM") {
		t.Errorf("%d %s", rec.Code, rec.Body)
	}
}

// HTTP events arrive with any field missing, encoded or in odd case.
func TestHTTPEvent(t *testing.T) {
	for _, c := range []struct {
		name, event string
		status      int
		says        string
	}{
		{"the documented form", `{"version":"v1","rawPath":"/report","body":"","isBase64Encoded":false,"headers":{"Accept":"text/plain"},"queryParameters":{"days":"3"},"requestContext":{"http":{"method":"GET","path":"/report"}}}`, 200, "4 expire within 3 days"},
		{"nothing but a method", `{"requestContext":{"http":{"method":"GET"}}}`, 200, `"listed":131`},
		{"nothing at all", `{"requestContext":{"http":{}}}`, 200, `"listed":131`},
		{"an encoded path", `{"rawPath":"/%72eport","requestContext":{"http":{"method":"GET","path":"/report"}}}`, 200, `"listed":131`},
		{"a body in base64", `{"rawPath":"/notify","body":"` + base64.StdEncoding.EncodeToString([]byte(`{"channels":["slack"]}`)) + `","isBase64Encoded":true,"requestContext":{"http":{"method":"POST"}}}`, 200, `"channel":"slack"`},
		{"a body that is no base64", `{"rawPath":"/notify","body":"!","isBase64Encoded":true,"requestContext":{"http":{"method":"POST"}}}`, 400, "base64"},
		{"values joined by commas", `{"rawPath":"/report","queryParameters":{"region":"eu-central-1,cn-shanghai"},"requestContext":{"http":{"method":"GET"}}}`, 200, `"regions":["cn-shanghai","eu-central-1"]`},
		{"a method in lower case", `{"rawPath":"/healthz","requestContext":{"http":{"method":"get"}}}`, 200, "ok"},
		{"a method that is none", `{"rawPath":"/","requestContext":{"http":{"method":"G T"}}}`, 400, "not a method"},
		{"headers that are no object", `{"headers":[],"requestContext":{"http":{"method":"GET"}}}`, 400, "InvalidEvent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := setup(t)
			var res struct {
				StatusCode int
				Headers    map[string]string
				Body       string
			}
			if err := json.Unmarshal([]byte(w.invoke(t, c.event)), &res); err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.status || !strings.Contains(res.Body, c.says) || res.Headers["Content-Type"] == "" {
				t.Errorf("%d %v %.300s; want %d with %q", res.StatusCode, res.Headers, res.Body, c.status, c.says)
			}
		})
	}
}

type deaf struct{ uncertain bool }

func (d deaf) Error() string                                                      { return "no answer" }
func (d deaf) Uncertain() bool                                                    { return d.uncertain }
func (d deaf) Name() string                                                       { return "deaf" }
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

// A plain event may ask what a run is made of, from within the function.
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
	if rec := w.send("POST", "/notify", `{"doctor":true}`); rec.Code != 400 || !strings.Contains(rec.Body.String(), "doctor") {
		t.Errorf("over HTTP: %d %s", rec.Code, rec.Body)
	}
	if fmt.Sprint(posted) != "[false false true]" || len(w.room.Messages()) > 0 {
		t.Errorf("posting was %v, and %d messages", posted, len(w.room.Messages()))
	}
}

// The watcher of scheduled jobs hears of delivered runs only.
func TestHeartbeat(t *testing.T) {
	beats := 0
	watcher := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { beats++ }))
	defer watcher.Close()
	w := setup(t, "HEARTBEAT_URL="+watcher.URL+"/ping/h3artbeat")
	w.invoke(t, `{"post":false}`)
	if beats != 0 {
		t.Error("a beat for looking")
	}
	w.invoke(t, timer(""))
	if beats != 1 {
		t.Errorf("%d beats for a delivered run, want 1", beats)
	}
	w.invoke(t, timer(`{"notify_on":"findings","regions":["cn-shanghai"],"days":0}`))
	w.cloud.Nodes = []fakecloud.Node{{NodeId: "cpn-1", RegionId: "cn-shanghai", Status: "RUNNING", GmtCreate: "2025-01-01 00:00:00", GmtExpired: "2099-01-01 00:00:00"}}
	before := len(w.room.Messages())
	w.invoke(t, timer(`{"notify_on":"findings"}`))
	if beats != 3 || len(w.room.Messages()) != before {
		t.Errorf("%d beats with a good day that is not told, want 3", beats)
	}
	w.cloud.Faults = []fakecloud.Fault{{Action: "DescribeCloudPhoneNodes", Region: "-", Answer: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	w.invoke(t, timer(""))
	w.cloud.Faults = []fakecloud.Fault{{Answer: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	w.invoke(t, timer(""))
	if beats != 3 {
		t.Error("a beat for a run that could not list everything, or nothing")
	}
	watcher.Close()
	w.cloud.Faults = nil
	w.invoke(t, timer(""))
	if !strings.Contains(w.log.String(), "heartbeat") || strings.Contains(w.log.String(), "h3artbeat") {
		t.Errorf("a lost beat is to be logged without its address: %s", w.log)
	}
}

// Whatever arrives is answered with JSON and without a panic.
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
		Source:   sourceFunc(func(context.Context, []string) report.Listing { return report.Listing{} }),
		Channels: []handler.Channel{},
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
			t.Fatalf("answered %s", b)
		}
		var res struct{ StatusCode int }
		_ = json.Unmarshal(b, &res)
		if res.StatusCode >= 500 && res.StatusCode != 502 {
			t.Fatalf("answered %s", b)
		}
	})
}
