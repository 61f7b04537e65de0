package cli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/report"
)

// ErrAttention is the outcome of a command that worked and whose output shows
// something that needs attention.
var ErrAttention = errors.New("something needs attention")

// A usageError is a mistake in the command line.
type usageError struct{ error }

// An errReported is an error that the output of the command shows already.
type errReported struct{ error }

func (e errReported) Unwrap() error { return e.error }

// A settingsError holds the errors of invalid settings.
type settingsError struct{ errs error }

func (e settingsError) Error() string {
	return "invalid settings:\n  " + strings.ReplaceAll(e.errs.Error(), "\n", "\n  ")
}

// A settingsSource adds a problem to each listing for every mistake in the
// settings that disables only a part of the program; such a problem hides no
// matrix. With errors that stop the report, it lists those alone. So a function
// with invalid settings posts them to its chats: its log may have no readers.
type settingsSource struct {
	handler.Source
	errs     error
	mistakes []config.Mistake
}

func (s settingsSource) List(ctx context.Context, regions []string) (l report.Listing) {
	if s.errs == nil {
		l = s.Source.List(ctx, regions)
	} else {
		for line := range strings.Lines(s.errs.Error()) {
			l.Problems = append(l.Problems, report.Problem{Code: "InvalidSettings", Message: strings.TrimSpace(line), MayHideMatrices: true})
		}
	}
	for _, m := range s.mistakes {
		l.Problems = append(l.Problems, report.Problem{Code: "InvalidSettings", Message: m.Err.Error() + "; " + m.Effect()})
	}
	return l
}

// exitCode returns the exit code for the outcome of a command: 0 all well, 3
// something needs attention, 2 wrong usage or settings, 1 the run failed. It
// prints err unless the output shows it.
func exitCode(stderr io.Writer, err error) int {
	switch {
	case err == nil:
		return 0
	case errors.Is(err, ErrAttention):
		return 3
	}
	if _, reported := errors.AsType[errReported](err); !reported {
		fmt.Fprintln(plainWriter{stderr}, "matrix-expiry-report:", err)
	}
	_, usage := errors.AsType[usageError](err)
	_, settings := errors.AsType[settingsError](err)
	if usage || settings {
		return 2
	}
	return 1
}
