package message

import (
	"cmp"
	"slices"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

func newRow(findings []*report.Finding, r report.Report, o Options, c *locale.Catalog) Row {
	if len(findings) > 1 {
		return sharedRow(findings, r, o, c)
	}
	f, now := findings[0], r.GeneratedAt.Time
	primary := r.PrimaryReason(*f)
	row := Row{
		Name: Name(f.Matrix), ID: Clean(f.NodeID), Region: c.Region(Clean(f.Region)), Owner: Clean(f.Tags[o.OwnerTag]),
		Why: Why(c, primary, f, true, now), Count: 1, Phones: f.PhoneCount, Severity: f.Severity,
	}
	if row.Name == row.ID {
		row.ID = ""
	}
	row.Mark = Mark(c, f)
	var also []string
	for _, reason := range f.Reasons() {
		if reason != primary && !(primary == report.Failed && reason == report.NoExpiry) {
			text := Why(c, reason, f, true, now)
			if id := "also_" + string(reason); c.Has(id) { // the heading does not name it
				text = c.Text(id, text)
			}
			also = append(also, text)
		}
	}
	if o.LeftOut {
		also = append(also, LeftOut(c, f.Matrix, now))
	}
	row.Also, row.Renewals = strings.Join(also, c.Text("comma")), Renewals(c, f)
	return row
}

// LeftOut returns until when a matrix is left out of reports, and why: "left out until
// Tue 5 Jan: planned move".
func LeftOut(c *locale.Catalog, m report.Matrix, now time.Time) string {
	text := c.Text("left_out")
	until, why := m.LeftOut()
	if !until.IsZero() {
		text = c.Text("left_out_until", c.Date(until.Time(), now))
	}
	if why = Clean(why); why != "" {
		text += c.Text("colon") + why
	}
	return text
}

// sharedRow returns the row of several findings, with what they have in common.
// That of notices that expire has their dates.
func sharedRow(findings []*report.Finding, r report.Report, o Options, c *locale.Catalog) Row {
	f, now := findings[0], r.GeneratedAt.Time
	primary := r.PrimaryReason(*f)
	differ := func(value func(f *report.Finding) string) bool {
		return slices.ContainsFunc(findings, func(g *report.Finding) bool { return value(g) != value(f) })
	}
	row := Row{Count: len(findings), Severity: f.Severity}
	for _, f := range findings {
		row.Phones += f.PhoneCount
	}
	if primary == report.Expiring && f.Severity == report.Notice {
		row.Name, row.Dates = dates(findings, now, c), true
		return row
	}
	names := make([]string, len(findings))
	for i, f := range findings {
		names[i] = Name(f.Matrix)
	}
	row.Name = list(c, names, maxNames, "and_others")
	if !differ(func(f *report.Finding) string { return f.Region }) {
		row.Region = c.Region(Clean(f.Region))
	}
	if !differ(func(f *report.Finding) string { return f.Tags[o.OwnerTag] }) {
		row.Owner = Clean(f.Tags[o.OwnerTag])
	}
	why := func(f *report.Finding) string { return Why(c, r.PrimaryReason(*f), f, true, now) }
	switch {
	case !differ(why):
		row.Why = why(f)
	case !differ(func(f *report.Finding) string { return Why(c, primary, f, false, now) }):
		row.Why = Why(c, primary, f, false, now)
	}
	return row
}

// dates returns the days on which findings expire, each with their number: "8 Dec 2 ·
// 15 Dec 1". It has the year of a day that is more than one year ahead.
func dates(findings []*report.Finding, now time.Time, c *locale.Catalog) string {
	var texts []string
	for len(findings) > 0 {
		n := untilDate(findings, 1)
		last := findings[0].LastDay
		day := c.Text("day", strconv.Itoa(last.Day), c.Text("month_"+strconv.Itoa(int(last.Month))))
		if last.DaysUntil(now) > 365 {
			day = c.Date(last.Time(), now)
		}
		texts = append(texts, c.Text("day_count", day, n))
		findings = findings[n:]
	}
	return strings.Join(texts, " · ")
}

// maxTitleName is the maximum length of a name in the title, which ends with what
// matters.
const maxTitleName = 60

// only returns the title of a report with one finding, such as "prod-hz-01 ends
// tonight 24:00 (26 phones)".
func only(r report.Report, c *locale.Catalog) string {
	f := &r.Findings[0]
	reason := r.PrimaryReason(*f)
	text, details := why(c, reason, f, true, r.GeneratedAt.Time)
	if details != "" {
		details += c.Text("comma")
	}
	id := "one_" + string(reason)
	if !c.Has(id) {
		id = "one"
	}
	return c.Text(id, shorten(Name(f.Matrix), maxTitleName), text, details+c.Text("phones", f.PhoneCount))
}

// Name returns the name of a matrix, or its id if the name has no visible
// character.
func Name(m report.Matrix) string { return cmp.Or(Clean(m.Name), Clean(m.NodeID)) }

// ReasonName returns the name of a reason, or the reason itself if the catalogue has
// no name for it.
func ReasonName(c *locale.Catalog, reason report.Reason) string {
	id := "heading_" + string(reason)
	if reason == report.Expiring { // its heading has a number of days
		id = "page_expiring"
	}
	if !c.Has(id) {
		return string(reason)
	}
	return c.Text(id)
}

// Why returns the details of one reason of a finding, such as "Tue 24 Nov 02:00, in
// 2 days" for Expiring. The hour is left out if hour is false, for a text that also
// stands for findings that expire at other hours.
func Why(c *locale.Catalog, reason report.Reason, f *report.Finding, hour bool, now time.Time) string {
	text, distance := why(c, reason, f, hour, now)
	if distance == "" {
		return text
	}
	return c.Text("when", text, distance)
}

// why is Why in two parts. The second is how far away a date is, or empty.
func why(c *locale.Catalog, reason report.Reason, f *report.Finding, hour bool, now time.Time) (text, distance string) {
	switch {
	case reason == report.Failed && f.CreatedAt.IsZero():
		return c.Text("date_unknown"), ""
	case reason == report.Failed:
		clock := ""
		if hour && f.CreatedAt.Sub(now).Abs() < 24*time.Hour {
			clock = f.CreatedAt.Format(" 15:04")
		}
		return day(c, f.CreatedAt.Time, report.DaysBetween(now, f.CreatedAt.Time, now.Location()), clock, now)
	case reason == report.Expired || reason == report.Expiring:
		return End(c, f, hour, now)
	case reason == report.Stuck:
		id := "why_creating"
		if f.Status == report.StatusDeleting {
			id = "why_deleting"
		}
		days := report.DaysBetween(now, since(f).Time, now.Location())
		return c.Text(id, c.Date(since(f).Time, now), c.Distance(days), c.Text("days", -days)), ""
	case reason == report.UnknownStatus && Clean(f.Status) == "":
		return c.Text("why_no_status"), ""
	case reason == report.UnknownStatus:
		return c.Text("why_unknown_status", Clean(f.Status)), ""
	case reason == report.NoExpiry && f.ExpiresRaw != "":
		return c.Text("why_unreadable_expiry", Clean(f.ExpiresRaw)), ""
	}
	return c.Text("why_" + string(reason)), ""
}

// End returns when a matrix expires: "tonight 24:00", or "Tue 24 Nov 02:00" and "in 2
// days". Unless it is critical, 23:59 is left out.
func End(c *locale.Catalog, f *report.Finding, hour bool, now time.Time) (text, distance string) {
	if f.ExpiresAt.IsZero() {
		return c.Text("date_unknown"), ""
	}
	if f.ExpiresAt.IsNever() {
		return c.Text("never"), ""
	}
	clock := f.ExpiresAt.Format(" 15:04")
	last := f.ExpiresAt.LastDay()
	days := last.DaysUntil(now)
	switch midnight := f.ExpiresAt.IsMidnight(); {
	case !hour, clock == " 23:59" && f.Severity != report.Critical:
		clock = ""
	case midnight && days == 0:
		return c.Text("tonight"), ""
	case midnight && days == -1:
		return c.Text("last_night"), ""
	case midnight:
		clock = " 24:00"
	}
	return day(c, last.Time(), days, clock, now)
}

// day returns a day with the hour of clock, and how far away it is unless that is
// today.
func day(c *locale.Catalog, t time.Time, days int, clock string, now time.Time) (text, distance string) {
	if days == 0 {
		return c.Text("today") + clock, ""
	}
	return c.Date(t, now) + clock, c.Distance(days)
}

// since returns when a matrix began to be created, or to be deleted.
func since(f *report.Finding) report.Time {
	if f.Status == report.StatusDeleting {
		return f.ModifiedAt
	}
	return f.CreatedAt
}
