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
	"fmt"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A Kind is a supported chat service, configured or not. Name is the name of its
// channel and of its template and, in upper case, the prefix of its settings. load
// reads these and returns a channel without a URL if the service is not configured.
type Kind struct {
	Name string
	load func(*config.Env) Channel
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

// A Channel is a configured webhook. It is safe for concurrent use. The load
// function of its kind sets what differs between chat services, and [Load] the rest.
type Channel struct {
	url        *url.URL             // of the webhook; a secret
	isPerson   func(id string) bool // reports whether an id has the form of the service's user ids
	idempotent bool                 // the service shows a message that it received twice only once
	formats    []format             // of a message, the best first
	// sign adds a signature. It is called for each try. It may be nil.
	sign func(p *posting, now time.Time)
	// check returns nil if a response means that the message was delivered.
	check func(res *http.Response, body []byte) *Error

	name      string
	language  string // empty for that of the run
	transport *http.Transport
}

// A format returns the body of a message.
type format func(outgoing) ([]byte, error)

// An outgoing message is a draft and what it was composed from.
type outgoing struct {
	id      string // the same for every try, and for a repeated run; empty for a reply
	report  report.Report
	options message.Options
	draft   *message.Draft
}

// Load returns the configured channels. It records a mistake in env for each invalid
// setting.
func Load(env *config.Env) []*Channel {
	var channels []*Channel
	transport := newTransport()
	for _, k := range Kinds {
		language := env.OneOf(strings.ToUpper(k.Name)+"_LANGUAGE", "", locale.Languages()...)
		part := config.Channel(k.Name)
		c := k.load(env.For(part))
		invalid := slices.ContainsFunc(env.Mistakes(), func(m config.Mistake) bool { return m.Part == part })
		if c.url != nil && !invalid {
			c.name, c.language, c.transport = k.Name, language, transport
			channels = append(channels, &c)
		}
	}
	return channels
}

// A lazyRegexp is a regular expression that is compiled when it is first used: a
// process uses few of all, and compiling them all would delay its start.
type lazyRegexp func() *regexp.Regexp

func pattern(expression string) lazyRegexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(expression) })
}

// MatchString reports whether s contains a match.
func (r lazyRegexp) MatchString(s string) bool { return r().MatchString(s) }

// hostAndPath matches an address without a scheme.
var hostAndPath = pattern(`^[a-z0-9-]+(\.[a-z0-9-]+)+/`)

// webhookURL reads the URL of a webhook, which consists of prefix and a token. It
// also accepts the token alone and a URL without its scheme. Another host and path
// are accepted as well, but not a lack of the query parameter that prefix ends with.
func webhookURL(env *config.Env, name, prefix, example string, token lazyRegexp) *url.URL {
	v, form := env.Secret(name).Reveal(), prefix+example
	switch {
	case v == "":
		return nil
	case token.MatchString(v):
		v = prefix + v
	case hostAndPath.MatchString(v):
		v = "https://" + v
	}
	u := env.ParseSecretURL(name, v, form)
	if _, query, ok := strings.Cut(prefix, "?"); ok && u != nil && u.Query().Get(strings.TrimSuffix(query, "=")) == "" {
		env.RefuseSecret(name, "an address of the form "+form)
		return nil
	}
	return u
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

// Host returns the scheme and host of the webhook. The rest of the URL is a secret.
func (c *Channel) Host() *url.URL { return &url.URL{Scheme: c.url.Scheme, Host: c.url.Host} }

// Send posts r, with retries. The key identifies the run: a service that recognises
// a repeated message shows it once. The error wraps an [*Error] if the message was
// not delivered, and another error if it could not be composed.
func (c *Channel) Send(ctx context.Context, r report.Report, o message.Options, key string) error {
	out, err := c.compose(r, o, key)
	if err != nil {
		return fmt.Errorf("%s: %w", c.name, err)
	}
	var last *Error
	for i, format := range c.formats {
		body, err := format(out)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		if last = c.post(ctx, out.id, body, i == len(c.formats)-1); last == nil {
			return nil
		}
		if !last.TryOtherFormat {
			break
		}
	}
	return fmt.Errorf("%s: %w", c.name, last)
}

// compose returns the message about r.
func (c *Channel) compose(r report.Report, o message.Options, key string) (outgoing, error) {
	o.Language = cmp.Or(c.language, o.Language)
	o.Mentions = c.people(o.Mentions)
	d, err := message.Compose(c.name, r, o)
	return outgoing{messageID(c.name, key), r, o, d}, err
}

// people returns mentions with the ids of the channel's service only.
func (c *Channel) people(mentions map[string][]string) map[string][]string {
	all := make(map[string][]string, len(mentions))
	for owner, ids := range mentions {
		all[owner] = slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return !c.isPerson(id) })
	}
	return all
}

// noPerson reports false for every id: the service has no mentions.
func noPerson(string) bool { return false }

// messageID returns the id of a message in one channel, in the form of a UUID.
func messageID(channel, key string) string {
	sum := sha256.Sum256([]byte(channel + "\n" + key))
	return fmt.Sprintf("%x-%x-%x-%x-%x", sum[:4], sum[4:6], sum[6:8], sum[8:10], sum[10:16])
}
