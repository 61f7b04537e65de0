package message

import (
	"cmp"
	"slices"
	"strings"
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
	id      string              // of its texts in the catalogue, such as expiring_today
	days    int                 // of what expires within days
	rows    [][]*report.Finding // by row
	heading Line
	lines   []Line // of the first rows
}

// groupFindings puts findings under headings, the most urgent first: by
// severity, then by reason in the order of the rules.
func groupFindings(r report.Report, o Options, c *locale.Catalog) (groups []*group) {
	type place struct {
		report.Severity
		report.Reason
	}
	at := map[place][]*report.Finding{}
	order := report.HeadingOrder()
	for i := range r.Findings {
		f := &r.Findings[i]
		p := place{f.Severity, r.PrimaryReason(*f)}
		if !slices.Contains(report.Severities, p.Severity) || !slices.Contains(order, p.Reason) { // a report of a later version
			p = place{report.Notice, report.UnknownStatus}
		}
		at[p] = append(at[p], f)
	}
	within := map[report.Severity]int{report.Critical: r.CriticalDays, report.Warning: r.WarningDays, report.Notice: r.Days}
	for _, severity := range report.Severities {
		for _, reason := range order {
			findings := at[place{severity, reason}]
			if len(findings) == 0 {
				continue
			}
			g := &group{id: string(reason), Group: Group{Severity: severity, Count: len(findings)}, rows: foldAlike(r, findings, o.OwnerTag)}
			for _, f := range findings {
				g.Phones += f.PhoneCount
			}
			if reason == report.Expiring {
				if g.days = min(r.Days, within[severity]); g.days == 0 {
					g.id = "expiring_today"
				}
			}
			g.Title = c.Text("heading_"+g.id, g.days)
			groups = append(groups, g)
		}
	}
	return groups
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

func newRow(alike []*report.Finding, r report.Report, o Options, c *locale.Catalog) Row {
	f := alike[0]
	row := Row{
		Name: Name(f.Matrix), ID: Clean(f.NodeID), Region: c.Region(Clean(f.Region)), Owner: Clean(f.Tags[o.OwnerTag]),
		Count: len(alike), Severity: f.Severity,
	}
	var ids []string
	for _, f := range alike {
		row.Phones += f.PhoneCount
		ids = append(ids, Clean(f.NodeID))
	}
	if len(alike) > 1 {
		row.Name = c.Text("matrices", len(alike))
		row.ID = list(c, ids, ", ", foldedIDs, "and_others")
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

// Name returns the name of a matrix, or its id if the name has no visible
// character.
func Name(m report.Matrix) string { return cmp.Or(Clean(m.Name), Clean(m.NodeID)) }

// Why returns the details of one reason of a finding, such as "Tue 24 Nov, in 2
// days" for Expiring. sameHour is false if the text also stands for findings that
// expire at other hours.
func Why(c *locale.Catalog, reason report.Reason, f *report.Finding, sameHour bool, now time.Time) string {
	when := func(t report.Time, hour bool) string {
		switch {
		case t.IsZero():
			return c.Text("date_unknown")
		case t.IsNever():
			return c.Text("never")
		}
		date := c.Date(t.Time, now)
		if hour {
			date += " " + t.Format("15:04")
		}
		return c.Text("when", date, c.Distance(report.DaysBetween(now, t.Time, now.Location())))
	}
	switch {
	case reason == report.Failed:
		return when(f.CreatedAt, f.CreatedAt.Sub(now).Abs() < 24*time.Hour)
	case reason == report.Expired || reason == report.Expiring:
		return when(f.ExpiresAt, f.Severity == report.Critical && sameHour) // the hour matters
	case reason == report.Stuck:
		id := "why_creating"
		if f.Status == report.StatusDeleting {
			id = "why_deleting"
		}
		days := report.DaysBetween(now, since(f).Time, now.Location())
		return c.Text(id, c.Date(since(f).Time, now), c.Distance(days), c.Text("days", -days))
	case reason == report.UnknownStatus && Clean(f.Status) == "":
		return c.Text("why_no_status")
	case reason == report.UnknownStatus:
		return c.Text("why_unknown_status", Clean(f.Status))
	case reason == report.NoExpiry && f.ExpiresRaw != "":
		return c.Text("why_unreadable_expiry", Clean(f.ExpiresRaw))
	}
	return c.Text("why_" + string(reason))
}

// since returns when a matrix began to be created, or to be deleted.
func since(f *report.Finding) report.Time {
	if f.Status == report.StatusDeleting {
		return f.ModifiedAt
	}
	return f.CreatedAt
}
