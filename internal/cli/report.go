package cli

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

func (p Program) report(ctx context.Context, args []string) error {
	flags := p.flags("report")
	post := flags.Bool("post", false, "")
	asJSON := flags.Bool("json", false, "")
	if err := parse(flags, args); err != nil {
		return err
	}
	progress, done := p.progress()
	parts := load(p.Getenv, credentials, progress)
	err := parts.check(*post)
	if err != nil {
		return err
	}
	h := parts.handler(noLog)
	var r report.Report
	if *post {
		r, err = h.Post(ctx, "report "+time.Now().UTC().Format(time.RFC3339Nano))
	} else {
		r = h.Look(ctx)
	}
	done()
	if err := p.print(r, h.Settings, *asJSON); err != nil {
		return err
	}
	for _, d := range r.Deliveries {
		if d.Delivered {
			fmt.Fprintln(p.Stderr, "posted to", d.Channel)
		} else if !errors.Is(err, handler.ErrNobody) { // which has said so
			err = errors.Join(err, fmt.Errorf("not posted to %s", d.Error))
		}
	}
	switch {
	case err != nil:
		return err
	case r.Failed():
		return errors.New("the matrices could not be listed")
	case len(r.Findings) > 0 || !r.Complete:
		return ErrAttention
	}
	return nil
}

func (p Program) print(r report.Report, s config.Settings, asJSON bool) error {
	if asJSON {
		enc := json.NewEncoder(p.Stdout)
		enc.SetIndent("", "  ")
		return enc.Encode(r)
	}
	return message.Text(p.Stdout, r, handler.Options(s), p.colour())
}
