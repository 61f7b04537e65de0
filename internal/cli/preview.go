package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/demo"
	"matrix-expiry-report/internal/preview"
	"matrix-expiry-report/report"
)

// preview shows the message of every channel in every language.
func (p Program) preview(ctx context.Context, args []string) error {
	flags := p.flags("preview")
	from := flags.String("report", "", "")
	page := flags.String("html", "", "")
	file := flags.String("env-file", "", "")
	if err := parse(flags, args); err != nil {
		return err
	}
	p, fileErrs, err := p.withEnvFile(*file)
	if err != nil {
		return err
	}
	env := config.NewEnv(p.Getenv)
	settings := config.Load(env)
	_, blocking := config.Blocking(env.Mistakes())
	if err := errors.Join(fileErrs, blocking); err != nil {
		return settingsError{err}
	}
	r, err := previewReport(ctx, *from, settings)
	if err != nil {
		return err
	}
	messages, err := preview.Messages(ctx, r, handler.Options(settings))
	if err != nil {
		return err
	}
	if *page != "" {
		b, err := preview.Page(messages)
		if err != nil {
			return err
		}
		return os.WriteFile(*page, b, 0o644)
	}
	_, err = io.WriteString(plainWriter{p.Stdout}, preview.Text(messages))
	return err
}

// previewReport reads a report from a file, or returns that of the emulated
// fleet if file is empty.
func previewReport(ctx context.Context, file string, s config.Settings) (r report.Report, err error) {
	if file == "" {
		return demo.Report(ctx, s.Rules, s.APIZone)
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
