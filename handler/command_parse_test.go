package handler

import (
	"cmp"
	"errors"
	"reflect"
	"testing"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// german is a further language, which lacks a word for help.
const german = `{
	"command_words_days": "t tag tage",
	"command_words_ignored": "bericht läuft",
	"command_words_critical": "dringend",
	"region_eu-central-1": "Frankfurt"
}`

// TestParseCommand parses commands with the words of three languages: which
// language the reply has in an English, a Chinese and a German channel.
func TestParseCommand(t *testing.T) {
	en, errEN := locale.Of("en")
	zh, errZH := locale.Of("zh")
	de, errDE := locale.Parse("de", []byte(german))
	if err := errors.Join(errEN, errZH, errDE); err != nil {
		t.Fatal(err)
	}
	catalogs := []*locale.Catalog{en, zh, de}
	for _, c := range []struct {
		text      string
		want      typedCommand
		languages [3]string // if not those of the channels
	}{
		{"", typedCommand{}, [3]string{}},
		{"14", typedCommand{query: query{request: days(14)}}, [3]string{}},
		{"eu-central-1", typedCommand{query: query{request: region("eu-central-1")}}, [3]string{}},
		{"help", typedCommand{help: true}, [3]string{}},
		{"report 7d", typedCommand{query: query{request: days(7)}}, [3]string{}},
		{"7 tage", typedCommand{query: query{request: days(7)}}, [3]string{"de", "de", ""}},
		{"läuft7tage", typedCommand{query: query{request: days(7)}}, [3]string{"de", "de", ""}},
		{"FRANKFURT", typedCommand{query: query{request: region("eu-central-1")}}, [3]string{"de", "de", ""}},
		{"法兰克福", typedCommand{query: query{request: region("eu-central-1")}}, [3]string{"zh", "", "zh"}},
		{"帮助", typedCommand{help: true}, [3]string{"zh", "", "zh"}},
		{"dringend", typedCommand{query: query{severities: critical}}, [3]string{"de", "de", ""}},
		{"dringend 紧急", typedCommand{query: query{severities: append(critical, critical...)}}, [3]string{"de", "de", "zh"}},
		{"hilfe 帮助", typedCommand{help: true, unknown: "hilfe"}, [3]string{"zh", "", "zh"}},
		{"@bot nonsense 7t more", typedCommand{query: query{request: days(7)}, unknown: "nonsense"}, [3]string{"de", "de", ""}},
	} {
		for i, channel := range []string{"en", "zh", "de"} {
			got := parseCommand(c.text, channel, catalogs)
			if want := cmp.Or(c.languages[i], channel); got.Language != want {
				t.Errorf("%q in a channel of %s: language %q, want %q", c.text, channel, got.Language, want)
			}
			c.want.Language, c.want.format, c.want.page = got.Language, "chat", 1
			if !reflect.DeepEqual(got, c.want) {
				t.Errorf("%q in a channel of %s: %+v, want %+v", c.text, channel, got, c.want)
			}
		}
	}
}

var critical = []report.Severity{report.Critical}

func days(n int) request { return request{Overrides: config.Overrides{Days: &n}} }

func region(id string) request { return request{Overrides: config.Overrides{Regions: []string{id}}} }
