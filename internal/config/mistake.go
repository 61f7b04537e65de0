package config

import (
	"errors"
	"regexp"
	"strings"
)

// A Part is a part of the program that an invalid setting disables until it is
// fixed. Its text completes the sentence "… is off until then". The empty Part
// disables nothing: the default of the setting is used.
type Part string

const (
	Reports   Part = "the report" // disabled by invalid rules, zones, regions and endpoints
	HTTP      Part = "HTTP"
	Link      Part = "this link"
	Mention   Part = "this mention"
	Heartbeat Part = "the heartbeat"
	Commands  Part = "this command"
	State     Part = "the state store"
)

// Channel returns the part that is one channel.
func Channel(name string) Part { return Part("the channel " + name) }

// A Mistake is an invalid setting and the part that it disables.
type Mistake struct {
	Err  error // names the setting and the valid form; shows no secret
	Part Part
}

// Effect returns what happens until the setting is fixed.
func (m Mistake) Effect() string {
	switch m.Part {
	case "":
		return "the default is used until then"
	case Reports:
		return "no report is sent until then"
	}
	return string(m.Part) + " is off until then"
}

// Blocking returns the mistakes that do not stop the report, and the errors of
// those that do, one per line, or nil.
func Blocking(mistakes []Mistake) (others []Mistake, blocking error) {
	for _, m := range mistakes {
		if m.Part == Reports {
			blocking = errors.Join(blocking, m.Err)
		} else {
			others = append(others, m)
		}
	}
	return others, blocking
}

// tokenLike matches what may be a token: no word or number of a valid setting is
// that long.
const tokenLike = `[0-9A-Za-z_+=-]{16,}`

// mayBeSecret reports whether a value may contain a secret: a token, a password
// before an @, or the path or query of a webhook.
func mayBeSecret(value string) bool {
	_, rest, isURL := strings.Cut(value, "://")
	_, path, _ := strings.Cut(rest, "/")
	return strings.Contains(value, "@") || regexp.MustCompile(tokenLike).MatchString(value) || isURL && path != "" || strings.Contains(value, "?")
}

// copied are invisible characters that copying adds to a value: the byte order
// mark, zero-width spaces, direction marks and the carriage return. Joiners are not
// among them, as names in some scripts and emoji need them.
const copied = "\ufeff\u200b\u2060\u00ad\u200e\u200f\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069\r"

// quotes are the pairs of quotes that surround a value in a file of settings, a
// document or a chat.
var quotes = []string{`" "`, "' '", "` `", "“ ”", "‘ ’", "「 」", "« »"}

// unquote returns what is between a pair of quotes that surrounds v. It reports
// false if there is none.
func unquote(v string) (string, bool) {
	for _, pair := range quotes {
		left, right, _ := strings.Cut(pair, " ")
		if rest, ok := strings.CutPrefix(v, left); ok && strings.HasSuffix(rest, right) {
			return strings.TrimSpace(strings.TrimSuffix(rest, right)), true
		}
	}
	return v, false
}

// clean returns a value without surrounding spaces and quotes, and without the
// invisible characters that copying adds. It reports whether there were any but
// spaces.
func clean(v string) (cleaned string, removed bool) {
	visible := strings.Map(func(r rune) rune {
		if strings.ContainsRune(copied, r) {
			return -1
		}
		return r
	}, v)
	cleaned, removed = strings.TrimSpace(visible), visible != v
	for inner, ok := unquote(cleaned); ok; inner, ok = unquote(cleaned) {
		cleaned, removed = inner, true
	}
	return cleaned, removed
}
