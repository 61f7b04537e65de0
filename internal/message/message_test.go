package message

import (
	"fmt"
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

var testNow = time.Date(2026, 11, 22, 9, 7, 0, 0, time.FixedZone("", 8*3600))

func testReport(l report.Listing) report.Report {
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: testNow.Location()}
	return report.Build(rules, l, testNow)
}

// expiring returns a matrix that expires in so many days.
func expiring(name string, days int) *report.Matrix {
	return &report.Matrix{
		NodeID: "cpn-" + name, Name: name, Region: "cn-hangzhou", Status: report.StatusRunning, PhoneCount: 25,
		ExpiresAt: report.Time{Time: testNow.AddDate(0, 0, days)}, Tags: map[string]string{"owner": "team-a"},
	}
}

// manyFindings returns a report with so many findings that do not fold.
func manyFindings(n int) report.Report {
	l := report.Listing{Total: n}
	for i := range n {
		m := expiring(fmt.Sprintf("%05d", i), 1+i%30)
		m.InstanceType = m.NodeID
		l.Matrices = append(l.Matrices, m)
	}
	return testReport(l)
}

// whole returns the message with all rows.
func whole(t testing.TB, channel string, r report.Report, o Options) Message {
	t.Helper()
	o.OwnerTag = "owner"
	if o.Language == "" {
		o.Language = locale.Default
	}
	c, err := locale.Of(o.Language)
	if err != nil {
		t.Fatal(err)
	}
	d, err := compose(channel, r, o, c, math.MaxInt)
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Fit(func(Message) bool { return true })
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// text returns all text of a message.
func text(m Message) string {
	var b strings.Builder
	write := func(lines ...Line) {
		for _, l := range lines {
			b.WriteString(l.String() + "\n")
		}
	}
	b.WriteString(m.Title + "\n")
	write(m.Lead...)
	for _, g := range m.Groups {
		write(g.Heading)
		write(g.Rows...)
	}
	write(m.More...)
	write(m.Foot...)
	return b.String()
}

// With any number of rows, headings, rows and what was left out count the same
// matrices.
func TestFitCountsWhatItLeavesOut(t *testing.T) {
	var l report.Listing
	for i := range 300 {
		m := &report.Matrix{NodeID: fmt.Sprint("cpn-", i), Status: report.StatusRunning, Region: []string{"cn-hangzhou", "cn-shanghai"}[i%2], PhoneCount: 25}
		if i%9 > 0 {
			m.ExpiresAt = report.Time{Time: testNow.AddDate(0, 0, i%40-3)}
		}
		if i%11 == 0 {
			m.Status = report.StatusFailed
		}
		l.Matrices = append(l.Matrices, m)
	}
	r := testReport(l)
	d, err := Compose("x", r, Options{Language: "en", OwnerTag: "owner"})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range d.groups {
		n := 0
		for _, alike := range g.rows {
			n += d.newRow(alike).Count
		}
		if n != g.Count {
			t.Errorf("the rows of %q have %d matrices, its heading %d", g.Title, n, g.Count)
		}
	}
	for _, limit := range []int{0, 1, 7, 40, 1 << 20} {
		rows := 0
		m, err := d.Fit(func(m Message) bool {
			rows = 0
			for _, g := range m.Groups {
				rows += len(g.Rows)
			}
			return rows <= limit
		})
		if err != nil {
			t.Fatal(err)
		}
		shown := 0
		for i, g := range m.Groups {
			for j := range g.Rows {
				shown += len(d.groups[i].rows[j])
			}
		}
		left := 0
		if more := regexp.MustCompile(`^and (\d+) more`).FindStringSubmatch(join(m.More).String()); more != nil {
			left, _ = strconv.Atoi(more[1])
		}
		if shown+left != len(r.Findings) || (left == 0) != (len(m.More) == 0) || limit == 7 && shown < 7 {
			t.Errorf("limit %d: %d shown and %d left out of %d: %s", limit, shown, left, len(r.Findings), m.More)
		}
	}
}

// Groups are in the order of severities and then of rules.
func TestGroupsAreInOrderOfUrgency(t *testing.T) {
	var l report.Listing
	for i := range 40 {
		l.Matrices = append(l.Matrices, expiring(fmt.Sprint(i), 35-i))
	}
	l.Matrices = append(l.Matrices,
		&report.Matrix{NodeID: "cpn-f", Status: report.StatusFailed},
		&report.Matrix{NodeID: "cpn-n", Status: report.StatusRunning},
		&report.Matrix{NodeID: "cpn-u", Status: "NEW", ExpiresAt: report.Time{Time: testNow.AddDate(1, 0, 0)}})
	d, err := Compose("x", testReport(l), Options{Language: "en"})
	if err != nil {
		t.Fatal(err)
	}
	place := func(g Group, id string) int {
		reason := slices.IndexFunc(report.Reasons(), func(r report.Reason) bool { return strings.HasPrefix(id, string(r)) })
		return slices.Index(report.Severities, g.Severity)*100 + reason
	}
	last := -1
	for _, g := range d.groups {
		if at := place(g.Group, g.id); at <= last {
			t.Errorf("%s %q is out of order", g.Severity, g.Title)
		} else {
			last = at
		}
	}
	if len(d.groups) != 7 {
		t.Errorf("%d groups, want 7", len(d.groups))
	}
}

// A report of a later version may have unknown reasons and severities. Their
// findings are shown all the same.
func TestUnknownReasonsAreShown(t *testing.T) {
	r := testReport(report.Listing{Matrices: []*report.Matrix{expiring("farm", 2), expiring("other", 9)}})
	r.Findings[0].Reason, r.Findings[0].Severity = "haunted", "grave"
	if m := whole(t, "x", r, Options{}); !strings.Contains(text(m), "farm") {
		t.Errorf("the finding is missing: %s", text(m))
	}
}

// A test message has nothing about any matrix, and no mentions.
func TestTestMessageHasNoReport(t *testing.T) {
	r := testReport(report.Listing{Matrices: []*report.Matrix{expiring("farm", 2)}})
	for _, language := range locale.Languages() {
		c, err := locale.Of(language)
		if err != nil {
			t.Fatal(err)
		}
		m := whole(t, "x", r, Options{Language: language, Test: true, Mentions: map[string][]string{"team-a": {"ada"}}})
		if m.Title != "🔔 "+c.Text("title_test") || strings.Contains(text(m), "farm") || strings.Contains(text(m), "ada") || len(m.Groups)+len(m.Mentions) > 0 {
			t.Errorf("%s: %s", language, text(m))
		}
	}
}

// The message about undelivered reports has channels and errors, and no
// mentions.
func TestUndeliveredMessageHasNoMentions(t *testing.T) {
	r := testReport(report.Listing{Matrices: []*report.Matrix{expiring("farm", 2)}})
	r.Deliveries = []report.Delivery{{Channel: "a", Delivered: true}, {Channel: "b", Error: "b: gone"}}
	m := whole(t, "x", r, Options{Undelivered: true, Mentions: map[string][]string{"team-a": {"ada"}}})
	if m.Title != "⚠️ This matrix report did not reach b" || !strings.Contains(text(m), "b: gone") || len(m.Groups)+len(m.Mentions) > 0 {
		t.Errorf("%s, mentions %q", text(m), m.Mentions)
	}
}

// Owners of critical findings are mentioned once each, and of no others.
func TestMentionsOwnersOfCriticalFindings(t *testing.T) {
	later := expiring("later", 20)
	later.Tags = map[string]string{"owner": "team-b"}
	r := testReport(report.Listing{Matrices: []*report.Matrix{expiring("a", 1), expiring("b", 2), later}})
	m := whole(t, "x", r, Options{Mentions: map[string][]string{"team-a": {"ada", "bob"}, "team-b": {"eve"}}})
	want := Line{{Person, "ada", ""}, {Plain, " ", ""}, {Person, "bob", ""}}
	if !slices.Equal(m.Mentions, []string{"ada", "bob"}) || !slices.ContainsFunc(m.Lead, func(l Line) bool { return slices.Equal(l, want) }) {
		t.Errorf("mentions %q in %v", m.Mentions, m.Lead)
	}
}

// Matrices that failed on different days do not share a row.
func TestFoldedRowsHaveTheSameDay(t *testing.T) {
	var l report.Listing
	for i := range 40 {
		l.Matrices = append(l.Matrices, &report.Matrix{NodeID: fmt.Sprint("cpn-", i), Status: report.StatusFailed, CreatedAt: report.Time{Time: testNow.AddDate(0, 0, -i/10)}})
	}
	m := whole(t, "x", testReport(l), Options{})
	if len(m.Groups) != 1 || len(m.Groups[0].Rows) != 4 {
		t.Errorf("want a row for each of four days: %s", text(m))
	}
}

// A problem has the hint of the reader's language for its code, and always its
// own words, with permission and request. A code that only begins like one with a
// hint has none.
func TestProblemsAreTranslated(t *testing.T) {
	denied := report.Problem{Code: "Forbidden.RAM", Message: "2 of 5 matrices read: User not authorized.; missing permission: eds-aic:X (request R-1)", RequestID: "R-1", Permission: "eds-aic:X"}
	for _, c := range []struct {
		language string
		p        report.Problem
		want     string
	}{
		{"en", denied, denied.Message},
		{"zh", denied, "该角色无权列出矩阵：请附加 README 中的权限策略（" + denied.Message + "）"},
		{"zh", report.Problem{Code: "Forbidden.RiskControl", Message: "Risk."}, "Risk."},
		{"zh", report.Problem{Code: "Throttling.User", Message: "Denied."}, "账号的调用正被限流（Denied.）"},
		{"zh", report.Problem{Code: "HTTP502", Message: "a proxy"}, "收到的不是该服务的响应：中间可能有代理（a proxy）"},
		{"zh", report.Problem{Code: "InvalidAccessKeyId.Inactive", Message: "Inactive."}, "AccessKey 已被禁用：请启用，或更换 AccessKey（Inactive.）"},
		{"zh", report.Problem{Code: "ConnectionFailed", Message: "dial tcp: refused"}, "与服务的连接失败：dial tcp: refused"},
		{"zh", report.Problem{Code: "Odd.Code", Message: "the original text"}, "the original text"},
	} {
		w, err := locale.Of(c.language)
		if err != nil {
			t.Fatal(err)
		}
		if got := problemText(w, c.p); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.language, c.p.Code, got, c.want)
		}
	}
}
