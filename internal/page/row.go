package page

import (
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A row is one matrix of the table. Rank and At are what the script sorts by, and
// Day what it filters by.
type row struct {
	Name, Mark, ID, Region, Owner, Type, Severity, SeverityText, Why, Since, Also, Expires, Distance, Renewals string

	Reasons      []report.Reason
	Rank, Phones int
	At           int64
	Day          string // on which it expires; empty if the timeline does not have it
	Anchor       string // the fragment that leads to the row; empty for most
}

// noExpiry is the At of a matrix without an expiry: it sorts last.
const noExpiry = 1 << 40

func newRow(f *report.Finding, r report.Report, o message.Options, c *locale.Catalog) row {
	now := r.GeneratedAt.Time
	row := row{
		Name: message.Name(f.Matrix), ID: message.Clean(f.NodeID), Region: message.Clean(f.Region), Phones: f.PhoneCount,
		Owner: message.Clean(f.Tags[o.OwnerTag]), Type: message.Clean(f.ServerType + " " + f.InstanceType), Reasons: f.Reasons(),
		Severity: string(f.Severity), Rank: slices.Index(report.Severities, f.Severity), At: noExpiry,
	}
	row.Expires, row.Distance = message.End(c, f, true, now)
	if !f.ExpiresAt.IsZero() && !f.ExpiresAt.IsNever() {
		row.At = f.ExpiresAt.Unix()
	}
	if inTimeline(*f, r) {
		row.Day = f.LastDay.String()
	}
	if f.Reason == "" {
		row.Severity, row.SeverityText, row.Rank, row.Why = "fine", c.Text("page_fine"), len(report.Severities), message.Clean(f.Status)
		return row
	}
	row.SeverityText = c.Text("page_" + row.Severity)
	row.Mark, row.Renewals = message.Mark(c, f), message.Renewals(c, f)
	primary := r.PrimaryReason(*f)
	row.Why = whyWithoutDate(c, primary, f)
	if primary == report.Failed || primary == report.Stuck { // the date of the failure differs from the expiry
		row.Since = message.Why(c, primary, f, true, now)
	}
	var also []string
	for _, reason := range row.Reasons {
		if reason != primary {
			also = append(also, whyWithoutDate(c, reason, f))
		}
	}
	if o.LeftOut {
		also = append(also, message.LeftOut(c, f.Matrix, now))
	}
	row.Also = strings.Join(also, c.Text("comma"))
	return row
}

// whyWithoutDate returns the text of a reason of a finding without its date, which
// has a column of its own.
func whyWithoutDate(c *locale.Catalog, reason report.Reason, f *report.Finding) string {
	if reason == report.UnknownStatus || reason == report.NoExpiry && f.ExpiresRaw != "" {
		return message.Why(c, reason, f, true, time.Time{})
	}
	return message.ReasonName(c, reason)
}

// markDays gives the first row of each column of the timeline the anchor to which
// the column leads without the script.
func markDays(rows []row, t *timeline) {
	if t == nil {
		return
	}
	for _, col := range t.Columns {
		if i := slices.IndexFunc(rows, func(r row) bool { return r.Day != "" && r.Day >= col.from && r.Day <= col.to }); i >= 0 {
			rows[i].Anchor = col.Filter
		}
	}
}
