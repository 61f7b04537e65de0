package message

import (
	"bufio"
	"crypto/sha256"
	"encoding/base64"
	"io"
	"maps"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"text/template/parse"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
	"matrix-expiry-report/templates"
)

// The page is one file: style and script stand in it, and its policy names
// them by what they are, so that nothing else can act in it. It is page.html;
// go test ./templates -update makes page.escaped.html of that.
var (
	pageHTML = embedded("page.escaped.html")
	pageCSS  = embedded("page.css")
	pageJS   = embedded("page.js")
)

func embedded(name string) string {
	b, err := templates.Files.ReadFile(name)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// PageOptions are what a page holds besides the report.
type PageOptions struct {
	Options
	Path    string            // of the page itself
	Query   url.Values        // that it was asked for with
	Owners  []string          // of all matrices, to choose from
	Carry   []string          // parameters of Query that the form keeps: what a signed link is signed with
	Formats map[string]string // the path of each other form of the report; none for a link that reads only this
	Rows    []report.Finding  // what the table lists
	All     bool              // it lists matrices that need nobody, too
	Page    int               // of the table, from 1
	Pages   int
}

// PagePolicy is the Content-Security-Policy that lets a page do what it does
// and nothing else. https://www.w3.org/TR/CSP3/
func PagePolicy() string {
	hash := func(s string) string {
		sum := sha256.Sum256([]byte(s))
		return "'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"
	}
	return "default-src 'none'; style-src " + hash(pageCSS) + "; script-src " + hash(pageJS) +
		"; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
}

// Page writes a report as a web page: what needs somebody first, and all of it
// without a script or anything from elsewhere. An error may leave half a page.
func Page(w io.Writer, r report.Report, o PageOptions) error {
	words, err := locale.Of(o.Language)
	if err != nil {
		return err
	}
	trees, err := pageTrees()
	if err != nil {
		return err
	}
	d, err := Compose("text", r, o.Options)
	if err != nil {
		return err
	}
	set := &set{trees: trees, funcs: pageFuncs(words), unbounded: true}
	out := bufio.NewWriter(w)
	if err := set.write(out, "page", newPage(r, d, o, words)); err != nil {
		return err
	}
	return out.Flush()
}

func pageFuncs(words *locale.Catalog) map[string]function {
	all := builtins()
	maps.Copy(all, escapers())
	all["t"] = func(a []any) (any, error) { return words.Lookup(a[0].(string), a[1:]...) }
	return all
}

var pageTrees = sync.OnceValues(func() (map[string]*parse.Tree, error) {
	return parse.Parse("page", pageHTML, "", "", anything(pageFuncs(nil)))
})

// A page is what page.html sees.
type page struct {
	Language, Headline, Tone, When, Next, ConsoleURL string
	OtherLanguage                                    *pageLanguage
	Lead, Problems                                   []string
	Age, Days                                        int
	Style, Script                                    ownCode
	Urgent                                           []urgent
	Timeline                                         *timeline
	Severities                                       []pageItem
	Bars                                             []pageBars
	All, Complete                                    bool
	Action                                           string
	Hidden                                           []pageItem
	Choices                                          []pageChoice
	Shown, ShownScript, Nothing                      string
	Headers                                          []pageHeader
	Rows                                             []pageRow
	Pager, Formats                                   []pageLink
}

type (
	pageItem     struct{ Value, Text string }
	pageLanguage struct{ URL, Tag, Name string }
	pageLink     struct{ URL, Text string }
	pageHeader   struct {
		Text   string
		Number bool
	}
	pageBars struct {
		ID, Title string
		Items     []barItem
	}
	barItem struct {
		Text                 string
		Count, Share, Phones int
	}
	urgent struct {
		Title string
		Rows  []Row
		More  int // matrices that the rows do not show
	}
	pageChoice struct {
		Name, Title, Applied string
		Options              []option
	}
	option struct {
		Value, Text string
		Chosen      bool
	}
	pageRow struct {
		Severity, SeverityText, Reasons, Name, ID, Region, RegionText, Why, Since, Also, Expires, Distance, Owner, Type string
		Rank, Phones                                                                                                    int
		At                                                                                                              int64
	}
)

// urgentRows is how many matrices a kind of what is critical shows on top; the
// table has them all.
const urgentRows = 6

// newUrgent is what needs action first.
func newUrgent(d *Draft) (all []urgent) {
	for _, g := range d.groups {
		if g.Severity != report.Critical {
			break
		}
		u := urgent{Title: g.Title, More: g.Count}
		for _, alike := range g.rows[:min(len(g.rows), urgentRows)] {
			u.Rows = append(u.Rows, d.newRow(alike))
			u.More -= len(alike)
		}
		all = append(all, u)
	}
	return all
}

// noExpiry sorts matrices without an expiry last.
const noExpiry = 1 << 40

func newPage(r report.Report, d *Draft, o PageOptions, w *locale.Catalog) page {
	v := d.view
	p := page{
		Language: o.Language, Headline: d.title, Tone: string(v.Severity), When: v.When, ConsoleURL: o.ConsoleURL,
		Age: v.Age, Days: r.Days, All: o.All, Complete: r.Complete, Action: o.Path, Problems: v.Problems,
		Style: ownCode(pageCSS), Script: ownCode(pageJS),
		Urgent: newUrgent(d), Timeline: newTimeline(r, w),
	}
	if v.OtherProblems > 0 {
		p.Problems = append(p.Problems, w.Text("other_problems", v.OtherProblems))
	}
	if v.NeedingInAll > 0 {
		p.Lead = append(p.Lead, w.Text("lead_narrowed", v.Needing, v.NeedingInAll, v.Total))
	} else {
		p.Lead = append(p.Lead, w.Text("page_needing", v.Needing, v.Total))
	}
	if v.Listed < v.Total || !v.Complete {
		p.Lead = append(p.Lead, w.Text("page_read", v.Listed))
	}
	if v.Phones > 0 {
		p.Lead = append(p.Lead, w.Text("phones", v.Phones))
	}
	if v.Next != "" {
		p.Next = w.Text("page_next", v.Next, v.NextDate)
	}
	for _, tag := range []string{"en", "zh"} {
		if tag != o.Language {
			p.OtherLanguage = &pageLanguage{with(o, "lang", tag), tag, map[string]string{"en": "English", "zh": "中文"}[tag]}
		}
	}
	for _, s := range report.Severities {
		p.Severities = append(p.Severities, pageItem{string(s), w.Text("page_" + string(s))})
	}
	p.Bars = newBars(r, w)
	for _, name := range o.Carry {
		p.Hidden = append(p.Hidden, pageItem{name, clean(o.Query.Get(name))})
	}
	p.Hidden = append(p.Hidden, pageItem{"lang", o.Language})
	if o.All {
		p.Hidden = append(p.Hidden, pageItem{"all", "1"})
	}
	p.Choices = newChoices(r, o, w)
	p.Rows = make([]pageRow, 0, len(o.Rows))
	days := map[int]pageDay{}
	for i := range o.Rows {
		p.Rows = append(p.Rows, newPageRow(&o.Rows[i], r, o, w, days))
	}
	shown := func(n, of string) string {
		if o.Pages > 1 {
			return w.Text("page_shown_of_page", n, of, o.Page, o.Pages)
		}
		return w.Text("page_shown", n, of)
	}
	p.Shown, p.ShownScript = shown(strconv.Itoa(len(p.Rows)), strconv.Itoa(len(p.Rows))), shown("{shown}", "{total}")
	p.Nothing = w.Text("page_nothing")
	switch {
	case !r.Complete:
		p.Nothing = w.Text("page_nothing_known")
	case v.NeedingInAll > 0:
		p.Nothing = w.Text("page_nothing_asked")
	}
	for _, id := range []string{"page_severity", "page_matrix", "page_region", "page_reason", "page_expires", "page_phones", "page_owner", "page_type"} {
		p.Headers = append(p.Headers, pageHeader{w.Text(id), id == "page_phones"})
	}
	for n := 1; n <= o.Pages && o.Pages > 1; n++ {
		l := pageLink{"", strconv.Itoa(n)}
		if n != o.Page {
			l.URL = with(o, "page", l.Text)
		}
		p.Pager = append(p.Pager, l)
	}
	for _, name := range slices.Sorted(maps.Keys(o.Formats)) {
		query := url.Values{}
		for key, values := range o.Query {
			if key != "format" && key != "page" {
				query[key] = values
			}
		}
		p.Formats = append(p.Formats, pageLink{(&url.URL{Path: o.Formats[name], RawQuery: query.Encode()}).String(), name})
	}
	return p
}

// with is the page's own address with one parameter changed.
func with(o PageOptions, name, value string) string {
	query := url.Values{}
	for key, values := range o.Query {
		query[key] = values
	}
	query.Set(name, value)
	return (&url.URL{Path: o.Path, RawQuery: query.Encode()}).String()
}

// A pageDay is how a day is written, by how far it is: many rows share one.
type pageDay struct{ date, distance string }

func newPageRow(f *report.Finding, r report.Report, o PageOptions, w *locale.Catalog, days map[int]pageDay) pageRow {
	now := r.GeneratedAt.Time
	row := pageRow{
		Severity: string(f.Severity), Rank: slices.Index(report.Severities, f.Severity),
		Name: nameOf(f.Name, f.NodeID, clean), ID: clean(f.NodeID), Region: clean(f.Region), RegionText: w.Region(clean(f.Region)),
		Phones: f.PhoneCount, Owner: clean(f.Tags[o.OwnerTag]), Type: strings.TrimSpace(clean(f.ServerType) + " " + clean(f.InstanceType)),
		At: noExpiry, Expires: w.Text("date_unknown"),
	}
	if row.ID == row.Name {
		row.ID = ""
	}
	if !f.ExpiresAt.IsZero() {
		left := report.DaysBetween(now, f.ExpiresAt.Time, now.Location())
		day, ok := days[left]
		if !ok {
			day = pageDay{w.Date(f.ExpiresAt.Time, now), w.Distance(left)}
			days[left] = day
		}
		row.At, row.Expires, row.Distance = f.ExpiresAt.Unix(), day.date+f.ExpiresAt.Format(" 15:04"), day.distance
	}
	if f.Reason == "" {
		row.Severity, row.SeverityText, row.Rank, row.Why = "fine", w.Text("page_fine"), len(report.Severities), clean(f.Status)
		return row
	}
	row.SeverityText = w.Text("page_" + row.Severity)
	lead := r.Lead(*f)
	row.Why = reasonText(w, lead, f)
	if lead == report.Failed || lead == report.Stuck { // the date of what is wrong is not that of the expiry
		row.Since = whyText(w, lead, f, true, now, clean)
	}
	reasons := []string{string(f.Reason)}
	var also []string
	for _, reason := range append([]report.Reason{f.Reason}, f.Also...) {
		if reason != lead {
			also = append(also, reasonText(w, reason, f))
		}
		if reason != f.Reason {
			reasons = append(reasons, string(reason))
		}
	}
	row.Also, row.Reasons = strings.Join(also, w.Text("comma")), strings.Join(reasons, " ")
	return row
}

// reason names a reason by itself, where when stands elsewhere.
func reasonText(w *locale.Catalog, reason report.Reason, f *report.Finding) string {
	switch {
	case reason == report.Expiring:
		return w.Text("page_expiring")
	case reason == report.UnknownStatus && f.Status != "":
		return w.Text("why_unknown_status", clean(f.Status))
	}
	return w.Text("heading_" + string(reason))
}

func newBars(r report.Report, w *locale.Catalog) []pageBars {
	if len(r.Findings) == 0 {
		return nil
	}
	regions, reasons := map[string]*barItem{}, map[string]*barItem{}
	for _, f := range r.Findings {
		for text, items := range map[string]map[string]*barItem{w.Region(clean(f.Region)): regions, reasonText(w, f.Reason, &report.Finding{}): reasons} {
			if items[text] == nil {
				items[text] = &barItem{Text: text}
			}
			items[text].Count++
			items[text].Phones += f.PhoneCount
		}
	}
	return []pageBars{
		{"reasons", w.Text("page_reasons"), barItems(reasons)},
		{"regions", w.Text("page_regions"), barItems(regions)},
	}
}

func barItems(counts map[string]*barItem) (items []barItem) {
	most := 1
	for _, text := range slices.Sorted(maps.Keys(counts)) {
		items = append(items, *counts[text])
		most = max(most, counts[text].Count)
	}
	for i := range items {
		items[i].Share = max(1, items[i].Count*100/most)
	}
	slices.SortStableFunc(items, func(a, b barItem) int { return b.Count - a.Count })
	return items
}

func newChoices(r report.Report, o PageOptions, w *locale.Catalog) []pageChoice {
	chosen := func(c pageChoice) pageChoice {
		given := strings.Split(strings.Join(o.Query[c.Name], ","), ",")
		c.Applied = clean(strings.Join(given, ","))
		for i := range c.Options {
			c.Options[i].Chosen = len(given) == 1 && c.Options[i].Value == given[0]
		}
		return c
	}
	severities := pageChoice{Name: "severity", Title: w.Text("page_severity")}
	for _, s := range report.Severities {
		severities.Options = append(severities.Options, option{string(s), w.Text("page_" + string(s)), false})
	}
	reasons := pageChoice{Name: "reason", Title: w.Text("page_reason")}
	for _, reason := range report.Reasons() {
		reasons.Options = append(reasons.Options, option{string(reason), reasonText(w, reason, &report.Finding{}), false})
	}
	regions := pageChoice{Name: "region", Title: w.Text("page_region")}
	for _, id := range r.Regions {
		regions.Options = append(regions.Options, option{clean(id), w.Region(clean(id)), false})
	}
	owners := pageChoice{Name: "owner", Title: w.Text("page_owner")}
	for _, owner := range o.Owners {
		owners.Options = append(owners.Options, option{clean(owner), clean(owner), false})
	}
	var all []pageChoice
	for _, c := range []pageChoice{severities, reasons, regions, owners} {
		if len(c.Options) > 0 {
			all = append(all, chosen(c))
		}
	}
	return all
}

// A timeline is how many matrices end on which day, a column each, drawn in
// units of the picture.
type timeline struct {
	Width, Height, Base, LabelY int
	Description                 string
	Columns                     []column
}

type column struct {
	Count, Middle, Top int
	Parts              []part
	Label              *label
}

type part struct {
	X, Y, Width, Height int
	Severity            report.Severity
}

type label struct {
	X    int
	Text string
}

const (
	timelineColumns = 31 // at most; with more days a column has several
	timelineWidth   = 930
	barWidth        = 22
	timelineHeight  = 170
	timelineTop     = 24
	labelEvery      = 5
	labelWidth      = 40
)

// newTimeline draws what ends within the report's days; nil where nothing does.
func newTimeline(r report.Report, w *locale.Catalog) *timeline {
	columns := min(r.Days+1, timelineColumns)
	counts := make([]map[report.Severity]int, columns)
	for i := range counts {
		counts[i] = map[report.Severity]int{}
	}
	sum := func(i int) (n int) {
		for _, c := range counts[i] {
			n += c
		}
		return n
	}
	most := 0
	for _, f := range r.Findings {
		if f.DaysLeft == nil || *f.DaysLeft < 0 || *f.DaysLeft > r.Days || f.Reason == report.Expired {
			continue
		}
		i := *f.DaysLeft * columns / (r.Days + 1)
		counts[i][f.Severity]++
		most = max(most, sum(i))
	}
	if most == 0 {
		return nil
	}
	width := timelineWidth / columns
	t := &timeline{Width: timelineWidth, Height: timelineHeight + 24, Base: timelineHeight, LabelY: timelineHeight + 17}
	var said []string
	for i := range columns {
		first := (i*(r.Days+1) + columns - 1) / columns // the first day that falls into the column
		day := w.Date(r.GeneratedAt.AddDate(0, 0, first), r.GeneratedAt.Time)
		c := column{Count: sum(i), Middle: i*width + width/2, Top: timelineHeight}
		for _, s := range report.Severities {
			if n := counts[i][s]; n > 0 {
				height := max(3, n*(timelineHeight-timelineTop)/most)
				c.Top -= height
				c.Parts = append(c.Parts, part{c.Middle - barWidth/2, c.Top, barWidth, height, s})
			}
		}
		c.Top -= 5
		if i%labelEvery == 0 && (i < columns-2 || i == 0) || width > 2*labelWidth {
			text := w.Text("today")
			if i > 0 {
				text = w.Text("page_day", strconv.Itoa(r.GeneratedAt.AddDate(0, 0, first).Day()), w.Text("month_"+strconv.Itoa(int(r.GeneratedAt.AddDate(0, 0, first).Month()))))
			}
			c.Label = &label{max(c.Middle, 20), text}
		}
		if c.Count > 0 {
			said = append(said, day+": "+strconv.Itoa(c.Count))
		}
		t.Columns = append(t.Columns, c)
	}
	t.Description = strings.Join(said, w.Text("comma"))
	return t
}
