package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/export"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// report lists the matrices and prints the report. With --post it also posts it.
func (p Program) report(ctx context.Context, args []string) error {
	flags := p.flags("report")
	post := flags.Bool("post", false, "")
	asJSON := flags.Bool("json", false, "")
	exitZero := flags.Bool("exit-zero", false, "")
	metrics := flags.String("metrics", "", "")
	progress, clear := p.progress()
	p, a, err := p.load(flags, args, progress)
	switch {
	case err != nil:
		return err
	case *exitZero && !*post:
		return usageError{errors.New("report: --exit-zero needs --post; see --help")}
	}
	if err := a.validate(*post); err != nil {
		return err
	}
	h := a.handler(slog.New(slog.DiscardHandler))
	start := time.Now()
	var r report.Report
	if *post {
		r, err = h.Post(ctx, "report "+start.UTC().Format(time.RFC3339Nano), config.Overrides{})
	} else {
		r, err = h.Report(ctx, config.Overrides{})
	}
	clear()
	if err := p.writeReport(r, a.settings, *asJSON); err != nil {
		return err
	}
	if *metrics != "" {
		err = errors.Join(err, writeMetrics(*metrics, r, time.Since(start)))
	}
	err = errors.Join(err, p.writeDeliveries(r, err))
	if err == nil && !*exitZero { // with it, delivered is all that counts
		err = outcome(r)
	}
	return err
}

// writeDeliveries prints the channels that have the report, and returns an
// error for those that do not, unless err, of the run, holds those already.
func (p Program) writeDeliveries(r report.Report, err error) (undelivered error) {
	for _, d := range r.Deliveries {
		if d.Delivered {
			fmt.Fprintln(p.Stderr, "posted to", d.Channel)
		} else if !errors.Is(err, handler.ErrUndelivered) {
			undelivered = errors.Join(undelivered, fmt.Errorf("not posted to %s", d.Error))
		}
	}
	return undelivered
}

// outcome returns the error of a report that could not be made or that needs
// attention.
func outcome(r report.Report) error {
	switch {
	case r.Failed():
		return errors.New("the matrices could not be listed")
	case len(r.Findings) > 0 || !r.Complete || r.Listed == 0:
		return ErrAttention
	}
	return nil
}

// writeMetrics replaces file with the metrics of r, in one step: a collector
// that reads it meanwhile gets the old or the new one.
func writeMetrics(file string, r report.Report, took time.Duration) error {
	f, err := os.CreateTemp(filepath.Dir(file), ".matrix-expiry-report-*")
	if err == nil {
		defer os.Remove(f.Name()) // fails once it is renamed
		err = errors.Join(export.Metrics(f, r, took), f.Chmod(0o644), f.Close())
	}
	if err == nil {
		err = os.Rename(f.Name(), file)
	}
	if err != nil {
		return fmt.Errorf("writing metrics: %w", err)
	}
	return nil
}

func (p Program) writeReport(r report.Report, s config.Settings, asJSON bool) error {
	if asJSON {
		return writeJSON(p.Stdout, r, "  ")
	}
	return message.Text(p.Stdout, r, handler.Options(s), p.colour())
}

// writeJSON writes JSON for people: without HTML escaping and control characters.
func writeJSON(w io.Writer, v any, indent string) error {
	enc := json.NewEncoder(plainWriter{w})
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	return enc.Encode(v)
}
