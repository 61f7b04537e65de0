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
	file := flags.String("env-file", "", "")
	if err := parse(flags, args); err != nil {
		return err
	}
	p, fileErrs, err := p.withEnvFile(*file)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	a := newApp(p.Getenv, credentials, nil)
	a.errs = errors.Join(fileErrs, a.errs)
	checks := a.checker().Run(ctx, *post)
	if err := p.writeChecks(checks, *asJSON); err != nil {
		return err
	}
	if err := errors.Join(a.errs, a.mistakesErr()); err != nil {
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

func (p Program) writeChecks(checks []doctor.Check, asJSON bool) error {
	if asJSON {
		return p.writeJSON(checks)
	}
	return doctor.Print(plainWriter{p.Stdout}, checks)
}
