package cloudphone

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/aliyun/credentials-go/credentials"

	"matrix-expiry-report/internal/config"
)

// Credentials are one identity for one run.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret config.Secret
	SecurityToken   config.Secret // of a role's temporary key, else empty
	From            string        // which way they came, for people
}

// A keyring holds the identity of one listing. A temporary key that expires in
// the middle of it is asked for anew, once.
type keyring struct {
	ask func(context.Context) (Credentials, error)

	mu      sync.Mutex
	now     identity
	renewed bool
}

// An identity is what a keyring holds at a time.
type identity struct {
	Credentials
	hide *strings.Replacer // of its secrets: the service repeats what it was sent
}

func newIdentity(c Credentials) identity {
	var hide []string
	for _, secret := range []config.Secret{c.AccessKeySecret, c.SecurityToken} {
		if secret != "" {
			hide = append(hide, secret.Reveal(), secret.String())
		}
	}
	return identity{c, strings.NewReplacer(hide...)}
}

func (k *keyring) current() identity {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.now
}

// renew gives a key other than the expired one, if there is one to be had.
func (k *keyring) renew(ctx context.Context, expired identity) (fresh identity, ok bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.renewed && k.now.Credentials == expired.Credentials {
		k.renewed = true
		if c, err := k.ask(ctx); err == nil {
			k.now = newIdentity(c)
		}
	}
	return k.now, k.now.Credentials != expired.Credentials
}

// hidden is err without the identity's secrets.
func (k identity) hidden(err error) error {
	if e, ok := errors.AsType[*Error](err); ok {
		for _, said := range []*string{&e.Code, &e.Message, &e.RequestID, &e.AuthAction} {
			*said = k.hide.Replace(*said)
		}
	}
	return err
}

// errNoCredentials tells what was tried; the library's own text is longer than
// a message may be.
var errNoCredentials = errors.New("no access key: the function has no role, and neither ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, an OIDC role, a profile of the aliyun command line, nor an instance role gave one")

// DefaultCredentials asks the default chain of the official library: the
// environment, an OIDC role, profiles, an instance role. The chain is made
// anew each time, as it remembers a failure.
func DefaultCredentials(ctx context.Context) (Credentials, error) {
	type result struct {
		c   Credentials
		err error
	}
	done := make(chan result, 1)
	go func() { // the library knows no context; its own time limits end it
		c, err := askChain()
		done <- result{c, err}
	}()
	select {
	case r := <-done:
		return r.c, r.err
	case <-ctx.Done():
		return Credentials{}, fmt.Errorf("looking for an access key: %w", ctx.Err())
	}
}

func askChain() (c Credentials, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("looking for an access key: panic: %v", p)
		}
	}()
	chain, err := credentials.NewCredential(nil)
	if err != nil {
		return c, errNoCredentials
	}
	got, err := chain.GetCredential()
	if err != nil || got.AccessKeyId == nil || got.AccessKeySecret == nil {
		return c, errNoCredentials
	}
	c = Credentials{AccessKeyID: *got.AccessKeyId, AccessKeySecret: config.Secret(*got.AccessKeySecret)}
	if got.ProviderName != nil {
		c.From = *got.ProviderName
	}
	if got.SecurityToken != nil {
		c.SecurityToken = config.Secret(*got.SecurityToken)
	}
	return c, nil
}
