package cli

import (
	"context"
	"errors"
	"time"

	"matrix-expiry-report/internal/doctor"
)

// doctor checks what a run needs.
func (p Program) doctor(ctx context.Context, args []string) error {
	flags := p.flags("doctor")
	post := flags.Bool("post-test", false, "")
	asJSON := flags.Bool("json", false, "")
	p, a, err := p.load(flags, args, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	checks := a.checker().Run(ctx, *post)
	if *asJSON {
		err = writeJSON(p.Stdout, checks, "  ")
	} else {
		err = doctor.Print(plainWriter{p.Stdout}, checks)
	}
	if err != nil {
		return err
	}
	if err := errors.Join(a.errs, a.mistakesErr); err != nil {
		return errReported{settingsError{err}}
	}
	switch doctor.Worst(checks) {
	case doctor.Fail:
		return errReported{errors.New("a check failed")}
	case doctor.Warn:
		return ErrAttention
	}
	return nil
}
