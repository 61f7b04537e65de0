package cli

import (
	"context"
	"encoding/json"
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
	p, a, err := p.load(flags, args, nil)
	switch {
	case err != nil:
		return err
	case a.errs != nil: // the mistakes in a.mistakes disable nothing that is shown
		return settingsError{a.errs}
	}
	r, err := previewReport(ctx, *from, a.settings)
	if err != nil {
		return err
	}
	messages, err := preview.Messages(ctx, r, handler.Options(a.settings))
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
