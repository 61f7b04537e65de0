// Package locale holds the message catalogues, one for each language.
//
// A language is a file of templates/locale named by its tag, such as de.json:
// a JSON object from message id to text, or to one text for each plural form of
// the first value. In a text %[1]s is the first value, as text, and %[2]d the
// second, as a number. A message that a file lacks is taken from [Default], so a
// file with its language_name alone is complete.
//
// Some messages are not shown in reports:
//
//	language_name           the language's name for itself, see [Catalog.Name]
//	command_words_help      words of a chat command that ask for help
//	command_words_ignored   words that change nothing, such as "report"; also in
//	                        front of a number of days, without a space
//	command_words_days      words for days after a number, with or without a space
//	command_words_critical  words for each severity
//	command_words_warning
//	command_words_notice
//	hint_CODE               words for problems whose code starts with CODE; a
//	                        problem without one has words of its own, in English
//	region_ID               the name of a region; without one it is the id
//
// Words are lower case and separated by spaces, see [Catalog.Words].
package locale

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"regexp"
	"slices"
	"strings"
	"sync"

	"golang.org/x/text/feature/plural"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
	"golang.org/x/text/message/catalog"

	"matrix-expiry-report/templates"
)

// Default is the language of a report without a language of its own, and of
// every message that another language lacks.
const Default = "en"

// Languages returns the tags of all languages, Default first.
func Languages() []string {
	files, err := fs.Glob(templates.Files, "locale/*.json")
	if err != nil {
		panic(err) // the pattern is malformed
	}
	tags := []string{Default}
	for _, file := range files {
		if tag := strings.TrimSuffix(strings.TrimPrefix(file, "locale/"), ".json"); tag != Default {
			tags = append(tags, tag)
		}
	}
	return tags
}

// A Catalog holds the messages of one language. It is safe for concurrent use.
type Catalog struct {
	language string
	tag      language.Tag
	messages map[string]json.RawMessage
	printer  *message.Printer
	fallback *Catalog // nil for that of Default

	mu      sync.Mutex
	entries map[string]entry // parsed when first used: a report uses few of all messages
	builder *catalog.Builder // read by printer
}

// An entry is a parsed message.
type entry struct {
	text   string // of a message without values
	values int    // how many it needs
	err    error
}

var cache sync.Map // language → *Catalog

// Of returns the catalogue of a language.
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

// Parse returns the catalogue in the JSON of a language's file.
func Parse(lang string, b []byte) (*Catalog, error) {
	tag, err := language.Parse(lang)
	if err != nil {
		return nil, fmt.Errorf("language %q: %w", lang, err)
	}
	c := &Catalog{language: lang, tag: tag, entries: map[string]entry{}, builder: catalog.NewBuilder(catalog.Fallback(tag))}
	if lang != Default {
		if c.fallback, err = Of(Default); err != nil {
			return nil, err
		}
	}
	if err := json.Unmarshal(b, &c.messages); err != nil {
		return nil, fmt.Errorf("language %q: %w", lang, err)
	}
	c.printer = message.NewPrinter(tag, message.Catalog(c.builder))
	return c, nil
}

// Language returns the tag of the catalogue's language.
func (c *Catalog) Language() string { return c.language }

// Name returns the language's name for itself, or its tag if the catalogue has
// no name.
func (c *Catalog) Name() string {
	if _, ok := c.messages["language_name"]; !ok {
		return c.language
	}
	return c.Text("language_name")
}

// Words returns the words of a message that is a list of words, such as
// command_words_help.
func (c *Catalog) Words(id string) []string { return strings.Fields(c.Text(id)) }

// Has reports whether the catalogue, or that of Default, has a message.
func (c *Catalog) Has(id string) bool {
	_, ok := c.messages[id]
	return ok || c.fallback != nil && c.fallback.Has(id)
}

// HasValues reports whether a message has a place for values.
func (c *Catalog) HasValues(id string) bool { return c.find(id).entry(id).values > 0 }

// IDs returns the ids of the catalogue's own messages that begin with prefix,
// sorted.
func (c *Catalog) IDs(prefix string) []string {
	ids := slices.Sorted(maps.Keys(c.messages))
	return slices.DeleteFunc(ids, func(id string) bool { return !strings.HasPrefix(id, prefix) })
}

// Lookup returns a message with its values, in the plural form of the first
// one. It is for ids and values that do not come from the program's own code.
func (c *Catalog) Lookup(id string, values ...any) (string, error) {
	c = c.find(id)
	e := c.entry(id)
	switch {
	case e.err != nil:
		return "", fmt.Errorf("message %q of language %s: %w", id, c.language, e.err)
	case len(values) < e.values:
		return "", fmt.Errorf("message %q of language %s: %d values, needs %d", id, c.language, len(values), e.values)
	case e.values == 0:
		return e.text, nil
	}
	return c.printer.Sprintf(id, values...), nil
}

// Text is Lookup for the ids and values that the program's own code names. It
// returns the id where Lookup fails; a test looks up every id.
func (c *Catalog) Text(id string, values ...any) string {
	text, err := c.Lookup(id, values...)
	if err != nil {
		return id
	}
	return text
}

// find returns the catalogue that has the message: c or its fallback.
func (c *Catalog) find(id string) *Catalog {
	if _, ok := c.messages[id]; !ok && c.fallback != nil {
		return c.fallback
	}
	return c
}

func (c *Catalog) entry(id string) entry {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.entries[id]
	if !ok {
		e = c.newEntry(id)
		c.entries[id] = e
	}
	return e
}

func (c *Catalog) newEntry(id string) (e entry) {
	raw, ok := c.messages[id]
	if !ok {
		e.err = errors.New("no such message")
		return e
	}
	var f forms
	if e.err = json.Unmarshal(raw, &f); e.err != nil {
		return e
	}
	e.text = f["other"]
	for _, text := range f {
		for _, place := range regexp.MustCompile(`%\[(\d)\]`).FindAllStringSubmatch(text, -1) {
			e.values = max(e.values, int(place[1][0]-'0'))
		}
	}
	if e.values > 0 {
		e.err = c.builder.Set(c.tag, id, f.message())
	}
	return e
}

// forms holds the plural forms of a message, or "other" alone.
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
