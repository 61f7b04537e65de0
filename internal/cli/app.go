package cli

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/doctor"
	"matrix-expiry-report/internal/inventory"
	"matrix-expiry-report/internal/state"
)

// An app is the parts of the program, built from its settings. An invalid
// setting has its default. If it stops the report it is an error in errs;
// otherwise it disables another part and is a mistake in mistakes.
type app struct {
	settings config.Settings
	channels []*chat.Channel
	commands []*chat.Command
	source   *inventory.Source
	store    func(context.Context) (state.Objects, error) // nil without a store
	warnings []string
	errs     error // one per line; nil if no setting stops the report
	mistakes []config.Mistake
	envSize  int

	mistakesErr error // of the mistakes, one per line
}

// newApp builds the parts from the settings that getenv returns. If progress is
// not nil, it is called with the number of matrices listed so far.
func newApp(getenv func(string) string, credentials func(context.Context) (cloudphone.Credentials, error), progress func(int)) app {
	env := config.NewEnv(getenv)
	a := app{settings: config.Load(env), channels: chat.Load(env), commands: chat.LoadCommands(env)}
	a.warnings, a.envSize = env.Warnings(), env.Size()
	a.mistakes, a.errs = config.Blocking(env.Mistakes())
	for _, m := range a.mistakes {
		a.mistakesErr = errors.Join(a.mistakesErr, m.Err)
	}
	a.warnings = append(a.warnings, chat.CheckMentions(a.settings.Mentions, a.channels)...)
	a.store = newStore(a.settings.Store, credentials)
	a.source = &inventory.Source{
		Endpoints: a.settings.Endpoints, Memory: instanceMemory(getenv), Progress: progress,
		API: cloudphone.API{
			Zone: a.settings.APIZone, Credentials: credentials, HTTP: cloudphone.NewHTTPClient(), MaxInFlight: a.settings.MaxInFlight,
		},
	}
	return a
}

// envFileFlag defines the flag of the commands that read settings.
func envFileFlag(f *flag.FlagSet) *string {
	return f.String("env-file", "", "read settings from `FILE`; environment variables win")
}

// readEnvFile returns p with the settings of a file as a fallback for those of
// the environment, and the errors of lines that are invalid, one per line. An
// empty name changes nothing.
func (p Program) readEnvFile(file string) (_ Program, invalid, err error) {
	if file == "" {
		return p, nil, nil
	}
	values, invalid, err := config.ReadEnvFile(file)
	if err != nil {
		return p, nil, usageError{err}
	}
	getenv := p.Getenv
	p.Getenv = func(name string) string { return cmp.Or(getenv(name), values[name]) }
	// The libraries for credentials and proxies read the process environment.
	for name, value := range values {
		if err := os.Setenv(name, cmp.Or(os.Getenv(name), value)); err != nil {
			return p, nil, fmt.Errorf("setting %s: %w", name, err)
		}
	}
	return p, invalid, nil
}

// load builds the parts of the program with the settings of a file and of the
// environment. The returned Program has the settings of the file, too.
func (p Program) load(envFile string, progress func(int)) (Program, app, error) {
	p, invalid, err := p.readEnvFile(envFile)
	if err != nil {
		return p, app{}, err
	}
	a := newApp(p.Getenv, credentials, progress)
	a.errs = errors.Join(invalid, a.errs)
	return p, a, nil
}

// override returns the settings of one run of a command.
func (a app) override(command string, o config.Overrides) (config.Settings, error) {
	s, err := a.settings.With(o)
	if err != nil {
		return s, usageError{fmt.Errorf("%s: %s; see %[1]s --help", command, strings.ReplaceAll(err.Error(), "\n", "; "))}
	}
	return s, nil
}

// validate returns a settingsError with every mistake if a setting stops the
// report or, for a post, no channel is left.
func (a app) validate(post bool) error {
	switch {
	case a.errs != nil:
		return settingsError{errors.Join(a.errs, a.mistakesErr)}
	case post && len(a.channels) == 0:
		const none = "no channel is configured: set SLACK_WEBHOOK_URL, DINGTALK_WEBHOOK_URL or another webhook (see README)"
		return settingsError{errors.Join(a.mistakesErr, errors.New(none))}
	}
	return nil
}

func (a app) handler(log *slog.Logger) *handler.Handler {
	h := &handler.Handler{
		Settings: a.settings, Source: settingsSource{a.source, a.errs, a.mistakes}, Store: a.store, Log: log, Now: time.Now,
		Doctor: func(ctx context.Context, post bool) ([]byte, error) {
			var b bytes.Buffer
			err := writeJSON(&b, a.checker().Run(ctx, post), "")
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
		Source: a.source, Channels: a.channels, Store: a.store, Commands: len(a.commands), Now: time.Now,
	}
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
