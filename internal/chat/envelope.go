package chat

import (
	"bytes"
	"encoding/json"
	"net/url"
	"regexp"
	"strings"
	"unicode/utf16"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// maxTitleChars is what a title may have: Slack's limit for a header, and more
// than any phone shows.
const maxTitleChars = 150

// fit cuts a draft until fits allows it: rows first, then, if a message of
// problems alone is too long, its last lines. Links stand in the first.
func fit(d *message.Draft, fits func(message.Message) bool) (message.Message, error) {
	titled := func(m message.Message) message.Message {
		m.Title = cut(m.Title, maxTitleChars)
		return m
	}
	m, err := d.Fit(func(m message.Message) bool { return fits(titled(m)) })
	m = titled(m)
	lead := m.Lead
	for n := len(lead) - 1; n > 0 && err == nil && !fits(m); n-- {
		m.Lead = append(lead[:n:n], "…")
	}
	return m, err
}

// fitBytes is the longest envelope that put makes of a draft within limit.
func fitBytes(d *message.Draft, limit int, put func(message.Message) any) ([]byte, error) {
	m, err := fit(d, func(m message.Message) bool {
		b, err := encode(put(m))
		return err == nil && len(b) <= limit
	})
	if err != nil {
		return nil, err
	}
	return encode(put(m))
}

// encode is JSON as the services count it: & < > as they are, where
// encoding/json would take six bytes each.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// markdown lays a message out for the services that take it as one text: with
// headings, bold, lists, quotes and links, which is what they document.
func markdown(m message.Message, newline string) string {
	var b strings.Builder
	b.WriteString("### " + m.Title + "\n\n" + strings.Join(m.Lead, newline))
	for _, g := range m.Groups {
		b.WriteString("\n\n**" + g.Heading + "**\n")
		for _, row := range g.Rows {
			b.WriteString("\n- " + row)
		}
	}
	if m.More != "" {
		b.WriteString("\n\n" + m.More)
	}
	if m.Foot != "" {
		b.WriteString("\n\n> " + m.Foot)
	}
	return b.String()
}

// severity is what the colour of a message tells. Where nothing is found but
// not everything was seen, or nothing at all, that is no good news.
func severity(m message.Message, r report.Report) report.Severity {
	switch {
	case m.Failed:
		return report.Critical
	case m.Severity == "" && (!r.Complete || r.HasWarnings() || r.Listed == r.Counts["deleted"]):
		return report.Warning
	}
	return m.Severity
}

// chars counts UTF-16 units, as the vendors' own clients do.
func chars(s string) int {
	n := 0
	for _, r := range s {
		n += utf16.RuneLen(r)
	}
	return n
}

// cut shortens s to limit UTF-16 units, between characters.
func cut(s string, limit int) string {
	if chars(s) <= limit {
		return s
	}
	n := 0
	for i, r := range s {
		if n += utf16.RuneLen(r); n > limit-1 {
			return strings.TrimRight(s[:i], " ") + "…"
		}
	}
	return s
}

// like tells whether a setting matches an expression, which is made at once and
// not kept: a run is a start of the process, and has few of all the settings.
func like(expression, setting string) bool {
	return regexp.MustCompile(expression).MatchString(setting)
}

// webhookURL reads the address of a webhook. People also set the token alone,
// which is then put behind the prefix, or leave the scheme away. token is the
// expression of the first.
func webhookURL(env *config.Env, name, form, token, prefix string) *url.URL {
	v := env.Secret(name).Reveal()
	switch {
	case v == "" || strings.HasPrefix(v, "https://"):
		return env.SecretURL(name, form)
	case like(token, v):
		v = prefix + v
	case like(`^[a-z0-9-]+(\.[a-z0-9-]+)+/`, v): // a host first
		v = "https://" + v
	default:
		return env.SecretURL(name, form)
	}
	u, err := url.Parse(v)
	if err != nil || !config.SafeURL(u) {
		env.RefuseSecret(name, "an address of the form "+form)
		return nil
	}
	return u
}
