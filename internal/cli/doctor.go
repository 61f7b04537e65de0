package cli

import (
	"context"
	"errors"
	"flag"
	"time"

	"matrix-expiry-report/internal/doctor"
)

// doctor checks what a run needs.
func (p Program) doctor(flags *flag.FlagSet) action {
	post := flags.Bool("post-test", false, "also send a test message to every channel")
	asJSON := flags.Bool("json", false, "print JSON")
	envFile := envFileFlag(flags)
	return func(ctx context.Context, _ string) error { return p.check(ctx, *envFile, *post, *asJSON) }
}

func (p Program) check(ctx context.Context, envFile string, post, asJSON bool) error {
	p, a, err := p.load(envFile, nil)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	checks := a.checker().Run(ctx, post)
	if asJSON {
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
