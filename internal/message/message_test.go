package message

import (
	"fmt"
	"slices"
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

// manyFindings returns a report with so many findings.
func manyFindings(n int) report.Report {
	l := report.Listing{Total: n}
	for i := range n {
		l.Matrices = append(l.Matrices, expiring(fmt.Sprintf("%05d", i), 1+i%30))
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
	d, err := compose(channel, r, o, c, true)
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

// What has expired comes first, then what ends today, then what failed and the rest.
func TestGroupsAreInOrderOfUrgency(t *testing.T) {
	var l report.Listing
	for i := range 40 {
		m := expiring(fmt.Sprint(i), 35-i)
		m.ExpiresAt.Time = m.ExpiresAt.Add(time.Hour)
		l.Matrices = append(l.Matrices, m)
	}
	l.Matrices = append(l.Matrices,
		&report.Matrix{NodeID: "cpn-f", Status: report.StatusFailed},
		&report.Matrix{NodeID: "cpn-n", Status: report.StatusRunning},
		&report.Matrix{NodeID: "cpn-u", Status: "NEW", ExpiresAt: report.Time{Time: testNow.AddDate(1, 0, 0)}})
	r := testReport(l)
	d, err := Compose("x", r, Options{Language: "en"})
	if err != nil {
		t.Fatal(err)
	}
	var got, grouped, sorted []string
	for _, g := range d.groups {
		got = append(got, string(g.Severity)+" "+g.id)
		for _, f := range g.findings {
			grouped = append(grouped, f.NodeID)
		}
	}
	for _, f := range ByGroup(r) {
		sorted = append(sorted, f.NodeID)
	}
	if !slices.Equal(sorted, grouped) {
		t.Errorf("ByGroup returns %q, want the order of the groups %q", sorted, grouped)
	}
	want := []string{
		"critical expired", "critical expiring_today", "critical failed", "critical expiring",
		"warning expiring", "warning no_expiry", "notice expiring", "notice unknown_status",
	}
	if !slices.Equal(got, want) {
		t.Errorf("got the groups %q, want %q", got, want)
	}
}

// The title names the only finding, and says of each reason what matters.
func TestTitleNamesOnlyFinding(t *testing.T) {
	at := func(days, hour, minute int) report.Time {
		return report.Time{Time: time.Date(2026, 11, 22+days, hour, minute, 0, 0, testNow.Location())}
	}
	running := func(expires report.Time) *report.Matrix {
		return &report.Matrix{Status: report.StatusRunning, ExpiresAt: expires}
	}
	for _, c := range []struct {
		m      *report.Matrix
		en, zh string
	}{
		{running(at(1, 0, 0)), "⛔ prod-cn-0001 ends tonight 24:00 (26 phones)", "⛔ prod-cn-0001 今晚 24:00 到期（26 部云手机）"},
		{running(at(0, 12, 0)), "⛔ prod-cn-0001 ends today 12:00 (26 phones)", "⛔ prod-cn-0001 今天 12:00 到期（26 部云手机）"},
		{running(at(2, 12, 0)), "⛔ prod-cn-0001 ends Tue 24 Nov 12:00 (in 2 days, 26 phones)", "⛔ prod-cn-0001 11月24日 周二 12:00 到期（还有 2 天，26 部云手机）"},
		{running(at(20, 23, 59)), "ℹ️ prod-cn-0001 ends Sat 12 Dec (in 20 days, 26 phones)", "ℹ️ prod-cn-0001 12月12日 周六 到期（还有 20 天，26 部云手机）"},
		{running(at(0, 0, 0)), "⛔ prod-cn-0001 expired last night 24:00 (26 phones)", "⛔ prod-cn-0001 已于昨晚 24:00 过期（26 部云手机）"},
		{running(report.Time{}), "⚠️ prod-cn-0001: the API returned no expiry date (26 phones)", "⚠️ prod-cn-0001：API 未返回到期时间，26 部云手机"},
		{&report.Matrix{Status: report.StatusFailed, CreatedAt: at(-3, 9, 0)}, "⛔ prod-cn-0001: creation failed (Thu 19 Nov, 3 days ago, 26 phones)", "⛔ prod-cn-0001 创建失败（11月19日 周四，3 天前，26 部云手机）"},
		{&report.Matrix{Status: report.StatusFailed}, "⛔ prod-cn-0001: creation failed (date unknown, 26 phones)", "⛔ prod-cn-0001 创建失败（日期未知，26 部云手机）"},
		{&report.Matrix{Status: report.StatusDeleting, ModifiedAt: at(-5, 9, 0)}, "⚠️ prod-cn-0001: being deleted since Tue 17 Nov, 5 days ago (26 phones)", "⚠️ prod-cn-0001：自 11月17日 周二起删除中（5 天），26 部云手机"},
		{&report.Matrix{Status: report.StatusRunning, ExpiresAt: at(90, 0, 0), BandwidthStatus: "2"}, "⚠️ prod-cn-0001: its bandwidth package was deleted, so its phones are cut off (26 phones)", "⚠️ prod-cn-0001：带宽包已删除，云手机无法联网，26 部云手机"},
		{&report.Matrix{Status: "NEW", ExpiresAt: at(90, 0, 0)}, "ℹ️ prod-cn-0001: status NEW is not documented (26 phones)", "ℹ️ prod-cn-0001：未知状态 NEW（官方文档未列出），26 部云手机"},
	} {
		c.m.NodeID, c.m.Name, c.m.PhoneCount = "cpn-1", "prod-cn-0001", 26
		for language, want := range map[string]string{"en": c.en, "zh": c.zh} {
			m := whole(t, "x", testReport(report.Listing{Matrices: []*report.Matrix{c.m, expiring("fine", 90)}}), Options{Language: language})
			if m.Title != want {
				t.Errorf("%s: got the title %q, want %q", language, m.Title, want)
			}
			if lead := m.Lead[0].String(); strings.Contains(lead, "phone") || strings.Contains(lead, "云手机") {
				t.Errorf("%s: phones are counted again in %q", language, lead)
			}
		}
	}
	// A long name leaves room for what matters, and what could not be read is in the title.
	m := expiring(strings.Repeat("x", 128), 1)
	problem := report.Problem{Endpoint: "e", Region: "eu-central-1", Code: "InternalError", MayHideMatrices: true}
	got := whole(t, "x", testReport(report.Listing{Total: 9, Matrices: []*report.Matrix{m}, Problems: []report.Problem{problem}}), Options{}).Title
	if want := "⛔ " + strings.Repeat("x", 59) + "… ends Mon 23 Nov 09:07 (tomorrow, 25 phones); eu-central-1 could not be read"; got != want {
		t.Errorf("got the title %q, want %q", got, want)
	}
}

// The title has the first four facts, and the number of the rest.
func TestTitleAddsUp(t *testing.T) {
	midnight := func(days int) *report.Matrix {
		m := expiring(fmt.Sprint("m", days), 0)
		m.ExpiresAt = report.Time{Time: time.Date(2026, 11, 23+days, 0, 0, 0, 0, testNow.Location())}
		return m
	}
	later := func(name string) *report.Matrix {
		m := expiring(name, 0)
		m.ExpiresAt.Time = m.ExpiresAt.Add(time.Hour)
		return m
	}
	stuck := &report.Matrix{NodeID: "s", Status: report.StatusDeleting, ModifiedAt: report.Time{Time: testNow.AddDate(0, 0, -9)}}
	all := []*report.Matrix{
		expiring("gone", -2), midnight(0), {NodeID: "f", Status: report.StatusFailed}, {NodeID: "g", Status: report.StatusFailed},
		expiring("a", 1), expiring("b", 2), expiring("c", 3), expiring("d", 5), stuck, expiring("e", 20),
	}
	for _, c := range []struct {
		matrices []*report.Matrix
		en, zh   string
	}{
		{all[:7], "⛔ 1 expired, 1 ends tonight, 2 failed, 3 more within 3 days", "⛔ 已过期 1 台，今晚到期 1 台，创建失败 2 台，3 天内到期 3 台"},
		{all[:8], "⛔ 1 expired, 1 ends tonight, 2 failed, 3 more within 3 days, 1 more within 7 days", "⛔ 已过期 1 台，今晚到期 1 台，创建失败 2 台，3 天内到期 3 台，7 天内 1 台"},
		{all, "⛔ 1 expired, 1 ends tonight, 2 failed, 3 more within 3 days, 3 others", "⛔ 已过期 1 台，今晚到期 1 台，创建失败 2 台，3 天内到期 3 台，其余 3 台"},
		{[]*report.Matrix{midnight(0), later("noon")}, "⛔ 2 end today", "⛔ 今天到期 2 台"},
		{all[4:10], "⛔ 3 expire within 3 days, 1 more within 7 days, 1 stuck, 1 more within 30 days", "⛔ 3 天内到期 3 台，7 天内 1 台，长时间创建中/删除中 1 台，30 天内到期 1 台"},
	} {
		for language, want := range map[string]string{"en": c.en, "zh": c.zh} {
			if got := whole(t, "x", testReport(report.Listing{Matrices: c.matrices}), Options{Language: language}).Title; got != want {
				t.Errorf("%s: got the title %q, want %q", language, got, want)
			}
		}
	}
	lead := whole(t, "x", testReport(report.Listing{Matrices: all}), Options{}).Lead[0].String()
	if want := "10 of 10 matrices need attention · 175 phones affected, 125 of them urgently"; lead != want {
		t.Errorf("got %q, want %q", lead, want)
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

// What is missing is said as such: with its region, and without a total if that is
// not known.
func TestMissingRegions(t *testing.T) {
	unread := func(regions ...string) (all []report.Problem) {
		for _, region := range regions {
			all = append(all, report.Problem{Endpoint: "e", Region: region, Code: "InternalError", MayHideMatrices: true})
		}
		return all
	}
	two := []*report.Matrix{expiring("a", 2), expiring("b", 3)}
	regions := []string{"cn-hangzhou", "cn-shanghai", "ap-southeast-1"}
	for _, c := range []struct {
		l                       report.Listing
		title, lead, foot       string
		zhTitle, zhLead, zhFoot string
	}{
		{report.Listing{Matrices: two, Regions: regions, Problems: unread("eu-central-1")},
			"⛔ At least 2 expire within 3 days; eu-central-1 could not be read", "2 matrices read; eu-central-1 could not be read, its number is unknown", "2 listed in 3 of 4 regions · ",
			"⛔ 至少：3 天内到期 2 台；法兰克福无法读取", "已读取 2 台矩阵；法兰克福无法读取，其矩阵数量未知", "已读取 2 台，3 / 4 个地域 · "},
		{report.Listing{Matrices: two, Regions: regions, Problems: unread("eu-central-1", "cn-shanghai")},
			"⛔ At least 2 expire within 3 days; cn-shanghai, eu-central-1 could not be read", "2 matrices read; cn-shanghai, eu-central-1 could not be read, their number is unknown", "2 listed in 2 of 4 regions · ",
			"⛔ 至少：3 天内到期 2 台；上海、法兰克福无法读取", "已读取 2 台矩阵；上海、法兰克福无法读取，其矩阵数量未知", "已读取 2 台，2 / 4 个地域 · "},
		{report.Listing{Matrices: two[:1], Total: 9, Regions: regions, Problems: unread("eu-central-1")},
			"⛔ a ends Tue 24 Nov 09:07 (in 2 days, 25 phones); eu-central-1 could not be read", "1 of about 9 matrices read; eu-central-1 could not be read", "1 of 9 listed in 3 of 4 regions · ",
			"⛔ a 11月24日 周二 09:07 到期（还有 2 天，25 部云手机）；法兰克福无法读取", "约 9 台矩阵中已读取 1 台；法兰克福无法读取", "已读取 1 / 9 台，3 / 4 个地域 · "},
		{report.Listing{Matrices: two[:1], Total: 9, Regions: regions, Problems: unread("")},
			"⛔ a ends Tue 24 Nov 09:07 (in 2 days, 25 phones); a part could not be read", "1 of about 9 matrices could be read", "1 of 9 listed in 3 regions · ",
			"⛔ a 11月24日 周二 09:07 到期（还有 2 天，25 部云手机）；部分矩阵无法读取", "约 9 台矩阵中读取了 1 台", "已读取 1 / 9 台，3 个地域 · "},
		{report.Listing{Matrices: two, Regions: regions, Problems: unread("eu-central-1", "")},
			"⛔ At least 2 expire within 3 days; a part could not be read", "2 matrices read; how many others there are is unknown", "2 listed in 3 regions · ",
			"⛔ 至少：3 天内到期 2 台；部分矩阵无法读取", "已读取 2 台矩阵；其余矩阵数量未知", "已读取 2 台，3 个地域 · "},
		{report.Listing{Matrices: two, Regions: regions, Problems: unread("a", "b", "c", "d")},
			"⛔ At least 2 expire within 3 days; a, b, c and 1 more place could not be read", "2 matrices read; a, b, c and 1 more place could not be read, their number is unknown", "2 listed in 3 of 7 regions · ",
			"⛔ 至少：3 天内到期 2 台；a、b、c 等 4 处无法读取", "已读取 2 台矩阵；a、b、c 等 4 处无法读取，其矩阵数量未知", "已读取 2 台，3 / 7 个地域 · "},
		{report.Listing{Matrices: two, Regions: regions, TotalChecked: true, Problems: unread("cn-shanghai")},
			"⛔ 2 expire within 3 days; cn-shanghai could not be checked", "2 of 2 matrices read; cn-shanghai could not be checked", "2 of 2 listed in 3 regions · ",
			"⛔ 3 天内到期 2 台；上海未能核对", "2 台矩阵已全部读取；上海未能核对", "已读取 2 / 2 台，3 个地域 · "},
	} {
		for language, want := range map[string][3]string{"en": {c.title, c.lead, c.foot}, "zh": {c.zhTitle, c.zhLead, c.zhFoot}} {
			m := whole(t, "x", testReport(c.l), Options{Language: language})
			if m.Title != want[0] || m.Lead[1].String() != want[1] || !strings.HasPrefix(m.Foot[0].String(), want[2]) {
				t.Errorf("%s: got\n%s\n%s\n%s\nwant\n%s", language, m.Title, m.Lead[1], m.Foot[0], strings.Join(want[:], "\n"))
			}
		}
	}
}

// A failed run says what that means, and when the next one is if that is known.
func TestFailedRun(t *testing.T) {
	r := testReport(report.Listing{Problems: []report.Problem{{Code: "Forbidden", MayHideMatrices: true}}})
	for _, c := range []struct {
		next   time.Time
		en, zh string
	}{
		{time.Time{}, "Nothing is known about the matrices today.", "今日矩阵状况未知。"},
		{testNow.AddDate(0, 0, 1).UTC(), "Nothing is known about the matrices today. Next run tomorrow 09:07; now: s invoke -e '{}'.", "今日矩阵状况未知。下次运行：明天 09:07；立即运行：s invoke -e '{}'。"},
		{testNow.Add(time.Hour), "Nothing is known about the matrices today. Next run today 10:07; now: s invoke -e '{}'.", "今日矩阵状况未知。下次运行：今天 10:07；立即运行：s invoke -e '{}'。"},
		{testNow.AddDate(0, 0, 2), "Nothing is known about the matrices today. Next run Tue 24 Nov 09:07; now: s invoke -e '{}'.", "今日矩阵状况未知。下次运行：11月24日 周二 09:07；立即运行：s invoke -e '{}'。"},
	} {
		for language, want := range map[string]string{"en": c.en, "zh": c.zh} {
			if got := whole(t, "x", r, Options{Language: language, NextRun: c.next}).Lead[0].String(); got != want {
				t.Errorf("%s: got %q, want %q", language, got, want)
			}
		}
	}
	for language, want := range map[string]string{"en": "Nothing is known about the 131 matrices of the last report.", "zh": "上次报告中的 131 台矩阵今日状况未知。"} {
		if got := whole(t, "x", r, Options{Language: language, Remembered: 131}).Lead[0].String(); got != want {
			t.Errorf("%s with a store: got %q, want %q", language, got, want)
		}
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
		{"zh", report.Problem{Code: "NoPermission", Message: "0 matrices read: attach the policy: denied (request R-1)", Hint: "attach the policy: "}, "该角色无权列出矩阵：请附加 README 中的权限策略（0 matrices read: denied (request R-1)）"},
		{"en", report.Problem{Code: "NoPermission", Message: "attach the policy: denied", Hint: "attach the policy: "}, "attach the policy: denied"},
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
		if got := ProblemText(w, c.p); got != c.p.Code+w.Text("colon")+c.want {
			t.Errorf("%s, %s: %q, want %q", c.language, c.p.Code, got, c.want)
		}
	}
}
