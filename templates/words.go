package templates

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"sync"
	"time"

	"github.com/nicksnyder/go-i18n/v2/i18n"
	"golang.org/x/text/language"
)

//go:embed locale/*.json
var locales embed.FS

// words are one language's catalogue.
type words struct {
	language  string
	localizer *i18n.Localizer

	mu    sync.Mutex
	known map[string]string // what was said before; rows repeat themselves
}

var catalogues sync.Map // language → *words

func wordsOf(lang string) (*words, error) {
	if w, ok := catalogues.Load(lang); ok {
		return w.(*words), nil
	}
	tag, err := language.Parse(lang)
	if err != nil {
		return nil, fmt.Errorf("language %q: %w", lang, err)
	}
	bundle := i18n.NewBundle(tag)
	bundle.RegisterUnmarshalFunc("json", json.Unmarshal)
	if _, err := bundle.LoadMessageFileFS(locales, "locale/"+lang+".json"); err != nil {
		return nil, fmt.Errorf("language %q: %w", lang, err)
	}
	w := &words{language: lang, localizer: i18n.NewLocalizer(bundle, lang), known: map[string]string{}}
	catalogues.Store(lang, w)
	return w, nil
}

// maxKnown bounds what is remembered; dates and counts of one report are few.
const maxKnown = 4096

// text says id with named values: text "listed" "Listed" 88 "Total" 131.
func (w *words) text(id string, values ...any) (string, error) {
	return w.say(id, nil, values)
}

// count says id for a number, in the plural form that the language wants.
func (w *words) count(id string, n int, values ...any) (string, error) {
	return w.say(id, n, append(values, "N", n))
}

func (w *words) say(id string, plural any, values []any) (string, error) {
	key := id + fmt.Sprintln(values...)
	w.mu.Lock()
	said, ok := w.known[key]
	w.mu.Unlock()
	if ok {
		return said, nil
	}
	data := map[string]any{}
	for i := 0; i+1 < len(values); i += 2 {
		data[fmt.Sprint(values[i])] = values[i+1]
	}
	said, err := w.localizer.Localize(&i18n.LocalizeConfig{MessageID: id, TemplateData: data, PluralCount: plural})
	if err != nil {
		return "", fmt.Errorf("catalogue %s, %s: %w", w.language, id, err)
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if len(w.known) < maxKnown {
		w.known[key] = said
	}
	return said, nil
}

// must is text for ids that Go code names itself, which a test looks up.
func (w *words) must(id string, values ...any) string {
	s, err := w.text(id, values...)
	if err != nil {
		return id
	}
	return s
}

func (w *words) mustCount(id string, n int, values ...any) string {
	s, err := w.count(id, n, values...)
	if err != nil {
		return id
	}
	return s
}

// date writes a day as readers of the language do; the year only where it is
// not that of now.
func (w *words) date(t, now time.Time) string {
	id := "date"
	if t.Year() != now.Year() {
		id = "date_year"
	}
	return w.must(id, "Year", t.Year(), "Month", w.must("month_"+strconv.Itoa(int(t.Month()))),
		"Day", t.Day(), "Weekday", w.must("weekday_"+strconv.Itoa(int(t.Weekday()))))
}

// distance says how far a day is: "in 3 days", "today", "2 days ago".
func (w *words) distance(days int) string {
	switch {
	case days == 0:
		return w.must("today")
	case days == 1:
		return w.must("tomorrow")
	case days == -1:
		return w.must("yesterday")
	case days < 0:
		return w.mustCount("days_ago", -days)
	}
	return w.mustCount("in_days", days)
}

// moment is a whole date with time and zone: what the report speaks of.
func (w *words) moment(t time.Time) string {
	return w.date(t, time.Time{}) + " " + t.Format("15:04") + " " + offset(t)
}

// offset names a zone as UTC+8 or UTC-3:30.
func offset(t time.Time) string {
	_, s := t.Zone()
	sign := '+'
	switch {
	case s == 0:
		return "UTC"
	case s < 0:
		sign, s = '-', -s
	}
	out := fmt.Sprintf("UTC%c%d", sign, s/3600)
	if m := s % 3600 / 60; m != 0 {
		out += fmt.Sprintf(":%02d", m)
	}
	return out
}
