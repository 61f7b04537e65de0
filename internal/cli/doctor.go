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
		for i, c := range checks { // the services' own texts
			checks[i].Name, checks[i].Detail, checks[i].Advice = escapeControls(c.Name), escapeControls(c.Detail), escapeControls(c.Advice)
		}
		err = doctor.Print(p.Stdout, checks, p.columns(), p.colour())
	}
	if err != nil {
		return err
	}
	return doctorOutcome(errors.Join(a.errs, a.mistakesErr), checks)
}

// doctorOutcome returns the error of checks, which the output shows already, and
// of invalid settings.
func doctorOutcome(invalid error, checks []doctor.Check) error {
	if invalid != nil {
		return errReported{settingsError{invalid}}
	}
	switch doctor.Worst(checks) {
	case doctor.Fail:
		return errReported{errors.New("a check failed")}
	case doctor.Warn:
		return ErrAttention
	}
	return nil
}
