package chat

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func clock() time.Time { return time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC) }

const (
	slackPath    = "/services/T000/B000/XXXX"
	dingTalkPath = "/robot/send?access_token=t"
	feishuPath   = "/open-apis/bot/v2/hook/abc-123"
	weComPath    = "/cgi-bin/webhook/send?key=k"
	teamsPath    = "/workflows/0123/triggers/manual/paths/invoke?sig=x"
)

func send(s *Server, path, body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest("POST", path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, req)
	return w
}

// postTest is one message and the expected response. The message is expected to
// be accepted if name begins with "ok".
type postTest struct {
	name, path, body string
	headers          []string
	status           int
	response         string // a part of the body; empty means an empty body
}

// run sends each message to a server of its own.
func run(t *testing.T, server func() *Server, tests []postTest) {
	t.Helper()
	for _, tt := range tests {
		s := server()
		w := send(s, tt.path, tt.body, tt.headers...)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.response) || tt.response == "" && w.Body.Len() > 0 {
			t.Errorf("%s: got %d %s, want %d %s", tt.name, w.Code, w.Body, tt.status, tt.response)
		}
		all := s.Messages()
		if len(all) != 1 {
			t.Errorf("%s: %d messages", tt.name, len(all))
			continue
		}
		accepted := strings.HasPrefix(tt.name, "ok")
		if m := all[0]; m.Accepted != accepted || (m.Why == "") != accepted || string(m.Body) != tt.body {
			t.Errorf("%s: accepted %v, reason %q", tt.name, m.Accepted, m.Why)
		}
	}
}

func newServer() *Server { return &Server{Now: clock} }

func onlyMessage(t *testing.T, s *Server) Message {
	t.Helper()
	all := s.Messages()
	if len(all) != 1 || !all[0].Accepted {
		t.Fatalf("got %+v, want one accepted message", all)
	}
	return all[0]
}

func TestUnknownPathsAndMethodsAreRefused(t *testing.T) {
	s := &Server{}
	for path, want := range map[string]int{
		"/": 404, "/services/T0/B0": 404, "/services/x/B0/C0": 404, "/hook/x": 404, "/robot/send/": 404, "/triggers/T0/1/x": 404, "/open-apis/bot/hook/x": 404, "/workflows/": 404,
	} {
		if w := send(s, path, "{}"); w.Code != want {
			t.Errorf("%s: got %d, want %d", path, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, httptest.NewRequest("GET", slackPath, nil))
	if w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %v", w.Code, w.Header())
	}
	if w := send(s, slackPath, strings.Repeat(" ", maxRequestBytes+1)); w.Code != 413 {
		t.Errorf("huge: %d", w.Code)
	}
	if all := s.Messages(); len(all) != 0 {
		t.Errorf("recorded %+v", all)
	}
}

func TestFaultsReplaceResponsesInOrder(t *testing.T) {
	var seen string
	s := &Server{Now: clock, Faults: []http.HandlerFunc{
		func(w http.ResponseWriter, req *http.Request) {
			b := make([]byte, 5)
			req.Body.Read(b)
			seen = string(b)
			w.WriteHeader(500)
		},
		nil,
		func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(429)
		},
	}}
	var got []int
	for range 4 {
		got = append(got, send(s, slackPath, `{"text":"x"}`).Code)
	}
	if want := []int{500, 200, 429, 200}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if seen != `{"tex` {
		t.Errorf("the fault read %q", seen)
	}
	all := s.Messages()
	if len(all) != 4 || all[0].Accepted || all[0].Why != "fault" || !all[1].Accepted || all[2].Accepted || !all[3].Accepted {
		t.Errorf("got %+v", all)
	}
}

func TestConcurrentRequests(t *testing.T) {
	s := &Server{Faults: []http.HandlerFunc{nil, nil}}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { send(s, slackPath, `{"text":"x"}`) })
		wg.Go(func() {
			send(s, dingTalkPath, fmt.Sprintf(`{"msgtype":"text","text":{"content":"x"},"msgUuid":"%d"}`, i%10))
		})
	}
	wg.Wait()
	if got := len(s.Messages()); got != 30 {
		t.Errorf("%d messages, want 20 of Slack and 10 different ones of DingTalk", got)
	}
}
