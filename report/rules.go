package report

import "time"

// A Reason says why a matrix needs somebody.
type Reason string

const (
	Failed        Reason = "failed"         // it was never created properly
	Expired       Reason = "expired"        // its subscription has ended
	Expiring      Reason = "expiring"       // it ends within the report's days
	Stuck         Reason = "stuck"          // it is being created or deleted for too long
	NoExpiry      Reason = "no_expiry"      // nobody can tell when it ends
	UnknownStatus Reason = "unknown_status" // the service uses a status that it does not document
)

// A Severity says how soon somebody is needed. Its order is that of
// [Severities].
type Severity string

const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Notice   Severity = "notice"
)

// Severities lists every severity, the most urgent first.
var Severities = []Severity{Critical, Warning, Notice}

// Thresholds are the calendar days left at which an expiring matrix becomes more
// urgent.
type Thresholds struct {
	CriticalDays int `json:"critical_days"`
	WarningDays  int `json:"warning_days"`
}

// Rules decide which matrices need somebody.
type Rules struct {
	Days int // flag what expires within so many calendar days; 0 is today
	Thresholds
	StuckAfter time.Duration  // creating or deleting for longer is stuck
	Location   *time.Location // whose calendar days count
}

// A matrixCase is one matrix at one instant, with what several rules ask of it.
type matrixCase struct {
	*Matrix
	Rules
	now time.Time
}

// rules are tried in order: the first that matches is the finding's reason,
// later ones are listed with it. A DELETED matrix meets none of them and a
// DELETING one only stuck, whatever else is true of it.
var rules = []struct {
	reason   Reason
	deleting bool // holds for matrices that are being deleted, too
	match    func(c matrixCase) bool
}{
	{Failed, false, func(c matrixCase) bool { return c.Status == StatusFailed }},
	{Expired, false, func(c matrixCase) bool { return !c.ExpiresAt.IsZero() && !c.ExpiresAt.After(c.now) }},
	{Expiring, false, matrixCase.expiring},
	{Stuck, true, matrixCase.stuck},
	{NoExpiry, false, func(c matrixCase) bool { return c.ExpiresAt.IsZero() && !c.freshlyCreating() }},
	{UnknownStatus, false, func(c matrixCase) bool { return !documented(c.Status) }},
}

func documented(status string) bool {
	switch status {
	case StatusCreating, StatusNodeReady, StatusRunning, StatusFailed, StatusDeleting, StatusDeleted:
		return true
	}
	return false
}

// Reasons lists every reason in the order of the rules.
func Reasons() []Reason {
	all := make([]Reason, len(rules))
	for i, r := range rules {
		all[i] = r.reason
	}
	return all
}

// daysLeft is meaningless without an expiry.
func (c matrixCase) daysLeft() int { return DaysBetween(c.now, c.ExpiresAt.Time, c.Location) }

func (c matrixCase) expiring() bool {
	left := c.ExpiresAt.Sub(c.now)
	soon := time.Duration(c.Days+2) * 24 * time.Hour // whatever the calendar says
	return left > 0 && left < soon && c.daysLeft() <= c.Days
}

func (c matrixCase) stuck() bool {
	since := c.CreatedAt
	switch c.Status {
	case StatusCreating, StatusNodeReady:
	case StatusDeleting:
		since = c.ModifiedAt
	default:
		return false
	}
	return !since.IsZero() && c.now.Sub(since.Time) > c.StuckAfter
}

// A matrix without a creation time is not known to be fresh.
func (c matrixCase) freshlyCreating() bool {
	return c.Status == StatusCreating && !c.CreatedAt.IsZero() && !c.stuck()
}

// Classify says whether m needs somebody at now, and why.
func (r Rules) Classify(m Matrix, now time.Time) (f Finding, needed bool) {
	c := matrixCase{Matrix: &m, Rules: r, now: now}
	all := c.reasons()
	if len(all) == 0 {
		return Finding{}, false
	}
	f = Finding{Matrix: m, Reason: all[0], OtherReasons: all[1:]}
	days := 0
	if !m.ExpiresAt.IsZero() {
		days = c.daysLeft()
		f.DaysLeft = &days
	}
	f.Severity = r.severity(r.PrimaryReason(f), days)
	return f, true
}

// reasons are those that hold, in the order of the rules.
func (c matrixCase) reasons() (all []Reason) {
	if c.Status == StatusDeleted {
		return nil
	}
	for _, rule := range rules {
		if (c.Status != StatusDeleting || rule.deleting) && rule.match(c) {
			all = append(all, rule.reason)
		}
	}
	return all
}

// PrimaryReason is the reason that makes the finding as severe as it is, and so the one
// to tell it under.
func (s Thresholds) PrimaryReason(f Finding) Reason {
	days := 0
	if f.DaysLeft != nil {
		days = *f.DaysLeft
	}
	for _, severity := range Severities {
		if s.severity(f.Reason, days) == severity {
			return f.Reason
		}
		for _, reason := range f.OtherReasons {
			if s.severity(reason, days) == severity {
				return reason
			}
		}
	}
	return f.Reason
}

func (s Thresholds) severity(r Reason, daysLeft int) Severity {
	switch r {
	case Failed, Expired:
		return Critical
	case Stuck, NoExpiry:
		return Warning
	case Expiring:
		switch {
		case daysLeft <= s.CriticalDays:
			return Critical
		case daysLeft <= s.WarningDays:
			return Warning
		}
	}
	return Notice
}

// DaysBetween counts calendar days in loc, so that it is 1 from 23:59 to 00:00
// and does not stumble over days of 23 or 25 hours.
func DaysBetween(from, to time.Time, loc *time.Location) int {
	date := func(t time.Time) time.Time {
		y, m, d := t.In(loc).Date()
		return time.Date(y, m, d, 0, 0, 0, 0, time.UTC)
	}
	return int(date(to).Sub(date(from)) / (24 * time.Hour))
}
