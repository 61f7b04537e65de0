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

// maxRequestBytes bounds the body of a request.
const maxRequestBytes = 1 << 20

// Server is chat rooms behind webhooks, one of each service, told apart by path:
//
//	/services/T…/B…/…              Slack
//	/robot/send?access_token=…     DingTalk
//	/open-apis/bot/v2/hook/…       Feishu and Lark
//	/cgi-bin/webhook/send?key=…    WeCom
//	/workflows/…, /powerautomate/… Teams
//	/hook                          a plain webhook
//
// The zero value takes messages without signatures. Set the fields before use.
type Server struct {
	// The secrets that senders must sign with; empty: signatures are not looked at.
	DingTalkSecret, FeishuSecret, WebhookSecret string

	// Now is the services' clock. Nil: time.Now.
	Now func() time.Time

	// Faults answer the next posts, each one, in order. Nil ones let their post
	// through. What a fault answers is not shown in the room.
	Faults []http.HandlerFunc

	mu       sync.Mutex
	faulted  int // how many of Faults are used up
	messages []Message
	rates    map[string]*rate
	uuids    map[string]bool // msgUuid of DingTalk, by token
}

// Message is one message as it came in, whether or not it was accepted.
type Message struct {
	Service string // slack, dingtalk, feishu, wecom, teams, webhook

	// Title is what a phone shows before the message is opened.
	Title string

	// Text is what a reader sees, in order, a line for each block or item.
	// Markup is left as it was sent: an escaped <!channel> is still escaped.
	Text string

	// Mentions are those whom the message would call: a live <!channel> in
	// Slack's markup, but not one that is escaped or in plain text.
	Mentions []string

	Body   []byte
	Header http.Header
	Query  url.Values

	Accepted bool
	Why      string // why it was not accepted
}

// post is a message on its way in. The services fill its Message.
type post struct {
	Message
	path string
	now  time.Time
}

// reply is what a service answers.
type reply struct {
	status      int
	contentType string
	body        string
	why         string // empty: accepted
	repeated    bool   // accepted before, so not shown again
}

type service struct {
	name string
	path string // an expression
	take func(*Server, *post) reply
}

var services = []service{
	{"slack", `^/services/T\w+/B\w+/\w+$`, (*Server).takeSlack},
	{"dingtalk", `^/robot/send$`, (*Server).takeDingTalk},
	{"feishu", `^/open-apis/bot/v2/hook/[\w-]+$`, (*Server).takeFeishu},
	{"wecom", `^/cgi-bin/webhook/send$`, (*Server).takeWeCom},
	{"teams", `^/(workflows|powerautomate)/.+$`, (*Server).takeTeams},
	{"webhook", `^/hook$`, (*Server).takeWebhook},
}

// found is what of a text matches an expression. That is made anew each time:
// most processes that hold an emulator never ask.
func found(expression, text string) []string {
	return regexp.MustCompile(expression).FindAllString(text, -1)
}

// Messages lists what was posted, in order, refused and faulted posts included.
func (r *Server) Messages() []Message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Clone(r.messages)
}

func (r *Server) ServeHTTP(w http.ResponseWriter, req *http.Request) {
	i := slices.IndexFunc(services, func(s service) bool { return len(found(s.path, req.URL.Path)) > 0 })
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
	p := &post{path: req.URL.Path, now: r.now(), Message: Message{
		Service: services[i].name, Body: body, Header: req.Header.Clone(), Query: req.URL.Query(),
	}}
	if fault := r.fault(); fault != nil {
		p.Why = "fault"
		r.keep(p)
		req.Body = io.NopCloser(bytes.NewReader(body)) // a fault may read it
		fault(w, req)
		return
	}
	answer := services[i].take(r, p)
	p.Accepted, p.Why = answer.why == "", answer.why
	if !answer.repeated {
		r.keep(p)
	}
	if answer.contentType != "" {
		w.Header().Set("Content-Type", answer.contentType)
	}
	w.WriteHeader(answer.status)
	io.WriteString(w, answer.body)
}

func (r *Server) now() time.Time {
	if r.Now != nil {
		return r.Now()
	}
	return time.Now()
}

func (r *Server) fault() http.HandlerFunc {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.faulted >= len(r.Faults) {
		return nil
	}
	r.faulted++
	return r.Faults[r.faulted-1]
}

func (r *Server) keep(p *post) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.messages = append(r.messages, p.Message)
}

// isJSON tells whether the content type says JSON in UTF-8.
func (p *post) isJSON() bool {
	media, params, err := mime.ParseMediaType(p.Header.Get("Content-Type"))
	charset := params["charset"]
	return err == nil && media == "application/json" && (charset == "" || strings.EqualFold(charset, "utf-8"))
}

// say adds a line to the readable text.
func (p *post) say(line string) {
	if p.Text != "" {
		p.Text += "\n"
	}
	p.Text += line
}

// Webhooks are the addresses of a room at base, by the name of the setting that
// takes them.
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
