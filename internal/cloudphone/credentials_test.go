package cloudphone

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// alone removes the credentials of the machine, so that there are only those of
// the test.
func alone(t *testing.T) {
	t.Helper()
	for _, name := range []string{
		"ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET", "ALIBABA_CLOUD_SECURITY_TOKEN", "ALIBABA_CLOUD_PROFILE",
		"ALIBABA_CLOUD_ROLE_ARN", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN", "ALIBABA_CLOUD_OIDC_TOKEN_FILE", "ALIBABA_CLOUD_CREDENTIALS_URI",
		"ALIBABA_CLOUD_ECS_METADATA", "ALIBABA_CLOUD_CREDENTIALS_FILE", "ALIBABA_CLOUD_CONFIG_FILE",
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
	// The next call starts again.
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

func TestDefaultCredentialsAreTrimmed(t *testing.T) {
	alone(t)
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", " LTAI5tTest\n")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "secret\r\n")
	t.Setenv("ALIBABA_CLOUD_SECURITY_TOKEN", "token\n")
	c, err := DefaultCredentials(t.Context())
	if err != nil || c.AccessKeyID != "LTAI5tTest" || c.AccessKeySecret.Reveal() != "secret" || c.SecurityToken.Reveal() != "token" {
		t.Errorf("got %q, %q, %q and the error %v", c.AccessKeyID, c.AccessKeySecret.Reveal(), c.SecurityToken.Reveal(), err)
	}
}

// TestMain puts a proxy that fails between the tests and other hosts. net/http
// reads the environment once, so that no single test can set it.
func TestMain(m *testing.M) {
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusBadGateway)
	}))
	os.Setenv("HTTPS_PROXY", proxy.URL)
	os.Exit(m.Run())
}

// A provider that is configured and fails is named, with its reason and without
// its secrets.
func TestDefaultCredentialsNameTheProviderThatFails(t *testing.T) {
	const secret = "rS9kPq7vXw3mZc5bNt1y"
	role := `{"current":"p","profiles":[{"name":"p","mode":"RamRoleArn","access_key_id":"LTAI5tTest","access_key_secret":"` + secret + `","ram_role_arn":"acs:ram::1:role/r","ram_session_name":"s"}]}`
	for name, tt := range map[string]struct {
		config string // of the aliyun CLI
		env    map[string]string
		want   string
	}{
		"STS behind a proxy that fails": {role, nil, "^no access key found: aliyun CLI profile: Bad Gateway$"},
		"a profile that is not JSON":    {role[1:], nil, "^no access key found: aliyun CLI profile: the file is not JSON$"},
		"a profile that is missing":     {role, map[string]string{"ALIBABA_CLOUD_PROFILE": "q"}, "no access key found: aliyun CLI profile: .*'q'"},
		"an OIDC token that is missing": {"", map[string]string{
			"ALIBABA_CLOUD_ROLE_ARN": "acs:ram::1:role/r", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN": "acs:ram::1:oidc-provider/o", "ALIBABA_CLOUD_OIDC_TOKEN_FILE": "/nowhere",
		}, "no access key found: OIDC role: .*/nowhere"},
		"half a key": {"", map[string]string{"ALIBABA_CLOUD_ACCESS_KEY_ID": "LTAI5tTest"}, "no access key found: environment: .*ALIBABA_CLOUD_ACCESS_KEY_SECRET"},
	} {
		t.Run(name, func(t *testing.T) {
			alone(t)
			for name, value := range tt.env {
				t.Setenv(name, value)
			}
			if tt.config != "" {
				file := filepath.Join(t.TempDir(), "config.json")
				if err := os.WriteFile(file, []byte(tt.config), 0o600); err != nil {
					t.Fatal(err)
				}
				t.Setenv("ALIBABA_CLOUD_CONFIG_FILE", file)
			}
			_, err := DefaultCredentials(t.Context())
			if err == nil || !regexp.MustCompile(tt.want).MatchString(err.Error()) || strings.Contains(err.Error(), secret) {
				t.Errorf("got the error %v, want %s", err, tt.want)
			}
		})
	}
}
