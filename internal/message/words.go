package message

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// Name returns the name of a matrix, or its id if the name shows nothing.
func Name(m report.Matrix) string { return cmp.Or(Clean(m.Name), Clean(m.NodeID)) }

// Why returns when, or what, a reason is of a finding: "Tue 24 Nov, in 2 days".
// sameHour is false if the text is for findings that expire at different hours.
func Why(c *locale.Catalog, reason report.Reason, f *report.Finding, sameHour bool, now time.Time) string {
	when := func(t report.Time, hour bool) string {
		if t.IsZero() {
			return c.Text("date_unknown")
		}
		if t.IsNever() {
			return c.Text("never")
		}
		date := c.Date(t.Time, now)
		if hour {
			date += " " + t.Format("15:04")
		}
		return c.Text("when", date, c.Distance(report.DaysBetween(now, t.Time, now.Location())))
	}
	since := func(id string, t report.Time) string {
		days := report.DaysBetween(now, t.Time, now.Location())
		return c.Text(id, c.Date(t.Time, now), c.Distance(days), c.Text("days", -days))
	}
	switch {
	case reason == report.Failed:
		return when(f.CreatedAt, f.CreatedAt.Sub(now).Abs() < 24*time.Hour)
	case reason == report.Expired || reason == report.Expiring:
		return when(f.ExpiresAt, f.Severity == report.Critical && sameHour) // the hour matters
	case reason == report.Stuck && f.Status == report.StatusDeleting:
		return since("why_deleting", f.ModifiedAt)
	case reason == report.Stuck:
		return since("why_creating", f.CreatedAt)
	case reason == report.UnknownStatus:
		return StatusText(c, f.Status)
	case reason == report.NoExpiry && f.ExpiresRaw != "":
		return c.Text("why_unreadable_expiry", Clean(f.ExpiresRaw))
	}
	return c.Text("why_" + string(reason))
}

// StatusText words a status that is not documented, or none.
func StatusText(c *locale.Catalog, status string) string {
	if status = Clean(status); status == "" {
		return c.Text("why_no_status")
	}
	return c.Text("why_unknown_status", status)
}

// problemTexts words the first problems. If what is missing is regions only, a
// few of them, unread names them. Problems of an endpoint that hide no matrix
// are left out: they concern the operator.
func problemTexts(problems []report.Problem, c *locale.Catalog) (texts []string, others int, unread string) {
	var distinct, regions []string
	places := map[string][]string{} // by text: several endpoints may have the same problem
	partial := false
	for _, p := range problems {
		if !p.MayHideMatrices && p.Endpoint != "" {
			continue
		}
		text := strings.Trim(p.Code+": "+problemText(c, p), ": ")
		if _, ok := places[text]; !ok {
			distinct = append(distinct, text)
		}
		place := p.Endpoint
		if p.Region != "" {
			place = c.Region(p.Region)
			if p.MayHideMatrices {
				regions = append(regions, Clean(place))
			}
		} else if p.MayHideMatrices {
			partial = true
		}
		places[text] = append(places[text], place)
	}
	for _, text := range distinct[:min(len(distinct), maxProblems)] {
		if at := placeText(places[text], c); at != "" {
			text = at + ": " + text
		}
		texts = append(texts, Clean(shorten(text, maxProblemRunes)))
	}
	slices.Sort(regions)
	if regions = slices.Compact(regions); !partial && len(regions) <= maxProblems {
		unread = strings.Join(regions, c.Text("comma"))
	}
	return texts, len(distinct) - len(texts), unread
}

// placeText returns where a problem occurred.
func placeText(places []string, c *locale.Catalog) string {
	slices.Sort(places)
	places = slices.Compact(places)
	text := strings.Join(places[:min(len(places), maxProblems)], c.Text("comma"))
	if rest := len(places) - maxProblems; rest > 0 {
		text += c.Text("and_places", rest, len(places))
	}
	return text
}

// problemText words a problem: with the hint of the catalogue for its code, and
// with the problem's own message, which is in English.
func problemText(c *locale.Catalog, p report.Problem) string {
	hint := hintID(c, p.Code)
	switch {
	case hint == "":
		return p.Message
	case c.HasValues(hint):
		return c.Text(hint, p.Message)
	}
	return c.Text(hint) + c.Text("own_words", p.Message)
}

// hintID returns the id of the hint for a code: that of the code itself, or of
// the family before its first dot or its digits. A hint_Forbidden of a family that
// is not documented as one would explain codes that mean something else, so that
// hints end with _family if they are for all of it.
func hintID(c *locale.Catalog, code string) string {
	family, _, _ := strings.Cut(code, ".")
	for _, id := range []string{"hint_" + code, "hint_" + family + "_family", "hint_" + strings.TrimRight(code, "0123456789") + "_family"} {
		if c.Has(id) {
			return id
		}
	}
	return ""
}
