package cli

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"matrix-expiry-report/internal/doctor"
)

func (p Program) doctor(ctx context.Context, args []string) error {
	flags := p.flags("doctor")
	post := flags.Bool("post-test", false, "")
	asJSON := flags.Bool("json", false, "")
	if err := parse(flags, args); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	parts := load(p.Getenv, credentials, nil)
	checks := parts.patient().Examine(ctx, *post)
	var err error
	if *asJSON {
		enc := json.NewEncoder(p.Stdout)
		enc.SetIndent("", "  ")
		err = enc.Encode(checks)
	} else {
		err = doctor.Print(p.Stdout, checks)
	}
	switch worst := doctor.Worst(checks); {
	case err != nil:
		return err
	case parts.mistakes != nil:
		return errTold{errUsage}
	case worst == doctor.Fail:
		return errTold{errors.New("something is wrong")}
	case worst == doctor.Warn:
		return ErrAttention
	}
	return nil
}
