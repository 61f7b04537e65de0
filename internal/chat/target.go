package chat

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
)

// A target is the webhook of a service. Services embed it, and replace what
// they do differently.
type target struct{ url *url.URL }

// host returns scheme and host of the webhook. The rest of it is a secret.
func (t target) host() *url.URL { return &url.URL{Scheme: t.url.Scheme, Host: t.url.Host} }

func (t target) isPerson(string) bool { return false }

func (t target) idempotent() bool { return false }

func (t target) request(ctx context.Context, _ string, body []byte, _ time.Time) (*http.Request, error) {
	return post(ctx, t.url, body)
}

func post(ctx context.Context, to *url.URL, body []byte) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodPost, to.String(), bytes.NewReader(body))
}

// hostAndPath matches an address without a scheme.
var hostAndPath = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+/`)

// webhookURL reads the URL of a webhook. It also accepts the token alone, which
// is appended to prefix, and a URL without its scheme.
func webhookURL(env *config.Env, name, form string, token *regexp.Regexp, prefix string) *url.URL {
	v := env.Secret(name).Reveal()
	switch {
	case v == "" || strings.HasPrefix(v, "https://"):
		return env.SecretURL(name, form)
	case token.MatchString(v):
		v = prefix + v
	case hostAndPath.MatchString(v):
		v = "https://" + v
	default:
		return env.SecretURL(name, form)
	}
	u, err := url.Parse(v)
	if err != nil || !config.SafeURL(u) {
		env.RefuseSecret(name, "an address of the form "+form)
		return nil
	}
	return u
}
