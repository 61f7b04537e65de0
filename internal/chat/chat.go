// Package chat posts a report to chat services.
//
// A service is one file: its settings, its markup, its payload, and what its
// responses mean. To add one, write a file like wecom.go and add its row to
// [Kinds]. The conformance test in conformance_test.go then fails until it has the
// responses of the service. A file templates/<name>.tmpl is needed only if its
// messages differ in words.
package chat

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A Kind is a chat service. Name is the name of its channel and of its
// template, and the prefix of its settings. load reads these and returns nil if
// the service is not configured.
type Kind struct {
	Name string
	load func(*config.Env) service
}

// Kinds lists all services, in the order in which reports list deliveries.
var Kinds = []Kind{
	{"slack", loadSlack},
	{"dingtalk", loadDingTalk},
	{"feishu", loadFeishu},
	{"wecom", loadWeCom},
	{"teams", loadTeams},
	{"webhook", loadWebhook},
}

// A service is what differs between chat services. Most embed [target], which
// has all but bodies and checkResponse.
type service interface {
	// bodies returns the message in one or more formats, the best first.
	bodies(o outgoing) ([][]byte, error)
	// request returns the request that posts a body. It is called for each try,
	// so a signature is new. id is that of the message.
	request(ctx context.Context, id string, body []byte, now time.Time) (*http.Request, error)
	// checkResponse returns nil if a response means that the message was
	// delivered.
	checkResponse(status int, header http.Header, body []byte) *Error
	// host returns scheme and host of the webhook.
	host() *url.URL
	// isPerson reports whether the service mentions a person by an id of this
	// form.
	isPerson(id string) bool
	// idempotent reports whether the service shows a message once that it
	// received twice.
	idempotent() bool
}

// An outgoing message is a draft and what it was made from.
type outgoing struct {
	id      string // the same for every try, and for a repeated run
	report  report.Report
	options message.Options
	draft   *message.Draft
}

// A Channel is a place that a report is sent to.
type Channel struct {
	name      string
	language  string // empty for that of the run
	service   service
	transport *http.Transport
}

// Load returns the channels that are configured. Invalid settings are left in
// env.
func Load(env *config.Env) []*Channel {
	var channels []*Channel
	transport := newTransport()
	for _, k := range Kinds {
		language := env.OneOf(strings.ToUpper(k.Name)+"_LANGUAGE", "", locale.Languages()...)
		if s := k.load(env.For(config.Channel(k.Name))); s != nil {
			channels = append(channels, &Channel{name: k.Name, language: language, service: s, transport: transport})
		}
	}
	return channels
}

// newTransport returns the transport of all channels. It keeps no connection: one
// may be dead after the instance was frozen, and net/http does not repeat a POST.
func newTransport() *http.Transport {
	return &http.Transport{
		Proxy:               http.ProxyFromEnvironment,
		DialContext:         (&net.Dialer{Timeout: 5 * time.Second}).DialContext,
		TLSHandshakeTimeout: 5 * time.Second,
		DisableKeepAlives:   true,
		ForceAttemptHTTP2:   true,
	}
}

// Name returns the channel's name in reports.
func (c *Channel) Name() string { return c.name }

// Host returns scheme and host of the webhook. The rest of it is a secret.
func (c *Channel) Host() *url.URL { return c.service.host() }

// Send posts r. The key identifies the run: a service that recognises repeats
// shows a repeated run once.
func (c *Channel) Send(ctx context.Context, r report.Report, o message.Options, key string) error {
	o.Language = cmp.Or(c.language, o.Language)
	bodies, id, err := c.compose(r, o, key)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	var last *Error
	for i, body := range bodies {
		isLast := i == len(bodies)-1
		if last = c.post(ctx, id, body, isLast); last == nil {
			return nil
		}
		if !last.TryOtherFormat {
			break
		}
	}
	return fmt.Errorf("%s: %w", c.name, last)
}

// compose returns the bodies of the message about r and its id.
func (c *Channel) compose(r report.Report, o message.Options, key string) (bodies [][]byte, id string, err error) {
	o.Mentions = people(o.Mentions, c.service)
	d, err := message.Compose(c.name, r, o)
	if err != nil {
		return nil, "", err
	}
	id = messageID(c.name, key)
	bodies, err = c.service.bodies(outgoing{id: id, report: r, options: o, draft: d})
	return bodies, id, err
}

// people returns mentions with the ids of one service only.
func people(mentions map[string][]string, s service) map[string][]string {
	all := make(map[string][]string, len(mentions))
	for owner, ids := range mentions {
		all[owner] = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !s.isPerson(id) })
	}
	return all
}

// messageID returns the id of a message in one channel, in the form of a UUID.
func messageID(channel, key string) string {
	sum := sha256.Sum256([]byte(channel + "\n" + key))
	h := hex.EncodeToString(sum[:16])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}
