package message

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// A View holds the fields of the parts title, lead and foot.
type View struct {
	Severity      report.Severity // of the worst finding; empty without findings
	Failed        bool            // nothing could be read
	Complete      bool            // nothing is missing
	Test          bool            // the message is a test
	Undelivered   string          // channels that did not get the report; empty if the message is a report
	Facts         []string        // "1 expired", "2 failed", …, the worst first; of one finding with its name
	Needing       int             // matrices that need attention
	Needs         string          // the same as a sentence, see the function Needs
	NeedingInAll  int             // Needing before the report was filtered; 0 if it was not
	Listed        int             // matrices read
	Total         int             // matrices that should exist; those read unless TotalKnown
	TotalKnown    bool            // Total counts what could not be read
	Alive         int             // matrices read that are not deleted
	Fine          int             // of these, matrices that need no attention, if Needing is 0
	Phones        int             // phones on matrices that need attention
	UrgentPhones  int             // those on critical ones
	AllRead       bool            // every matrix that exists, as far as known, was read
	Regions       int             // regions with matrices that were read to the end
	AllRegions    int             // these and those that were not; 0 if none or an unknown one is missing
	Days          int             // how many days the report looks ahead
	Unread        string          // "eu-central-1 could not be read"; empty if nothing is missing
	Read          string          // the same as a sentence: "118 matrices read; eu-central-1 could not be read, …"
	Problems      []string        // what failed, at most three
	OtherProblems int             // further problems
	Next          string          // name of the first matrix to expire beyond Days; empty if there is none
	NextDate      string
	LeftOut       bool     // the findings are those that reports leave out
	Ignored       int      // further matrices that need attention and are left out
	IgnoredUntil  string   // the day on which the first of them is reported again; empty if there is none
	Changes       []string // what changed since the last report; empty if it is not known
	Busiest       string   // the day on which the most matrices expire; empty if there is no such day
	BusiestCount  int      // matrices that expire on it
	Mentions      []string // ids of the owners of critical findings, for the function mention
	When          string   // date, time and zone of the report
	ConsoleURL    string
	ReportURL     string
	RequestID     string
	NextRun       string   // of a failed run: "tomorrow 09:07"; empty if it is not known
	Remembered    int      // matrices of the last report, in a failed run; 0 if not known
	Queried       []string // the only regions queried; empty for all
	Age           int      // seconds since the data was read
}

// A Group holds the fields of the part heading: findings of one reason and
// severity, which share a heading.
type Group struct {
	Title    string // "Failed", "Within 3 days", …
	Severity report.Severity
	Count    int // matrices
	Phones   int
}

// A Row holds the fields of the part row: one matrix, or in a long report several of
// one group. Then ID, Also and Renewals are empty, and so is what is not the same for all.
type Row struct {
	Name     string // the name; the id if the name has no visible character; of several "a, b, c and 72 more"
	Dates    bool   // Name has no names but the days of notices: "8 Dec 2 · 15 Dec 1"
	ID       string // empty if Name is the id
	Region   string
	Mark     string // " (new)", … of what changed since the last report; else empty
	Why      string // reason and date: "Tue 24 Nov 02:00, in 2 days"
	Also     string // further reasons; empty if there are none
	Renewals string // of what expires or has expired: "renewed 3 times so far, 9 days ahead each time"; may be empty
	Owner    string // value of the owner tag; may be empty
	Count    int    // matrices in the row
	Phones   int
	Severity report.Severity
}

// More holds the fields of the part more: findings that have no row.
type More struct {
	Count     int      // matrices
	Facts     []string // of these: "32 within 7 days", …
	Days      string   // "30 days" if all of them expire within that; else empty
	ReportURL string
}

const (
	factsInTitle = 4 // and the number of what is left, or a fifth
	maxProblems  = 3
	busiestFrom  = 3 // expiries; a day with fewer is not the busiest
)

func newView(r report.Report, o Options, c *locale.Catalog) (View, []*group) {
	switch {
	case o.Test:
		return View{Test: true, Complete: true, When: c.DateTime(r.GeneratedAt.Time)}, nil
	case o.Undelivered:
		return undeliveredView(r, c), nil
	}
	groups := groupFindings(r)
	v := View{
		Failed:  r.Failed(),
		Needing: len(r.Findings), NeedingInAll: o.Needing, Listed: r.Listed, Total: r.Total, Phones: r.PhonesAffected,
		Alive: r.Listed - r.Counts["deleted"], Ignored: r.Ignored, Fine: r.Listed - r.Counts["deleted"] - r.Ignored,
		Complete: r.Complete, TotalKnown: r.TotalKnown(), AllRead: allRead(r), Days: r.Days,
		When:       c.DateTime(r.GeneratedAt.Time),
		ConsoleURL: o.ConsoleURL, ReportURL: o.ReportURL, RequestID: Clean(o.RequestID), Age: int(o.Age / time.Second),
		Mentions: mentioned(r, o),
	}
	v.Facts = facts(groups, c)
	v.LeftOut = o.LeftOut
	v.Needs = Needs(r, o.Needing, c)
	if !r.IgnoredUntil.IsZero() {
		v.IgnoredUntil = c.Date(r.IgnoredUntil.Time(), r.GeneratedAt.Time)
	}
	if o.Needing == 0 { // the changes are those of the whole report
		v.Changes = changes(r, c)
	}
	if len(r.Findings) == 1 {
		v.Facts = []string{only(r, c)}
	}
	for _, g := range groups {
		g.Title = c.Text("heading_"+g.id, g.days)
		if g.Severity == report.Critical {
			v.UrgentPhones += g.Phones
		}
	}
	if len(r.Findings) > 0 {
		v.Severity = r.Findings[0].Severity
	}
	v.Problems, v.OtherProblems = problemTexts(r.Problems, c)
	v.setRegions(r)
	if !r.Complete {
		v.Unread, v.Read = Unread(r, c)
	}
	v.Remembered = o.Remembered
	if v.Failed && !o.NextRun.IsZero() {
		v.NextRun = nextRun(c, o.NextRun, r.GeneratedAt.Time)
	}
	if n := r.NextExpiry; n != nil {
		v.Next, v.NextDate = Name(report.Matrix{Name: n.Name, NodeID: n.NodeID}), c.Date(n.ExpiresAt.LastDay().Time(), r.GeneratedAt.Time)
	}
	for _, id := range o.Regions {
		v.Queried = append(v.Queried, c.Region(Clean(id)))
	}
	v.Busiest, v.BusiestCount = busiest(r, c)
	return v, groups
}

// nextRun returns when the next run is: "tomorrow 09:07", or "Tue 24 Nov 09:07".
func nextRun(c *locale.Catalog, t, now time.Time) string {
	t = t.In(now.Location())
	day := c.Date(t, now)
	if days := report.DaysBetween(now, t, now.Location()); days <= 1 {
		day = c.Distance(days)
	}
	return day + t.Format(" 15:04")
}

// undeliveredView is the view of a message about the channels that did not get
// the report, and why.
func undeliveredView(r report.Report, c *locale.Catalog) View {
	v := View{Severity: report.Warning, Complete: true, When: c.DateTime(r.GeneratedAt.Time)}
	var channels []string
	for _, d := range r.Deliveries {
		if !d.Delivered {
			channels = append(channels, Clean(d.Channel))
			v.Problems = append(v.Problems, Clean(d.Error))
		}
	}
	v.Undelivered = strings.Join(channels, c.Text("comma"))
	return v
}

// busiest returns the day on which more matrices expire than on any other, and their
// number. There is none if they are few, and today is in the title.
func busiest(r report.Report, c *locale.Catalog) (day string, most int) {
	counts := map[report.Date]int{}
	for _, f := range r.Findings {
		if f.Reason == report.Expiring {
			counts[f.LastDay]++
		}
	}
	if len(counts) < 2 {
		return "", 0
	}
	now := r.GeneratedAt.Time
	for date, n := range counts {
		switch {
		case n > most && n >= busiestFrom && date.DaysUntil(now) > 0:
			day, most = c.Date(date.Time(), now), n
		case n >= most:
			day, most = "", n
		}
	}
	return day, most
}

// mentioned returns the ids of the owners of critical findings, each once.
func mentioned(r report.Report, o Options) (ids []string) {
	for _, f := range r.Findings {
		if f.Severity != report.Critical {
			break // critical ones come first
		}
		for _, id := range o.Mentions[f.Tags[o.OwnerTag]] {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	return ids
}

// allRead reports whether every matrix that exists, as far as known, was read. Of an
// incomplete report that is so if the query without a region returned those of each
// region that could not be read.
func allRead(r report.Report) bool { return r.TotalKnown() && r.Listed == r.Total }

// Needs returns how many matrices need attention: "23 of 131 matrices need attention".
// If the report was filtered, inAll is their number before that, otherwise 0.
func Needs(r report.Report, inAll int, c *locale.Catalog) string {
	n := 0
	for _, f := range r.Findings {
		if f.Reason != "" { // a request for all matrices has others too
			n++
		}
	}
	matrices := c.Text("matrices", r.Total)
	switch {
	case inAll > 0:
		return c.Text("lead_narrowed", n, inAll, r.Total)
	case allRead(r):
		return c.Text("lead_needing", n, matrices)
	case r.TotalKnown():
		return c.Text("lead_at_least", n, matrices)
	}
	return c.Text("lead_at_least_unknown", n)
}

// setRegions counts the regions that were read, and all.
func (v *View) setRegions(r report.Report) {
	v.Regions = len(r.Regions)
	if v.AllRead {
		return
	}
	unread := r.UnreadRegions()
	for _, id := range unread {
		if slices.Contains(r.Regions, id) {
			v.Regions--
		}
	}
	if len(missingRegions(r)) > 0 {
		v.AllRegions = v.Regions + len(unread)
	}
}

// missingRegions returns the regions that may lack matrices, or none if something
// else is missing as well.
func missingRegions(r report.Report) []string {
	if slices.ContainsFunc(r.Problems, func(p report.Problem) bool { return p.MayHideMatrices && p.Region == "" }) {
		return nil
	}
	return r.UnreadRegions()
}

// Unread returns what an incomplete report lacks, and the same as a sentence:
// "eu-central-1 could not be read" and "118 matrices read; eu-central-1 could not be
// read, its number is unknown".
func Unread(r report.Report, c *locale.Catalog) (unread, sentence string) {
	var names []string
	for _, id := range missingRegions(r) {
		names = append(names, c.Region(Clean(id)))
	}
	unread = c.Text("unread", cmp.Or(list(c, names, maxProblems, "and_places"), c.Text("part")))
	listed := c.Text("matrices", r.Listed)
	switch {
	case allRead(r):
		unread = c.Text("unchecked", list(c, names, maxProblems, "and_places"))
		return unread, c.Text("lead_unchecked", r.Listed, r.Total, unread)
	case r.TotalKnown() && len(names) > 0:
		return unread, c.Text("lead_incomplete", r.Listed, r.Total, unread)
	case r.TotalKnown():
		return unread, c.Text("lead_incomplete_part", r.Listed, r.Total)
	case len(names) > 0:
		return unread, c.Text("lead_unread", len(names), listed, unread)
	default:
		return unread, c.Text("lead_unread_part", listed)
	}
}

// problemTexts returns the texts of the first problems and the number of others.
// Problems of an endpoint that hide no matrix are omitted: they concern the operator.
func problemTexts(problems []report.Problem, c *locale.Catalog) (texts []string, others int) {
	var distinct []string
	places := map[string][]string{} // by text: several endpoints may have the same problem
	for _, p := range problems {
		if !p.MayHideMatrices && p.Endpoint != "" {
			continue
		}
		text := ProblemText(c, p)
		if places[text] == nil {
			distinct = append(distinct, text)
		}
		place := p.Endpoint
		if p.Region != "" {
			place = c.Region(p.Region)
		}
		places[text] = append(places[text], place)
	}
	for _, text := range distinct[:min(len(distinct), maxProblems)] {
		at := slices.Compact(slices.Sorted(slices.Values(places[text])))
		if where := list(c, at, maxProblems, "and_places"); where != "" {
			text = where + c.Text("colon") + text
		}
		texts = append(texts, Clean(text))
	}
	return texts, len(distinct) - len(texts)
}

// list joins the first values, and adds how many others there are.
func list(c *locale.Catalog, values []string, most int, others string) string {
	text := strings.Join(values[:min(len(values), most)], c.Text("list_comma"))
	if rest := len(values) - most; rest > 0 {
		text += c.Text(others, rest, len(values))
	}
	return text
}

// ProblemText returns the code of a problem and its message, which is in English. The
// catalogue's hint for the code, if it has one, replaces that of the message. The hint
// is that of the code or of its family, which is the code up to its first dot or its
// digits. Hints of a family have ids that end with _family, as a hint for Forbidden
// would be wrong for codes such as Forbidden.RiskControl.
func ProblemText(c *locale.Catalog, p report.Problem) string {
	text := p.Message
	family, _, _ := strings.Cut(p.Code, ".")
	for _, id := range []string{p.Code, family + "_family", strings.TrimRight(p.Code, "0123456789") + "_family"} {
		if c.Has("hint_" + id) {
			text = c.Text("hint_"+id, strings.Replace(text, p.Hint, "", 1))
			break
		}
	}
	if p.Code == "" {
		return text
	}
	return p.Code + c.Text("colon") + text
}
