package cli

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
)

func appWith(env map[string]string) app {
	return newApp(func(name string) string { return env[name] }, credentials, nil)
}

func TestValidate(t *testing.T) {
	for _, c := range []struct {
		name           string
		env            map[string]string
		valid, canPost bool
	}{
		{"no settings", nil, true, false},
		{"a channel", map[string]string{"WECOM_WEBHOOK_URL": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=d41d8cd98f00"}, true, true},
		{"an invalid setting", map[string]string{"EXPIRY_DAYS": "soon", "WECOM_WEBHOOK_URL": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=d41d8cd98f00"}, false, false},
	} {
		a := appWith(c.env)
		if err := a.validate(false); (err == nil) != c.valid {
			t.Errorf("%s: validate(false) returned %v", c.name, err)
		}
		err := a.validate(true)
		if _, settings := errors.AsType[settingsError](err); (err == nil) != c.canPost || err != nil && !settings {
			t.Errorf("%s: validate(true) returned %v", c.name, err)
		}
	}
}

// The handler has every channel and chat command that is configured.
func TestHandlerHasEveryChannel(t *testing.T) {
	a := appWith(map[string]string{
		"SLACK_WEBHOOK_URL": "http://127.0.0.1:9/services/T0/B0/x", "WEBHOOK_URL": "http://127.0.0.1:9/x", "WEBHOOK_SECRET": "s3cret-of-the-webhook",
		"SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5", "DINGTALK_APP_SECRET": "an-app-secret",
	})
	h := a.handler(slog.New(slog.DiscardHandler))
	if len(h.Channels) != 2 || len(h.Commands) != 2 {
		t.Errorf("%d channels and %d commands, want 2 and 2: %v", len(h.Channels), len(h.Commands), a.errs)
	}
}

func TestHandlerLogsSettingWarnings(t *testing.T) {
	var log strings.Builder
	a := app{warnings: []string{"DAYS is now called EXPIRY_DAYS"}}
	a.handler(slog.New(slog.NewTextHandler(&log, nil)))
	if !strings.Contains(log.String(), "DAYS is now called EXPIRY_DAYS") || !strings.Contains(log.String(), "level=WARN") {
		t.Errorf("the log has %q", log.String())
	}
}

// The credentials of the invocation take precedence over the environment's.
func TestCredentials(t *testing.T) {
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "from-env")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "env-secret")
	invocation := &fccontext.FcContext{Credentials: fccontext.Credentials{AccessKeyId: "STS.role", AccessKeySecret: "role-secret", SecurityToken: "token"}}
	for _, c := range []struct {
		name              string
		ctx               context.Context
		id, secret, token string
	}{
		{"role", fccontext.NewContext(t.Context(), invocation), "STS.role", "role-secret", "token"},
		{"no role", fccontext.NewContext(t.Context(), &fccontext.FcContext{}), "from-env", "env-secret", ""},
		{"no invocation", t.Context(), "from-env", "env-secret", ""},
	} {
		got, err := credentials(c.ctx)
		if err != nil || got.AccessKeyID != c.id || got.AccessKeySecret.Reveal() != c.secret || got.SecurityToken.Reveal() != c.token {
			t.Errorf("%s: got %q from %s and the error %v, want %q", c.name, got.AccessKeyID, got.From, err, c.id)
		}
	}
}
