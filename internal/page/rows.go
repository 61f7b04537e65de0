package page

import (
	"slices"
	"strings"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A row is one matrix of the table. Rank and At are what the script sorts by.
type row struct {
	Name, ID, Region, Owner, Type, Severity, SeverityText, Why, Since, Also, Expires, Distance string
	Reasons                                                                                    []report.Reason
	Rank, Phones                                                                               int
	At                                                                                         int64
}

// noExpiry is the At of a matrix without an expiry: it sorts last.
const noExpiry = 1 << 40

func newRow(f *report.Finding, r report.Report, ownerTag string, c *locale.Catalog) row {
	now := r.GeneratedAt.Time
	row := row{
		Name: message.Name(f.Matrix), ID: message.Clean(f.NodeID), Region: message.Clean(f.Region), Phones: f.PhoneCount,
		Owner: message.Clean(f.Tags[ownerTag]), Type: message.Clean(f.ServerType + " " + f.InstanceType),
		Severity: string(f.Severity), Rank: slices.Index(report.Severities, f.Severity), At: noExpiry, Expires: c.Text("date_unknown"),
	}
	switch t := f.ExpiresAt; {
	case t.IsZero():
	case t.IsNever():
		row.Expires = c.Text("never")
	default:
		row.At, row.Expires = t.Unix(), c.Date(t.Time, now)+t.Format(" 15:04")
		row.Distance = c.Distance(report.DaysBetween(now, t.Time, now.Location()))
	}
	if f.Reason == "" {
		row.Severity, row.SeverityText, row.Rank, row.Why = "fine", c.Text("page_fine"), len(report.Severities), message.Clean(f.Status)
		return row
	}
	row.SeverityText = c.Text("page_" + row.Severity)
	primary := r.PrimaryReason(*f)
	row.Why = reasonOf(c, primary, f)
	if primary == report.Failed || primary == report.Stuck { // the date of the failure differs from the expiry
		row.Since = message.Why(c, primary, f, true, now)
	}
	row.Reasons = append([]report.Reason{f.Reason}, f.OtherReasons...)
	var also []string
	for _, reason := range row.Reasons {
		if reason != primary {
			also = append(also, reasonOf(c, reason, f))
		}
	}
	row.Also = strings.Join(also, c.Text("comma"))
	return row
}

// reasonOf words a reason of a finding without its date, which has a column of
// its own.
func reasonOf(c *locale.Catalog, reason report.Reason, f *report.Finding) string {
	switch {
	case reason == report.UnknownStatus:
		return message.StatusText(c, f.Status)
	case reason == report.NoExpiry && f.ExpiresRaw != "":
		return c.Text("why_unreadable_expiry", message.Clean(f.ExpiresRaw))
	}
	return reasonText(c, reason)
}

// reasonText names a reason.
func reasonText(c *locale.Catalog, reason report.Reason) string {
	if reason == report.Expiring {
		return c.Text("page_expiring")
	}
	return c.Text("heading_" + string(reason))
}
