package state

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"matrix-expiry-report/report"
)

// A simView is what a reader of a channel knows, matrix by matrix: an
// independent model of Known, Compare and Schedule.
type simView struct {
	at       time.Time
	problems []string
	matrices map[string]simKnown
}

type simKnown struct {
	expires  time.Time
	severity report.Severity // "": no finding
	region   string
	shown    time.Time
}

// rank orders severities.
func rank(s report.Severity) int {
	return map[report.Severity]int{"": 0, report.Notice: 1, report.Warning: 2, report.Critical: 3}[s]
}

// news returns what a report of l has to say to a reader with that view, one
// line each, sorted.
func (v simView) news(l Listing) (lines []string) {
	listed := map[string]bool{}
	for _, m := range l.Matrices {
		listed[m.ID] = true
		old, found := v.matrices[m.ID]
		renewed := found && m.Expires.After(old.expires)
		if renewed {
			lines = append(lines, fmt.Sprint("renewed ", m.ID, " ", old.expires.Unix(), " ", m.Expires.Unix()))
		}
		switch {
		case m.Severity != "" && old.severity == "":
			lines = append(lines, "new "+m.ID)
		case m.Severity != "" && rank(m.Severity) > rank(old.severity):
			lines = append(lines, "escalated "+m.ID)
		case m.Severity == "" && old.severity != "" && !renewed && l.Complete:
			lines = append(lines, "recovered "+m.ID)
		}
	}
	for id := range v.matrices {
		if !listed[id] && l.Complete {
			lines = append(lines, "released "+id)
		}
	}
	slices.Sort(lines)
	return lines
}

// after returns the view of a reader who has read the report of l.
func (v simView) after(l Listing) simView {
	next := simView{at: l.At, problems: l.Problems, matrices: map[string]simKnown{}}
	if !l.Complete {
		maps.Copy(next.matrices, v.matrices)
	}
	for _, m := range l.Matrices {
		old := v.matrices[m.ID]
		if m.Severity == "" && old.severity != "" && !m.Expires.After(old.expires) && !l.Complete {
			continue // its recovery is not reported yet
		}
		next.matrices[m.ID] = simKnown{m.Expires, m.Severity, m.Region, l.At}
	}
	return next
}

// reminders returns the marks that a reader with that view is to be reminded
// of, one line each, sorted.
func (v simView) reminders(l Listing) (lines []string) {
	for _, m := range l.Matrices {
		old, found := v.matrices[m.ID]
		if !found || m.Severity == "" || old.severity == "" || !old.expires.Equal(m.Expires) {
			continue
		}
		last := simDays(m.Expires.Add(-1))
		lowest := -1
		for _, mark := range simSchedule.RemindAt {
			if last-simDays(l.At) <= mark && mark < last-simDays(old.shown) && (lowest < 0 || mark < lowest) {
				lowest = mark
			}
		}
		if lowest >= 0 {
			lines = append(lines, fmt.Sprint(m.ID, " ", lowest))
		}
	}
	slices.Sort(lines)
	return lines
}

// mustSend reports whether a report of l may not be left out for a reader with
// that view.
func (v simView) mustSend(l Listing) bool {
	for _, line := range v.news(l) {
		var id string
		if n, _ := fmt.Sscanf(line, "released %s", &id); n == 0 || v.matrices[id].severity != "" {
			return true
		}
	}
	for _, m := range l.Matrices {
		if m.Severity == report.Critical && simDays(l.At) > simDays(v.matrices[m.ID].shown) {
			return true
		}
	}
	for day := simDays(v.at) + 1; day <= simDays(l.At); day++ {
		if time.Unix(int64(day)*86400, 0).UTC().Weekday() == simSchedule.DigestDay {
			return true
		}
	}
	for _, p := range l.Problems {
		if !slices.Contains(v.problems, p) {
			return true
		}
	}
	return len(v.reminders(l)) > 0
}

// A simChannel is a channel as its readers see it. Several views are possible
// if a run that died, or lost its store, may or may not have recorded a message.
type simChannel struct {
	views    []simView // empty: it has had no report
	first    bool      // no view is possible, too
	accepted map[string][]*simMessage
	shown    map[string]time.Time // by matrix: when it was last listed as critical
}

// A simMessage is a message that a chat has accepted.
type simMessage struct {
	attempt *simAttempt
	view    simView
	sure    bool // its outcome is recorded
}

// window reports whether the message is one that may be sent again: its run has
// died, or had trouble with the store, before its outcome was recorded.
func (m *simMessage) window() bool { return !m.sure && (m.attempt.dead || m.attempt.troubled) }

// accept adds the message of a run to the channel and returns what is wrong
// with it.
func (c *simChannel) accept(a *simAttempt, l Listing, changes []Change, due Due, known, first bool) (m *simMessage, faults []string) {
	for _, earlier := range c.accepted[a.event] {
		if !earlier.window() && !earlier.attempt.blind && !a.blind {
			faults = append(faults, fmt.Sprintf("%s was sent twice, by %s and %s", a.event, earlier.attempt.name, a.name))
		}
	}
	m = &simMessage{attempt: a}
	c.accepted[a.event] = append(c.accepted[a.event], m)
	for _, listed := range l.Matrices {
		if listed.Severity == report.Critical {
			c.shown[listed.ID] = l.At
		}
	}
	if !known || a.partial {
		return m, faults
	}
	if first {
		if !c.first {
			faults = append(faults, "a channel with reports is treated as new")
		}
		m.view = simView{}.after(l)
		c.views = append(c.views, m.view)
		return m, faults
	}
	got, gotReminders := linesOf(changes, due)
	var after []simView // the same message can follow from several views
	for _, v := range c.views {
		if !l.At.After(v.at) {
			if len(got) == 0 {
				return m, faults // the channel has had a newer report
			}
			continue
		}
		if slices.Equal(got, v.news(l)) && slices.Equal(gotReminders, v.reminders(l)) {
			m.view = v.after(l)
			after = append(after, m.view)
		}
	}
	if len(after) > 0 {
		c.views = append(c.views, after...)
		return m, faults
	}
	for _, v := range c.views {
		faults = append(faults, fmt.Sprintf("changes %q, reminders %q; want of the view of %s %q, %q", got, gotReminders, v.at.Format(time.DateTime), v.news(l), v.reminders(l)))
	}
	return m, append(faults, "a message without a view")
}

// record notes that the outcome of m is recorded, so that older views are not
// possible any more.
func (c *simChannel) record(m *simMessage, delivered bool) {
	m.sure = true
	if !delivered || m.view.matrices == nil {
		return
	}
	c.first = false
	c.views = slices.DeleteFunc(c.views, func(v simView) bool { return v.at.Before(m.view.at) })
}

// quiet returns what is wrong with not sending the report of l.
func (c *simChannel) quiet(l Listing) string {
	for _, v := range c.views {
		if !l.At.After(v.at) || !v.mustSend(l) {
			return ""
		}
	}
	return "a report that had to be sent was left out"
}

func linesOf(changes []Change, due Due) (lines, reminders []string) {
	for _, c := range changes {
		line := fmt.Sprint(c.Kind, " ", c.Matrix.ID)
		if c.Kind == report.Renewed {
			line += fmt.Sprint(" ", c.Was.Expires.Unix(), " ", c.Matrix.Expires.Unix())
		}
		lines = append(lines, line)
	}
	for _, r := range due.Reminders {
		reminders = append(reminders, fmt.Sprint(r.Matrix.ID, " ", r.Mark))
	}
	slices.Sort(lines)
	slices.Sort(reminders)
	return lines, reminders
}
