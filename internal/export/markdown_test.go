package export

import (
	"bytes"
	"html"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	renderer "github.com/yuin/goldmark/renderer/html"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// gfm renders Markdown as GitHub does, but keeps raw HTML.
var gfm = goldmark.New(goldmark.WithExtensions(extension.GFM), goldmark.WithRendererOptions(renderer.WithUnsafe()))

func render(t *testing.T, r report.Report) string {
	t.Helper()
	var b bytes.Buffer
	if err := gfm.Convert(write(t, writeMarkdown, r), &b); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

var (
	tag   = regexp.MustCompile(`<[^>]*>`)
	known = regexp.MustCompile(`^</?(p|strong|ul|li|table|thead|tbody|tr|t[hd]( style="text-align:right")?)>$`)
	row   = regexp.MustCompile(`(?s)<tr>\n(.*?)</tr>`)
	td    = regexp.MustCompile(`(?s)<td[^>]*>(.*?)</td>`)
	item  = regexp.MustCompile(`(?s)<li>(.*?)</li>`)
	acts  = regexp.MustCompile(`(?i)@\w|#\w|://|www\.|:\w+:|\bgh-\d`) // what GitHub links in plain text
)

func TestMarkdownHostile(t *testing.T) {
	r := hostileReport()
	page := render(t, r)
	for _, tag := range tag.FindAllString(page, -1) {
		if !known.MatchString(tag) {
			t.Errorf("a value is rendered as %s", tag)
		}
	}
	rows := row.FindAllStringSubmatch(page, -1)
	if len(rows) != len(r.Findings)+1 {
		t.Fatalf("%d rows for %d findings", len(rows), len(r.Findings))
	}
	for i, f := range r.Findings {
		cells := td.FindAllStringSubmatch(rows[i+1][1], -1)
		if len(cells) != 10 {
			t.Errorf("%d cells for the name %.40q", len(cells), f.Name)
			continue
		}
		for column, want := range map[int]string{2: message.Name(f.Matrix), 3: message.Clean(f.NodeID), 4: message.Clean(f.Region), 5: message.Clean(f.Status), 9: message.Clean(f.Tags["owner"])} {
			if got := plain(cells[column][1]); got != want {
				t.Errorf("%.60q is rendered as %.60q", want, got)
			}
		}
	}
	if n := len(item.FindAllString(page, -1)); n != len(r.Problems) {
		t.Errorf("%d items for %d problems", n, len(r.Problems))
	}
	if found := acts.FindString(html.UnescapeString(page)); found != "" {
		t.Errorf("GitHub would link %q", found)
	}
}

func TestMarkdownNever(t *testing.T) {
	m := matrix("farm", 2)
	m.Status, m.ExpiresAt = report.StatusFailed, report.Time{Time: time.Date(9999, time.December, 31, 0, 0, 0, 0, time.UTC)}
	text := string(write(t, writeMarkdown, report.Build(rules, report.Listing{Matrices: []*report.Matrix{m}}, now)))
	if !strings.Contains(text, "| never |") || strings.Contains(text, "9999") {
		t.Errorf("no never in %s", text)
	}
}

func TestMarkdownSummary(t *testing.T) {
	for _, c := range []struct{ scenario, language, want string }{
		{"usual", "en", "**11 of 12 matrices need attention** · critical 7, warning 2, notice 2 · 290 phones · Sun 22 Nov 2026 09:00 UTC+8"},
		{"empty", "en", "**0 of 0 matrices need attention** · critical 0, warning 0, notice 0 · 0 phones · Sun 22 Nov 2026 09:00 UTC+8"},
		{"incomplete", "en", "**At least 1 of about 131 matrices needs attention** · critical 1, warning 0, notice 0 · 25 phones · Sun 22 Nov 2026 09:00 UTC+8 · **Incomplete: 1 of about 131 matrices read; cn-shenzhen could not be read**"},
		{"unknown", "en", "**At least 1 matrix needs attention** · critical 1, warning 0, notice 0 · 25 phones · Sun 22 Nov 2026 09:00 UTC+8 · **Incomplete: 1 matrix read; eu-central-1 could not be read, its number is unknown**"},
		{"failed", "en", "**No report today: the matrices could not be listed** · Sun 22 Nov 2026 09:00 UTC+8"},
		{"usual", "zh", "**12 台矩阵中 11 台需处理** · 紧急 7，警告 2，提醒 2 · 290 部云手机 · 2026年11月22日 周日 09:00 UTC+8"},
		{"unknown", "zh", "**至少 1 台矩阵需处理** · 紧急 1，警告 0，提醒 0 · 25 部云手机 · 2026年11月22日 周日 09:00 UTC+8 · **不完整：已读取 1 台矩阵；法兰克福无法读取，其矩阵数量未知**"},
	} {
		var b bytes.Buffer
		if err := Markdown(&b, scenarios()[c.scenario], 0, c.language); err != nil {
			t.Fatal(err)
		}
		if got, _, _ := strings.Cut(b.String(), "\n"); got != c.want {
			t.Errorf("%s, %s\n got %s\nwant %s", c.scenario, c.language, got, c.want)
		}
	}
}

// Reasons, severities, regions, dates and problems are in the language of the report.
func TestMarkdownLanguage(t *testing.T) {
	r := scenarios()["incomplete"]
	m := matrix("cpn-1", 2)
	m.Status, m.ExpiresAt = "PAUSED", report.Time{Time: time.Date(2026, 12, 1, 0, 0, 0, 0, shanghai)}
	r.Findings = report.Build(rules, report.Listing{Matrices: []*report.Matrix{m}}, now).Findings
	r.Problems[0].Code = "NoPermission"
	for language, rows := range map[string][]string{
		"en": {
			"| notice | Expiring, Unknown status | farm-cpn-1 | cpn-1 | cn-hangzhou | PAUSED | 2026-11-30 24:00 | 8 | 25 | team-a |",
			"- May hide matrices: eds-aic.cn-shanghai.aliyuncs.com cn-shenzhen: NoPermission: you are not allowed",
			", missing permission: eds-aic:&#8203;Describe, request A1-B2\n",
		},
		"zh": {
			"| 级别 | 原因 | 矩阵 | ID | 地域 | 状态 | 到期时间 | 剩余天数 | 云手机数 | 负责人 |",
			"| 提醒 | 即将到期，未知状态 | farm-cpn-1 | cpn-1 | 杭州 | PAUSED | 2026-11-30 24:00 | 8 | 25 | team-a |",
			"- 可能遗漏矩阵：eds-aic.cn-shanghai.aliyuncs.com 深圳：NoPermission：该角色无权列出矩阵：请附加 README 中的权限策略（you are not allowed",
			"，缺少权限：eds-aic:&#8203;Describe，请求 A1-B2\n",
		},
	} {
		var b bytes.Buffer
		if err := Markdown(&b, r, 0, language); err != nil {
			t.Fatal(err)
		}
		for _, want := range rows {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: no %q in\n%s", language, want, b.String())
			}
		}
	}
	if err := Markdown(&bytes.Buffer{}, r, 0, "xx"); err == nil {
		t.Error("an unknown language is accepted")
	}
}

func FuzzMarkdownCell(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := matrix("cpn-1", 2)
		m.Name = s
		page := render(t, report.Build(rules, report.Listing{Matrices: []*report.Matrix{m}, Problems: []report.Problem{{Message: s}}}, now))
		for _, tag := range tag.FindAllString(page, -1) {
			if !known.MatchString(tag) {
				t.Errorf("%q is rendered as %s", s, tag)
			}
		}
		cells := td.FindAllStringSubmatch(page, -1)
		if len(cells) != 10 {
			t.Fatalf("%d cells in %s", len(cells), page)
		}
		if got := plain(cells[2][1]); got != message.Name(*m) {
			t.Errorf("%q is rendered as %q", message.Name(*m), got)
		}
		if want := strings.TrimSpace("Hides no matrix: " + message.Clean(s)); plain(item.FindStringSubmatch(page)[1]) != want {
			t.Errorf("%q is rendered as %q", want, plain(item.FindStringSubmatch(page)[1]))
		}
		if found := acts.FindString(html.UnescapeString(page)); found != "" {
			t.Errorf("GitHub would link %q in %s", found, page)
		}
	})
}

// plain returns the text of HTML without tags.
func plain(s string) string {
	return strings.ReplaceAll(html.UnescapeString(s), string(zeroWidth), "")
}
