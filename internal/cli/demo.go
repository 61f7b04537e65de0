package cli

import (
	"context"
	"log/slog"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/demo"
)

// demo lists and posts as report --post does, using emulated services.
func (p Program) demo(ctx context.Context, args []string) error {
	if err := parse(p.flags("demo"), args); err != nil {
		return err
	}
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
	r, err := a.handler(slog.New(slog.DiscardHandler)).Post(ctx, "demo "+time.Now().Format(time.RFC3339Nano), config.Overrides{})
	clear()
	if err != nil {
		return err
	}
	if err := p.writeReport(r, a.settings, false); err != nil {
		return err
	}
	return services.WriteMessages(p.Stdout, r.Listed)
}
