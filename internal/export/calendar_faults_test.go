package export

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"
)

// required are the properties that RFC 5545 3.6 requires of each component, and those
// by which clients update an event. None may be repeated.
var required = map[string][]string{
	"VCALENDAR": {"PRODID", "VERSION"},
	"VEVENT":    {"UID", "DTSTAMP", "DTSTART", "DTEND", "SEQUENCE", "LAST-MODIFIED"},
	"VALARM":    {"ACTION", "TRIGGER", "DESCRIPTION"},
	"VTIMEZONE": {"TZID"},
	"STANDARD":  {"DTSTART", "TZOFFSETFROM", "TZOFFSETTO"},
}

// calendarFaults returns the violations of RFC 5545 in b.
func calendarFaults(b []byte) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	if !bytes.HasSuffix(b, []byte("\r\n")) {
		fault("the last line does not end with CRLF (3.1)")
	}
	for line := range strings.SplitSeq(string(bytes.TrimSuffix(b, []byte("\r\n"))), "\r\n") {
		if len(line) > 75 {
			fault("%d octets in a line, more than 75 (3.1): %.80q", len(line), line)
		}
		if !utf8.ValidString(line) {
			fault("a fold within a character: %q", line)
		}
		if strings.ContainsFunc(line, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			fault("a control character: %q", line)
		}
	}
	uids := map[string]bool{}
	var open []string
	var seen []map[string]bool
	components := 0
	unfolded := strings.TrimSuffix(strings.ReplaceAll(string(b), "\r\n ", ""), "\r\n")
	for line := range strings.SplitSeq(unfolded, "\r\n") {
		name, value, ok := strings.Cut(line, ":")
		name, _, _ = strings.Cut(name, ";")
		switch {
		case !ok || name == "" || strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZ-") != "":
			fault("not a property: %q", line)
		case name == "BEGIN":
			open, seen = append(open, value), append(seen, map[string]bool{})
			components++
		case len(open) == 0:
			fault("outside every component: %q", line)
		case name == "END":
			last := len(open) - 1
			if open[last] != value {
				fault("%s ends within %s", value, open[last])
			}
			for _, name := range required[value] {
				if !seen[last][name] {
					fault("%s without %s (3.6)", value, name)
				}
			}
			open, seen = open[:last], seen[:last]
		default:
			if last := seen[len(seen)-1]; last[name] {
				fault("%s twice in one %s", name, open[len(open)-1])
			} else {
				last[name] = true
			}
			if name == "UID" && uids[value] {
				fault("two events with the UID %s (3.8.4.7)", value)
			}
			uids[value] = uids[value] || name == "UID"
		}
	}
	if len(open) != 0 || components < 2 {
		fault("%d components, %q not ended; a calendar has at least one (3.6)", components, open)
	}
	return faults
}

// calendarFaults finds violations of every kind.
func TestCalendarFaults(t *testing.T) {
	good := string(write(t, writeCalendar, scenarios()["usual"]))
	for _, c := range []struct{ old, new string }{
		{"\r\n", "\n"},
		{"DTSTAMP", "X-OTHER"},
		{"TRIGGER", "X-OTHER"},
		{"PRODID", "X-OTHER"},
		{"TRANSP", "SUMMARY"},
		{"2026-11-22.", "2026-11-24."},
		{"Matrix expiry", strings.Repeat("long ", 20)},
		{"END:VALARM\r\n", ""},
		{"Matrix", "Mat\trix"},
		{"VERSION:", "VERSION"},
	} {
		if faults := calendarFaults([]byte(strings.ReplaceAll(good, c.old, c.new))); len(faults) == 0 {
			t.Errorf("%q replaced by %q is not found", c.old, c.new)
		}
	}
}
