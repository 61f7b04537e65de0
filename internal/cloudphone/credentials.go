package cloudphone

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/aliyun/credentials-go/credentials/providers"

	"matrix-expiry-report/internal/config"
)

// Credentials are an access key and where it comes from.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret config.Secret
	SecurityToken   config.Secret // of temporary credentials, else empty
	From            string        // the name of the provider, for display
}

// errNoCredentials names what was tried; the library's own text is longer than a
// message may be.
var errNoCredentials = errors.New("no access key found (tried: function role, ALIBABA_CLOUD_ACCESS_KEY_ID and _SECRET, OIDC role, aliyun CLI profile, instance role)")

// DefaultCredentials returns the credentials of the first provider that has some,
// in the order of the official library's default chain. The providers are created
// for each call, as the library's chain remembers a failure. If none has any, the
// error names the first configured provider that failed.
func DefaultCredentials(ctx context.Context) (Credentials, error) {
	var c Credentials
	var err error
	done := make(chan struct{})
	go func() { // the library takes no context; its own timeouts end it
		defer close(done)
		c, err = tryProviders()
	}()
	select {
	case <-done:
		return c, err
	case <-ctx.Done():
		return Credentials{}, fmt.Errorf("looking for an access key: %w", ctx.Err())
	}
}

// A provider is one source of credentials. A failure is worth reporting if one of
// the variables is set, or if the file exists in the home directory.
type provider struct {
	name      string
	build     func() (providers.CredentialsProvider, error)
	variables []string
	file      string
}

var defaultChain = []provider{
	{"environment", from(providers.NewEnvironmentVariableCredentialsProviderBuilder), []string{"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"}, ""},
	{"OIDC role", from(providers.NewOIDCCredentialsProviderBuilder), []string{"ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"}, ""},
	{"aliyun CLI profile", from(providers.NewCLIProfileCredentialsProviderBuilder), []string{"ALIBABA_CLOUD_CONFIG_FILE"}, ".aliyun/config.json"},
	{"credentials file", from(providers.NewProfileCredentialsProviderBuilder), []string{"ALIBABA_CLOUD_CREDENTIALS_FILE"}, ".alibabacloud/credentials"},
	{"instance role", from(providers.NewECSRAMRoleCredentialsProviderBuilder), []string{"ALIBABA_CLOUD_ECS_METADATA"}, ""},
	{"credentials URI", from(providers.NewURLCredentialsProviderBuilder), []string{"ALIBABA_CLOUD_CREDENTIALS_URI"}, ""},
}

// from returns a function that builds a provider with a new builder.
func from[B interface{ Build() (P, error) }, P providers.CredentialsProvider](builder func() B) func() (providers.CredentialsProvider, error) {
	return func() (providers.CredentialsProvider, error) { return builder().Build() }
}

func (p provider) configured() bool {
	home, err := os.UserHomeDir()
	if err == nil && p.file != "" {
		_, err = os.Stat(filepath.Join(home, p.file))
	}
	return p.file != "" && err == nil || slices.ContainsFunc(p.variables, func(name string) bool { return os.Getenv(name) != "" })
}

func tryProviders() (Credentials, error) {
	var failed error
	for _, p := range defaultChain {
		c, err := p.credentials()
		if err == nil {
			return c, nil
		}
		if failed == nil && p.configured() {
			failed = fmt.Errorf("no access key found: %s: %w", p.name, err)
		}
	}
	return Credentials{}, cmp.Or(failed, errNoCredentials)
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
	if err != nil {
		return c, err
	}
	return Credentials{ // a secret that was pasted or mounted as a file often ends with a newline
		AccessKeyID:     strings.TrimSpace(got.AccessKeyId),
		AccessKeySecret: config.Secret(strings.TrimSpace(got.AccessKeySecret)),
		SecurityToken:   config.Secret(strings.TrimSpace(got.SecurityToken)),
		From:            "default/" + cmp.Or(got.ProviderName, source.GetProviderName()),
	}, nil
}

// requestURL matches what net/http puts in front of an error: here, a URL with a
// key and a signature.
const requestURL = `\b(Get|Post) "[^"]*": `

// providerError returns the text of a provider's error in one line, without
// secrets: the library quotes a profile that is not JSON as a whole.
func providerError(err error) string {
	if strings.HasPrefix(err.Error(), "unmarshal aliyun cli config from") {
		return "the file is not JSON"
	}
	env := Credentials{AccessKeySecret: config.Secret(os.Getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET")), SecurityToken: config.Secret(os.Getenv("ALIBABA_CLOUD_SECURITY_TOKEN"))}
	return oneLine(env.redact(regexp.MustCompile(requestURL).ReplaceAllString(err.Error(), "")))
}
