package message

import (
	"math"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

const (
	foldFrom    = 30 // with more findings, rows that look alike fold
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

// groupFindings puts findings under headings, the most urgent first: by
// severity, then by reason in the order of the rules.
func groupFindings(r report.Report, o Options, c *locale.Catalog) []*group {
	var groups []*group
	type place struct {
		report.Severity
		report.Reason
	}
	at := map[place]*group{}
	within := map[report.Severity]int{report.Critical: r.CriticalDays, report.Warning: r.WarningDays, report.Notice: r.Days}
	for _, severity := range report.Severities {
		for _, reason := range report.HeadingOrder() {
			g := &group{id: string(reason), Group: Group{Severity: severity}}
			if reason == report.Expiring {
				if g.days = min(r.Days, within[severity]); g.days == 0 {
					g.id = "expiring_today"
				}
			}
			at[place{severity, reason}] = g
			groups = append(groups, g)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		g := at[place{f.Severity, r.PrimaryReason(*f)}]
		if g == nil { // a report of a later version
			g = at[place{report.Notice, report.UnknownStatus}]
		}
		g.findings = append(g.findings, f)
		g.Count++
		g.Phones += f.PhoneCount
	}
	groups = slices.DeleteFunc(groups, func(g *group) bool { return g.Count == 0 })
	for _, g := range groups {
		g.Title = c.Text("heading_"+g.id, g.days)
		g.rows = foldAlike(r, g.findings, o.OwnerTag)
	}
	return groups
}

// foldAlike returns the rows of findings. In a long report, those that differ
// in name and id only share a row where the first of them is, if there are
// enough.
func foldAlike(r report.Report, findings []*report.Finding, ownerTag string) (rows [][]*report.Finding) {
	if len(r.Findings) <= foldFrom {
		return slices.Collect(slices.Chunk(findings, 1))
	}
	index := map[look]int{}
	var sets [][]*report.Finding
	for _, f := range findings {
		l := lookOf(r, f, ownerTag)
		i, ok := index[l]
		if !ok {
			i = len(sets)
			index[l] = i
			sets = append(sets, nil)
		}
		sets[i] = append(sets[i], f)
	}
	for _, set := range sets {
		if len(set) >= foldAtLeast {
			rows = append(rows, set)
		} else {
			rows = slices.AppendSeq(rows, slices.Chunk(set, 1))
		}
	}
	return rows
}

// A look is what a row shows of a finding, other than its name and id.
type look struct {
	days                                            int
	since, region, status, instance, reasons, owner string
}

func lookOf(r report.Report, f *report.Finding, ownerTag string) look {
	l := look{days: math.MinInt, region: f.Region, status: f.Status, instance: f.InstanceType, owner: f.Tags[ownerTag]}
	if f.DaysLeft != nil {
		l.days = *f.DaysLeft
	}
	switch primary := r.PrimaryReason(*f); {
	case primary == report.Stuck && f.Status == report.StatusDeleting:
		l.since = f.ModifiedAt.Format(time.DateOnly)
	case primary == report.Failed || primary == report.Stuck:
		l.since = f.CreatedAt.Format(time.DateOnly)
	}
	var reasons strings.Builder
	for _, reason := range append([]report.Reason{f.Reason}, f.OtherReasons...) {
		reasons.WriteString(" " + string(reason))
	}
	l.reasons = reasons.String()
	return l
}

func newRow(alike []*report.Finding, r report.Report, o Options, c *locale.Catalog) Row {
	f := alike[0]
	row := Row{
		Name: Name(f.Matrix), ID: Clean(f.NodeID), Region: c.Region(Clean(f.Region)), Owner: Clean(f.Tags[o.OwnerTag]),
		Count: len(alike), Severity: f.Severity,
	}
	for _, f := range alike {
		row.Phones += f.PhoneCount
	}
	if len(alike) > 1 {
		row.Name = c.Text("matrices", len(alike))
		var ids []string
		for _, f := range alike[:min(len(alike), foldedIDs)] {
			ids = append(ids, Clean(f.NodeID))
		}
		row.ID = strings.Join(ids, ", ")
		if rest := len(alike) - foldedIDs; rest > 0 {
			row.ID += c.Text("and_others", rest, len(alike))
		}
	} else if row.Name == row.ID {
		row.ID = ""
	}
	now := r.GeneratedAt.Time
	sameHour := !slices.ContainsFunc(alike, func(g *report.Finding) bool { return !g.ExpiresAt.Equal(f.ExpiresAt.Time) })
	primary := r.PrimaryReason(*f)
	row.Why = Why(c, primary, f, sameHour, now)
	var also []string
	for _, reason := range append([]report.Reason{f.Reason}, f.OtherReasons...) {
		if reason != primary && !(primary == report.Failed && reason == report.NoExpiry) {
			text := Why(c, reason, f, sameHour, now)
			if id := "also_" + string(reason); c.Has(id) { // the heading does not name it
				text = c.Text(id, text)
			}
			also = append(also, text)
		}
	}
	row.Also = strings.Join(also, c.Text("comma"))
	return row
}
