package chat

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
)

// hostAndPath matches an address without a scheme.
var hostAndPath = regexp.MustCompile(`^[a-z0-9-]+(\.[a-z0-9-]+)+/`)

// webhookURL reads the URL of a webhook, which consists of prefix and a token. It
// also accepts the token alone and a URL without its scheme. Another host and path
// are accepted as well, but not a lack of the query parameter that prefix ends with.
func webhookURL(env *config.Env, name, prefix, example string, token *regexp.Regexp) *url.URL {
	v, form := env.Secret(name).Reveal(), prefix+example
	switch {
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

// A posting is what a request is made of.
type posting struct {
	id     string // of the message
	url    url.URL
	header http.Header
	body   []byte
}

// request returns a request that posts a body, signed at the time now.
func (c *Channel) request(ctx context.Context, id string, body []byte, now time.Time) (*http.Request, error) {
	p := posting{id, *c.url, http.Header{"Content-Type": {"application/json; charset=utf-8"}}, body}
	if c.sign != nil {
		c.sign(&p, now)
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.String(), bytes.NewReader(p.body))
	if err != nil {
		return nil, err
	}
	req.Header = p.header
	return req, nil
}

// signature returns the HMAC-SHA256 of a text in base64.
func signature(key, text string) string {
	mac := hmac.New(sha256.New, []byte(key))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}
