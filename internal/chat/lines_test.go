package chat

import (
	"strings"
	"testing"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
)

// maxLines is how many lines a message has at most: more are not read on a phone.
const maxLines = 40

// A message has at most 40 lines, however many matrices there are and in whatever
// chat and language it is.
func TestMessageHasFewLines(t *testing.T) {
	t.Parallel()
	samples := everyMessage(t)
	for name, findings := range map[string]int{"40 findings": 40, "600 findings": 600, "5,000 findings": 5000} {
		samples[name] = sample{badDay(findings), message.Options{ConsoleURL: console, ReportURL: console}}
	}
	for name, m := range samples {
		for _, kind := range Kinds {
			if kind.Name == "webhook" { // the report itself
				continue
			}
			for _, m.options.Language = range locale.Languages() {
				text := post(t, kind.Name, m.report, m.options).Text
				n := 0
				for line := range strings.Lines(text) {
					if strings.TrimSpace(line) != "" {
						n++
					}
				}
				if n > maxLines {
					t.Errorf("%s, %s in %s: %d lines", name, kind.Name, m.options.Language, n)
				}
			}
		}
	}
}
