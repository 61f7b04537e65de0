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
	current Credentials
	renewed bool
}

func (c *credentialCache) get() Credentials {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.current
}

// renew replaces the expired credentials, and reports whether the cache now
// holds others.
func (c *credentialCache) renew(ctx context.Context, expired Credentials) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.renewed && c.current == expired {
		c.renewed = true
		if fresh, err := c.source(ctx); err == nil {
			c.current = fresh.trimmed()
		}
	}
	return c.current != expired
}
