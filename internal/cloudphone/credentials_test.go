package cloudphone

import (
	"context"
	"errors"
	"testing"
)

// alone leaves the chain nothing but what the test sets.
func alone(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABA_CLOUD_PROFILE",
		"ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_CREDENTIALS_URI",
		"ALIBABA_CLOUD_ECS_METADATA", "ALIBABA_CLOUD_CREDENTIALS_FILE",
	} {
		t.Setenv(name, "")
	}
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	t.Setenv("HOME", t.TempDir())
}

func TestDefaultCredentialsFromTheEnvironment(t *testing.T) {
	alone(t)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tTest")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
	if c, err := DefaultCredentials(t.Context()); err != nil || c.AccessKeyID != "LTAI5tTest" || c.AccessKeySecret.Reveal() != "secret" || c.SecurityToken != "" {
		t.Errorf("got %+v and the error %v, want the key", c, err)
	}
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "token")
	if c, err := DefaultCredentials(t.Context()); err != nil || c.SecurityToken.Reveal() != "token" {
		t.Errorf("got %+v and the error %v, want the token too", c, err)
	}
}

func TestNoDefaultCredentials(t *testing.T) {
	alone(t)
	if c, err := DefaultCredentials(t.Context()); !errors.Is(err, errNoCredentials) {
		t.Errorf("got %+v and the error %v, want %v", c, err, errNoCredentials)
	}
	// A failure is not remembered.
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "LTAI5tTest")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret")
	if _, err := DefaultCredentials(t.Context()); err != nil {
		t.Errorf("got the error %v, want the key that is there now", err)
	}
}

func TestDefaultCredentialsEndWithTheRun(t *testing.T) {
	alone(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := DefaultCredentials(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, errNoCredentials) {
		t.Errorf("got the error %v, want the end of the run", err)
	}
}
