package preview

import (
	"encoding/xml"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

const hostile = `<script>alert(1)</script> "><img src=x onerror=alert(1)> & co`

func messages(t *testing.T) []Message {
	t.Helper()
	now := time.Now()
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: time.Hour, Location: time.UTC}
	r := report.Build(rules, report.Listing{Total: 2, Matrices: []*report.Matrix{
		{NodeID: "cpn-1", Name: hostile, Region: "cn-hangzhou", Status: "FAILED", PhoneCount: 25, Tags: map[string]string{"owner": "team-a"}},
		{NodeID: "cpn-2", Name: "plain", Region: "cn-shanghai", Status: "RUNNING", ExpiresAt: report.Time{Time: now.AddDate(0, 0, 2)}},
	}}, now)
	m, err := Messages(t.Context(), r, message.Options{
		ConsoleURL: "https://console.example.com/renew?a=1&b=2", ReportURL: "https://report.example.com/", OwnerTag: "owner",
		Mentions: map[string][]string{"team-a": {"U012AB3CD", "13800138000", "ou_84aad35d084aa403", "ZhangSan"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	return m
}

// pageOf returns the page of messages as text.
func pageOf(t *testing.T, messages []Message) string {
	t.Helper()
	b, err := Page(messages)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// Every kind of channel is shown in every language, by its part of the page.
func TestPageShowsEveryChannel(t *testing.T) {
	all := messages(t)
	if want := len(chat.Kinds) * len(locale.Languages()); len(all) != want {
		t.Errorf("%d messages, want %d", len(all), want)
	}
	page, text := pageOf(t, all), Text(all)
	for _, k := range chat.Kinds {
		for _, lang := range locale.Languages() {
			if !strings.Contains(page, `<article id="`+k.Name+"-"+lang+`"`) || !strings.Contains(text, "── "+k.Name+", "+lang) {
				t.Errorf("no message of %s in %s", k.Name, lang)
			}
		}
	}
	for _, want := range []string{"plain", "cpn-2", `<a href="https://console.example.com/renew?a=1&amp;b=2">`} {
		if n := strings.Count(page, want); n < len(chat.Kinds) {
			t.Errorf("%q is %d times in the page", want, n)
		}
	}
}

// Rows are a list in the services whose clients show one.
func TestPageShowsLists(t *testing.T) {
	articles := strings.Split(pageOf(t, messages(t)), "<article ")[1:]
	for _, article := range articles {
		service, _, _ := strings.Cut(strings.TrimPrefix(article, `id="`), "-")
		want := slices.Contains([]string{"slack", "dingtalk", "feishu"}, service)
		if got := strings.Contains(article, "<ul><li>"); got != want {
			t.Errorf("%s: a list %t, want %t", service, got, want)
		}
	}
}

// The markup of a service is drawn as its client does, and other markup is not.
func TestPageDrawsMarkupOfService(t *testing.T) {
	for _, tt := range []struct {
		service string
		rules   []replacement
		in      string
		want    string
	}{
		{"slack", mrkdwn, "*a* `c` <https://x.example/?a=1&b=2|d>\n- &lt;e&gt;", "<b>a</b> <code>c</code> <a href=\"https://x.example/?a=1&amp;b=2\">d</a><br>\n- &lt;e&gt;"},
		{"dingtalk", dingtalk, "### a\n\nb  \nc\nd\n- **e**\n- f\n\n> g  \n> h", "<h3>a</h3>\n\n<p>b<br>c d</p>\n<ul><li><b>e</b></li>\n<li>f</li>\n</ul>\n\n<blockquote>g<br>h</blockquote>"},
		{"feishu", feishu, "**a**\n- b&#42;c&#60;\n- <at id=ou_1></at>", "<p><b>a</b></p>\n<ul><li>b&#42;c&#60;</li>\n<li><a>@ou_1</a></li></ul>\n"},
		{"wecom", wecom, "### a\nb\n\n**<font color=\"warning\">c</font>**\n• d\n- e <@f>", "<h3>a</h3>\n<p>b</p>\n<br>\n<p><b><span class=\"warning\">c</span></b></p>\n<p>• d</p>\n<p>- e <a>@f</a></p>"},
	} {
		if got := string(toHTML(tt.in, tt.rules)); got != tt.want {
			t.Errorf("%s: got\n%s\nwant\n%s", tt.service, got, tt.want)
		}
	}
}

// People are shown by the ids of each service.
func TestPageShowsMentions(t *testing.T) {
	page := pageOf(t, messages(t))
	for _, want := range []string{"<a>@U012AB3CD</a>", "@13800138000", "<a>@ou_84aad35d084aa403</a>", "<a>@ZhangSan</a>"} {
		if n := strings.Count(page, want); n != len(locale.Languages()) {
			t.Errorf("%s is %d times in the page", want, n)
		}
	}
}

// The page has no elements but its own, whatever a name is.
func TestPageEscapesNames(t *testing.T) {
	page := pageOf(t, messages(t))
	d := xml.NewDecoder(strings.NewReader(page))
	d.Strict, d.AutoClose, d.Entity = false, append(xml.HTMLAutoClose, "meta"), xml.HTMLEntity
	elements := 0
	for {
		token, err := d.Token()
		if err == io.EOF {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if e, ok := token.(xml.StartElement); ok {
			elements++
			if e.Name.Local == "script" || e.Name.Local == "img" {
				t.Errorf("an element <%s>", e.Name.Local)
			}
			for _, a := range e.Attr {
				if strings.HasPrefix(a.Name.Local, "on") || a.Name.Local == "href" && !strings.HasPrefix(a.Value, "https://") {
					t.Errorf("an attribute %s=%q", a.Name.Local, a.Value)
				}
			}
		}
	}
	if elements < 50 {
		t.Errorf("only %d elements were read", elements)
	}
}
