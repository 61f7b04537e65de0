package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/xml"
	"fmt"
	"html"
	"io"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

func pageOf(t *testing.T, r report.Report, change ...func(*Options)) string {
	t.Helper()
	o := Options{Message: message.Options{Language: "en", OwnerTag: "owner", ConsoleURL: "https://console.example.com/renew"}, Path: "/report.html", Rows: r.Findings, Page: 1, Pages: 1, PerPage: 500, Link: testLink}
	for _, c := range change {
		c(&o)
	}
	var b bytes.Buffer
	if err := Write(&b, r, o); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func pageReport(l report.Listing) report.Report {
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: time.FixedZone("", 8*3600)}
	return report.Build(rules, l, pageNow)
}

// testLink returns a URL that names the format and the changes.
func testLink(format string, change map[string]string) string {
	query := url.Values{}
	for name, value := range change {
		query.Set(name, value)
	}
	return "/report." + format + "?" + query.Encode()
}

var pageNow = time.Date(2026, 11, 22, 9, 7, 0, 0, time.FixedZone("", 8*3600))

func expiring(name string, days int) *report.Matrix {
	return &report.Matrix{NodeID: "cpn-" + name, Name: name, Region: "cn-hangzhou", Status: "RUNNING", PhoneCount: 25, ExpiresAt: report.Time{Time: pageNow.AddDate(0, 0, days)}, Tags: map[string]string{"owner": "team-a"}}
}

// expiringAt returns a matrix that expires at an hour of November.
func expiringAt(name string, day, hour int) *report.Matrix {
	m := expiring(name, 0)
	m.ExpiresAt.Time = time.Date(2026, 11, day, hour, 0, 0, 0, pageNow.Location())
	return m
}

var visible = regexp.MustCompile(`(?s)<style>.*?</style>|<script>.*?</script>|<[^>]*>`)

// What a reader reads of each kind of report.
func TestPage(t *testing.T) {
	broken := report.Problem{Endpoint: "eds-aic.cn-shanghai.aliyuncs.com", Region: "cn-hangzhou", Code: "Forbidden.RAM", Message: "No.", MayHideMatrices: true}
	for _, c := range []struct {
		name     string
		l        report.Listing
		language string
		want     []string
		not      []string
	}{
		{"a bad day", report.Listing{Matrices: []*report.Matrix{expiring("farm", 2), expiring("later", 9), {NodeID: "cpn-f", Status: "FAILED"}}}, "en",
			[]string{"1 failed, 1 expires within 3 days", "3 of 3 matrices need attention", "Expiries over the next 30 days", "Tue 24 Nov 09:07", "in 2 days", "team-a", "3 of 3 shown", "Renew"}, []string{"could be read"}},
		{"in Chinese", report.Listing{Matrices: []*report.Matrix{expiring("farm", 2)}}, "zh", []string{"1 台矩阵中 1 台需处理", "未来 30 天的到期分布", "杭州", "显示 1 / 1 台"}, []string{"shown"}},
		{"a good day", report.Listing{Matrices: []*report.Matrix{expiring("farm", 200)}}, "en", []string{"Your one matrix is fine for 30 days", "Nothing needs attention."}, []string{"Expiries over", "By reason"}},
		{"a warning", report.Listing{Matrices: []*report.Matrix{expiring("farm", 200)}, Problems: []report.Problem{{Region: "cn-x", Code: "EmptyRegion", Message: "no matrix is there"}}}, "en",
			[]string{"Your one matrix is fine for 30 days", "Warnings", "EmptyRegion"}, []string{"could not be read", "✅"}},
		{"not all was read", report.Listing{Matrices: []*report.Matrix{expiring("farm", 200)}, Total: 9, Problems: []report.Problem{broken}}, "en",
			[]string{"What could not be read", "Forbidden.RAM", "1 of about 9 matrices read; cn-hangzhou could not be read", "not everything could be read"}, []string{"Nothing needs attention", "are fine", "✅"}},
		{"a region of unknown size", report.Listing{Matrices: []*report.Matrix{expiring("farm", 2)}, Problems: []report.Problem{broken}}, "en",
			[]string{"At least 1 matrix needs attention", "1 matrix read; cn-hangzhou could not be read, its number is unknown"}, []string{"about"}},
		{"midnight", report.Listing{Matrices: []*report.Matrix{expiringAt("farm", 23, 0), expiringAt("later", 25, 0), expiringAt("noon", 24, 12)}}, "en",
			[]string{"tonight 24:00", "Tue 24 Nov 24:00 in 2 days", "Tue 24 Nov 12:00 in 2 days", "Sun 22 Nov: 1", "Tue 24 Nov: 2"}, []string{"00:00", "Wed 25"}},
		{"no status, no region, no end", report.Listing{Matrices: []*report.Matrix{{NodeID: "cpn-odd", ExpiresAt: report.Time{Time: time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)}}}, Regions: []string{""}}, "en",
			[]string{"no status", "no region", "never"}, []string{"9999", "1067", "why_"}},
		{"nothing was read", report.Listing{Problems: []report.Problem{broken}}, "en", []string{"No report", "Forbidden.RAM"}, []string{"Nothing needs attention", "✅"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			page := pageOf(t, pageReport(c.l), func(o *Options) { o.Message.Language = c.language })
			text := html.UnescapeString(visible.ReplaceAllString(page, " "))
			text = strings.Join(strings.Fields(text), " ")
			for _, want := range c.want {
				if !strings.Contains(text, want) {
					t.Errorf("no %q in %s", want, text)
				}
			}
			for _, not := range c.not {
				if strings.Contains(text, not) {
					t.Errorf("%q in %s", not, text)
				}
			}
			if !strings.Contains(page, `<html lang="`+c.language+`">`) {
				t.Error("the page does not state its language")
			}
			wellFormed(t, page)
		})
	}
}

// The policy is of the very style and script that the page has, and the page
// has nothing else that acts or loads.
func TestPagePolicy(t *testing.T) {
	page := pageOf(t, pageReport(report.Listing{Matrices: []*report.Matrix{expiring("farm", 2)}}))
	for _, tag := range []string{"style", "script"} {
		parts := regexp.MustCompile(`(?s)<`+tag+`>(.*?)</`+tag+`>`).FindAllStringSubmatch(page, -1)
		if len(parts) != 1 {
			t.Fatalf("%d of %s", len(parts), tag)
		}
		sum := sha256.Sum256([]byte(parts[0][1]))
		if want := tag + "-src 'sha256-" + base64.StdEncoding.EncodeToString(sum[:]) + "'"; !strings.Contains(Policy(), want) {
			t.Errorf("the policy %s has no %s", Policy(), want)
		}
	}
	for _, bad := range []string{` style="`, ` onclick=`, ` onerror=`, "<iframe", "<object", "@import", "url(http"} {
		if strings.Contains(page, bad) {
			t.Errorf("the page has %s", bad)
		}
	}
	for _, m := range regexp.MustCompile(`(?:src|href|action)="([^"]*)"`).FindAllStringSubmatch(page, -1) {
		if strings.Contains(m[1], "//") && m[1] != "https://console.example.com/renew" {
			t.Errorf("the page leads to %s", m[1])
		}
	}
}

// Whatever names a matrix, it stays a name.
func TestPageEscapes(t *testing.T) {
	for _, name := range []string{
		`<script>alert(1)</script>`, `"><img src=x onerror=alert(1)>`, `' autofocus onfocus='alert(1)`, `{{.Script}}`, "</style></script>", "\u202egnp.exe", "a\x00b\x1b[31m", "&lt;b&gt;", strings.Repeat("x", 5000),
	} {
		m := expiring("farm", 2)
		m.Name, m.NodeID, m.Region, m.ServerType, m.InstanceType, m.Tags = name, name, name, name, name, map[string]string{"owner": name}
		unknown := m
		unknown.Status = name
		r := pageReport(report.Listing{Matrices: []*report.Matrix{m, unknown}, Regions: []string{name}, Problems: []report.Problem{{Endpoint: name, Code: name, Message: name, MayHideMatrices: true}}})
		page := pageOf(t, r, func(o *Options) {
			o.Owners, o.Query = []string{name}, url.Values{"signature": {name}, "owner": {name}}
		})
		if strings.Count(page, "<script>") != 1 || strings.Count(page, "<img") != 0 || strings.Contains(page, "\u202e") || strings.ContainsAny(page, "\x00\x1b") {
			t.Errorf("%q acts", name)
		}
		for _, value := range regexp.MustCompile(`(?s)<(?:tr|option|input)[^>]*>`).FindAllString(page, -1) {
			if strings.Contains(value, " onfocus=") && !strings.Contains(value, "&#39;") {
				t.Errorf("%q gets out of its attribute: %s", name, value)
			}
		}
		wellFormed(t, page)
	}
}

// wellFormed reads the page as XML, which forgives nothing, after what HTML
// alone allows was taken away.
func wellFormed(t *testing.T, page string) {
	t.Helper()
	page = regexp.MustCompile(`(?s)<!doctype html>|<style>.*?</style>|<script>.*?</script>`).ReplaceAllString(page, "")
	page = regexp.MustCompile(`<(meta|link|input)([^>]*)>`).ReplaceAllString(page, "<$1$2/>")
	page = regexp.MustCompile(` (hidden|selected|required|data-local|data-signed)([ />])`).ReplaceAllString(page, ` $1=""$2`)
	d := xml.NewDecoder(strings.NewReader(page))
	d.Entity = xml.HTMLEntity
	ids := map[string]bool{}
	for {
		token, err := d.Token()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatalf("%v in %.3000s", err, page)
		}
		if e, ok := token.(xml.StartElement); ok {
			for _, a := range e.Attr {
				if a.Name.Local == "id" {
					if ids[a.Value] {
						t.Errorf("two elements have the id %s", a.Value)
					}
					ids[a.Value] = true
				}
			}
		}
	}
}

// Critical matrices stand on top, only the first few of each group.
func TestPageUrgent(t *testing.T) {
	var l report.Listing
	for i := range 9 {
		l.Matrices = append(l.Matrices, &report.Matrix{NodeID: fmt.Sprint("cpn-", i), Status: "FAILED", CreatedAt: report.Time{Time: pageNow.AddDate(0, 0, -i)}})
	}
	l.Matrices = append(l.Matrices, expiring("later", 20))
	page := pageOf(t, pageReport(l))
	_, top, _ := strings.Cut(page, `class="urgent"`)
	top, _, _ = strings.Cut(top, "</section>")
	if strings.Count(top, "<bdi>cpn-") != urgentRows || !strings.Contains(top, "and 3 more") || strings.Contains(top, "later") {
		t.Errorf("on top stands %s", top)
	}
}

// The timeline keeps within its frame, and counts all that it draws.
func TestTimeline(t *testing.T) {
	w, err := locale.Of("en")
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Pages: 1, Link: testLink}
	for _, days := range []int{0, 1, 7, 30, 31, 90, 365, 3650} {
		r := pageReport(report.Listing{})
		r.Days = days
		for i := range days + 1 {
			left := i
			r.Findings = append(r.Findings, report.Finding{Severity: report.Severities[i%3], Reason: report.Expiring, DaysLeft: &left})
		}
		line := newTimeline(r, o, w)
		drawn, next := 0, r.GeneratedAt.Time
		for _, c := range line.Columns {
			drawn += c.Count
			if c.from != next.Format(time.DateOnly) {
				t.Errorf("%d days: a column begins on %s, want %s", days, c.from, next.Format(time.DateOnly))
			}
			to, err := time.Parse(time.DateOnly, c.to)
			if err != nil || c.Count != int(to.Sub(next).Hours()/24+1.5) {
				t.Errorf("%d days: a column from %s to %s counts %d, %v", days, c.from, c.to, c.Count, err)
			}
			next = to.AddDate(0, 0, 1)
			for _, p := range c.Parts {
				if c.X < 0 || c.X+barWidth > line.Width || p.Y < 0 || p.Y+p.Height > line.Base {
					t.Errorf("%d days: %+v is out of the frame", days, p)
				}
			}
			if c.Count > 0 && c.Top < 10 {
				t.Errorf("%d days: a count stands at %d", days, c.Top)
			}
		}
		if drawn != days+1 || len(line.Columns) > maxColumns {
			t.Errorf("%d days: %d of %d are drawn in %d columns", days, drawn, days+1, len(line.Columns))
		}
	}
	if line := newTimeline(pageReport(report.Listing{Matrices: []*report.Matrix{expiring("gone", -2)}}), o, w); line != nil {
		t.Errorf("what has expired is drawn: %+v", line)
	}
}

// A column leads to the first row of its days: by an anchor or, if the table has
// several parts, to the part that has the row.
func TestTimelineLinks(t *testing.T) {
	var l report.Listing
	for i := range 7 {
		l.Matrices = append(l.Matrices, expiring(fmt.Sprint("farm-", i), 10+i/2))
	}
	r := pageReport(l)
	page := pageOf(t, r)
	for _, want := range []string{
		`<a href="#day=2026-12-02" data-filter="day=2026-12-02" data-label="Wed 2 Dec"><title>Wed 2 Dec: 2</title>`,
		`<tr role="row" id="day=2026-12-02" data-severity="notice" data-reason="expiring" data-region="cn-hangzhou" data-owner="team-a" data-day="2026-12-02">`,
	} {
		if strings.Count(page, want) != 1 {
			t.Errorf("not one %s", want)
		}
	}
	page = pageOf(t, r, func(o *Options) { o.Rows, o.Pages, o.PerPage = r.Findings[:3], 3, 3 })
	for day, part := range map[string]string{"02": "1", "03": "1", "04": "2", "05": "3"} {
		if want := fmt.Sprintf(`<a href="/report.html?page=%s#day=2026-12-%s"`, part, day); !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
}

// A bar counts the rows that it leads to: those with its reason among others, too.
func TestBarsCountEveryReason(t *testing.T) {
	failed := expiring("farm", 2)
	failed.Status = report.StatusFailed
	page := pageOf(t, pageReport(report.Listing{Matrices: []*report.Matrix{failed, expiring("other", 3)}}))
	for reason, count := range map[string]int{"failed": 1, "expiring": 2} {
		bar := regexp.MustCompile(`data-filter="reason=` + reason + `">.*?<b>(\d+)</b>`).FindStringSubmatch(page)
		if bar == nil || bar[1] != fmt.Sprint(count) {
			t.Errorf("%s: %q, want %d", reason, bar, count)
		}
	}
	if rows := strings.Count(page, `data-reason="failed expiring"`) + strings.Count(page, `data-reason="expiring"`); rows != 2 {
		t.Errorf("%d rows have the reason of the bar, want 2", rows)
	}
}

// The form shows what the server applied. An owner may have commas.
func TestPageForm(t *testing.T) {
	r := pageReport(report.Listing{Matrices: []*report.Matrix{expiring("farm", 2)}, Regions: []string{"cn-hangzhou"}})
	page := pageOf(t, r, func(o *Options) {
		o.Query = url.Values{"severity": {"critical"}, "lang": {"en"}, "owner": {"team a, night"}}
		o.Owners = []string{"team a, night", "team-b"}
	})
	for _, want := range []string{
		`<input type="hidden" name="lang" value="en">`, `<option value="critical" selected>`, `<option value="team a, night" selected>`,
		`<option value="team-b">`, `name="days" min="0" max="3650" value="30"`, `<a id="clear" href="/report.html?owner=&amp;reason=&amp;region=&amp;severity=">`,
	} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(page, "data-local") {
		t.Error("the script filters by itself what the server has left out")
	}
	page = pageOf(t, r, func(o *Options) { o.All, o.Page, o.Pages = true, 2, 3 })
	for _, want := range []string{`shown on page 2 of 3</p>`, `href="/report.csv?"`, `href="/report.html?page=1"`, `<b aria-current="page">2</b>`, `name="all" value="1"`, `href="/report.html?all="`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	if strings.Contains(page, "data-local") {
		t.Error("the script filters a part of the table by itself")
	}
}

// A signed link's page has filters for the script only, with the values of its own
// rows, and no link that is not signed.
func TestPageOfSignedLink(t *testing.T) {
	r := pageReport(report.Listing{Matrices: []*report.Matrix{expiring("farm", 2)}, Regions: []string{"cn-hangzhou", "cn-secret"}})
	signed := func(o *Options) {
		o.Signed, o.Owners = true, []string{"team-a", "team-secret"}
		o.Query = url.Values{"until": {"2027-01-01"}, "signature": {"s1g"}, "severity": {"critical"}}
		o.Link = func(format string, change map[string]string) string {
			if _, ok := change["all"]; ok || format == "json" {
				return ""
			}
			return testLink(format, change) + "&signature=s1g"
		}
	}
	page := pageOf(t, r, signed)
	for _, unwanted := range []string{"secret", `name="days"`, "report.json", "all=1", ">Apply<", "selected>", `href=""`} {
		if strings.Contains(page, unwanted) {
			t.Errorf("the page of a link has %s", unwanted)
		}
	}
	for _, want := range []string{`data-local data-signed hidden`, `<option value="team-a">`, `<option value="critical">`} {
		if !strings.Contains(page, want) {
			t.Errorf("no %s", want)
		}
	}
	for _, m := range regexp.MustCompile(`href="(/[^"]*)"`).FindAllStringSubmatch(page, -1) {
		if !strings.Contains(m[1], "signature=s1g") {
			t.Errorf("the link %s is not signed", m[1])
		}
	}
	if page := pageOf(t, r, signed, func(o *Options) { o.Pages = 2 }); strings.Contains(page, "<select name") {
		t.Error("a part of a signed table has filters that would need the server")
	}
}

// A page shows reasons and severities that it does not know.
func TestPageShowsUnknownReasons(t *testing.T) {
	r := pageReport(report.Listing{Matrices: []*report.Matrix{expiring("farm", 2)}})
	r.Findings[0].Reason, r.Findings[0].Severity = "haunted", "grave"
	if page := pageOf(t, r); !strings.Contains(page, "farm") {
		t.Error("the page has no row for it")
	}
}
