package message

import (
	"cmp"
	"math"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// A View is what the parts "title", "lead" and "foot" see.
type View struct {
	Severity      report.Severity // the worst finding's; empty without findings
	Failed        bool            // nothing could be read
	Complete      bool            // nothing is missing
	Test          bool            // a message that says that it is a test and nothing else
	Undelivered   string          // the channels that did not get the report, in a message that tells this and nothing else
	Facts         []string        // "2 failed", "1 expired", …, the worst first
	FactPhones    int             // phones on the matrices of the first three facts
	Needing       int             // matrices that need somebody
	NeedingInAll  int             // where Needing is narrowed to what was asked for; else 0
	Listed        int             // matrices read
	Total         int             // matrices that there should be
	Alive         int             // matrices read that are not deleted
	Phones        int             // phones on matrices that need somebody
	Regions       int             // regions that hold matrices
	Days          int             // how far the report looks
	Unread        string          // the regions that could not be read; empty if it is something else
	Problems      []string        // what could not be done, at most maxProblems
	OtherProblems int             // further problems
	Next          string          // the first matrix to expire beyond Days, or empty
	NextDate      string
	Bar           string // expiries a day over the next Days, in block characters; empty if none
	Mentions      string // the owners of critical findings, as the service calls people; empty if none is known to it
	When          string // date, time and zone of the report
	ConsoleURL    string
	ReportURL     string
	RequestID     string
	Asked         string // the regions that alone were asked for
	Age           int    // seconds since the data was read
}

// A Group is what the part "heading" sees: findings of one urgency.
type Group struct {
	Title    string // "Failed", "Within 3 days", …
	Severity report.Severity
	Count    int // matrices
	Phones   int
}

// A Row is what the part "row" sees: one matrix, or several that look alike.
type Row struct {
	Name     string // what people call it; its id if it has no name
	ID       string // empty where Name is the id
	Region   string
	Why      string // reason and date: "Tue 24 Nov, in 2 days"
	Also     string // further reasons, or empty
	Owner    string // the value of the owner's tag, or empty
	Count    int    // matrices in this row
	Phones   int
	Severity report.Severity
}

// More is what the part "more" sees: findings that did not fit.
type More struct {
	Count int
	Kinds []Kind
}

// A Kind is how many findings of one heading did not fit.
type Kind struct {
	Count int
	Title string
}

const (
	factsInTitle    = 3
	maxProblems     = 3   // a message is not a log
	maxProblemRunes = 300 // each
	foldFrom        = 30  // with more rows than this, rows that look alike fold
	foldAtLeast     = 3
	foldedIDs       = 10
	barFrom         = 3 // fewer expiries say more as dates
)

func newView(r report.Report, o Options, w *locale.Catalog, f format) (View, []*group) {
	inert := f.inert
	switch {
	case o.Test:
		return View{Test: true, Complete: true, When: w.DateTime(r.GeneratedAt.Time)}, nil
	case o.Undelivered:
		return undelivered(r, w, inert), nil
	}
	v := View{
		Failed:  r.Failed(),
		Needing: len(r.Findings), NeedingInAll: o.Needing, Listed: r.Listed, Total: r.Total, Phones: r.PhonesAffected,
		Alive:    r.Listed - r.Counts["deleted"],
		Complete: r.Complete, Regions: len(r.Regions), Days: r.Days,
		When:       w.DateTime(r.GeneratedAt.Time),
		ConsoleURL: o.ConsoleURL, ReportURL: o.ReportURL, RequestID: inert(o.RequestID), Age: int(o.Age / time.Second),
	}
	groups := groupFindings(r, o, w)
	expiring := false
	for i, g := range groups {
		if i < factsInTitle {
			v.FactPhones += g.Phones
		}
		fact := g.kind.fact
		if strings.HasPrefix(fact, string(report.Expiring)) {
			if expiring { // those within a week are so many besides those within three days
				fact = "more_expiring"
			}
			expiring = true
		}
		v.Facts = append(v.Facts, w.Text("fact_"+fact, g.Count, w.Text("days", g.kind.days)))
	}
	if len(r.Findings) > 0 {
		v.Severity = r.Findings[0].Severity
	}
	v.Problems, v.OtherProblems, v.Unread = tellProblems(r.Problems, w, inert)
	if n := r.NextExpiry; n != nil {
		v.Next, v.NextDate = nameOf(n.Name, n.NodeID, inert), w.Date(n.ExpiresAt.Time, r.GeneratedAt.Time)
	}
	var asked []string
	for _, id := range o.Regions {
		asked = append(asked, w.Region(inert(id)))
	}
	v.Asked = strings.Join(asked, w.Text("comma"))
	v.Bar = bar(r)
	var called []string
	for _, id := range mentioned(r, o, f) {
		called = append(called, f.mention(id))
	}
	v.Mentions = strings.Join(called, " ")
	return v, groups
}

// undelivered is the view of a message that tells which channels did not get
// the report, and why.
func undelivered(r report.Report, w *locale.Catalog, inert func(string) string) View {
	v := View{Severity: report.Warning, Complete: true, When: w.DateTime(r.GeneratedAt.Time)}
	var channels []string
	for _, d := range r.Deliveries {
		if !d.Delivered {
			channels = append(channels, inert(d.Channel))
			v.Problems = append(v.Problems, inert(shorten(d.Error, maxProblemRunes)))
		}
	}
	v.Undelivered = strings.Join(channels, w.Text("comma"))
	return v
}

// tellProblems words what could not be done, at most maxProblems of it, and
// names the regions that are missing, if it is regions and not more. What hides
// nothing is of interest to who runs the function, not to who reads the report.
func tellProblems(problems []report.Problem, w *locale.Catalog, inert func(string) string) (told []string, others int, unread string) {
	var texts, regions []string
	where := map[string][]string{} // by text: what several endpoints say is said once
	partial := false
	for _, p := range problems {
		if !p.MayHideMatrices && p.Endpoint != "" {
			continue
		}
		text := strings.Trim(p.Code+": "+problemText(w, p), ": ")
		if _, ok := where[text]; !ok {
			texts = append(texts, text)
		}
		place := p.Endpoint
		if p.Region != "" {
			place = w.Region(p.Region)
			if p.MayHideMatrices {
				regions = append(regions, inert(place))
			}
		} else if p.MayHideMatrices {
			partial = true
		}
		where[text] = append(where[text], place)
	}
	for _, text := range texts[:min(len(texts), maxProblems)] {
		slices.Sort(where[text])
		places := slices.Compact(where[text])
		place := strings.Join(places[:min(len(places), maxProblems)], w.Text("comma"))
		if rest := len(places) - maxProblems; rest > 0 {
			place += w.Text("and_places", rest)
		}
		if place != "" {
			text = place + ": " + text
		}
		told = append(told, inert(shorten(text, maxProblemRunes)))
	}
	slices.Sort(regions)
	if regions = slices.Compact(regions); !partial && len(regions) <= maxProblems {
		unread = strings.Join(regions, w.Text("comma"))
	}
	return told, len(texts) - len(told), unread
}

// problem words a problem: as the catalogue does for codes that begin like one
// of its hints, else as whoever met it did, in English.
func problemText(w *locale.Catalog, p report.Problem) string {
	hint := ""
	for _, id := range w.IDs("hint_") {
		if prefix, ok := strings.CutPrefix(id, "hint_"); ok && strings.HasPrefix(p.Code, prefix) && len(id) > len(hint) {
			hint = id
		}
	}
	if hint == "" {
		return p.Message
	}
	var values []any
	if w.HasValues(hint) {
		values = append(values, p.Message)
	}
	text := w.Text(hint, values...)
	if p.Permission != "" {
		text += w.Text("missing_permission", p.Permission)
	}
	if p.RequestID != "" {
		text += w.Text("of_request", p.RequestID)
	}
	return text
}

// kind is what findings under one heading have in common.
type kind struct {
	fact string // the key of its words in the catalogue
	days int    // for what expires within days
}

type group struct {
	Group
	kind     kind
	findings []*report.Finding
	rows     [][]*report.Finding // those that make one row each
}

func headingText(w *locale.Catalog, k kind) string {
	if k.days > 0 {
		return w.Text("heading_"+k.fact, k.days)
	}
	return w.Text("heading_" + k.fact)
}

// also says a further reason, which stands under no heading of its own.
func alsoText(w *locale.Catalog, reason report.Reason, why string) string {
	if reason == report.Expired || reason == report.Expiring {
		return w.Text("also_"+string(reason), why)
	}
	return why
}

// groupFindings puts findings under headings by urgency: nothing under a
// heading is more urgent than what stands above it.
func groupFindings(r report.Report, o Options, w *locale.Catalog) []*group {
	var groups []*group
	type place struct {
		report.Severity
		report.Reason
	}
	at := map[place]*group{}
	for _, severity := range report.Severities {
		for _, reason := range report.HeadingOrder() {
			k := kind{fact: string(reason)}
			if reason == report.Expiring {
				k.days = min(r.Days, map[report.Severity]int{
					report.Critical: r.CriticalDays, report.Warning: r.WarningDays, report.Notice: r.Days}[severity])
				if k.days == 0 {
					k.fact = "expiring_today"
				}
			}
			g := &group{kind: k, Group: Group{Severity: severity, Title: headingText(w, k)}}
			at[place{severity, reason}] = g
			groups = append(groups, g)
		}
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		g := at[place{f.Severity, r.PrimaryReason(*f)}]
		if g == nil { // a report of a later version
			g = at[place{report.Notice, report.UnknownStatus}]
		}
		g.findings = append(g.findings, f)
		g.Count++
		g.Phones += f.PhoneCount
	}
	groups = slices.DeleteFunc(groups, func(g *group) bool { return g.Count == 0 })
	fold := len(r.Findings) > foldFrom
	for _, g := range groups {
		g.rows = lookAlikes(r, g.findings, o.OwnerTag, fold)
	}
	return groups
}

// lookAlikes puts together findings that differ in nothing but name and id, if
// there are enough of them, each set where its first stood.
func lookAlikes(r report.Report, fs []*report.Finding, owner string, fold bool) (rows [][]*report.Finding) {
	if !fold {
		for i := range fs {
			rows = append(rows, fs[i:i+1])
		}
		return rows
	}
	type look struct {
		days                                            int
		since, region, status, instance, reasons, owner string
	}
	index := map[look]int{}
	var sets [][]*report.Finding
	for _, f := range fs {
		days := math.MinInt
		if f.DaysLeft != nil {
			days = *f.DaysLeft
		}
		since := ""
		switch lead := r.PrimaryReason(*f); {
		case lead == report.Stuck && f.Status == report.StatusDeleting:
			since = f.ModifiedAt.Format(time.DateOnly)
		case lead == report.Failed || lead == report.Stuck:
			since = f.CreatedAt.Format(time.DateOnly)
		}
		reasons := string(f.Reason)
		for _, also := range f.OtherReasons {
			reasons += " " + string(also)
		}
		l := look{days, since, f.Region, f.Status, f.InstanceType, reasons, f.Tags[owner]}
		i, ok := index[l]
		if !ok {
			i = len(sets)
			index[l] = i
			sets = append(sets, nil)
		}
		sets[i] = append(sets[i], f)
	}
	for _, set := range sets {
		if len(set) >= foldAtLeast {
			rows = append(rows, set)
			continue
		}
		for i := range set {
			rows = append(rows, set[i:i+1])
		}
	}
	return rows
}

func newRow(alike []*report.Finding, r report.Report, o Options, w *locale.Catalog, inert func(string) string) Row {
	f := alike[0]
	row := Row{
		Name: nameOf(f.Name, f.NodeID, inert), ID: inert(f.NodeID), Region: w.Region(inert(f.Region)),
		Count: len(alike), Severity: f.Severity,
	}
	for _, f := range alike {
		row.Phones += f.PhoneCount
	}
	if len(alike) > 1 {
		row.Name = w.Text("matrices", len(alike))
		var ids []string
		for _, f := range alike[:min(len(alike), foldedIDs)] {
			ids = append(ids, inert(f.NodeID))
		}
		row.ID = strings.Join(ids, ", ")
		if rest := len(alike) - foldedIDs; rest > 0 {
			row.ID += w.Text("and_others", rest)
		}
	} else if row.Name == row.ID {
		row.ID = ""
	}
	lead := r.PrimaryReason(*f)
	now := r.GeneratedAt.Time
	sameHour := !slices.ContainsFunc(alike, func(g *report.Finding) bool { return !g.ExpiresAt.Equal(f.ExpiresAt.Time) })
	row.Why = whyText(w, lead, f, sameHour, now, inert)
	var also []string
	for _, reason := range append([]report.Reason{f.Reason}, f.OtherReasons...) {
		if reason != lead && !(lead == report.Failed && reason == report.NoExpiry) {
			also = append(also, alsoText(w, reason, whyText(w, reason, f, sameHour, now, inert)))
		}
	}
	row.Also = strings.Join(also, w.Text("comma"))
	row.Owner = inert(f.Tags[o.OwnerTag])
	return row
}

// why says when, or what, under the heading of a reason.
func whyText(w *locale.Catalog, reason report.Reason, f *report.Finding, sameHour bool, now time.Time, inert func(string) string) string {
	when := func(t report.Time, hour bool) string {
		if t.IsZero() {
			return w.Text("date_unknown")
		}
		date := w.Date(t.Time, now)
		if hour {
			date += " " + t.Format("15:04")
		}
		return w.Text("when", date, w.Distance(report.DaysBetween(now, t.Time, now.Location())))
	}
	switch {
	case reason == report.Failed:
		return when(f.CreatedAt, f.CreatedAt.Sub(now).Abs() < 24*time.Hour)
	case reason == report.Expired || reason == report.Expiring:
		return when(f.ExpiresAt, f.Severity == report.Critical && sameHour) // the hour matters
	case reason == report.Stuck && f.Status == report.StatusDeleting:
		return w.Text("why_deleting", when(f.ModifiedAt, false))
	case reason == report.Stuck:
		return w.Text("why_creating", when(f.CreatedAt, false))
	case reason == report.UnknownStatus && f.Status != "":
		return w.Text("why_unknown_status", inert(f.Status))
	}
	return w.Text("why_" + string(reason))
}

// Name returns the name of a matrix, or its id if the name shows nothing.
func Name(m report.Matrix) string { return nameOf(m.Name, m.NodeID, clean) }

// Why returns when, or what, a reason is of a finding: "Tue 24 Nov, in 2 days".
func Why(c *locale.Catalog, reason report.Reason, f *report.Finding, now time.Time) string {
	return whyText(c, reason, f, true, now, clean)
}

// nameOf is what people call a matrix: its id where nothing of its name can be
// seen.
func nameOf(name, id string, inert func(string) string) string {
	return cmp.Or(inert(name), inert(id))
}

func shorten(s string, runes int) string {
	if r := []rune(s); len(r) > runes {
		return string(r[:runes-1]) + "…"
	}
	return s
}

// bar draws how many matrices expire on each of the next days, at most 31
// columns wide.
func bar(r report.Report) string {
	columns := min(r.Days+1, 31)
	counts := make([]int, columns)
	most, total := 0, 0
	for _, f := range r.Findings {
		if f.DaysLeft == nil || *f.DaysLeft < 0 || *f.DaysLeft > r.Days || f.Reason == report.Expired {
			continue
		}
		i := *f.DaysLeft * columns / (r.Days + 1)
		counts[i]++
		total++
		most = max(most, counts[i])
	}
	if total < barFrom || columns < 5 {
		return ""
	}
	const blocks = "▁▂▃▄▅▆▇█"
	levels := []rune(blocks)
	var b strings.Builder
	for _, n := range counts {
		if n == 0 {
			b.WriteRune(levels[0])
		} else {
			b.WriteRune(levels[max(1, n*(len(levels)-1)/most)])
		}
	}
	return b.String()
}

// mentioned are the ids by which the service of f calls the owners of critical
// findings, each once.
func mentioned(r report.Report, o Options, f format) []string {
	var ids []string
	for _, finding := range r.Findings {
		if finding.Severity != report.Critical {
			break // they come first
		}
		for _, id := range o.Mentions[finding.Tags[o.OwnerTag]] {
			if f.mention != nil && f.person.MatchString(id) && !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}
