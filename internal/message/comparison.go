package message

import (
	"io"
	"strings"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// Comparison writes c for a terminal: every change that it lists, in columns, by
// kind.
func Comparison(out io.Writer, c report.Comparison, language string, t Terminal) error {
	catalog, err := locale.Of(language)
	if err != nil {
		return err
	}
	w := textWriter{terminal: t}
	for _, line := range ComparisonLead(catalog, c) {
		w.paragraphs("", Line{{Text: line}})
	}
	var blocks []Block
	for _, g := range ChangeGroups(catalog, c) {
		b := Block{Severity: report.Notice, Heading: Line{{Text: catalog.Text("heading", g.Title, g.Count)}}}
		for _, row := range g.Rows {
			b.Rows = append(b.Rows, Line{{Text: strings.Join([]string{row.Name, row.Region, row.Why, row.ID}, "\t")}})
		}
		if g.More > 0 {
			b.Rows = append(b.Rows, Line{{Text: catalog.Text("page_more", g.More)}})
		}
		blocks = append(blocks, b)
	}
	w.blocks(blocks)
	_, err = io.WriteString(out, w.text.String())
	return err
}

// ComparisonLead returns the lines about a comparison as a whole: from when to
// when, and the number of changes by kind.
func ComparisonLead(c *locale.Catalog, comparison report.Comparison) []string {
	from, to := c.DateTime(comparison.From.Time), c.DateTime(comparison.To.Time)
	lines := []string{c.Text("compared_none", from, to)}
	if counts := changeCounts(c, comparison.Changes); len(counts) > 0 {
		lines[0] = c.Text("compared", from, to, strings.Join(counts, c.Text("comma")))
	}
	if !comparison.Complete {
		lines = append(lines, c.Text("compared_incomplete"))
	}
	return lines
}

// A ChangeGroup is the changes of one kind.
type ChangeGroup struct {
	Title string
	Count int
	Rows  []ChangeRow
	More  int // changes that the comparison does not list
}

// A ChangeRow is one change. The name is the id if it has no visible character;
// then the ID is empty.
type ChangeRow struct{ Name, Region, Why, ID string }

// ChangeGroups returns the changes of a comparison by kind, without empty groups.
func ChangeGroups(c *locale.Catalog, comparison report.Comparison) (groups []ChangeGroup) {
	for _, kind := range report.ChangeKinds {
		if g := changeGroup(c, comparison, kind); g.Count > 0 {
			groups = append(groups, g)
		}
	}
	return groups
}

func changeGroup(c *locale.Catalog, comparison report.Comparison, kind report.ChangeKind) ChangeGroup {
	g := ChangeGroup{Title: c.Text("changed_" + string(kind)), Count: comparison.Changes[string(kind)]}
	for _, change := range comparison.Changed {
		if change.Kind != kind {
			continue
		}
		row := ChangeRow{
			Name: Name(report.Matrix{Name: change.Name, NodeID: change.NodeID}), Region: c.Region(Clean(change.Region)),
			Why: changeDetails(c, change, comparison.To.Time), ID: Clean(change.NodeID),
		}
		if row.Name == row.ID {
			row.ID = ""
		}
		g.Rows = append(g.Rows, row)
	}
	g.More = g.Count - len(g.Rows)
	return g
}

// changeDetails returns what a change is: for a renewed matrix from when to when
// it was renewed, for others their reason and when they expire.
func changeDetails(c *locale.Catalog, change report.Change, now time.Time) string {
	date := func(t report.Time) string {
		switch {
		case t.IsZero():
			return c.Text("date_unknown")
		case t.IsNever():
			return c.Text("never")
		}
		return c.Date(t.LastDay().Time(), now)
	}
	if change.Kind == report.Renewed {
		return date(change.WasExpiresAt) + " → " + date(change.ExpiresAt)
	}
	switch change.Reason {
	case report.Expired, report.Expiring:
		return reasonName(c, change.Reason) + c.Text("comma") + date(change.ExpiresAt)
	case "":
		if change.ExpiresAt.IsZero() {
			return c.Text("date_unknown")
		}
		return c.Text("expiry_date", date(change.ExpiresAt))
	}
	return reasonName(c, change.Reason)
}

// reasonName returns the name of a reason.
func reasonName(c *locale.Catalog, reason report.Reason) string {
	if reason == report.Expiring { // its heading has a number of days
		return c.Text("page_expiring")
	}
	return c.Text("heading_" + string(reason))
}
