package chat

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// WeCom's markdown of version 1 has no lists, so rows begin with a bullet. The
// headings of critical groups have a colour, and no others.
func TestWeComDrawsRowsAndColours(t *testing.T) {
	listItem := regexp.MustCompile(`(?m)^ *([-+*]|\d+[.)]) `)
	coloured := regexp.MustCompile(`(?m)^\*\*<font color="warning">(.+)</font>\*\*$`)
	for file, archive := range scenarioFiles(t) {
		r, o := parseScenario(t, archive).report(t)
		for _, o.Language = range locale.Languages() {
			text := post(t, "wecom", r, o).Text
			d, err := message.Compose("wecom", r, o)
			if err != nil {
				t.Fatal(err)
			}
			m, err := d.Fit(func(message.Message) bool { return true })
			if err != nil {
				t.Fatal(err)
			}
			var urgent, got []string
			for _, g := range m.Groups {
				if g.Severity == report.Critical {
					urgent = append(urgent, g.Heading.String())
				}
			}
			for _, heading := range coloured.FindAllStringSubmatch(text, -1) {
				got = append(got, heading[1])
			}
			urgent = urgent[:min(len(got), len(urgent))] // the last ones may be omitted to fit
			if !slices.Equal(got, urgent) || strings.Count(text, "<font") != len(got) || (len(m.Groups) > 0) != strings.Contains(text, "\n• ") || listItem.MatchString(text) {
				t.Errorf("%s, %s: the headings %q are coloured, want %q, in\n%s", scenarioName(file), o.Language, got, urgent, text)
			}
			if len(urgent) == 0 && m.Severity == report.Critical {
				t.Errorf("%s, %s: no heading is coloured", scenarioName(file), o.Language)
			}
		}
	}
}
