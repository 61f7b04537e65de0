package handler

import (
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

// TestParseCommand parses commands with the words of three languages.
func TestParseCommand(t *testing.T) {
	en, errEN := locale.Of("en")
	zh, errZH := locale.Of("zh")
	de, errDE := locale.Parse("de", []byte(german))
	if err := errors.Join(errEN, errZH, errDE); err != nil {
		t.Fatal(err)
	}
	catalogs := []*locale.Catalog{en, zh, de}
	for _, c := range []struct {
		text string
		want typedCommand
	}{
		{"", typedCommand{}},
		{"14", typedCommand{query: query{request: days(14)}}},
		{"eu-central-1", typedCommand{query: query{request: region("eu-central-1")}}},
		{"help", typedCommand{help: true}},
		{"report 7d", typedCommand{query: query{request: days(7)}}},
		{"7 tage", typedCommand{query: query{request: days(7)}}},
		{"läuft7tage", typedCommand{query: query{request: days(7)}}},
		{"FRANKFURT", typedCommand{query: query{request: region("eu-central-1")}}},
		{"法兰克福", typedCommand{query: query{request: region("eu-central-1")}}},
		{"帮助", typedCommand{help: true}},
		{"dringend", typedCommand{query: query{severities: critical}}},
		{"dringend 紧急", typedCommand{query: query{severities: append(critical, critical...)}}},
		{"hilfe 帮助", typedCommand{help: true, unknown: "hilfe"}},
		{"@bot nonsense 7t more", typedCommand{query: query{request: days(7)}, unknown: "nonsense"}},
	} {
		got := parseCommand(c.text, "de", catalogs)
		c.want.Language, c.want.format, c.want.page = "de", "chat", 1
		if !reflect.DeepEqual(got, c.want) {
			t.Errorf("%q: %+v, want %+v", c.text, got, c.want)
		}
	}
}

var critical = []report.Severity{report.Critical}

func days(n int) request { return request{Overrides: config.Overrides{Days: &n}} }

func region(id string) request { return request{Overrides: config.Overrides{Regions: []string{id}}} }
