package locale

import (
	"os"
	"slices"
	"testing"
)

// A file is all that a language needs: entries that it lacks are in the default
// language.
func TestSampleLanguage(t *testing.T) {
	b, err := os.ReadFile("testdata/de.json")
	if err != nil {
		t.Fatal(err)
	}
	german, err := Parse("de", b)
	if err != nil {
		t.Fatal(err)
	}
	english, err := Of(Default)
	if err != nil {
		t.Fatal(err)
	}
	for got, want := range map[string]string{
		german.Name():                                   "Deutsch",
		german.Text("days", 1):                          "1 Tag",
		german.Text("days", 14):                         "14 Tage",
		german.Text("heading_failed"):                   "Erstellung fehlgeschlagen",
		german.Text("heading_expired"):                  english.Text("heading_expired"),
		german.Text("lead_needing", 23, "131 matrices"): english.Text("lead_needing", 23, "131 matrices"),
	} {
		if got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
	if words := german.Words("command_words_days"); !slices.Contains(words, "tage") {
		t.Errorf("words for days: %q", words)
	}
}
