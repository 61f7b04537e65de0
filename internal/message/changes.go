package message

import (
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// maxNews limits the names of the matrices that were renewed, have recovered or were
// released, which have no row.
const maxNews = 5

// changes returns the lines about what changed since the last report: the numbers
// by kind, and the names of what has no row. For an incomplete report there is no line
// that nothing changed.
func changes(r report.Report, c *locale.Catalog) (lines []string) {
	if r.ChangesSince == nil || r.Failed() {
		return nil
	}
	now := r.GeneratedAt.Time
	counts := changeCounts(c, r.Changes)
	since := earlier(c, r.ChangesSince.Time, now)
	switch {
	case len(counts) > 0:
		lines = append(lines, c.Text("changes_since", strings.Join(counts, c.Text("comma")), since))
	case r.Complete:
		lines = append(lines, c.Text("changes_none", since))
	}
	for _, kind := range []report.ChangeKind{report.Renewed, report.Recovered, report.Released} {
		if names := changedNames(r.Changed, kind, now, c); len(names) > 0 {
			names = append(names, make([]string, r.Changes[string(kind)]-len(names))...) // r.Changed is limited
			lines = append(lines, c.Text("news_"+string(kind), list(c, names, maxNews, "and_others")))
		}
	}
	return lines
}

// changeCounts returns the numbers of changes by kind: "3 new", "2 renewed".
func changeCounts(c *locale.Catalog, changes map[string]int) (counts []string) {
	for _, kind := range report.ChangeKinds {
		if n := changes[string(kind)]; n > 0 {
			counts = append(counts, c.Text("change_"+string(kind), n))
		}
	}
	return counts
}

// changedNames returns the names of the matrices with changes of one kind. Those that
// were renewed are followed by the dates from when to when, which matrices that are
// listed one after the other share.
func changedNames(changes []report.Change, kind report.ChangeKind, now time.Time, c *locale.Catalog) (names []string) {
	date := func(t report.Time) string { return c.Date(t.LastDay().Time(), now) }
	var dates []string // of each name
	for _, change := range changes {
		if change.Kind == kind {
			names = append(names, Name(report.Matrix{Name: change.Name, NodeID: change.NodeID}))
			dates = append(dates, c.Text("renewed_to", date(change.WasExpiresAt), date(change.ExpiresAt)))
		}
	}
	if kind != report.Renewed {
		return names
	}
	for i := range names {
		if last := i == len(names)-1 || i == maxNews-1; last || dates[i] != dates[i+1] {
			names[i] += dates[i]
		}
	}
	return names
}

// earlier returns the day of an earlier report: "yesterday", "Tue" within a week, "Tue 10
// Nov" before that, or the hour if it was today.
func earlier(c *locale.Catalog, t, now time.Time) string {
	switch days := report.DaysBetween(t, now, now.Location()); {
	case days == 0:
		return c.Text("today_at", t.In(now.Location()).Format("15:04"))
	case days == 1:
		return c.Text("yesterday")
	case days < 7:
		return c.Text("weekday_" + strconv.Itoa(int(t.In(now.Location()).Weekday())))
	}
	return c.Date(t.In(now.Location()), now)
}

// Mark returns what follows the name of a finding that changed since the last report,
// such as " (new)", or "".
func Mark(c *locale.Catalog, f *report.Finding) string {
	if id := "mark_" + string(f.Change); f.Change != "" && c.Has(id) {
		return c.Text(id)
	}
	return ""
}
