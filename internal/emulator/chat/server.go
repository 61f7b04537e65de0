// Package chat emulates the webhooks of the chat services. [Server] is an
// http.Handler in memory, as strict as the vendors' documentation: a message
// that a real service would refuse is refused here, in the same form and with
// the reason.
//
// To add a service, write a file like wecom.go and add a row to services and
// an address to [Webhooks]. A fault needs nothing here; a test sets
// Server.Faults.
package chat

import (
	"bytes"
	"io"
	"mime"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
)

// maxRequestBytes is the largest request body that is read.
const maxRequestBytes = 1 << 20

// Server emulates one chat of each service. The path of a request selects the
// service:
//
//	/services/T…/B…/…              Slack
//	/robot/send?access_token=…     DingTalk
//	/open-apis/bot/v2/hook/…       Feishu and Lark
//	/cgi-bin/webhook/send?key=…    WeCom
//	/workflows/…, /powerautomate/… Teams
//	/hook                          a plain webhook
//
// The zero value requires no signatures. Set the fields before use.
type Server struct {
	// The secrets that senders must sign with. If one is empty, the signatures
	// of that service are not checked.
	DingTalkSecret, FeishuSecret, WebhookSecret string

	// Keywords are those of robots that accept only messages with one of them.
	// Empty means that DingTalk and Feishu accept any message.
	Keywords []string

	// Now is the services' clock. Nil means time.Now.
	Now func() time.Time

	// Faults respond to the next requests, one each, in order. A nil fault lets
	// its request through. A message that got a fault is not accepted.
	Faults []http.HandlerFunc

	mu       sync.Mutex
	faulted  int // the number of Faults that are used up
	messages []Message
	rates    map[string]*rate
	uuids    map[string]bool // msgUuids that DingTalk has accepted, with their tokens
}

// Message records one message, whether or not it was accepted.
type Message struct {
	Service string // slack, dingtalk, feishu, wecom, teams or webhook

	// Title is the text of the notification on a phone.
	Title string

	// Text is the text of the message, with a line for each block or item.
	// Markup is as it was sent: an escaped <!channel> is still escaped.
	Text string

	// Mentions are the mentions that would notify people: a <!channel> in
	// Slack's markup, but not one that is escaped or in plain text.
	Mentions []string

	Body   []byte
	Header http.Header
	Query  url.Values

	Accepted bool
	Why      string // the reason if it was not accepted
}

// post is a message while a service handles it. The service fills in Message.
type post struct {
	Message
	path string
	now  time.Time
}

// reply is the response of a service.
type reply struct {
	status      int
	contentType string
	body        string
	why         string // the reason of a refusal; empty means accepted
	repeated    bool   // accepted before and therefore not recorded again
}

type service struct {
	name   string
	path   string // a regular expression
	handle func(*Server, *post) reply
}

var services = []service{
	{"slack", `^/services/T\w+/B\w+/\w+$`, (*Server).handleSlack},
	{"dingtalk", `^/robot/send$`, (*Server).handleDingTalk},
	{"feishu", `^/open-apis/bot/v2/hook/[\w-]+$`, (*Server).handleFeishu},
	{"wecom", `^/cgi-bin/webhook/send$`, (*Server).handleWeCom},
	{"teams", `^/(workflows|powerautomate)/.+$`, (*Server).handleTeams},
	{"webhook", `^/hook$`, (*Server).handleWebhook},
}

// findAll returns the matches of a regular expression, which is compiled here
// and not at start-up, as the program contains the emulator and rarely uses it.
func findAll(expression, text string) []string {
	return regexp.MustCompile(expression).FindAllString(text, -1)
}

// Messages returns the messages in order of arrival, including those that were
// refused or got a fault.
func (s *Server) Messages() []Message {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.messages)
}

// ServeHTTP implements [http.Handler].
func (s *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	i := slices.IndexFunc(services, func(s service) bool { return len(findAll(s.path, req.URL.Path)) > 0 })
	if i < 0 {
		http.NotFound(w, req)
		return
	}
	if req.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
		return
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, req.Body, maxRequestBytes))
	if err != nil {
		http.Error(w, "request entity too large", http.StatusRequestEntityTooLarge)
		return
	}
	p := &post{path: req.URL.Path, now: s.now(), Message: Message{
		Service: services[i].name, Body: body, Header: req.Header.Clone(), Query: req.URL.Query(),
	}}
	if fault := s.fault(); fault != nil {
		p.Why = "fault"
		s.record(p)
		req.Body = io.NopCloser(bytes.NewReader(body)) // a fault may read it
		fault(w, req)
		return
	}
	res := services[i].handle(s, p)
	p.Accepted, p.Why = res.why == "", res.why
	if !res.repeated {
		s.record(p)
	}
	if res.contentType != "" {
		w.Header().Set("Content-Type", res.contentType)
	}
	w.WriteHeader(res.status)
	io.WriteString(w, res.body)
}

// hasKeyword reports whether the text of a message has a keyword, if the robots
// require one.
func (s *Server) hasKeyword(texts ...string) bool {
	return len(s.Keywords) == 0 || slices.ContainsFunc(s.Keywords, func(word string) bool {
		return strings.Contains(strings.Join(texts, "\n"), word)
	})
}

func (s *Server) now() time.Time {
	if s.Now != nil {
		return s.Now()
	}
	return time.Now()
}

// fault returns the fault for the next request, or nil.
func (s *Server) fault() http.HandlerFunc {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.faulted >= len(s.Faults) {
		return nil
	}
	s.faulted++
	return s.Faults[s.faulted-1]
}

// record appends the message to Messages.
func (s *Server) record(p *post) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.messages = append(s.messages, p.Message)
}

// isJSON reports whether the content type is JSON in UTF-8.
func (p *post) isJSON() bool {
	media, params, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	charset := params["charset"]
	return err == nil && media == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

// addLine adds a line to the text of the message.
func (p *post) addLine(line string) {
	if p.Text != "" {
		p.Text += "\n"
	}
	p.Text += line
}

// Webhooks returns the webhook addresses of a server at base, by the name of
// the program's setting for them.
func Webhooks(base string) map[string]string {
	return map[string]string{
		"SLACK_WEBHOOK_URL":    base + "/services/T00000000/B00000000/emulator",
		"DINGTALK_WEBHOOK_URL": base + "/robot/send?access_token=emulator",
		"FEISHU_WEBHOOK_URL":   base + "/open-apis/bot/v2/hook/emulator",
		"WECOM_WEBHOOK_URL":    base + "/cgi-bin/webhook/send?key=emulator",
		"TEAMS_WEBHOOK_URL":    base + "/workflows/emulator",
		"WEBHOOK_URL":          base + "/hook",
	}
}
