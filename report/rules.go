package report

import (
	"cmp"
	"slices"
	"time"
)

// A Reason is why a matrix needs attention.
type Reason string

const (
	Failed        Reason = "failed"         // its creation failed
	Expired       Reason = "expired"        // its subscription has ended
	Expiring      Reason = "expiring"       // its subscription ends within the report's days
	Stuck         Reason = "stuck"          // it has been creating or deleting for too long
	NoBandwidth   Reason = "no_bandwidth"   // its phones have no bandwidth package any more
	NoExpiry      Reason = "no_expiry"      // the API returned no expiry date
	UnknownStatus Reason = "unknown_status" // its status is not documented
)

// A Severity is how soon a matrix needs attention.
type Severity string

const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Notice   Severity = "notice"
)

// Severities lists every severity, most urgent first.
var Severities = []Severity{Critical, Warning, Notice}

// rank returns the index of s in Severities. An unknown severity comes last.
func (s Severity) rank() int {
	if i := slices.Index(Severities, s); i >= 0 {
		return i
	}
	return len(Severities)
}

// Rules are the settings that decide which matrices need attention.
type Rules struct {
	Days int // report what expires within this many calendar days; 0 means today
	Thresholds
	StuckAfter time.Duration  // creating or deleting for longer is stuck
	Location   *time.Location // whose calendar days count
	OwnerTag   string         // the tag whose value is the owner of a matrix
	Ignore     []string       // ids, or patterns of names, of matrices that are left out
}

// Thresholds are the days left at or below which an expiring matrix is critical
// or a warning.
type Thresholds struct {
	CriticalDays int `json:"critical_days"`
	WarningDays  int `json:"warning_days"`
}

// A rule is one reason for which a matrix is reported.
type rule struct {
	reason   Reason
	severity func(t Thresholds, daysLeft int) Severity
	heading  int  // its place among the headings of one severity; ties are in table order
	deleting bool // also applies to a matrix that is being deleted
	matches  func(evaluation) bool
}

// rules is the table of rules, in order of precedence: the first that matches
// gives a finding its Reason, the later ones its OtherReasons. No rule applies
// to a deleted matrix.
var rules = []rule{
	{Failed, always(Critical), 2, false, evaluation.failed},
	{Expired, always(Critical), 1, false, evaluation.expired},
	{Expiring, Thresholds.expiring, 3, false, evaluation.expiring},
	{Stuck, always(Warning), 4, true, evaluation.stuck},
	{NoBandwidth, always(Warning), 5, false, evaluation.noBandwidth},
	{NoExpiry, always(Warning), 6, false, evaluation.noExpiry},
	{UnknownStatus, always(Notice), 7, false, evaluation.unknownStatus},
}

func always(s Severity) func(Thresholds, int) Severity {
	return func(Thresholds, int) Severity { return s }
}

func (t Thresholds) expiring(daysLeft int) Severity {
	switch {
	case daysLeft <= t.CriticalDays:
		return Critical
	case daysLeft <= t.WarningDays:
		return Warning
	}
	return Notice
}

// An evaluation is one matrix judged by the rules at one instant.
type evaluation struct {
	*Matrix
	Rules
	now time.Time
}

func (e evaluation) failed() bool { return e.Status == StatusFailed }

func (e evaluation) expired() bool { return !e.ExpiresAt.IsZero() && !e.ExpiresAt.After(e.now) }

func (e evaluation) expiring() bool {
	return e.ExpiresAt.After(e.now) && *e.daysLeft() <= e.Days
}

func (e evaluation) stuck() bool {
	since := e.CreatedAt
	switch e.Status {
	case StatusCreating, StatusNodeReady:
	case StatusDeleting:
		since = e.ModifiedAt
	default:
		return false
	}
	return !since.IsZero() && e.now.Sub(since.Time) > e.StuckAfter
}

func (e evaluation) noBandwidth() bool { return e.BandwidthStatus == bandwidthDeleted }

func (e evaluation) noExpiry() bool {
	if !e.ExpiresAt.IsZero() || e.ExpiresRaw != "" {
		return e.ExpiresAt.IsZero()
	}
	// A new matrix has no expiry date until it is created.
	recent := e.Status == StatusCreating && !e.CreatedAt.IsZero() && !e.stuck()
	return !recent
}

func (e evaluation) unknownStatus() bool { return !slices.Contains(statuses, e.Status) }

func (e evaluation) lastDay() Date { return e.ExpiresAt.In(e.Location).LastDay() }

// daysLeft returns the calendar days until the last day, or nil if the matrix
// has no expiry date.
func (e evaluation) daysLeft() *int {
	if e.ExpiresAt.IsZero() {
		return nil
	}
	return new(e.lastDay().DaysUntil(e.now.In(e.Location)))
}

// reasons returns the reasons of all rules that match, in the order of the
// table.
func (e evaluation) reasons() []Reason {
	if e.Status == StatusDeleted {
		return nil
	}
	var all []Reason
	for _, r := range rules {
		if (r.deleting || e.Status != StatusDeleting) && r.matches(e) {
			all = append(all, r.reason)
		}
	}
	return all
}

// Reasons returns every reason, in the order of the rules.
func Reasons() []Reason { return reasonsOf(rules) }

// HeadingOrder returns every reason, in the order of their headings within one
// severity.
func HeadingOrder() []Reason {
	return reasonsOf(slices.SortedStableFunc(slices.Values(rules), func(a, b rule) int { return cmp.Compare(a.heading, b.heading) }))
}

func reasonsOf(rules []rule) []Reason {
	all := make([]Reason, len(rules))
	for i, r := range rules {
		all[i] = r.reason
	}
	return all
}

// Classify returns the finding for m at now. It reports false if m needs no
// attention.
func (r Rules) Classify(m Matrix, now time.Time) (Finding, bool) {
	e := evaluation{Matrix: &m, Rules: r, now: now}
	reasons := e.reasons()
	if len(reasons) == 0 {
		return Finding{}, false
	}
	f := Finding{Matrix: m, Reason: reasons[0], OtherReasons: reasons[1:], LastDay: e.lastDay(), DaysLeft: e.daysLeft()}
	f.Severity = r.Severity(r.PrimaryReason(f), f.days())
	return f, true
}

// PrimaryReason returns the most severe reason of f, the one that f is shown under
// and that its Severity belongs to. Of equally severe reasons it is the first. For
// counts, use f.Reason, as Report.Counts does.
func (t Thresholds) PrimaryReason(f Finding) Reason {
	primary := f.Reason
	for _, reason := range f.OtherReasons {
		if t.Severity(reason, f.days()).rank() < t.Severity(primary, f.days()).rank() {
			primary = reason
		}
	}
	return primary
}

// Severity returns how severe a reason is with that many days left. A reason
// without a rule, as in a report of a later version, is a notice.
func (t Thresholds) Severity(reason Reason, daysLeft int) Severity {
	for _, r := range rules {
		if r.reason == reason {
			return r.severity(t, daysLeft)
		}
	}
	return Notice
}

// DaysBetween returns the number of calendar days from one instant to another
// in loc: 1 from 23:59 to 00:00, whatever the length of a day.
func DaysBetween(from, to time.Time, loc *time.Location) int {
	return dateOf(to.In(loc)).DaysUntil(from.In(loc))
}
