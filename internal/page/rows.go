package page

import (
	"slices"
	"strings"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A row is one matrix of the table. Rank, Phones and At are what the script
// sorts by.
type row struct {
	Severity, SeverityText, Reasons, Name, ID, Region, RegionText, Why, Since, Also, Expires, Distance, Owner, Type string
	Rank, Phones                                                                                                    int
	At                                                                                                              int64
}

// noExpiry is the At of a matrix without an expiry: it sorts last.
const noExpiry = 1 << 40

// A dayText is a day in words. Many rows share one.
type dayText struct{ date, distance string }

func newRows(r report.Report, o Options, c *locale.Catalog) []row {
	rows := make([]row, len(o.Rows))
	days := map[int]dayText{} // by days left
	for i := range o.Rows {
		rows[i] = newRow(&o.Rows[i], r, o, c, days)
	}
	return rows
}

func newRow(f *report.Finding, r report.Report, o Options, c *locale.Catalog, days map[int]dayText) row {
	now := r.GeneratedAt.Time
	region := message.Clean(f.Region)
	row := row{
		Severity: string(f.Severity), Rank: slices.Index(report.Severities, f.Severity),
		Name: message.Name(f.Matrix), ID: message.Clean(f.NodeID), Region: region, RegionText: c.Region(region),
		Phones: f.PhoneCount, Owner: message.Clean(f.Tags[o.Message.OwnerTag]), Type: strings.TrimSpace(message.Clean(f.ServerType) + " " + message.Clean(f.InstanceType)),
		At: noExpiry, Expires: c.Text("date_unknown"),
	}
	if row.ID == row.Name {
		row.ID = ""
	}
	if !f.ExpiresAt.IsZero() {
		left := report.DaysBetween(now, f.ExpiresAt.Time, now.Location())
		day, ok := days[left]
		if !ok {
			day = dayText{c.Date(f.ExpiresAt.Time, now), c.Distance(left)}
			days[left] = day
		}
		row.At, row.Expires, row.Distance = f.ExpiresAt.Unix(), day.date+f.ExpiresAt.Format(" 15:04"), day.distance
	}
	if f.Reason == "" {
		row.Severity, row.SeverityText, row.Rank, row.Why = "fine", c.Text("page_fine"), len(report.Severities), message.Clean(f.Status)
		return row
	}
	row.SeverityText = c.Text("page_" + row.Severity)
	primary := r.PrimaryReason(*f)
	row.Why = reasonText(c, primary, f)
	if primary == report.Failed || primary == report.Stuck { // the date of the failure differs from the expiry
		row.Since = message.Why(c, primary, f, true, now)
	}
	reasons := []string{string(f.Reason)}
	var also []string
	for _, reason := range append([]report.Reason{f.Reason}, f.OtherReasons...) {
		if reason != primary {
			also = append(also, reasonText(c, reason, f))
		}
		if reason != f.Reason {
			reasons = append(reasons, string(reason))
		}
	}
	row.Also, row.Reasons = strings.Join(also, c.Text("comma")), strings.Join(reasons, " ")
	return row
}

// reasonText names a reason without its date, which has a column of its own.
func reasonText(c *locale.Catalog, reason report.Reason, f *report.Finding) string {
	switch {
	case reason == report.Expiring:
		return c.Text("page_expiring")
	case reason == report.UnknownStatus && f.Status != "":
		return c.Text("why_unknown_status", message.Clean(f.Status))
	case reason == report.NoExpiry && f.ExpiresRaw != "":
		return c.Text("why_unreadable_expiry", message.Clean(f.ExpiresRaw))
	}
	return c.Text("heading_" + string(reason))
}
