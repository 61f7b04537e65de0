package message

import (
	"slices"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

const (
	maxLines   = 40 // of a message
	maxOwnRows = 25 // with more findings, some share a row
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

// headings returns the ids of the groups of one severity in their order: the
// reasons, and after what has expired what ends today.
func headings() (ids []string) {
	for _, reason := range report.HeadingOrder() {
		ids = append(ids, string(reason))
		if reason == report.Expired {
			ids = append(ids, endsToday)
		}
	}
	return ids
}

// A place is that of a group among the others.
type place struct {
	report.Severity
	id string
}

// placeOf returns the place of the group of a finding. The ids of a severity are
// those of headings.
func placeOf(r report.Report, f *report.Finding, ids []string) place {
	p := place{f.Severity, string(r.PrimaryReason(*f))}
	if p.id == string(report.Expiring) && f.DaysLeft != nil && *f.DaysLeft <= 0 {
		p.id = endsToday
	}
	if !slices.Contains(report.Severities, p.Severity) || !slices.Contains(ids, p.id) { // a report of a later version
		return place{report.Notice, string(report.UnknownStatus)}
	}
	return p
}

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
// the order of headings.
func groupFindings(r report.Report) (groups []*group) {
	at := map[place][]*report.Finding{}
	order := headings()
	for i := range r.Findings {
		f := &r.Findings[i]
		p := placeOf(r, f, order)
		at[p] = append(at[p], f)
	}
	within := map[report.Severity]int{report.Critical: r.CriticalDays, report.Warning: r.WarningDays, report.Notice: r.Days}
	for _, severity := range report.Severities {
		for _, id := range order {
			findings := at[place{severity, id}]
			if len(findings) == 0 {
				continue
			}
			g := &group{id: id, Group: Group{Severity: severity, Count: len(findings)}, findings: findings}
			for _, f := range findings {
				g.Phones += f.PhoneCount
			}
			if id == string(report.Expiring) {
				g.days = min(r.Days, within[severity])
			}
			groups = append(groups, g)
		}
	}
	return groups
}

// facts returns what the title says of the groups, the worst first: "1 expired", "1
// ends tonight", …, and a number for what follows the first four.
func facts(groups []*group, c *locale.Catalog) (facts []string) {
	expiring, others := false, 0
	for i, g := range groups {
		if i >= factsInTitle && len(groups) > factsInTitle+1 {
			others += g.Count
			continue
		}
		id := g.id
		switch {
		case g.id == endsToday && !slices.ContainsFunc(g.findings, func(f *report.Finding) bool { return !f.ExpiresAt.IsMidnight() }):
			id = "expiring_tonight"
		case g.days > 0 && expiring: // within a longer time
			id = "more_expiring"
		}
		expiring = expiring || g.id == endsToday || g.days > 0
		facts = append(facts, c.Text("fact_"+id, g.Count, c.Text("days", g.days)))
	}
	if others > 0 {
		facts = append(facts, c.Text("fact_others", others))
	}
	return facts
}

// chooseRows distributes the findings among rows. Up to maxOwnRows have a row each.
// Of more, the critical ones after these share a row if they have the same reason
// and date, and the notices of a group share one. Findings without a row are counted
// at the end of the message, as those that do not fit.
func chooseRows(groups []*group, r report.Report, c *locale.Catalog) {
	own := maxOwnRows
	for _, g := range groups {
		switch {
		case len(r.Findings) <= maxOwnRows || g.Severity == report.Warning:
			g.rows = each(g.findings[:min(len(g.findings), maxLines)])
		case g.Severity == report.Critical:
			n := min(len(g.findings), own)
			own -= n
			g.rows = append(each(g.findings[:n]), byDate(g.findings[n:], r, c)...)
		case g.id == string(report.Expiring):
			g.rows = [][]*report.Finding{g.findings[:untilDate(g.findings, maxDates)]}
		default:
			g.rows = [][]*report.Finding{g.findings}
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
