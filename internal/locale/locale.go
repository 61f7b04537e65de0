// Package locale holds the catalogues, one for each language.
//
// A language is a file of templates/locale named by its tag, such as de.json:
// a JSON object of catalogue entries. An entry has an id and a text, or one text
// for each plural form of the first value. In a text, %[1]s is the first value, as
// text, and %[2]d the second, as a number. An entry that a file lacks is taken from
// [Default], so that only language_name is required.
//
// Some ids have a special meaning:
//
//	language_name           the language's name for itself, see [Catalog.Name]
//	command_words_help      words of a chat command that ask for help
//	command_words_ignored   words that change nothing, such as "report"; also in
//	                        front of a number of days, without a space
//	command_words_days      words for days after a number, with or without a space
//	command_words_critical  words for each severity
//	command_words_warning
//	command_words_notice
//	hint_CODE               the text of problems with this code, with a place for
//	                        the problem's own message, which is in English
//	region_ID               the name of a region; without one it is the id
//
// Words are lower case and separated by spaces, see [Catalog.Words].
package locale

import (
	"cmp"
	"encoding/json"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"

	"matrix-expiry-report/templates"
)

// Default is the language of a report without a language of its own, and of
// every entry that another language lacks.
const Default = "en"

// Languages returns the tags of all languages, Default first.
func Languages() []string {
	files, _ := fs.Glob(templates.Files, "locale/*.json") // a well-formed pattern is no error
	tags := []string{Default}
	for _, file := range files {
		if tag := strings.TrimSuffix(path.Base(file), ".json"); tag != Default {
			tags = append(tags, tag)
		}
	}
	return tags
}

// A Catalog holds the entries of one language. It is safe for concurrent use.
type Catalog struct {
	language string
	entries  map[string]entry // with those of Default that the language lacks
}

// An entry is the text of an id in the language of its file.
type entry struct {
	forms   map[string]string // by plural form; "other" alone if there is only one
	values  int               // how many values it needs
	tag     language.Tag
	printer *message.Printer
}

var cache sync.Map // language → *Catalog

// Of returns the catalogue of a language. It fails if the language has no file, or
// if the file is not valid.
func Of(language string) (*Catalog, error) {
	if c, ok := cache.Load(language); ok {
		return c.(*Catalog), nil
	}
	b, err := templates.Files.ReadFile("locale/" + language + ".json")
	if err != nil {
		return nil, fmt.Errorf("no catalogue for language %q", language)
	}
	c, err := Parse(language, b)
	if err != nil {
		return nil, err
	}
	cache.Store(language, c)
	return c, nil
}

// Parse parses the JSON of a language's file. Entries that it lacks are those of
// Default.
func Parse(lang string, b []byte) (*Catalog, error) {
	c := &Catalog{lang, map[string]entry{}}
	if lang != Default {
		fallback, err := Of(Default)
		if err != nil {
			return nil, err
		}
		maps.Copy(c.entries, fallback.entries)
	}
	var own map[string]forms
	if err := json.Unmarshal(b, &own); err != nil {
		return nil, fmt.Errorf("language %q: %w", lang, err)
	}
	tag := language.Make(lang)
	printer := message.NewPrinter(tag)
	for id, f := range own {
		e := entry{f, 0, tag, printer}
		for _, form := range f {
			for n := 9; n > e.values; n-- {
				if strings.Contains(form, "%["+strconv.Itoa(n)+"]") {
					e.values = n
				}
			}
		}
		c.entries[id] = e
	}
	return c, nil
}

// forms holds the plural forms of an entry, or "other" alone.
type forms map[string]string

func (f *forms) UnmarshalJSON(b []byte) error {
	if b[0] != '"' {
		return json.Unmarshal(b, (*map[string]string)(f))
	}
	var one string
	err := json.Unmarshal(b, &one)
	*f = forms{"other": one}
	return err
}

// Language returns the tag of the catalogue's language.
func (c *Catalog) Language() string { return c.language }

// Name returns the language's name for itself, or its tag if the catalogue has
// no name.
func (c *Catalog) Name() string {
	if e := c.entries["language_name"]; e.tag == language.Make(c.language) {
		return e.forms["other"]
	}
	return c.language
}

// Words returns the words of an entry that is a list of words, such as
// command_words_help.
func (c *Catalog) Words(id string) []string { return strings.Fields(c.Text(id)) }

// Has reports whether the catalogue, or that of Default, has an entry.
func (c *Catalog) Has(id string) bool {
	_, ok := c.entries[id]
	return ok
}

// Lookup returns the text of an entry with its values, in the plural form of the
// first one. It fails if there is no such entry, or if it needs more values. It is
// for ids and values from outside the program's code, such as templates.
func (c *Catalog) Lookup(id string, values ...any) (string, error) {
	e, ok := c.entries[id]
	switch {
	case !ok:
		return "", fmt.Errorf("entry %q of language %s: no such entry", id, c.language)
	case len(values) < e.values:
		return "", fmt.Errorf("entry %q of language %s: %d values, needs %d", id, c.language, len(values), e.values)
	case e.values == 0:
		return e.forms["other"], nil
	}
	form := plural.Other
	if n, ok := values[0].(int); ok && len(e.forms) > 1 {
		form = plural.Cardinal.MatchPlural(e.tag, max(n, -n, 0), 0, 0, 0, 0) // -n is negative if n is the least int
	}
	return e.printer.Sprintf(cmp.Or(e.forms[formNames[form]], e.forms["other"]), values...), nil
}

var formNames = map[plural.Form]string{plural.Zero: "zero", plural.One: "one", plural.Two: "two", plural.Few: "few", plural.Many: "many"}

// Text is Lookup for ids and values in the program's code. It returns the id if
// Lookup fails; a test looks up every id.
func (c *Catalog) Text(id string, values ...any) string {
	text, err := c.Lookup(id, values...)
	if err != nil {
		return id
	}
	return text
}

// Date returns the day of t as the language writes it, with the year only if it
// is not that of now.
func (c *Catalog) Date(t, now time.Time) string {
	id := "date"
	if t.Year() != now.Year() {
		id = "date_year"
	}
	return c.Text(id, c.Text("weekday_"+strconv.Itoa(int(t.Weekday()))), strconv.Itoa(t.Day()),
		c.Text("month_"+strconv.Itoa(int(t.Month()))), strconv.Itoa(t.Year()))
}

// DateTime returns t with date, time and zone: "Sun 22 Nov 2026 09:07 UTC+8".
func (c *Catalog) DateTime(t time.Time) string {
	return c.Date(t, time.Time{}) + " " + t.Format("15:04") + " " + offset(t)
}

// Distance returns how far away a day is: "in 3 days", "today", "2 days ago".
func (c *Catalog) Distance(days int) string {
	switch {
	case days == 0:
		return c.Text("today")
	case days == 1:
		return c.Text("tomorrow")
	case days == -1:
		return c.Text("yesterday")
	case days < 0:
		return c.Text("days_ago", -days)
	}
	return c.Text("in_days", days)
}

// offset returns the zone of t as UTC+8 or UTC-3:30.
func offset(t time.Time) string {
	short := strings.NewReplacer("+00:00", "", "+0", "+", "-0", "-", ":00", "")
	return short.Replace(t.Format("UTC-07:00"))
}

// Region returns the name of a region, its id if the language has no name for it,
// or the text "no region" if the id is empty.
func (c *Catalog) Region(id string) string {
	if id == "" {
		return c.Text("no_region")
	}
	if c.Has("region_" + id) {
		return c.Text("region_" + id)
	}
	return id
}

// RegionNamed returns the id of the region with that name, ignoring case, or "".
func (c *Catalog) RegionNamed(name string) string {
	for _, id := range slices.Sorted(maps.Keys(c.entries)) {
		if region, ok := strings.CutPrefix(id, "region_"); ok && strings.EqualFold(c.Text(id), name) {
			return region
		}
	}
	return ""
}
