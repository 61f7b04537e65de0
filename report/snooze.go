package report

import (
	"fmt"
	"path"
	"strings"
	"time"
)

// The tags that leave a matrix out of reports: for good, or until a day on which it
// is reported again, and why, for people.
const (
	snoozeTag       = "expiry-report" // with the value ignore
	snoozeUntilTag  = "expiry-report-until"
	snoozeReasonTag = "expiry-report-reason"
)

// LeftOut returns what the tags of m say about why it is left out of reports, and
// until when; the zero Date is for good.
func (m Matrix) LeftOut() (until Date, why string) {
	if t, err := time.Parse(time.DateOnly, strings.TrimSpace(m.Tags[snoozeUntilTag])); err == nil {
		until = dateOf(t)
	}
	return until, strings.TrimSpace(m.Tags[snoozeReasonTag])
}

// longSnooze is how long a failed or expired matrix is left out before it is
// reported on the first day of each month.
const longSnooze = 90 * 24 * time.Hour

// snooze returns whether a matrix is left out at now, and until when; the zero Date
// is for good. The error is that of an unreadable tag, which leaves nothing out.
func (r Rules) snooze(m *Matrix, now time.Time) (snoozed bool, until Date, err error) {
	for _, pattern := range r.Ignore {
		if pattern == m.NodeID || matchesName(pattern, m.Name) {
			snoozed = true
		}
	}
	value, day := strings.TrimSpace(m.Tags[snoozeTag]), strings.TrimSpace(m.Tags[snoozeUntilTag])
	if value != "" && !strings.EqualFold(value, "ignore") {
		return snoozed, Date{}, fmt.Errorf("%s=%.40q is not ignore", snoozeTag, value)
	}
	if day == "" {
		return snoozed || value != "", Date{}, nil
	}
	t, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return snoozed, Date{}, fmt.Errorf("%s=%.40q is not a day such as 2026-12-31", snoozeUntilTag, day)
	}
	if until = dateOf(t); snoozed {
		return true, Date{}, nil // IGNORE has no end
	}
	return until.DaysUntil(now.In(r.Location)) > 0, until, nil
}

// matchesName reports whether a name matches a pattern. An asterisk matches slashes,
// too.
func matchesName(pattern, name string) bool {
	noSlash := func(s string) string { return strings.ReplaceAll(s, "/", "\x00") }
	ok, err := path.Match(noSlash(pattern), noSlash(name))
	return ok && err == nil
}

// leavesOut reports whether a finding is left out of the report at now, and until
// when. What failed or expired long ago is reported once a month nevertheless.
func (r Rules) leavesOut(f *Finding, now time.Time) (until Date, out bool) {
	snoozed, until, _ := r.snooze(&f.Matrix, now)
	began := map[Reason]Time{Failed: f.CreatedAt, Expired: f.ExpiresAt}[f.Reason]
	long := !began.IsZero() && now.Sub(began.Time) > longSnooze
	return until, snoozed && !(long && now.In(r.Location).Day() == 1)
}

// Ignores reports whether a matrix needs attention and is left out of the report at
// now.
func (r Rules) Ignores(m Matrix, now time.Time) bool {
	if len(r.Ignore) == 0 && m.Tags[snoozeTag] == "" && m.Tags[snoozeUntilTag] == "" {
		return false
	}
	f, ok := r.Classify(m, now)
	if !ok {
		return false
	}
	_, out := r.leavesOut(&f, now)
	return out
}

// snoozeProblem returns one problem if matrices have tags that cannot be read.
func (r Rules) snoozeProblem(ms []*Matrix, now time.Time) []Problem {
	var first *Matrix // by id
	var cause error
	count := 0
	for _, m := range ms {
		if m.Status == StatusDeleted {
			continue
		}
		if _, _, err := r.snooze(m, now); err != nil {
			if count++; first == nil || m.NodeID < first.NodeID {
				first, cause = m, err
			}
		}
	}
	if first == nil {
		return nil
	}
	text := fmt.Sprintf("%s is not left out: the tag %v", first.NodeID, cause)
	if count > 1 {
		text = fmt.Sprintf("%d matrices are not left out, such as %s: the tag %v", count, first.NodeID, cause)
	}
	return []Problem{{Code: "UnreadableTag", Message: text}}
}
