package chat

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"

	"matrix-expiry-report/internal/config"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// hostile are names that try to be something else.
var hostile = []string{
	"<!channel>", "<@U012AB3CD>", "](dtmd://dingtalkclient/sendMessage?content=x)", "<at id=all></at>", "<at user_id=\"all\">", "<@userid>", "@所有人",
	"![](http://x)", "[a](https://evil.example)", "<https://evil.example|label>", "https://evil.example", "a\nb", "a\r\n- b", "a\u2028b\u0085c",
	"\u202egnp.exe", "\u2066x\u2069", "`code`", "```\nx", "**bold**", "_it_ __b__ ~~s~~ *i*", "# head", "> quote", "- item", "1. item", "---", "a | b\n--|--",
	`{"a":1}`, `","x":"`, "\x00", "\u0000\u001b[31m", "&#42;&amp;&lt;", "<font color=\"warning\">x</font>", ":bomb: :DONE:", "\\*x\\*", "$x$", "{{.}}", "\x01\x03x\x04y\x05",
	"<!date^0^{date}^https://evil.example|x>", "{{DATE(2017-02-14T06:08:39Z)}}", "\u200b", "\u061c", "\xed\xa0\x80",
}

// FuzzInert: whatever a matrix, its owner or a problem is called, every form of
// every message has the same markup and the same lines as with a harmless name.
func FuzzInert(f *testing.F) {
	for _, name := range names {
		f.Add(name)
	}
	room := fakechat.Webhooks("http://127.0.0.1")
	kinds := map[string]service{}
	for _, vars := range []map[string]string{room, {"SLACK_WEBHOOK_URL": "https://chat.example/hooks/x"}} {
		for _, c := range Load(config.NewEnv(func(name string) string { return vars[name] })) {
			name := c.name
			if s, ok := c.service.(slackService); ok && s.like {
				name = "like slack"
			}
			kinds[name] = c.service
		}
	}
	if len(kinds) != len(Kinds)+1 {
		f.Fatalf("got %d kinds", len(kinds))
	}
	harmless := map[string][]map[string]int{}
	for kind, service := range kinds {
		harmless[kind] = read(f, kind, service, "web")
	}
	f.Fuzz(func(t *testing.T, name string) {
		for kind, service := range kinds {
			want, got := harmless[kind], read(t, kind, service, name)
			if len(got) != len(want) {
				t.Fatalf("%s: %d forms, want %d", kind, len(got), len(want))
			}
			for i := range got {
				for what, n := range got[i] {
					if n > want[i][what] {
						t.Errorf("%s, form %d: %d of %q, %d with a harmless name, for %q", kind, i, n, what, want[i][what], name)
					}
				}
			}
		}
	})
}

// named are reports in which name stands wherever it can.
func named(name string) []report.Report {
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
	good := badDay(0)
	good.NextExpiry.Name = name
	return []report.Report{bad, good}
}

const (
	console  = "https://console.example/renew"
	allowedA = "<" + console + "|"
	allowedB = "](" + console + ")"
)

// read counts, in every form of every message, what a client would act on.
func read(t testing.TB, kind string, s service, name string) []map[string]int {
	t.Helper()
	var counts []map[string]int
	for _, r := range named(name) {
		o := message.Options{Language: "en", ConsoleURL: console, OwnerTag: "owner"}
		d, err := message.Compose(strings.TrimPrefix(kind, "like "), r, o)
		if err != nil {
			t.Fatal(err)
		}
		bodies, err := s.bodies(letter{id: "id", report: r, options: o, draft: d})
		if err != nil {
			t.Fatal(err)
		}
		for _, body := range bodies {
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
			counts = append(counts, n)
		}
	}
	return counts
}

// walk visits every string of a body. It is markup where the service reads it
// as such, by the documentation of each.
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
	lineStart       = regexp.MustCompile(`(?m)^(\d+[.)] |[-+*>#=]|&gt;|---)`)
	slackLineStart  = regexp.MustCompile(`(?m)^[ ]*(>|&gt;)`) // Slack knows no lists and no headings
	emojiCode       = regexp.MustCompile(`:[A-Za-z+-]`)
)

func count(n map[string]int, place, text, kind string, markup bool) {
	n["places"]++
	n["place "+place]++
	n["lines"] += strings.Count(text, "\n")
	for _, r := range text {
		if unicode.IsControl(r) && r != '\n' || unicode.In(r, unicode.Bidi_Control, unicode.Zl, unicode.Zp) || r == '\u200b' {
			n[fmt.Sprintf("%U", r)]++
		}
	}
	text = strings.NewReplacer(allowedA, "<", allowedB, "](").Replace(text)
	n["://"] += strings.Count(text, "://")
	if kind != "dingtalk" && kind != "wecom" {
		n["shortcode"] += len(emojiCode.FindAllString(text, -1))
	}
	if !markup {
		return
	}
	starts := lineStart
	if strings.HasSuffix(kind, "slack") {
		starts = slackLineStart
	}
	n["line start"] += len(starts.FindAllString(text, -1))
	if kind == "slack" {
		text = strings.NewReplacer("&amp;", "", "&lt;", "", "&gt;", "").Replace(text)
	}
	for again := ""; again != text; {
		again = text
		text = innerUnderscore.ReplaceAllString(text, "$1$2")
	}
	active := "*_`~[]()<>#|\\!@&$"
	if kind == "slack" {
		active = "*_`~<>&"
	}
	for _, r := range active {
		n[string(r)] += strings.Count(text, string(r))
	}
}

// checkWebhookBody: a program gets the name as it is.
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
