package cli

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"strings"
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
// setting has its default. If it stops the report it is an error in errs;
// otherwise it disables another part and is a mistake in mistakes.
type app struct {
	settings config.Settings
	channels []*chat.Channel
	commands []*chat.Command
	source   *inventory.Source
	warnings []string
	errs     error // one per line; nil if no setting stops the report
	mistakes []config.Mistake
	envSize  int
}

// newApp builds the parts from the settings that getenv returns. If progress is
// not nil, it is called with the number of matrices listed so far.
func newApp(getenv func(string) string, credentials func(context.Context) (cloudphone.Credentials, error), progress func(int)) app {
	env := config.NewEnv(getenv)
	a := app{settings: config.Load(env), channels: chat.Load(env), commands: chat.LoadCommands(env)}
	a.warnings, a.envSize = env.Warnings(), env.Size()
	a.mistakes, a.errs = config.Blocking(env.Mistakes())
	a.warnings = append(a.warnings, chat.CheckMentions(a.settings.Mentions, a.channels)...)
	a.source = &inventory.Source{
		Endpoints: a.settings.Endpoints, Memory: instanceMemory(getenv), Progress: progress,
		API: cloudphone.API{
			Zone: a.settings.APIZone, Credentials: credentials, HTTP: cloudphone.NewHTTPClient(), MaxInFlight: a.settings.MaxInFlight,
		},
	}
	return a
}

// validate returns a settingsError with every mistake if a setting stops the
// report.
func (a app) validate() error {
	if a.errs != nil {
		return settingsError{errors.Join(a.errs, a.mistakesErr())}
	}
	return nil
}

// validateForPost returns a settingsError if a setting stops the report or no
// channel is left.
func (a app) validateForPost() error {
	if err := a.validate(); err != nil || len(a.channels) > 0 {
		return err
	}
	return settingsError{errors.Join(a.mistakesErr(), errors.New("no channel is configured: set SLACK_WEBHOOK_URL, DINGTALK_WEBHOOK_URL or another webhook (see README)"))}
}

// validateForHTTP returns a settingsError if a setting stops the report or
// disables HTTP.
func (a app) validateForHTTP() error {
	if err := a.validate(); err != nil || a.settings.HTTPOff == "" {
		return err
	}
	return settingsError{errors.New(strings.ReplaceAll(a.settings.HTTPOff, "; ", "\n"))}
}

// mistakesErr returns the errors of the mistakes, one per line, or nil.
func (a app) mistakesErr() (errs error) {
	for _, m := range a.mistakes {
		errs = errors.Join(errs, m.Err)
	}
	return errs
}

func (a app) handler(log *slog.Logger) *handler.Handler {
	h := &handler.Handler{
		Settings: a.settings, Source: sourceWithMistakes{a.source, a.mistakes}, Log: log, Now: time.Now,
		Doctor: func(ctx context.Context, post bool) ([]byte, error) {
			var b bytes.Buffer
			enc := json.NewEncoder(plainWriter{&b})
			enc.SetEscapeHTML(false)
			err := enc.Encode(a.checker().Run(ctx, post))
			return bytes.TrimSpace(b.Bytes()), err
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
	for _, m := range a.mistakes {
		log.Error("invalid setting", "error", m.Err.Error(), "effect", m.Effect())
	}
	return h
}

func (a app) checker() doctor.Checker {
	return doctor.Checker{
		Settings: a.settings, SettingsErr: a.errs, Mistakes: a.mistakes, Warnings: a.warnings, EnvSize: a.envSize,
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
