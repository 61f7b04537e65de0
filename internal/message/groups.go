package message

import (
	"slices"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

const (
	maxLines   = 40 // of a message
	maxOwnRows = 25 // with more findings, some share a row
	maxShared  = 6  // rows of critical findings that share one; with more, each group has one
	maxDates   = 31 // in a row
	maxNames   = 3  // in a row
)

// A group is findings under one heading.
type group struct {
	Group
	id       string // of its texts in the catalogue, such as expiring_today
	days     int    // of what expires within days
	findings []*report.Finding
	rows     [][]*report.Finding // by row; some findings may be in none
	heading  Line
	lines    []Line // of the first rows
}

// endsToday is the id of the group of what expires today.
const endsToday = "expiring_today"

// ByGroup returns the findings of r in the order of their groups, the most urgent
// first.
func ByGroup(r report.Report) []report.Finding {
	sorted := make([]report.Finding, 0, len(r.Findings))
	for _, g := range groupFindings(r) {
		for _, f := range g.findings {
			sorted = append(sorted, *f)
		}
	}
	return sorted
}

// groupFindings groups findings, the most urgent group first: by severity, then in
// the order of the headings, in which what ends today follows what has expired.
func groupFindings(r report.Report) (groups []*group) {
	within := map[report.Severity]int{report.Critical: r.CriticalDays, report.Warning: r.WarningDays, report.Notice: r.Days}
	for _, severity := range report.Severities {
		for _, reason := range report.HeadingOrder() {
			g := &group{id: string(reason), Group: Group{Severity: severity}}
			groups = append(groups, g)
			switch reason {
			case report.Expiring:
				g.days = min(r.Days, within[severity])
			case report.Expired:
				groups = append(groups, &group{id: endsToday, Group: g.Group})
			}
		}
	}
	find := func(severity report.Severity, id string) *group {
		for _, g := range groups {
			if g.Severity == severity && g.id == id {
				return g
			}
		}
		return nil
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		id := string(r.PrimaryReason(*f))
		if id == string(report.Expiring) && f.DaysLeft != nil && *f.DaysLeft <= 0 {
			id = endsToday
		}
		g := find(f.Severity, id)
		if g == nil { // a report of a later version
			g = find(report.Notice, string(report.UnknownStatus))
		}
		g.findings = append(g.findings, f)
		g.Count++
		g.Phones += f.PhoneCount
	}
	return slices.DeleteFunc(groups, func(g *group) bool { return g.Count == 0 })
}

// facts returns the counts of the groups for the title, the worst first: "1 expired",
// "1 ends tonight", …, and one count for what follows the first four.
func facts(groups []*group, c *locale.Catalog) (facts []string) {
	expiring, previous, others := false, false, 0 // whether any, and the previous one, is of what expires
	for i, g := range groups {
		if i >= factsInTitle && len(groups) > factsInTitle+1 {
			others += g.Count
			continue
		}
		id := g.id
		switch {
		case g.id == endsToday && !slices.ContainsFunc(g.findings, func(f *report.Finding) bool { return !f.ExpiresAt.IsMidnight() }):
			id = "expiring_tonight"
		case g.days > 0 && previous: // within a longer time
			id = "more_expiring"
		case g.days > 0 && expiring:
			id = "more_expiring_after"
		}
		previous = g.id == endsToday || g.days > 0
		expiring = expiring || previous
		facts = append(facts, c.Text("fact_"+id, g.Count, c.Text("days", g.days)))
	}
	if others > 0 {
		facts = append(facts, c.Text("fact_others", others))
	}
	return facts
}

// chooseRows distributes the findings among rows. Up to maxOwnRows have a row each.
// Of more, the critical ones after these share a row if they have the same reason
// and date, or if that makes too many rows, the same reason; and the notices of a
// group share one. Findings without a row are counted
// at the end of the message, as those that do not fit.
func chooseRows(groups []*group, r report.Report, c *locale.Catalog) {
	own, shared := maxOwnRows, 0
	ownRows := map[*group]int{} // of critical groups with findings that share rows
	for _, g := range groups {
		switch {
		case len(r.Findings) <= maxOwnRows || g.Severity == report.Warning:
			g.rows = each(g.findings[:min(len(g.findings), maxLines)])
		case g.Severity == report.Critical:
			n := min(len(g.findings), own)
			own -= n
			rows := byDate(g.findings[n:], r, c)
			g.rows = append(each(g.findings[:n]), rows...)
			if len(rows) > 0 {
				ownRows[g] = n
				shared += len(rows)
			}
		case g.id == string(report.Expiring):
			g.rows = [][]*report.Finding{g.findings[:untilDate(g.findings, maxDates)]}
		default:
			g.rows = [][]*report.Finding{g.findings}
		}
	}
	if shared > maxShared {
		for g, n := range ownRows {
			g.rows = append(g.rows[:n], g.findings[n:])
		}
	}
}

// each returns a row for each finding.
func each(findings []*report.Finding) [][]*report.Finding {
	return slices.Collect(slices.Chunk(findings, 1))
}

// byDate returns a row for each reason and date, in the order of the first finding.
func byDate(findings []*report.Finding, r report.Report, c *locale.Catalog) (rows [][]*report.Finding) {
	at := map[string]int{}
	for _, f := range findings {
		date := Why(c, r.PrimaryReason(*f), f, false, r.GeneratedAt.Time)
		i, ok := at[date]
		if !ok {
			i = len(rows)
			at[date] = i
			rows = append(rows, nil)
		}
		rows[i] = append(rows[i], f)
	}
	return rows
}

// untilDate returns how many findings, which are ordered by expiry, have one of the
// first dates.
func untilDate(findings []*report.Finding, dates int) int {
	for i, f := range findings {
		if i == 0 || f.LastDay != findings[i-1].LastDay {
			if dates--; dates < 0 {
				return i
			}
		}
	}
	return len(findings)
}
