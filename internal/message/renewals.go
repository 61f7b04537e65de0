package message

import (
	"slices"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// Renewals returns how often a matrix that expires or has expired was renewed so
// far: "renewed 3 times so far, 9 days ahead each time; not yet this time". The last
// part is for a matrix with fewer days left than at any renewal. It is empty if no
// renewal is remembered.
func Renewals(c *locale.Catalog, f *report.Finding) string {
	expires := func(r report.Reason) bool { return r == report.Expiring || r == report.Expired }
	if f.Renewals == nil || !slices.ContainsFunc(f.Reasons(), expires) {
		return ""
	}
	text := c.Text("renewals", f.Renewals.Times, ahead(c, *f.Renewals))
	if f.Overdue() {
		text = c.Text("renewals_not_yet", text)
	}
	return text
}

// ahead returns how early a matrix was renewed: "9 days ahead each time", "5 to 9
// days ahead".
func ahead(c *locale.Catalog, r report.Renewals) (text string) {
	switch {
	case r.Least == r.Most && r.Most > 0:
		text = c.Text("ahead", r.Most)
	case r.Least == r.Most && r.Most == 0:
		text = c.Text("ahead_none")
	case r.Least == r.Most:
		text = c.Text("late", -r.Most)
	case r.Least >= 0:
		return c.Text("ahead_range", r.Least, r.Most)
	case r.Most < 0:
		return c.Text("late_range", -r.Most, -r.Least)
	default:
		return c.Text("late_or_ahead", -r.Least, r.Most)
	}
	if r.Times > 1 {
		text = c.Text("each_time", text)
	}
	return text
}
