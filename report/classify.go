package report

import "time"

// Steps are the calendar days left at which an expiring matrix becomes more
// urgent.
type Steps struct {
	CriticalDays int `json:"critical_days"`
	WarningDays  int `json:"warning_days"`
}

// Rules decide which matrices need somebody.
type Rules struct {
	Days int // flag what expires within so many calendar days; 0 is today
	Steps
	StuckAfter time.Duration  // creating or deleting for longer is stuck
	Location   *time.Location // whose calendar days count
}

// A matrixCase is one matrix at one instant, with what several rules ask of it.
type matrixCase struct {
	Matrix
	Rules
	now      time.Time
	daysLeft int // meaningless without an expiry
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
	{Expiring, false, func(c matrixCase) bool { return c.ExpiresAt.After(c.now) && c.daysLeft <= c.Days }},
	{Stuck, true, matrixCase.stuck},
	{NoExpiry, false, func(c matrixCase) bool { return c.ExpiresAt.IsZero() && !c.freshlyCreating() }},
	{UnknownStatus, false, func(c matrixCase) bool { return !documented[c.Status] }},
}

var documented = map[string]bool{
	StatusCreating: true, StatusNodeReady: true, StatusRunning: true,
	StatusFailed: true, StatusDeleting: true, StatusDeleted: true,
}

// Reasons lists every reason in the order of the rules.
func Reasons() []Reason {
	all := make([]Reason, len(rules))
	for i, r := range rules {
		all[i] = r.reason
	}
	return all
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
	if m.Status == StatusDeleted {
		return Finding{}, false
	}
	c := matrixCase{Matrix: m, Rules: r, now: now}
	f.Matrix, f.Also = m, []Reason{}
	if !m.ExpiresAt.IsZero() {
		c.daysLeft = DaysBetween(now, m.ExpiresAt.Time, r.Location)
		f.DaysLeft = &c.daysLeft
	}
	for _, rule := range rules {
		if m.Status == StatusDeleting && !rule.deleting || !rule.match(c) {
			continue
		}
		if f.Reason == "" {
			f.Reason = rule.reason
		} else {
			f.Also = append(f.Also, rule.reason)
		}
	}
	if f.Reason == "" {
		return Finding{}, false
	}
	f.Severity = r.severity(r.Lead(f), c.daysLeft)
	return f, true
}

// Lead is the reason that makes the finding as severe as it is, and so the one
// to tell it under.
func (s Steps) Lead(f Finding) Reason {
	days := 0
	if f.DaysLeft != nil {
		days = *f.DaysLeft
	}
	for _, severity := range Severities {
		if s.severity(f.Reason, days) == severity {
			return f.Reason
		}
		for _, reason := range f.Also {
			if s.severity(reason, days) == severity {
				return reason
			}
		}
	}
	return f.Reason
}

func (s Steps) severity(r Reason, daysLeft int) Severity {
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
