package cli

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"io"
	"os"
	"slices"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/demo"
	"matrix-expiry-report/internal/preview"
	"matrix-expiry-report/report"
)

// preview shows the message of every channel in every language.
func (p Program) preview(flags *flag.FlagSet) action {
	from := flags.String("report", "", "read the report from `FILE`, written by report --json")
	page := flags.String("html", "", "write to `FILE`, as a web page that looks like the chats")
	channels := listFlag(flags, "channel", "show only this `CHANNEL`, or several with commas")
	languages := listFlag(flags, "lang", "show only this `LANGUAGE`, or several with commas")
	envFile := envFileFlag(flags)
	return func(ctx context.Context, _ string) error {
		shown := func(m preview.Message) bool {
			return (len(*channels) == 0 || slices.Contains(*channels, m.Service)) && (len(*languages) == 0 || slices.Contains(*languages, m.Language))
		}
		return p.show(ctx, *envFile, *from, *page, shown)
	}
}

func (p Program) show(ctx context.Context, envFile, from, page string, shown func(preview.Message) bool) error {
	p, a, err := p.load(envFile, nil)
	switch {
	case err != nil:
		return err
	case a.errs != nil: // the mistakes in a.mistakes disable nothing that is shown
		return settingsError{a.errs}
	}
	r, err := p.previewReport(ctx, from, a.settings.Rules)
	if err != nil {
		return err
	}
	messages, err := preview.Messages(ctx, r, handler.Options(a.settings))
	if err != nil {
		return err
	}
	messages = slices.DeleteFunc(messages, func(m preview.Message) bool { return !shown(m) })
	if page != "" {
		b, err := preview.Page(messages)
		if err != nil {
			return err
		}
		return os.WriteFile(page, b, 0o644)
	}
	_, err = io.WriteString(plainWriter{p.Stdout}, preview.Text(messages))
	return err
}

// previewReport reads a report from a file, or returns that of the emulated
// fleet if file is empty.
func (p Program) previewReport(ctx context.Context, file string, rules report.Rules) (r report.Report, err error) {
	if file == "" {
		ctx, stop := context.WithCancel(ctx)
		defer stop()
		services, err := demo.Start(ctx)
		if err != nil {
			return r, err
		}
		source := newApp(services.Getenv(p.Getenv), services.Credentials, nil).source
		return report.Build(rules, source.List(ctx, nil), time.Now()), nil // all regions, as the emulated fleet has its own
	}
	b, err := os.ReadFile(file)
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	if err != nil {
		return r, fmt.Errorf("reading the report: %w", err)
	}
	return r, nil
}
