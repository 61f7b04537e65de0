package cloudphone

import (
	"context"
	"strings"
	"sync"

	"matrix-expiry-report/internal/config"
)

// Credentials are one identity for one run.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret config.Secret
	SecurityToken   config.Secret // of temporary credentials, else empty
	From            string        // the provider, for people
}

// trimmed returns c without the white space around its values: a secret that was
// pasted or mounted as a file often ends with a newline.
func (c Credentials) trimmed() Credentials {
	c.AccessKeyID = strings.TrimSpace(c.AccessKeyID)
	c.AccessKeySecret = config.Secret(strings.TrimSpace(c.AccessKeySecret.Reveal()))
	c.SecurityToken = config.Secret(strings.TrimSpace(c.SecurityToken.Reveal()))
	return c
}

// A credentialCache holds the credentials of one session. Temporary credentials
// that expire during the session are renewed once.
type credentialCache struct {
	source func(context.Context) (Credentials, error)

	mu      sync.Mutex
	current credentials
	renewed bool
}

// credentials are Credentials with what removes them from texts.
type credentials struct {
	Credentials
	*redactor
}

func newCredentials(c Credentials) credentials {
	c = c.trimmed()
	return credentials{c, newRedactor(c.AccessKeySecret, c.SecurityToken)}
}

func newCredentialCache(source func(context.Context) (Credentials, error), first Credentials) *credentialCache {
	return &credentialCache{source: source, current: newCredentials(first)}
}

func (c *credentialCache) get() credentials {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// renew replaces the expired credentials, and reports whether the cache now
// holds others.
func (c *credentialCache) renew(ctx context.Context, expired credentials) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.renewed && c.current.Credentials == expired.Credentials {
		c.renewed = true
		if fresh, err := c.source(ctx); err == nil {
			c.current = newCredentials(fresh)
		}
	}
	return c.current.Credentials != expired.Credentials
}
