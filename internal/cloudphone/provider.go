package cloudphone

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/aliyun/credentials-go/credentials/providers"

	"matrix-expiry-report/internal/config"
)

// errNoCredentials names what was tried; the library's own text is longer than a
// message may be.
var errNoCredentials = errors.New("no access key found (tried: function role, ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, OIDC role, aliyun CLI profile, instance role)")

// DefaultCredentials returns the credentials of the first provider that has some,
// in the order of the official library's default chain. The providers are made
// again each time, as the chain remembers a failure. If none has any, the error
// names the configured provider that failed.
func DefaultCredentials(ctx context.Context) (Credentials, error) {
	type result struct {
		c   Credentials
		err error
	}
	done := make(chan result, 1)
	go func() { // the library takes no context; its own timeouts end it
		c, err := tryProviders()
		done <- result{c, err}
	}()
	select {
	case r := <-done:
		return r.c, r.err
	case <-ctx.Done():
		return Credentials{}, fmt.Errorf("looking for an access key: %w", ctx.Err())
	}
}

// A provider is one source of credentials.
type provider struct {
	name       string
	configured func() bool // whether a failure is worth reporting
	build      func() (providers.CredentialsProvider, error)
}

// defaultChain is the table of providers.
var defaultChain = []provider{
	{"environment", anyEnv("ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"), func() (providers.CredentialsProvider, error) {
		return providers.NewEnvironmentVariableCredentialsProviderBuilder().Build()
	}},
	{"OIDC role", anyEnv("ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"), func() (providers.CredentialsProvider, error) {
		return providers.NewOIDCCredentialsProviderBuilder().Build()
	}},
	{"aliyun CLI profile", envOrFile("ALIBABA_CLOUD_CONFIG_FILE", ".aliyun/config.json"), func() (providers.CredentialsProvider, error) {
		return providers.NewCLIProfileCredentialsProviderBuilder().Build()
	}},
	{"credentials file", envOrFile("ALIBABA_CLOUD_CREDENTIALS_FILE", ".alibabacloud/credentials"), func() (providers.CredentialsProvider, error) {
		return providers.NewProfileCredentialsProviderBuilder().Build()
	}},
	{"instance role", anyEnv("ALIBABA_CLOUD_ECS_METADATA"), func() (providers.CredentialsProvider, error) {
		return providers.NewECSRAMRoleCredentialsProviderBuilder().Build()
	}},
	{"credentials URI", anyEnv("ALIBABA_CLOUD_CREDENTIALS_URI"), func() (providers.CredentialsProvider, error) {
		return providers.NewURLCredentialsProviderBuilder().Build()
	}},
}

func anyEnv(names ...string) func() bool {
	return func() bool {
		for _, name := range names {
			if os.Getenv(name) != "" {
				return true
			}
		}
		return false
	}
}

// envOrFile reports whether the variable is set, or the file exists in the home
// directory.
func envOrFile(env, file string) func() bool {
	return func() bool {
		home, _ := os.UserHomeDir()
		_, err := os.Stat(filepath.Join(home, file))
		return os.Getenv(env) != "" || home != "" && err == nil
	}
}

func tryProviders() (Credentials, error) {
	var failed error
	for _, p := range defaultChain {
		c, err := p.credentials()
		if err == nil {
			return c.trimmed(), nil
		}
		if failed == nil && p.configured() {
			failed = fmt.Errorf("no access key found: %s: %w", p.name, err)
		}
	}
	if failed != nil {
		return Credentials{}, failed
	}
	return Credentials{}, errNoCredentials
}

// credentials asks one provider. The error contains no secret of the environment
// or of a profile.
func (p provider) credentials() (c Credentials, err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v", r)
		}
		if err != nil {
			err = errors.New(providerError(err))
		}
	}()
	source, err := p.build()
	if err != nil {
		return c, err
	}
	got, err := source.GetCredentials()
	switch {
	case err != nil:
		return c, err
	case got.AccessKeyId == "" || got.AccessKeySecret == "":
		return c, errors.New("it has no access key")
	}
	name := got.ProviderName
	if name == "" {
		name = source.GetProviderName()
	}
	return Credentials{
		AccessKeyID: got.AccessKeyId, AccessKeySecret: config.Secret(got.AccessKeySecret), SecurityToken: config.Secret(got.SecurityToken), From: "default/" + name,
	}, nil
}

// providerError returns the text of a provider's error in one line, without
// secrets: the library quotes a profile that is not JSON as a whole.
func providerError(err error) string {
	text, _, _ := strings.Cut(err.Error(), "aliyun cli config from")
	if text != err.Error() && strings.HasPrefix(text, "unmarshal") {
		return "the file is not JSON"
	}
	env := Credentials{AccessKeySecret: config.Secret(os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")), SecurityToken: config.Secret(os.Getenv("ALIBABA_CLOUD_SECURITY_TOKEN"))}
	return oneLine(env.redact(err.Error()))
}
