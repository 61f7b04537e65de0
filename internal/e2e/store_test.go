package e2e

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	fakeoss "matrix-expiry-report/internal/emulator/oss"
	"matrix-expiry-report/internal/fctest"
	"matrix-expiry-report/report"
)

// A scene is the emulated services around processes of the built binary that
// share a store. Slack and WeCom show every
// copy of a message.
type scene struct {
	binary string
	env    []string
	room   *fakechat.Server
	bucket *fakeoss.Server
}

// A gate holds a request back, either before it is served or before its response
// is sent. It says when one arrives.
type gate struct {
	next    http.Handler
	matches func(*http.Request) bool
	before  bool // it is held before it is served
	open    atomic.Bool
	arrived chan struct{}
	once    sync.Once
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if g.open.Load() || !g.matches(r) {
		g.next.ServeHTTP(w, r)
		return
	}
	if !g.before {
		g.next.ServeHTTP(httptest.NewRecorder(), r)
	}
	g.once.Do(func() { close(g.arrived) })
	io.Copy(io.Discard, r.Body) // the end of the connection is noticed after it only
	<-r.Context().Done()
	panic(http.ErrAbortHandler)
}

// newScene returns a scene with a bucket, or with a folder. The gates are in
// front of the chats and of the bucket; either may be nil.
func newScene(t *testing.T, binary, store string, chatGate, ossGate *gate) *scene {
	t.Helper()
	keys := map[string]fakecloud.Key{"STS.role": {Secret: "role-secret", SecurityToken: token}}
	s := &scene{binary: binary, room: &fakechat.Server{}, bucket: &fakeoss.Server{
		Buckets: []string{"reports"}, Region: "cn-shanghai",
		Keys: map[string]fakeoss.Key{"STS.role": {Secret: "role-secret", SecurityToken: token}},
	}}
	api := serveHTTP(t, &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())[:20], Keys: keys})
	chat := serveHTTP(t, behind(chatGate, s.room))
	s.env = []string{
		"EDS_AIC_ENDPOINT=" + api, "SLACK_WEBHOOK_URL=" + chat + "/services/T0/B0/x", "WECOM_WEBHOOK_URL=" + chat + "/cgi-bin/webhook/send?key=x",
		"OSS_ENDPOINT=" + serveHTTP(t, behind(ossGate, s.bucket)), "STATE_URL=oss://reports/team/state",
	}
	if store == "folder" {
		s.env = append(s.env, "STATE_URL="+t.TempDir())
	}
	return s
}

func behind(g *gate, next http.Handler) http.Handler {
	if g == nil {
		return next
	}
	g.next, g.arrived = next, make(chan struct{})
	return g
}

func serveHTTP(t *testing.T, h http.Handler) string {
	t.Helper()
	s := httptest.NewUnstartedServer(h)
	s.Start()
	t.Cleanup(func() {
		s.CloseClientConnections()
		s.Close()
	})
	return s.URL
}

// start starts a process.
func (s *scene) start(t *testing.T) *fctest.Function {
	t.Helper()
	f, err := fctest.Start(s.binary, s.env...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(f.Stop)
	return f
}

// event is the event of a timer on a day.
func event(day int, timeout time.Duration) fctest.Invocation {
	return fctest.Invocation{
		Event:       fmt.Appendf(nil, `{"triggerTime":"2026-11-%02dT01:07:00Z","triggerName":"daily","payload":""}`, day),
		AccessKeyID: "STS.role", AccessKeySecret: "role-secret", SecurityToken: token, Timeout: timeout,
	}
}

// accepted counts the messages that each chat accepted.
func (s *scene) accepted() map[string]int {
	n := map[string]int{}
	for _, m := range s.room.Messages() {
		if m.Accepted {
			n[m.Service]++
		}
	}
	return n
}

var once = map[string]int{"slack": 1, "wecom": 1}

// TestKill kills the binary in the middle of a run and checks that the retry of
// the platform, in another process, sends the event to each chat once, or twice to
// a chat that had accepted it before the outcome was stored.
func TestKill(t *testing.T) {
	binary := build(t)
	slack := func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/services/") }
	wecom := func(r *http.Request) bool { return strings.HasPrefix(r.URL.Path, "/cgi-bin/") }
	record := func(sequence int) func(*http.Request) bool {
		return func(r *http.Request) bool {
			return r.Method == http.MethodPut && strings.HasSuffix(r.URL.Path, fmt.Sprintf("/runs/%012d.json.gz", sequence))
		}
	}
	var wg sync.WaitGroup
	for _, c := range []struct {
		name   string
		stores string
		chat   *gate
		oss    *gate
		want   map[string]int
	}{
		{"before the claim is stored", "oss", nil, &gate{matches: record(1), before: true}, once},
		{"after the claim is stored", "oss", nil, &gate{matches: record(1)}, once},
		{"before a chat accepts the message", "oss folder", &gate{matches: slack, before: true}, nil, once},
		{"after a chat has accepted the message", "oss folder", &gate{matches: slack}, nil, map[string]int{"slack": 2, "wecom": 1}},
		{"after one chat's outcome is stored", "oss folder", &gate{matches: wecom, before: true}, nil, once},
		{"before the outcomes are stored", "oss", nil, &gate{matches: record(2), before: true}, map[string]int{"slack": 2, "wecom": 2}},
	} {
		for store := range strings.FieldsSeq(c.stores) {
			wg.Go(func() { // all at the same time, as most of the time is waiting
				t.Run(c.name+", "+store, func(t *testing.T) { killAndRetry(t, binary, store, c.chat.copy(), c.oss.copy(), c.want) })
			})
		}
	}
	wg.Wait()
}

func (g *gate) copy() *gate {
	if g == nil {
		return nil
	}
	return &gate{matches: g.matches, before: g.before}
}

func killAndRetry(t *testing.T, binary, store string, chatGate, ossGate *gate, want map[string]int) {
	s := newScene(t, binary, store, chatGate, ossGate)
	first := s.start(t)
	ended := make(chan error, 1)
	go func() {
		_, err := first.Invoke(t.Context(), event(1, 8*time.Second))
		ended <- err
	}()
	gate := chatGate
	if ossGate != nil {
		gate = ossGate
	}
	select {
	case <-gate.arrived:
	case err := <-ended:
		t.Fatalf("the run ended before it could be killed: %v\n%s", err, first.Output())
	}
	time.Sleep(time.Second) // what is not held back is done by then
	first.Stop()
	if err := <-ended; !errors.Is(err, fctest.ErrExited) {
		t.Errorf("the killed run ended with %v", err)
	}
	gate.open.Store(true)
	second := s.start(t)
	answer, err := second.Invoke(t.Context(), event(1, time.Minute))
	if err != nil {
		t.Fatalf("the retry: %v\n%s", err, second.Output())
	}
	if got := s.accepted(); !maps.Equal(got, want) {
		t.Errorf("accepted %v, want %v\n%s", got, want, second.Output())
	}
	if n := strings.Count(string(answer), `"delivered":true`); n != 2 || strings.Contains(string(answer), "State") {
		t.Errorf("the retry's response is %s", answer)
	}
	if answer, err = second.Invoke(t.Context(), event(1, time.Minute)); err != nil || strings.Count(string(answer), `"delivered":true,"messages":0`) != 2 || !maps.Equal(s.accepted(), want) {
		t.Errorf("once more: %v %s", err, answer)
	}
}

// Two processes that get the same events at the same time send each once.
func TestTwoProcesses(t *testing.T) {
	binary := build(t)
	for _, store := range []string{"oss", "folder"} {
		t.Run(store, func(t *testing.T) {
			t.Parallel()
			s := newScene(t, binary, store, nil, nil)
			processes := []*fctest.Function{s.start(t), s.start(t)}
			for day := range 3 {
				var wg sync.WaitGroup
				for _, f := range processes {
					wg.Go(func() {
						if _, err := f.Invoke(t.Context(), event(day+1, time.Minute)); err != nil {
							t.Errorf("day %d: %v\n%s", day, err, f.Output())
						}
					})
				}
				wg.Wait()
				if got, want := s.accepted(), (map[string]int{"slack": day + 1, "wecom": day + 1}); !maps.Equal(got, want) {
					t.Errorf("day %d: accepted %v, want %v", day, got, want)
				}
			}
		})
	}
}

// A store that cannot be used costs no report, and little time. The message says
// that it may be sent more than once.
func TestStoreFaults(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0") // accepts connections and never responds
	if err != nil {
		t.Fatal(err)
	}
	defer silent.Close()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	reset := func(http.ResponseWriter, *http.Request) { panic(http.ErrAbortHandler) }
	refusal := func(status int, code string) http.HandlerFunc { return fakeoss.Refusal(status, code, token) }
	binary := build(t)
	var wg sync.WaitGroup
	for name, c := range map[string]struct {
		setting string
		faults  []fakeoss.Fault
	}{
		"nothing answers":       {setting: "OSS_ENDPOINT=http://" + silent.Addr().String()},
		"nothing listens":       {setting: "OSS_ENDPOINT=http://127.0.0.1:1"},
		"500":                   {faults: []fakeoss.Fault{{Answer: refusal(500, "InternalError")}}},
		"403":                   {faults: []fakeoss.Fault{{Answer: refusal(403, "AccessDenied")}}},
		"resets":                {faults: []fakeoss.Fault{{Answer: reset}}},
		"puts are denied":       {faults: []fakeoss.Fault{{Operation: fakeoss.PutObject, Answer: refusal(403, "AccessDenied")}}},
		"half an answer":        {faults: []fakeoss.Fault{{Damage: fakeoss.Stalled}}},
		"no such bucket":        {setting: "STATE_URL=oss://another/state"},
		"a file, not a folder":  {setting: "STATE_URL=" + file},
		"a folder below a file": {setting: "STATE_URL=" + filepath.Join(file, "below")},
		"another region's":      {setting: "OSS_ENDPOINT=https://oss-eu-central-1.aliyuncs.invalid"},
		"an invalid setting":    {setting: "STATE_URL=reports"},
	} {
		wg.Go(func() {
			t.Run(name, func(t *testing.T) { runWithStore(t, binary, c.setting, c.faults) })
		})
	}
	wg.Wait()
}

func runWithStore(t *testing.T, binary, setting string, faults []fakeoss.Fault) {
	s := newScene(t, binary, "oss", nil, nil)
	s.bucket.Faults = faults
	s.env = append(s.env, setting, "WECOM_LANGUAGE=zh")
	f := s.start(t)
	start := time.Now()
	answer, err := f.Invoke(t.Context(), event(1, time.Minute))
	if err != nil {
		t.Fatalf("%v\n%s", err, f.Output())
	}
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("the run took %s", took)
	}
	var r report.Report
	if err := json.Unmarshal(answer, &r); err != nil || !r.Complete || len(r.Problems) != 1 || !maps.Equal(s.accepted(), once) {
		t.Errorf("accepted %v: %s", s.accepted(), answer)
	}
	wants := map[string]string{"slack": "may be sent more than once", "wecom": "可能重复推送"}
	if strings.Contains(string(answer), "InvalidSettings") {
		wants = map[string]string{"slack": "the state store is off until then", "wecom": "the state store is off until then"}
	}
	for _, m := range s.room.Messages() {
		if !strings.Contains(m.Text, wants[m.Service]) {
			t.Errorf("%s lacks %q: %s", m.Service, wants[m.Service], m.Text)
		}
	}
	if strings.Contains(f.Output()+string(answer), token) || strings.Contains(string(answer), "role-secret") {
		t.Errorf("a secret is shown: %s\n%s", answer, f.Output())
	}
}

// A run with a short timeout is in time, though nothing of the store answers.
func TestHangingStoreAndShortTimeout(t *testing.T) {
	s := newScene(t, build(t), "oss", nil, &gate{matches: func(*http.Request) bool { return true }, before: true})
	f := s.start(t)
	ctx, cancel := context.WithTimeout(t.Context(), 6*time.Second)
	defer cancel()
	answer, err := f.Invoke(ctx, event(1, 6*time.Second))
	if err != nil || !maps.Equal(s.accepted(), once) || !strings.Contains(string(answer), "StateUnavailable") {
		t.Errorf("%v: accepted %v, %s\n%s", err, s.accepted(), answer, f.Output())
	}
}
