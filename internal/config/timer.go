package config

import (
	"errors"
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
	schedule, err := timerExpression.Parse(s.Cron)
	if err != nil {
		return time.Time{}, err
	}
	next := schedule.Next(t.UTC()) // an expression that names no zone is in UTC
	if next.IsZero() {
		return time.Time{}, errors.New("no date matches")
	}
	return next.In(s.Location), nil
}
