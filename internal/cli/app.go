package cli

import (
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
	"matrix-expiry-report/report"
)

// parts are what the settings make. What has a mistake is as if it were not
// set.
type parts struct {
	settings config.Settings
	channels []*chat.Channel
	commands []*chat.Command
	source   *cloudphone.Source
	warnings []string
	mistakes error
}

func load(getenv func(string) string, credentials func(context.Context) (cloudphone.Credentials, error), progress func(int)) parts {
	env := config.NewEnv(getenv)
	p := parts{settings: config.Load(env), channels: chat.Load(env), commands: chat.LoadCommands(env)}
	p.warnings, p.mistakes = env.Warnings(), env.Err()
	p.source = &cloudphone.Source{
		Endpoints: p.settings.Endpoints, Zone: p.settings.APIZone,
		Credentials: credentials, HTTP: cloudphone.NewHTTPClient(), MaxInFlight: p.settings.MaxInFlight, Progress: progress,
	}
	return p
}

// check gives every mistake of the settings at once. Only what posts needs a
// channel.
func (p parts) check(posts bool) error {
	switch {
	case p.mistakes != nil:
		return wrongSettings{p.mistakes}
	case posts && len(p.channels) == 0:
		return wrongSettings{errors.New("no channel is set up: set SLACK_WEBHOOK_URL, DINGTALK_WEBHOOK_URL or another webhook of the README")}
	}
	return nil
}

func (p parts) handler(log logTo) *handler.Handler {
	h := &handler.Handler{
		Settings: p.settings, Source: p.source, Log: log(p.settings.LogLevel), Now: time.Now,
		Doctor: func(ctx context.Context, post bool) ([]byte, error) {
			return json.Marshal(p.patient().Examine(ctx, post))
		},
	}
	for _, c := range p.channels {
		h.Channels = append(h.Channels, c)
	}
	for _, c := range p.commands {
		h.Commands = append(h.Commands, c)
	}
	for _, w := range p.warnings {
		h.Log.Warn("setting", "warning", w)
	}
	return h
}

func (p parts) patient() doctor.Patient {
	return doctor.Patient{Settings: p.settings, Mistakes: p.mistakes, Warnings: p.warnings, Source: p.source, Channels: p.channels, Commands: len(p.commands), Now: time.Now}
}

// logTo makes a log that begins at a level.
type logTo func(slog.Level) *slog.Logger

func noLog(slog.Level) *slog.Logger { return slog.New(slog.DiscardHandler) }

// wrongSettings are the mistakes of the settings, a line each. As a source it
// lists nothing and says why: whoever reads the chats is to know, as nobody
// reads the log of a function that was always well.
type wrongSettings struct{ mistakes error }

func (w wrongSettings) Error() string {
	return "matrix-expiry-report: the settings need mending\n  " + strings.ReplaceAll(w.mistakes.Error(), "\n", "\n  ")
}

func (w wrongSettings) Is(target error) bool { return target == errUsage }

func (w wrongSettings) List(context.Context, []string, func(*report.Matrix) report.Fate) (l report.Listing) {
	for mistake := range strings.Lines(w.mistakes.Error()) {
		l.Problems = append(l.Problems, report.Problem{Code: "InvalidSettings", Message: strings.TrimSpace(mistake), MayHideMatrices: true})
	}
	return l
}

// credentials are the invocation's own, else those of the default chain. They
// are asked for in every run: the function's are renewed while it lives.
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
