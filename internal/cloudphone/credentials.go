package cloudphone

import (
	"context"
	"errors"
	"fmt"

	"github.com/aliyun/credentials-go/credentials"

	"matrix-expiry-report/internal/config"
)

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
	if got.SecurityToken != nil {
		c.SecurityToken = config.Secret(*got.SecurityToken)
	}
	return c, nil
}
