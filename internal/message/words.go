package message

import (
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"

	"matrix-expiry-report/templates"
)

// A locale is a JSON object: a message by id, or one for each plural form of
// its first value. %[2]d is the second value, a number; %[1]s the first, a
// text.

// words are one language's catalogue. Of its messages, a report uses a few, and
// only those are made.
type words struct {
	language string
	tag      language.Tag
	messages map[string]json.RawMessage
	printer  *message.Printer

	mu   sync.Mutex
	made map[string]said
	of   *catalog.Builder // which the printer reads
}

// said is what has become of a message.
type said struct {
	plain string // of one that takes no values
	takes bool   // values, so that it is the printer's
	err   error
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
	b, err := templates.Files.ReadFile("locale/" + lang + ".json")
	if err != nil {
		return nil, fmt.Errorf("language %q: %w", lang, err)
	}
	messages := map[string]json.RawMessage{}
	if err := json.Unmarshal(b, &messages); err != nil {
		return nil, fmt.Errorf("language %q: %w", lang, err)
	}
	w := &words{language: lang, tag: tag, messages: messages, made: map[string]said{}, of: catalog.NewBuilder(catalog.Fallback(tag))}
	w.printer = message.NewPrinter(tag, message.Catalog(w.of))
	catalogues.Store(lang, w)
	return w, nil
}

// forms are a message's plural forms; "other" alone where there is but one.
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

func (f forms) message() catalog.Message {
	if len(f) == 1 {
		return catalog.String(f["other"])
	}
	var cases []any
	for _, form := range []string{"zero", "one", "two", "few", "many"} {
		if text, ok := f[form]; ok {
			cases = append(cases, form, catalog.String(text))
		}
	}
	return plural.Selectf(1, "%d", append(cases, "other", catalog.String(f["other"]))...)
}

// text says id with its values, in the plural form that the first one wants.
func (w *words) text(id string, values ...any) (string, error) {
	m := w.said(id)
	switch {
	case m.err != nil:
		return "", fmt.Errorf("the catalogue %s, %q: %w", w.language, id, m.err)
	case !m.takes:
		return m.plain, nil
	}
	return w.printer.Sprintf(id, values...), nil
}

func (w *words) said(id string) said {
	w.mu.Lock()
	defer w.mu.Unlock()
	m, ok := w.made[id]
	raw, known := w.messages[id]
	switch {
	case !known:
		m.err = errors.New("there is no such message")
	case !ok:
		m = w.make(id, raw)
		w.made[id] = m
	}
	return m
}

func (w *words) make(id string, raw json.RawMessage) (m said) {
	var f forms
	if m.err = json.Unmarshal(raw, &f); m.err != nil {
		return m
	}
	m.plain, m.takes = f["other"], strings.Contains(f["other"], "%")
	if m.takes {
		m.err = w.of.Set(w.tag, id, f.message())
	}
	return m
}

// CommandHelp says what can be asked in a chat, or, with a word that is not
// known, what could be instead.
func CommandHelp(language, unknown string) (string, error) {
	w, err := wordsOf(language)
	switch {
	case err != nil:
		return "", err
	case unknown != "":
		return w.text("command_unknown", unknown)
	}
	return w.text("command_help")
}

// RegionNamed is the id of the region that readers of the language know by a
// name; empty for none.
func RegionNamed(language, name string) string {
	w, err := wordsOf(language)
	if err != nil {
		return ""
	}
	for id := range w.messages {
		if region, ok := strings.CutPrefix(id, "region_"); ok && w.must(id) == name {
			return region
		}
	}
	return ""
}

// must is text for ids that Go code names itself, which a test looks up.
func (w *words) must(id string, values ...any) string {
	s, err := w.text(id, values...)
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
	return w.must(id, w.must("weekday_"+strconv.Itoa(int(t.Weekday()))), strconv.Itoa(t.Day()),
		w.must("month_"+strconv.Itoa(int(t.Month()))), strconv.Itoa(t.Year()))
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
		return w.must("days_ago", -days)
	}
	return w.must("in_days", days)
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
