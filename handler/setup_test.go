package handler_test

import (
	"bytes"
	"context"
	"encoding/json"
	"log/slog"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/config"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/inventory"
	"matrix-expiry-report/report"
)

// A world is a handler between an emulated API and an emulated chat.
type world struct {
	*handler.Handler
	cloud *fakecloud.Server
	room  *fakechat.Server
	log   *bytes.Buffer
}

// setup returns a handler with two channels and the given settings, such as
// HTTP_TOKEN=secret. In a value, ROOM is the address of the chat.
func setup(t *testing.T, settings ...string) *world {
	t.Helper()
	w, err := newWorld(t, settings)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// setupWithMistakes is setup with invalid settings.
func setupWithMistakes(t *testing.T, settings ...string) *world {
	t.Helper()
	w, err := newWorld(t, settings)
	if err == nil {
		t.Fatalf("%v is valid", settings)
	}
	return w
}

// newWorld also returns the errors of invalid settings.
func newWorld(t *testing.T, settings []string) (*world, error) {
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
	w.Handler = &handler.Handler{
		Settings: s, Now: time.Now, Log: slog.New(slog.NewJSONHandler(w.log, nil)),
		Source: &inventory.Source{Endpoints: s.Endpoints, API: cloudphone.API{
			Zone: s.APIZone, HTTP: cloudphone.NewHTTPClient(), MaxInFlight: s.MaxInFlight,
			Credentials: func(context.Context) (cloudphone.Credentials, error) {
				return cloudphone.Credentials{AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"}, nil
			},
		}},
	}
	for _, c := range channels {
		w.Channels = append(w.Channels, c)
	}
	for _, c := range commands {
		w.Commands = append(w.Commands, c)
	}
	return w, env.Err()
}

// invoke returns the response to an event, which must not be an error.
func (w *world) invoke(t *testing.T, event string) string {
	t.Helper()
	ctx := fccontext.NewContext(t.Context(), &fccontext.FcContext{RequestID: "1-req"})
	b, err := w.Invoke(ctx, []byte(event))
	if err != nil {
		t.Fatalf("%s: %v", event, err)
	}
	return string(b)
}

// timer returns the event of a timer.
func timer(payload string) string {
	b, _ := json.Marshal(map[string]string{"triggerTime": "2026-11-22T01:07:00Z", "triggerName": "daily", "payload": payload})
	return string(b)
}

// do returns the response to a request without a body.
func (w *world) do(method, target string, header ...string) *httptest.ResponseRecorder {
	return w.send(method, target, "", header...)
}

// send returns the response to a request; header holds names and values.
func (w *world) send(method, target, body string, header ...string) *httptest.ResponseRecorder {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	rec := httptest.NewRecorder()
	w.ServeHTTP(rec, r)
	return rec
}

// get returns the report of a path with a query.
func (w *world) get(t *testing.T, target string) (r report.Report) {
	t.Helper()
	rec := w.do("GET", target)
	if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil || rec.Code != 200 {
		t.Fatalf("GET %s: %d %.300s", target, rec.Code, rec.Body)
	}
	return r
}

// testToken is the token of withToken.
const testToken = "t0ken-of-the-caller"

// withToken holds the settings of a handler that requires testToken.
var withToken = []string{"HTTP_AUTH=", "HTTP_TOKEN=" + testToken}

// bearer is the header that has testToken.
var bearer = []string{"Authorization", "Bearer " + testToken}

// A sourceFunc is a source that lists what it returns, with every matrix kept.
type sourceFunc func(context.Context, []string) report.Listing

func (f sourceFunc) List(ctx context.Context, regions []string) report.Listing {
	return f(ctx, regions)
}

// newHandler returns a handler of a source without channels, which authenticates
// nobody. It needs no network.
func newHandler(source handler.Source) *handler.Handler {
	return &handler.Handler{
		Settings: config.Settings{Rules: report.Rules{Location: time.UTC}, Language: "en", HTTPAuth: config.TriggerAuth, Cache: time.Minute},
		Source:   source, Log: slog.New(slog.DiscardHandler), Now: time.Now,
	}
}
