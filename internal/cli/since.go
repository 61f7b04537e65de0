package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/message"
)

// reportChanges prints what changed since a day, from the records of the store. It
// lists no matrices.
func (p Program) reportChanges(ctx context.Context, req reportRequest) error {
	o := req.overrides
	if req.post || req.exitZero || *req.metrics != "" || o.Days != nil || len(o.Regions) > 0 {
		return usageError{errors.New("report: --since reads records only, and takes --json, --lang and --env-file; see report --help")}
	}
	if _, err := time.Parse(time.DateOnly, *req.since); err != nil {
		return usageError{fmt.Errorf("report: --since: %q is not a day such as 2026-11-01; see report --help", *req.since)}
	}
	p, a, err := p.load(*req.envFile, nil)
	if err != nil {
		return err
	}
	if err := a.validate(false); err != nil {
		return err
	}
	settings, err := a.override("report", o)
	if err != nil {
		return err
	}
	history, err := a.handler(slog.New(slog.DiscardHandler)).History(ctx, *req.since)
	switch {
	case errors.Is(err, handler.ErrNoStore):
		return settingsError{err}
	case err != nil:
		return fmt.Errorf("--since: %w", err)
	}
	for _, problem := range history.Problems {
		fmt.Fprintln(p.Stderr, "warning:", problem.Message)
	}
	if req.asJSON {
		return writeJSON(p.Stdout, history, "  ")
	}
	return message.Comparison(p.Stdout, *history.Comparison, settings.Language, message.Terminal{Columns: p.columns(), Colour: p.colour()})
}
