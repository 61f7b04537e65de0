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

// composed matches the ids that code composes of a reason, a severity, a number
// or a place, and those that are read by their prefix.
var composed = regexp.MustCompile(`^page_(` + alternatives(report.Severities) + `)$|` +
	`^(change|changed|mark|news)_(` + alternatives(report.ChangeKinds) + `)$|` +
	`^(fact|heading|why|also)_(` + alternatives(report.Reasons()) + `|expiring_today|expiring_tonight|more_expiring|more_expiring_after|left_expiring|creating|deleting)$|` +
	`^one(_(` + alternatives(report.Reasons()) + `))?$|` +
	`^page_(error|advice)_|^(weekday_[0-6]|month_([1-9]|1[0-2]))$|^(region|hint|command_words|language)_|^date(_year)?$`)

func alternatives[T ~string](names []T) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = regexp.QuoteMeta(string(name))
	}
	return strings.Join(quoted, "|")
}

// named returns the ids that templates and code name.
func named(t *testing.T) map[string]bool {
	t.Helper()
	var files []string
	for _, pattern := range []string{"../../templates/*", "../*/*.go", "../../handler/*.go"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		files = append(files, found...)
	}
	ids := map[string]bool{}
	quoted := regexp.MustCompile(`(?:\bt |Text\(|Lookup\()\s*"([a-z0-9_]+)"|"(page_[a-z_]+|calendar_[a-z_]+|markdown_[a-z_]+|why_[a-z]+|and_[a-z]+)"`)
	for _, file := range files {
		if !slices.Contains([]string{".tmpl", ".go", ".html"}, filepath.Ext(file)) || strings.HasSuffix(file, "_test.go") {
			continue
		}
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range quoted.FindAllStringSubmatch(string(b), -1) {
			ids[cmp.Or(m[1], m[2])] = true
		}
	}
	for _, reason := range report.Reasons() {
		ids["fact_"+string(reason)], ids["heading_"+string(reason)] = true, true
	}
	for _, severity := range report.Severities {
		ids["page_"+string(severity)], ids["command_words_"+string(severity)] = true, true
	}
	if len(ids) < 30 {
		t.Fatalf("only %d ids found: the search is broken", len(ids))
	}
	return ids
}

// English has every entry that is named and no other.
func TestDefaultHasEveryEntry(t *testing.T) {
	ids, have := named(t), catalogue(t, Default)
	for id := range ids {
		if _, ok := have[id]; !ok && !strings.HasSuffix(id, "_") {
			t.Errorf("%s has no %q", Default, id)
		}
	}
	for id := range have {
		if !ids[id] && !composed.MatchString(id) {
			t.Errorf("nothing names %q", id)
		}
	}
}

// Every language can be rendered. What it lacks is English, and is listed.
func TestLanguages(t *testing.T) {
	english := catalogue(t, Default)
	verbs := regexp.MustCompile(`%\[\d\][ds]|%`)
	for _, lang := range Languages() {
		have := catalogue(t, lang)
		c, err := Of(lang)
		if err != nil {
			t.Fatal(err)
		}
		for id := range english {
			if _, ok := have[id]; !ok {
				t.Logf("%s lacks %q: it is in English", lang, id)
			}
			if text, err := c.Lookup(id, sampleValues(english[id], have[id])...); err != nil || strings.Contains(text, "%!") {
				t.Errorf("%s of %s: %q, %v", id, lang, text, err)
			}
		}
		for id, f := range have {
			optional := strings.HasPrefix(id, "region_") || strings.HasPrefix(id, "hint_") // English has none
			if _, ok := english[id]; !ok && !optional {
				t.Errorf("%q is in %s only", id, lang)
			}
			if strings.HasPrefix(id, "hint_") && !strings.Contains(f["other"], "%[1]s") {
				t.Errorf("%s: %q loses the words of the problem", lang, id)
			}
			if f["other"] == "" {
				t.Errorf("%s: %q has no text", lang, id)
			}
			for form, text := range f {
				if slices.Contains(verbs.FindAllString(text, -1), "%") {
					t.Errorf("%s: %q (%s) has a value without a number: %s", lang, id, form, text)
				}
			}
		}
	}
}

// sampleValues returns a value of the right type for each value of an entry.
func sampleValues(entries ...forms) []any {
	values := make([]any, 9)
	for _, f := range entries {
		for _, text := range f {
			for _, m := range regexp.MustCompile(`%\[(\d)\]([ds])`).FindAllStringSubmatch(text, -1) {
				values[m[1][0]-'1'] = "x"
				if m[2] == "d" {
					values[m[1][0]-'1'] = 2
				}
			}
		}
	}
	return values
}

// A language with a name alone is complete: the rest is in English.
func TestMissingEntriesAreEnglish(t *testing.T) {
	english, err := Of(Default)
	if err != nil {
		t.Fatal(err)
	}
	c, err := Parse("de", []byte(`{"language_name": "Deutsch", "region_cn-hangzhou": "Hangzhou"}`))
	if err != nil {
		t.Fatal(err)
	}
	if c.Language() != "de" || c.Name() != "Deutsch" || c.Region("cn-hangzhou") != "Hangzhou" || c.RegionNamed("Hangzhou") != "cn-hangzhou" {
		t.Errorf("got %s, %s, %s", c.Language(), c.Name(), c.Region("cn-hangzhou"))
	}
	for id, f := range catalogue(t, Default) {
		want, _ := english.Lookup(id, sampleValues(f)...)
		if got, err := c.Lookup(id, sampleValues(f)...); id != "language_name" && (err != nil || got != want || !c.Has(id)) {
			t.Errorf("%s: %q, %v; want %q", id, got, err, want)
		}
	}
	if got := c.Words("command_words_help"); !slices.Equal(got, english.Words("command_words_help")) {
		t.Errorf("got the words %q", got)
	}
	if nameless, err := Parse("de", []byte(`{}`)); err != nil || nameless.Name() != "de" {
		t.Errorf("a language without a name: %v", err)
	}
}

func TestErrors(t *testing.T) {
	c, err := Of(Default)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := c.Lookup("nonsense"); err == nil {
		t.Error("an unknown id is no error")
	}
	if _, err := c.Lookup("phones"); err == nil {
		t.Error("a missing value is no error")
	}
	if _, err := Of("xx"); err == nil {
		t.Error("an unknown language is no error")
	}
	for _, file := range []string{`[]`, `{"phones": 1}`, `{"phones": "%[1]d"`} {
		c, err := Parse("de", []byte(file))
		if err == nil {
			_, err = c.Lookup("phones", 1)
		}
		if err == nil {
			t.Errorf("%s is no error", file)
		}
	}
}

// Command words are single words in lower case, and no word has two meanings,
// in whatever languages people mix.
func TestCommandWordsAreDistinct(t *testing.T) {
	meaning := map[string]string{}
	for _, lang := range Languages() {
		c, err := Of(lang)
		if err != nil {
			t.Fatal(err)
		}
		ids := []string{"command_words_help", "command_words_ignored"}
		for _, severity := range report.Severities {
			ids = append(ids, "command_words_"+string(severity))
		}
		for _, id := range ids {
			if len(c.Words(id)) == 0 {
				t.Errorf("%s of %s has no words", id, lang)
			}
			for _, word := range c.Words(id) {
				if other := meaning[word]; other != "" && other != id || word != strings.ToLower(word) {
					t.Errorf("%s of %s: %q is also in %s, or not in lower case", id, lang, word, other)
				}
				meaning[word] = id
			}
		}
		if len(c.Words("command_words_days")) == 0 {
			t.Errorf("%s has no words for days", lang)
		}
	}
}

// Plural forms follow the first value.
func TestPlurals(t *testing.T) {
	for _, c := range []struct {
		lang, id string
		values   []any
		want     string
	}{
		{"en", "phones", []any{0}, "0 phones"},
		{"en", "phones", []any{1}, "1 phone"},
		{"en", "phones", []any{12345}, "12,345 phones"},
		{"zh", "phones", []any{1}, "1 部云手机"},
		{"en", "fact_expiring", []any{1, "3 days"}, "1 expires within 3 days"},
		{"en", "fact_expiring", []any{2, "1 day"}, "2 expire within 1 day"},
		{"zh", "fact_expiring", []any{39, "3 天"}, "3 天内到期 39 台"},
		{"en", "lead_needing", []any{1, "1 matrix"}, "1 of 1 matrix needs attention"},
		{"en", "lead_needing", []any{1, "131 matrices"}, "1 of 131 matrices needs attention"},
		{"zh", "lead_needing", []any{23, "131 台矩阵"}, "131 台矩阵中 23 台需处理"},
		{"en", "lead_none_asked", []any{1, "cn-x"}, "No matrices in cn-x, the only region queried"},
		{"en", "lead_none_asked", []any{2, "cn-x, cn-y"}, "No matrices in cn-x, cn-y, the only regions queried"},
	} {
		w, err := Of(c.lang)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := w.Lookup(c.id, c.values...); got != c.want || err != nil {
			t.Errorf("%s %s %v: %q, %v; want %q", c.lang, c.id, c.values, got, err, c.want)
		}
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

// Near days have words of their own.
func TestDistance(t *testing.T) {
	w, err := Of("en")
	if err != nil {
		t.Fatal(err)
	}
	for days, want := range map[int]string{-2: "2 days ago", -1: "yesterday", 0: "today", 1: "tomorrow", 2: "in 2 days"} {
		if got := w.Distance(days); got != want {
			t.Errorf("%d days: %q, want %q", days, got, want)
		}
	}
}
