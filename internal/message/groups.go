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
