package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// report lists the matrices and prints the report. With --post it also posts it.
func (p Program) report(ctx context.Context, args []string) error {
	flags := p.flags("report")
	post := flags.Bool("post", false, "")
	asJSON := flags.Bool("json", false, "")
	exitZero := flags.Bool("exit-zero", false, "")
	file := flags.String("env-file", "", "")
	if err := parse(flags, args); err != nil {
		return err
	}
	if *exitZero && !*post {
		return usageError{errors.New("report: --exit-zero needs --post; see --help")}
	}
	p, fileErrs, err := p.withEnvFile(*file)
	if err != nil {
		return err
	}
	progress, clear := p.progress()
	a := newApp(p.Getenv, credentials, progress)
	a.errs = errors.Join(fileErrs, a.errs)
	check := a.validate
	if *post {
		check = a.validateForPost
	}
	if err := check(); err != nil {
		return err
	}
	h := a.handler(slog.New(slog.DiscardHandler))
	var r report.Report
	if *post {
		r, err = h.Post(ctx, "report "+time.Now().UTC().Format(time.RFC3339Nano))
	} else {
		r = h.Report(ctx)
	}
	clear()
	if err := p.writeReport(r, a.settings, *asJSON); err != nil {
		return err
	}
	for _, d := range r.Deliveries {
		if d.Delivered {
			fmt.Fprintln(p.Stderr, "posted to", d.Channel)
		} else if !errors.Is(err, handler.ErrUndelivered) { // which holds the errors of all channels
			err = errors.Join(err, fmt.Errorf("not posted to %s", d.Error))
		}
	}
	switch {
	case err != nil:
		return err
	case *exitZero: // every channel has the report
		return nil
	case r.Failed():
		return errors.New("the matrices could not be listed")
	case len(r.Findings) > 0 || !r.Complete:
		return ErrAttention
	}
	return nil
}

func (p Program) writeReport(r report.Report, s config.Settings, asJSON bool) error {
	if asJSON {
		return p.writeJSON(r)
	}
	return message.Text(p.Stdout, r, handler.Options(s), p.colour())
}

func (p Program) writeJSON(v any) error {
	enc := json.NewEncoder(p.Stdout)
	enc.SetIndent("", "  ")
	return enc.Encode(v)
}
