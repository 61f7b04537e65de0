package message

import (
	"cmp"
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"
	"matrix-expiry-report/templates"
)

func catalogue(t *testing.T, lang string) map[string]forms {
	t.Helper()
	b, err := templates.Files.ReadFile("locale/" + lang + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var all map[string]forms
	if err := json.Unmarshal(b, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

// Ids that code makes from a reason, a number or a place.
var composed = regexp.MustCompile(`^page_(critical|warning|notice)$|^(fact|heading|why|also)_(failed|expired|expiring|expiring_today|more_expiring|stuck|no_expiry|unknown_status|creating|deleting)$|^(weekday_[0-6]|month_([1-9]|1[0-2]))$|^(region|hint)_`)

// Every id that a template or the code names is in every language, with the
// same values; none is there that nobody names.
func TestCatalogues(t *testing.T) {
	named := map[string]bool{}
	sources, err := filepath.Glob("../../templates/*")
	if err != nil {
		t.Fatal(err)
	}
	own, err := filepath.Glob("*.go")
	if err != nil {
		t.Fatal(err)
	}
	sources = append(sources, own...)
	quoted := regexp.MustCompile(`(?:\bt|must\(|text\()\s*"([a-z0-9_]+)"|"(page_[a-z_]+)"`)
	for _, file := range sources {
		if ext := filepath.Ext(file); ext != ".tmpl" && ext != ".go" && ext != ".html" || strings.HasSuffix(file, "_test.go") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(b), -1) {
			named[cmp.Or(m[1], m[2])] = true
		}
	}
	if len(named) < 30 {
		t.Fatalf("only %d ids found: the search is broken", len(named))
	}
	named["date_year"] = true // chosen by name in date
	verbs := regexp.MustCompile(`%\[\d\][ds]|%`)
	english := catalogue(t, "en")
	for _, lang := range []string{"en", "zh"} {
		have := catalogue(t, lang)
		w, err := wordsOf(lang)
		if err != nil {
			t.Fatal(err)
		}
		for id := range named {
			if _, ok := have[id]; !ok && !strings.HasSuffix(id, "_") {
				t.Errorf("%s has no %q", lang, id)
			}
		}
		for id, f := range have {
			if _, err := w.text(id, 1, 2, 3, 4, 5, 6); err != nil { // each is made when it is asked for
				t.Error(err)
			}
			if !named[id] && !composed.MatchString(id) && id != "date" {
				t.Errorf("nothing names %q of %s", id, lang)
			}
			if strings.HasPrefix(id, "region_") || strings.HasPrefix(id, "hint_") {
				continue // English has the ids and the words of whoever met the problem
			}
			if _, ok := english[id]; !ok {
				t.Errorf("%q is in %s only", id, lang)
			}
			if f["other"] == "" {
				t.Errorf("%s: %q has no words", lang, id)
			}
			for form, text := range f {
				for _, v := range verbs.FindAllString(text, -1) {
					if v == "%" {
						t.Errorf("%s: %q (%s) has a value without a number: %s", lang, id, form, text)
					}
				}
			}
		}
	}
}

// Plural forms, as counts and headings need them.
func TestPlurals(t *testing.T) {
	for _, c := range []struct {
		lang, id string
		values   []any
		want     string
	}{
		{"en", "phones", []any{0}, "0 phones"},
		{"en", "phones", []any{1}, "1 phone"},
		{"en", "phones", []any{12345}, "12,345 phones"},
		{"zh", "phones", []any{1}, "1 部手机"},
		{"en", "fact_expiring", []any{1, "3 days"}, "1 expires within 3 days"},
		{"en", "fact_expiring", []any{2, "1 day"}, "2 expire within 1 day"},
		{"en", "lead_needing", []any{1, 1}, "1 of 1 matrix needs attention"},
		{"en", "lead_needing", []any{131, 1}, "1 of 131 matrices need attention"},
		{"zh", "lead_needing", []any{131, 20}, "20 / 131 台矩阵需要处理"},
	} {
		w, err := wordsOf(c.lang)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := w.text(c.id, c.values...); got != c.want || err != nil {
			t.Errorf("%s %s %v: %q, %v; want %q", c.lang, c.id, c.values, got, err, c.want)
		}
	}
	w, _ := wordsOf("en")
	if _, err := w.text("nonsense"); err == nil {
		t.Error("an id that is not there is no error")
	}
	if _, err := wordsOf("xx"); err == nil {
		t.Error("a language that is not there is no error")
	}
}

func TestDates(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 9, 7, 0, 0, shanghai)
	soon, later := time.Date(2026, 11, 24, 2, 0, 34, 0, shanghai), time.Date(2027, 1, 4, 0, 0, 0, 0, shanghai)
	for lang, want := range map[string][]string{
		"en": {"Tue 24 Nov", "Mon 4 Jan 2027", "Sun 22 Nov 2026 09:07 UTC+8"},
		"zh": {"11月24日 周二", "2027年1月4日 周一", "2026年11月22日 周日 09:07 UTC+8"},
	} {
		w, err := wordsOf(lang)
		if err != nil {
			t.Fatal(err)
		}
		if got := []string{w.date(soon, now), w.date(later, now), w.moment(now)}; !slices.Equal(got, want) {
			t.Errorf("%s: %q, want %q", lang, got, want)
		}
	}
	for zone, want := range map[string]string{"UTC": "UTC", "Asia/Kolkata": "UTC+5:30", "America/St_Johns": "UTC-3:30", "America/New_York": "UTC-5"} {
		loc, err := time.LoadLocation(zone)
		if err != nil {
			t.Fatal(err)
		}
		if got := offset(now.In(loc)); got != want {
			t.Errorf("%s is %s, want %s", zone, got, want)
		}
	}
}

// Distances are calendar days, with words for the near ones.
func TestDistance(t *testing.T) {
	w, err := wordsOf("en")
	if err != nil {
		t.Fatal(err)
	}
	for days, want := range map[int]string{-2: "2 days ago", -1: "yesterday", 0: "today", 1: "tomorrow", 2: "in 2 days"} {
		if got := w.distance(days); got != want {
			t.Errorf("%d days are %q, want %q", days, got, want)
		}
	}
}

// A heading, a title and the rows count the same matrices.
func TestNumbersAgree(t *testing.T) {
	loc := time.UTC
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, loc)
	rules := report.Rules{Days: 30, Steps: report.Steps{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: loc}
	var l report.Listing
	for i := range 300 {
		m := report.Matrix{NodeID: "cpn-" + string(rune('a'+i%26)) + string(rune('a'+i/26)), Status: "RUNNING", Region: []string{"cn-hangzhou", "cn-shanghai"}[i%2], PhoneCount: 25}
		if i%9 > 0 {
			m.ExpiresAt = report.Time{Time: now.AddDate(0, 0, i%40-3)}
		}
		if i%11 == 0 {
			m.Status = "FAILED"
		}
		l.Matrices = append(l.Matrices, m)
	}
	r := rules.Summarise(l, now)
	d, err := Compose("text", r, Options{Language: "en", OwnerTag: "owner"})
	if err != nil {
		t.Fatal(err)
	}
	for _, limit := range []int{0, 1, 7, 40, 1 << 20} {
		m, err := d.Fit(func(m Message) bool {
			rows := 0
			for _, g := range m.Groups {
				rows += len(g.Rows)
			}
			return rows <= limit
		})
		if err != nil {
			t.Fatal(err)
		}
		shown, left := 0, 0
		for gi, g := range m.Groups {
			for ri := range g.Rows {
				shown += len(d.groups[gi].rows[ri])
			}
		}
		for _, g := range d.groups {
			n := 0
			for _, alike := range g.rows {
				n += d.newRow(alike).Count
			}
			if n != g.Count {
				t.Errorf("the rows of %q count %d, its heading %d", g.Title, n, g.Count)
			}
			left += n
		}
		left -= shown
		more := regexp.MustCompile(`and (\d+) more`).FindStringSubmatch(m.More)
		switch {
		case shown+left != len(r.Findings):
			t.Errorf("%d rows: %d shown and %d left of %d", limit, shown, left, len(r.Findings))
		case left == 0 && m.More != "":
			t.Errorf("%d rows: nothing is left, but %q", limit, m.More)
		case left > 0 && (more == nil || more[1] != itoa(left)):
			t.Errorf("%d rows: %d are left, but %q", limit, left, m.More)
		}
	}
}

func itoa(n int) string {
	b, _ := json.Marshal(n)
	return string(b)
}

// A problem is told in the reader's language where the catalogue knows its
// code, with what a person needs to act on it.
func TestProblemsInWords(t *testing.T) {
	denied := report.Problem{Code: "Forbidden.RAM", Message: "the role may not", RequestID: "R-1", Permission: "eds-aic:X"}
	for _, c := range []struct {
		lang string
		p    report.Problem
		want string
	}{
		{"en", denied, "the role may not"},
		{"zh", denied, "该角色无权列出矩阵：请附加 README 中的权限策略；缺少的权限：eds-aic:X（请求 R-1）"},
		{"zh", report.Problem{Code: "ConnectionFailed", Message: "dial tcp: refused"}, "与服务的连接失败：dial tcp: refused"},
		{"zh", report.Problem{Code: "Odd.Code", Message: "what it says"}, "what it says"},
	} {
		w, err := wordsOf(c.lang)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.problem(c.p); got != c.want {
			t.Errorf("%s, %s: %q, want %q", c.lang, c.p.Code, got, c.want)
		}
	}
}
