package chat

import (
	"bytes"
	"encoding/json"
	"strings"
	"unicode/utf16"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// maxTitleChars is the limit of a title: that of a Slack header, and more than
// a phone shows.
const maxTitleChars = 150

// fitToLimit returns the longest message that fits allows. It leaves out rows
// and then, if the problems alone are too long, the last lines of Lead, whose
// first has the links.
func fitToLimit(d *message.Draft, fits func(message.Message) bool) (message.Message, error) {
	withTitle := func(m message.Message) message.Message {
		m.Title = truncate(m.Title, maxTitleChars)
		return m
	}
	m, err := d.Fit(func(m message.Message) bool { return fits(withTitle(m)) })
	m = withTitle(m)
	lead := m.Lead
	for n := len(lead) - 1; n > 0 && err == nil && !fits(m); n-- {
		m.Lead = append(lead[:n:n], message.Line{{Text: "…"}})
	}
	return m, err
}

// fitBody returns the longest body of at most limit bytes that payload makes of a
// draft.
func fitBody(d *message.Draft, limit int, payload func(message.Message) any) ([]byte, error) {
	m, err := fitToLimit(d, func(m message.Message) bool {
		b, err := encode(payload(m))
		return err == nil && len(b) <= limit
	})
	if err != nil {
		return nil, err
	}
	return encode(payload(m))
}

// fitText returns the longest text of a draft whose size is within limit.
func fitText(d *message.Draft, limit int, size func(string) int, in markup) (string, error) {
	m, err := fitToLimit(d, func(m message.Message) bool { return size(in.text(m)) <= limit })
	return in.text(m), err
}

// An object is one of JSON.
type object = map[string]any

// encode returns v as JSON with & < > unescaped, as the services count bytes.
func encode(v any) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return nil, err
	}
	return bytes.TrimSuffix(b.Bytes(), []byte("\n")), nil
}

// tone returns the severity that the colour of a message shows. Without
// findings it is a warning unless everything was read and there was something
// to read.
func tone(m message.Message, r report.Report) report.Severity {
	switch {
	case m.Failed:
		return report.Critical
	case m.Severity == "" && (!r.Complete || r.HasWarnings() || r.Listed == r.Counts["deleted"]):
		return report.Warning
	}
	return m.Severity
}

// chars counts UTF-16 units, as the services' own clients do.
func chars(s string) int { return len(utf16.Encode([]rune(s))) }

// truncate returns s with at most limit UTF-16 units.
func truncate(s string, limit int) string {
	units := utf16.Encode([]rune(s))
	if len(units) <= limit {
		return s
	}
	return strings.TrimRight(string(utf16.Decode(units[:limit-1])), " \ufffd") + "…" // a cut pair is U+FFFD
}
