package cli

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/demo"
)

// demo lists and posts as report --post does, using emulated services.
func (p Program) demo(flags *flag.FlagSet) action {
	var o config.Overrides
	languageFlag(flags, &o)
	return func(ctx context.Context, _ string) error { return p.runDemo(ctx, o) }
}

func (p Program) runDemo(ctx context.Context, o config.Overrides) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	services, err := demo.Start(ctx)
	if err != nil {
		return err
	}
	progress, clear := p.progress()
	a := newApp(services.Getenv(p.Getenv), services.Credentials, progress)
	if err := a.validate(true); err != nil {
		return err
	}
	settings, err := a.override("demo", o)
	if err != nil {
		return err
	}
	r, err := a.handler(slog.New(slog.DiscardHandler)).Post(ctx, "demo "+time.Now().Format(time.RFC3339Nano), o)
	clear()
	if err != nil {
		return err
	}
	if err := p.writeReport(r, settings, false); err != nil {
		return err
	}
	if err := services.WriteMessages(p.Stdout, r.Listed); err != nil {
		return err
	}
	_, err = fmt.Fprintln(p.Stdout, "Next: preview --html messages.html draws the messages of all chats; README.md goes on with your own settings.")
	return err
}
