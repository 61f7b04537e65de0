package cli

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/export"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A reportRequest is what the flags of report ask for.
type reportRequest struct {
	overrides              config.Overrides
	post, asJSON, exitZero bool
	metrics, envFile       *string // files; empty for none
	since                  *string // a day; empty to make a listing
}

// report lists the matrices and prints the report. With --post it also posts it.
func (p Program) report(flags *flag.FlagSet) action {
	var req reportRequest
	flags.BoolVar(&req.post, "post", false, "also post it to the configured channels")
	flags.BoolVar(&req.asJSON, "json", false, "print JSON")
	flags.BoolVar(&req.exitZero, "exit-zero", false, "with --post: exit 0 if every channel has it, for schedulers")
	req.envFile = envFileFlag(flags)
	req.metrics = flags.String("metrics", "", "also write metrics for Prometheus' textfile collector to `FILE`")
	flags.Func("days", "report what expires within `N` days (default EXPIRY_DAYS)", func(v string) error {
		days, err := strconv.Atoi(v)
		if err != nil {
			return errors.New("not a whole number")
		}
		req.overrides.Days = &days
		return nil
	})
	flags.Func("region", "list only `REGION`, or several with commas (default REGIONS)", func(v string) error {
		for region := range strings.SplitSeq(v, ",") {
			req.overrides.Regions = append(req.overrides.Regions, strings.TrimSpace(region))
		}
		return nil
	})
	languageFlag(flags, &req.overrides)
	req.since = flags.String("since", "", "print what changed since `DAY`, such as 2026-11-01")
	return func(ctx context.Context, _ string) error {
		if *req.since != "" {
			return p.reportChanges(ctx, req)
		}
		return p.runReport(ctx, req)
	}
}

// languageFlag defines the flag for the language of a run.
func languageFlag(f *flag.FlagSet, o *config.Overrides) {
	f.StringVar(&o.Language, "lang", "", "write in `LANGUAGE` (default REPORT_LANGUAGE)")
}

func (p Program) runReport(ctx context.Context, req reportRequest) error {
	progress, clear := p.progress()
	p, a, err := p.load(*req.envFile, progress)
	switch {
	case err != nil:
		return err
	case req.exitZero && !req.post:
		return usageError{errors.New("report: --exit-zero needs --post; see report --help")}
	}
	if err := a.validate(req.post); err != nil {
		return err
	}
	settings, err := a.override("report", req.overrides)
	if err != nil {
		return err
	}
	h := a.handler(slog.New(slog.DiscardHandler))
	start := time.Now()
	var r report.Report
	if req.post {
		r, err = h.Post(ctx, "report "+start.UTC().Format(time.RFC3339Nano), req.overrides)
	} else {
		r, err = h.Report(ctx, req.overrides)
	}
	clear()
	if err := p.writeReport(r, settings, req.asJSON); err != nil {
		return err
	}
	if *req.metrics != "" {
		err = errors.Join(err, writeMetrics(*req.metrics, r, time.Since(start)))
	}
	err = errors.Join(err, p.writeDeliveries(r, err))
	if err == nil && !req.exitZero { // with it, delivered is all that counts
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
	return message.Text(p.Stdout, r, handler.Options(s), message.Terminal{Columns: p.columns(), Colour: p.colour()})
}

// writeJSON writes JSON for people: without HTML escaping and control characters.
func writeJSON(w io.Writer, v any, indent string) error {
	enc := json.NewEncoder(plainWriter{w})
	enc.SetEscapeHTML(false)
	enc.SetIndent("", indent)
	return enc.Encode(v)
}
