package cli

import (
	"context"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/demo"
	"matrix-expiry-report/report"
)

func (p Program) demo(ctx context.Context, args []string) error {
	if err := parse(p.flags("demo"), args); err != nil {
		return err
	}
	progress, done := p.progress()
	return demo.Run(ctx, p.Getenv, p.Stdout, func(getenv func(string) string, key cloudphone.Credentials) (*handler.Handler, error) {
		static := func(context.Context) (cloudphone.Credentials, error) { return key, nil }
		parts := load(getenv, static, progress)
		return parts.handler(noLog), parts.check(true)
	}, func(r report.Report, s config.Settings) error {
		done()
		return p.print(r, s, false)
	})
}
