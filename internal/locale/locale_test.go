package locale

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

// composed matches the ids that code composes of a reason, a severity, a number or a
// place.
var composed = regexp.MustCompile(`^page_(` + alternatives(report.Severities) + `)$|` +
	`^(fact|heading|why|also)_(` + alternatives(report.Reasons()) + `|expiring_today|more_expiring|creating|deleting)$|` +
	`^(weekday_[0-6]|month_([1-9]|1[0-2]))$|^(region|hint|command_words)_`)

func alternatives[T ~string](names []T) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = regexp.QuoteMeta(string(name))
	}
	return strings.Join(quoted, "|")
}

// Every id that a template or the code names is in every language, with the
// same values; none is there that nobody names.
func TestCatalogues(t *testing.T) {
	named := map[string]bool{}
	sources, err := filepath.Glob("../../templates/*")
	if err != nil {
		t.Fatal(err)
	}
	own, err := filepath.Glob("../*/*.go")
	if err != nil {
		t.Fatal(err)
	}
	handlers, err := filepath.Glob("../../handler/*.go")
	if err != nil {
		t.Fatal(err)
	}
	sources = slices.Concat(sources, own, handlers)
	quoted := regexp.MustCompile(`(?:\bt |Text\(|Lookup\()\s*"([a-z0-9_]+)"|"(page_[a-z_]+)"`)
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
	for _, reason := range report.Reasons() {
		named["fact_"+string(reason)], named["heading_"+string(reason)] = true, true
	}
	verbs := regexp.MustCompile(`%\[\d\][ds]|%`)
	english := catalogue(t, "en")
	for _, lang := range Languages() {
		have := catalogue(t, lang)
		w, err := Of(lang)
		if err != nil {
			t.Fatal(err)
		}
		for id := range named {
			if _, ok := have[id]; !ok && !strings.HasSuffix(id, "_") {
				t.Errorf("%s has no %q", lang, id)
			}
		}
		for id, f := range have {
			if text, err := w.Lookup(id, sampleValues(f)...); err != nil || strings.Contains(text, "%!") {
				t.Errorf("%s of %s: %q, %v", id, lang, text, err)
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

// sampleValues returns a value of the right type for each place of a message.
func sampleValues(f forms) []any {
	values := make([]any, 9)
	for _, text := range f {
		for _, m := range regexp.MustCompile(`%\[(\d)\]([ds])`).FindAllStringSubmatch(text, -1) {
			values[m[1][0]-'1'] = "x"
			if m[2] == "d" {
				values[m[1][0]-'1'] = 2
			}
		}
	}
	return values
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
		w, err := Of(c.lang)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := w.Lookup(c.id, c.values...); got != c.want || err != nil {
			t.Errorf("%s %s %v: %q, %v; want %q", c.lang, c.id, c.values, got, err, c.want)
		}
	}
	w, _ := Of("en")
	if _, err := w.Lookup("nonsense"); err == nil {
		t.Error("an id that is not there is no error")
	}
	if _, err := Of("xx"); err == nil {
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
		w, err := Of(lang)
		if err != nil {
			t.Fatal(err)
		}
		if got := []string{w.Date(soon, now), w.Date(later, now), w.DateTime(now)}; !slices.Equal(got, want) {
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
	w, err := Of("en")
	if err != nil {
		t.Fatal(err)
	}
	for days, want := range map[int]string{-2: "2 days ago", -1: "yesterday", 0: "today", 1: "tomorrow", 2: "in 2 days"} {
		if got := w.Distance(days); got != want {
			t.Errorf("%d days are %q, want %q", days, got, want)
		}
	}
}
