package message

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

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
