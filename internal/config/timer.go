package config

import (
	"errors"
	"strings"
	"time"

	"github.com/robfig/cron/v3"
)

// timerExpression parses the expressions of Function Compute's timers: six fields,
// or @every.
// https://www.alibabacloud.com/help/en/functioncompute/fc/user-guide/time-triggers
var timerExpression = cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// NextRun returns when the timer that s.yaml deploys fires next after t. It fails if
// the expression in CRON is invalid, or matches no date.
func (s Settings) NextRun(t time.Time) (time.Time, error) {
	schedule, err := parseTimer(s.Cron)
	if err != nil {
		return time.Time{}, err
	}
	next := schedule.Next(t.UTC()) // an expression that names no zone is in UTC
	if next.IsZero() {
		return time.Time{}, errors.New("no date of the next five years matches")
	}
	return next.In(s.Location), nil
}

// parseTimer refuses what package cron accepts but Function Compute does not
// document.
func parseTimer(expression string) (cron.Schedule, error) {
	rest, zone := strings.CutPrefix(expression, "CRON_TZ=")
	switch {
	case strings.HasPrefix(expression, "TZ="):
		return nil, errors.New("the prefix of a time zone is CRON_TZ=")
	case zone && !strings.Contains(rest, " "): // Parse would panic
		return nil, errors.New("nothing follows the time zone")
	case strings.Contains(expression, "@") && !strings.HasPrefix(expression, "@every "):
		return nil, errors.New("the only word supported is @every, without a time zone")
	}
	return timerExpression.Parse(expression)
}
