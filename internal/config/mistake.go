package config

import (
	"errors"
	"regexp"
	"slices"
	"strings"
)

// A Part is a part of the program that an invalid setting disables until it is
// fixed. It is named as in "HTTP is off until then". With the empty Part nothing
// is disabled: the default of the setting is used.
type Part string

const (
	Reports   Part = "the report" // rules, zones, regions and endpoints: without them a report would be wrong
	HTTP      Part = "HTTP"
	Link      Part = "this link"
	Mention   Part = "this mention"
	Heartbeat Part = "the heartbeat"
	Commands  Part = "this command"
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
var tokenLike = regexp.MustCompile(`[0-9A-Za-z_+=-]{16,}`)

// mayBeSecret reports whether a value may have a secret in it: a token, a password
// before an @, or the path or query of a webhook.
func mayBeSecret(value string) bool {
	_, rest, isURL := strings.Cut(value, "://")
	_, path, _ := strings.Cut(rest, "/")
	return strings.Contains(value, "@") || tokenLike.MatchString(value) || isURL && path != "" || strings.Contains(value, "?")
}

// Characters that surround a value when it is copied from a file of settings, a
// document or a chat.
var quotes = []string{`""`, "''", "``", "“”", "‘’", "「」", "«»"}

// clean returns a value without surrounding spaces and quotes, and without the
// invisible characters that copying adds. It names what it removed. Joiners stay,
// as names in some scripts and emoji need them.
func clean(v string) (cleaned string, removed []string) {
	note := func(what string) {
		if !slices.Contains(removed, what) {
			removed = append(removed, what)
		}
	}
	v = strings.Map(func(r rune) rune {
		switch {
		case r == '\ufeff':
			note("a byte order mark")
		case r == '\u200b', r == '\u2060', r == '\u00ad':
			note("a zero-width space")
		case r == '\u200e', r == '\u200f', r >= '\u202a' && r <= '\u202e', r >= '\u2066' && r <= '\u2069':
			note("an invisible direction mark")
		case r == '\r':
			note("a carriage return")
		default:
			return r
		}
		return -1
	}, v)
	v = strings.TrimSpace(v)
	for {
		i := slices.IndexFunc(quotes, func(pair string) bool {
			r := []rune(pair)
			return len(v) >= len(pair) && strings.HasPrefix(v, string(r[0])) && strings.HasSuffix(v, string(r[1]))
		})
		if i < 0 {
			return v, removed
		}
		note("surrounding quotes")
		r := []rune(quotes[i])
		v = strings.TrimSpace(v[len(string(r[0])) : len(v)-len(string(r[1]))])
	}
}
