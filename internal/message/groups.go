package message

import (
	"slices"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

const (
	foldFrom    = 30 // with more findings, rows that look alike are folded into one
	foldAtLeast = 3
	foldedIDs   = 10 // named in a folded row
)

// A group is findings under one heading.
type group struct {
	Group
	id       string // of its texts in the catalogue, such as expiring_today
	days     int    // of what expires within days
	findings []*report.Finding
	rows     [][]*report.Finding // by row
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

// groupFindings puts findings under headings, the most urgent first: by severity,
// then by heading.
func groupFindings(r report.Report, o Options, c *locale.Catalog) (groups []*group) {
	type place struct {
		report.Severity
		id string
	}
	at := map[place][]*report.Finding{}
	order := headings()
	for i := range r.Findings {
		f := &r.Findings[i]
		p := place{f.Severity, string(r.PrimaryReason(*f))}
		if p.id == string(report.Expiring) && f.DaysLeft != nil && *f.DaysLeft <= 0 {
			p.id = endsToday
		}
		if !slices.Contains(report.Severities, p.Severity) || !slices.Contains(order, p.id) { // a report of a later version
			p = place{report.Notice, string(report.UnknownStatus)}
		}
		at[p] = append(at[p], f)
	}
	within := map[report.Severity]int{report.Critical: r.CriticalDays, report.Warning: r.WarningDays, report.Notice: r.Days}
	for _, severity := range report.Severities {
		for _, id := range order {
			findings := at[place{severity, id}]
			if len(findings) == 0 {
				continue
			}
			g := &group{id: id, Group: Group{Severity: severity, Count: len(findings)}, findings: findings, rows: foldAlike(r, findings, o.OwnerTag)}
			for _, f := range findings {
				g.Phones += f.PhoneCount
			}
			if id == string(report.Expiring) {
				g.days = min(r.Days, within[severity])
			}
			g.Title = c.Text("heading_"+id, g.days)
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

// foldAlike returns the rows of findings. In a long report, at least foldAtLeast
// findings that differ only in name and id share a row, at the place of the first.
func foldAlike(r report.Report, findings []*report.Finding, ownerTag string) (rows [][]*report.Finding) {
	if len(r.Findings) <= foldFrom {
		return slices.Collect(slices.Chunk(findings, 1))
	}
	looks := make([]look, len(findings))
	sets := map[look][]*report.Finding{}
	for i, f := range findings {
		looks[i] = lookOf(r, f, ownerTag)
		sets[looks[i]] = append(sets[looks[i]], f)
	}
	for _, l := range looks {
		if set := sets[l]; len(set) >= foldAtLeast {
			rows = append(rows, set)
		} else {
			rows = slices.AppendSeq(rows, slices.Chunk(set, 1))
		}
		delete(sets, l)
	}
	return rows
}

// A look is what a row shows of a finding, other than its name and id.
type look [7]string

func lookOf(r report.Report, f *report.Finding, ownerTag string) look {
	began, reasons := "", string(f.Reason)
	if primary := r.PrimaryReason(*f); primary == report.Failed || primary == report.Stuck {
		began = since(f).Format(time.DateOnly)
	}
	for _, reason := range f.OtherReasons {
		reasons += " " + string(reason)
	}
	return look{f.ExpiresAt.Format(time.DateOnly), began, f.Region, f.Status, f.InstanceType, reasons, f.Tags[ownerTag]}
}
