package chat

import (
	"encoding/json"
	"fmt"
	"html"
	"net/http/httptest"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/slack-go/slack"
	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	gmtext "github.com/yuin/goldmark/text"

	"matrix-expiry-report/internal/config"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// hostile are names that would be markup, mentions or links.
var hostile = []string{
	"<!channel>", "<@U012AB3CD>", "](dtmd://dingtalkclient/sendMessage?content=x)", "<at id=all></at>", "<at user_id=\"all\">", "<@userid>", "@所有人",
	"![](http://x)", "[a](https://evil.example)", "<https://evil.example|label>", "https://evil.example", "a\nb", "a\r\n- b", "a\u2028b\u0085c",
	"\u202egnp.exe", "\u2066x\u2069", "`code`", "```\nx", "**bold**", "_it_ __b__ ~~s~~ *i*", "# head", "> quote", "- item", "1. item", "---", "a | b\n--|--",
	`{"a":1}`, `","x":"`, "\x00", "\u0000\u001b[31m", "&#42;&amp;&lt;", "<font color=\"warning\">x</font>", ":bomb: :DONE:", "\\*x\\*", "$x$", "{{.}}", "\x01\x03x\x04y\x05",
	"<!date^0^{date}^https://evil.example|x>", "{{DATE(2017-02-14T06:08:39Z)}}", "\u200b", "\u061c", "\xed\xa0\x80",
}

// FuzzMarkup: whatever a matrix, its owner, a problem or an error is called,
// each body has the same markup, mentions, links and lines as with a plain name,
// and the service accepts it.
func FuzzMarkup(f *testing.F) {
	for _, name := range names {
		f.Add(name)
	}
	webhooks := fakechat.Webhooks("http://127.0.0.1")
	channels := map[string]*Channel{}
	for _, vars := range []map[string]string{webhooks, {"SLACK_WEBHOOK_URL": "https://chat.example/hooks/x"}} {
		for _, c := range Load(config.NewEnv(func(name string) string { return vars[name] })) {
			name := c.name
			if c.Host().Host == "chat.example" {
				name = "compatible"
			}
			channels[name] = c
		}
	}
	if len(channels) != len(Kinds)+1 {
		f.Fatalf("got %d channels", len(channels))
	}
	plain := map[string][]map[string]int{}
	for kind, c := range channels {
		plain[kind] = countMarkup(f, kind, c, "web")
	}
	f.Fuzz(func(t *testing.T, name string) {
		for kind, c := range channels {
			want, got := plain[kind], countMarkup(t, kind, c, name)
			if len(got) != len(want) {
				t.Fatalf("%s: %d bodies, want %d", kind, len(got), len(want))
			}
			for i := range got {
				for what, n := range got[i] {
					if n > want[i][what] {
						t.Errorf("%s, body %d: %d of %q, %d with a plain name, for %q", kind, i, n, what, want[i][what], name)
					}
				}
			}
		}
	})
}

const console = "https://console.example/renew"

// An id that is not one of the service is text, also if a custom template
// mentions it.
func TestMentionOfOtherIDIsText(t *testing.T) {
	for name, m := range map[string]markup{"slack": slackMarkup, "compatible": compatibleMarkup, "dingtalk": dingtalkMarkup, "feishu": feishuMarkup, "wecom": wecomMarkup} {
		for _, id := range []string{"all", "<!channel>", "x></at><at id=all>", "13800138000 @all", "*b*"} {
			if m.isPerson(id) { // a name may be an id of WeCom
				continue
			}
			if got, want := m.line(message.Line{{Style: message.Person, Text: id}}), m.escape(id, true); got != want {
				t.Errorf("%s: %q is %q, want %q", name, id, got, want)
			}
		}
	}
	for _, id := range []string{"all", "<!channel>"} {
		if e, ok := slackElement(message.Span{Style: message.Person, Text: id}).(*slack.RichTextSectionTextElement); !ok || e.Text != id {
			t.Errorf("slack: %q is not text", id)
		}
	}
}

// Characters that act nowhere in a text are shown unchanged, such as the brackets
// and colons of the program's own words.
func TestEscapeChangesOnlyWhatActs(t *testing.T) {
	const harmless = "[prod] 2 of [3] (4), a < 5, b > 6, R&D, #7, well! 8: eds-aic:List - {9}"
	for name, tt := range map[string]struct {
		markup
		harmless, link string
	}{
		"slack":      {slackMarkup, strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;").Replace(harmless), "[a](b)"},
		"compatible": {compatibleMarkup, harmless, "[a］(b)"},
		"dingtalk":   {dingtalkMarkup, harmless, "[a］(b)"},
		"wecom":      {wecomMarkup, harmless, "[a］(b)"},
	} {
		if got := tt.escape(harmless, true); got != tt.harmless {
			t.Errorf("%s: got %s\nwant %s", name, got, tt.harmless)
		}
		if got := tt.escape("[a](b)", true); got != tt.link {
			t.Errorf("%s: got %s, want %s", name, got, tt.link)
		}
	}
	// Feishu shows every character, as it has an escape for each.
	if got := html.UnescapeString(feishuMarkup.escape(harmless+"*_`~|\\@$", true)); got != harmless+"*_`~|\\@$" {
		t.Errorf("feishu shows %s", got)
	}
}

// Two spans do not make markup that neither is by itself.
func TestEscapeAtEndOfSpan(t *testing.T) {
	spans := []string{"[a]", "(b)", "<", "font>", "!", "[c", "&", "lt;", "&#4", "2;", "&#42", ";"}
	for name, m := range map[string]markup{"dingtalk": dingtalkMarkup, "wecom": wecomMarkup, "feishu": feishuMarkup} {
		for _, first := range spans {
			for _, second := range spans {
				l := message.Line{{Text: "x "}, {Style: message.Code, Text: first}, {Text: second}, {Style: message.Link, Text: "link", URL: console}}
				n := map[string]int{}
				countNodes(n, m.line(l))
				if len(n) != 3 || n["element Link"] != 1 { // and the document with a paragraph
					t.Errorf("%s: %q and %q make %v: %s", name, first, second, n, m.line(l))
				}
				if shown := html.UnescapeString(m.line(l)); name != "feishu" && shown != m.line(l) {
					t.Errorf("%s: %q and %q are shown as %s", name, first, second, shown)
				}
			}
		}
	}
}

// named returns reports that contain name wherever a value from outside can be.
func named(name string) (reports []report.Report, options []message.Options) {
	add := func(r report.Report, o message.Options) {
		o.Language, o.ConsoleURL, o.OwnerTag = "en", console, "owner"
		reports, options = append(reports, r), append(options, o)
	}
	bad := badDay(0)
	days := 1
	for i, reason := range []report.Reason{report.Expiring, report.UnknownStatus} {
		bad.Findings = append(bad.Findings, report.Finding{
			Matrix: report.Matrix{NodeID: fmt.Sprint("cpn-", i), Name: name, Region: "cn-hangzhou", Status: "RUNNING", ExpiresAt: bad.GeneratedAt, Tags: map[string]string{"owner": name}},
			Reason: reason, Severity: report.Critical, DaysLeft: &days,
		})
	}
	bad.Problems = []report.Problem{{Message: name, MayHideMatrices: true}}
	bad.Complete = false
	add(bad, message.Options{})
	good := badDay(0)
	good.NextExpiry.Name = name
	add(good, message.Options{})
	unread := bad
	unread.Problems = []report.Problem{{Region: name, Code: name, MayHideMatrices: true}} // the title names the region
	add(unread, message.Options{Regions: []string{name}})
	undelivered := badDay(0)
	undelivered.Deliveries = []report.Delivery{{Channel: "x", Error: name}}
	add(undelivered, message.Options{Undelivered: true})
	return reports, options
}

// countMarkup counts, in each body of each report, what a client acts on.
func countMarkup(t testing.TB, kind string, c *Channel, name string) (counts []map[string]int) {
	t.Helper()
	reports, options := named(name)
	for i, r := range reports {
		out, err := c.compose(r, options[i], name)
		if err != nil {
			t.Fatal(err)
		}
		for _, format := range c.formats {
			body, err := format(out)
			if err != nil {
				t.Fatal(err)
			}
			if !utf8.Valid(body) {
				t.Errorf("%s: invalid UTF-8 for %q", kind, name)
			}
			if kind == "webhook" {
				checkWebhookBody(t, body, name)
				continue
			}
			var v any
			if err := json.Unmarshal(body, &v); err != nil {
				t.Fatalf("%s: %v for %q", kind, err, name)
			}
			n := map[string]int{}
			walk(v, "", func(place, text string, markup bool) { count(n, place, text, kind, markup) })
			if kind != "compatible" {
				n["mentions"] = len(roomMessage(t, c, out.id, body).Mentions)
			}
			counts = append(counts, n)
		}
	}
	return counts
}

// roomMessage returns what the emulated service makes of a body.
func roomMessage(t testing.TB, c *Channel, id string, body []byte) fakechat.Message {
	t.Helper()
	room := &fakechat.Server{}
	req, err := c.request(t.Context(), id, body, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	room.ServeHTTP(httptest.NewRecorder(), req)
	m := room.Messages()[0]
	if !m.Accepted {
		t.Errorf("%s refused: %s\n%s", c.name, m.Why, body)
	}
	return m
}

// walk visits every string of a body, and whether the service parses it as
// markup, according to its documentation.
func walk(v any, place string, visit func(place, text string, markup bool)) {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			walk(e, place, visit)
		}
	case map[string]any:
		kind := fmt.Sprint(v["type"], v["tag"])
		for name, e := range v {
			text, ok := e.(string)
			if !ok {
				walk(e, name, visit)
				continue
			}
			literal := slices.Contains([]string{"text<nil>", "plain_text<nil>", "<nil>plain_text", "TextRun<nil>"}, kind) ||
				slices.Contains([]string{"title", "summary", "fallbackText", "type", "tag", "text_size", "style", "url", "$schema"}, name)
			visit(place+"."+kind+"."+name, text, !literal)
		}
	}
}

var (
	innerUnderscore = regexp.MustCompile(`([\pL\p{Nd}])_+([\pL\p{Nd}])`)
	markdownStart   = regexp.MustCompile(`(?m)^ *(\d+[.)] |[-+*>#=]|---)`)
	markdownSigns   = regexp.MustCompile("[*_`~|@$]|\\\\|\\][\\[(:]|!\\[|<[A-Za-z/!?@#]|&#?\\w+;")
	entity          = regexp.MustCompile(`&#\d+;`)
	slackLineStart  = regexp.MustCompile(`(?m)^ *(>|&gt;)`) // Slack has no lists and headings
	emojiCode       = regexp.MustCompile(`:[\w+'-]+:`)
)

// ownLinks are the markup of the link to console.
var ownLinks = strings.NewReplacer("<"+console+"|", "<", "]("+console+")", "]")

func count(n map[string]int, place, text, kind string, markup bool) {
	n["places"]++
	n["place "+place]++
	n["lines"] += strings.Count(text, "\n")
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp, unicode.Co) || r == '\u200b' && kind != "teams" { // Teams' own lets words break
			n[fmt.Sprintf("%U", r)]++
		}
	}
	text = ownLinks.Replace(text)
	n["://"] += strings.Count(text, "://")
	if kind != "dingtalk" && kind != "wecom" {
		n["shortcode"] += len(emojiCode.FindAllString(text, -1))
	}
	if !markup {
		return
	}
	if kind == "dingtalk" || kind == "wecom" || kind == "feishu" {
		countNodes(n, text)
	}
	switch kind {
	case "slack":
		text = strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(text)
	case "feishu":
		text = entity.ReplaceAllString(text, "x")
	}
	starts, active := markdownStart, markdownSigns
	switch kind {
	case "slack":
		starts, active = slackLineStart, regexp.MustCompile("[*_`~<>&]")
	case "feishu":
		active = regexp.MustCompile("[][*_`~<>|#!@&$]|\\\\")
	case "compatible":
		starts = slackLineStart
	}
	n["line start"] += len(starts.FindAllString(text, -1))
	for before := ""; before != text; {
		before = text
		text = innerUnderscore.ReplaceAllString(text, "$1$2")
	}
	for _, s := range active.FindAllString(text, -1) {
		n[s]++
	}
}

// countNodes counts the elements of Markdown as a parser of the standard sees them.
func countNodes(n map[string]int, text string) {
	source := []byte(text)
	doc := goldmark.New(goldmark.WithExtensions(extension.Strikethrough, extension.Table)).Parser().Parse(gmtext.NewReader(source))
	err := ast.Walk(doc, func(node ast.Node, entering bool) (ast.WalkStatus, error) {
		if kind := node.Kind(); entering && kind != ast.KindText && kind != ast.KindTextBlock {
			n["element "+kind.String()]++
		}
		return ast.WalkContinue, nil
	})
	if err != nil {
		panic(err)
	}
}

// checkWebhookBody checks that a program gets the name unchanged.
func checkWebhookBody(t testing.TB, body []byte, name string) {
	t.Helper()
	var got struct {
		Report struct {
			Findings []struct{ Name string }
		}
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatalf("webhook: %v for %q", err, name)
	}
	for _, f := range got.Report.Findings {
		if want := string([]rune(name)); f.Name != want {
			t.Errorf("webhook: got the name %q, want %q", f.Name, want)
		}
	}
}
