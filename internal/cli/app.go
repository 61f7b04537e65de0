package cli

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/doctor"
	"matrix-expiry-report/internal/inventory"
)

// An app is the parts of the program, built from its settings. An invalid
// setting has its default and is an error in errs.
type app struct {
	settings config.Settings
	channels []*chat.Channel
	commands []*chat.Command
	source   *inventory.Source
	warnings []string
	errs     error // one per line; nil if all settings are valid
	envSize  int
}

// newApp builds the parts from the settings that getenv returns. If progress is
// not nil, it is called with the number of matrices listed so far.
func newApp(getenv func(string) string, credentials func(context.Context) (cloudphone.Credentials, error), progress func(int)) app {
	env := config.NewEnv(getenv)
	a := app{settings: config.Load(env), channels: chat.Load(env), commands: chat.LoadCommands(env)}
	a.warnings, a.errs, a.envSize = env.Warnings(), env.Err(), env.Size()
	a.warnings = append(a.warnings, chat.CheckMentions(a.settings.Mentions, a.channels)...)
	a.source = &inventory.Source{
		Endpoints: a.settings.Endpoints, Memory: instanceMemory(getenv), Progress: progress,
		API: cloudphone.API{
			Zone: a.settings.APIZone, Credentials: credentials, HTTP: cloudphone.NewHTTPClient(), MaxInFlight: a.settings.MaxInFlight,
		},
	}
	return a
}

// validate returns a settingsError if a setting is invalid.
func (a app) validate() error {
	if a.errs != nil {
		return settingsError{a.errs}
	}
	return nil
}

// validateForPost returns a settingsError if a setting is invalid or no channel is
// configured.
func (a app) validateForPost() error {
	if err := a.validate(); err != nil || len(a.channels) > 0 {
		return err
	}
	return settingsError{errors.New("no channel is configured: set SLACK_WEBHOOK_URL, DINGTALK_WEBHOOK_URL or another webhook (see README)")}
}

func (a app) handler(log *slog.Logger) *handler.Handler {
	h := &handler.Handler{
		Settings: a.settings, Source: a.source, Log: log, Now: time.Now,
		Doctor: func(ctx context.Context, post bool) ([]byte, error) {
			return json.Marshal(a.checker().Run(ctx, post))
		},
	}
	for _, c := range a.channels {
		h.Channels = append(h.Channels, c)
	}
	for _, c := range a.commands {
		h.Commands = append(h.Commands, c)
	}
	for _, w := range a.warnings {
		log.Warn("setting", "warning", w)
	}
	return h
}

func (a app) checker() doctor.Checker {
	return doctor.Checker{
		Settings: a.settings, SettingsErr: a.errs, Warnings: a.warnings, EnvSize: a.envSize,
		Source: a.source, Channels: a.channels, Commands: len(a.commands), Now: time.Now,
	}
}

// logOptions returns the options of a log of the level that is set.
func (a app) logOptions() *slog.HandlerOptions {
	return &slog.HandlerOptions{Level: a.settings.LogLevel}
}

// credentials returns the credentials of the current invocation, else those of
// the default chain. Each run calls it, since the platform renews the
// credentials of a function while it lives.
func credentials(ctx context.Context) (cloudphone.Credentials, error) {
	if f, ok := fccontext.FromContext(ctx); ok && f.Credentials.AccessKeyId != "" {
		return cloudphone.Credentials{
			AccessKeyID:     f.Credentials.AccessKeyId,
			AccessKeySecret: config.Secret(f.Credentials.AccessKeySecret),
			SecurityToken:   config.Secret(f.Credentials.SecurityToken),
			From:            "the function's role",
		}, nil
	}
	return cloudphone.DefaultCredentials(ctx)
}
