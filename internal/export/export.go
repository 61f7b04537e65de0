// Package export writes a report in formats for other programs: CSV for
// spreadsheets, Markdown for issues and wikis, an iCalendar feed, and metrics for
// Prometheus. It only writes to an io.Writer; it has no network access and no log.
//
// To add a format, write a file like csv.go. Add its function to the handler's table
// of formats, and to the table in export_test.go, which tests every format with
// hostile, empty and very long reports.
package export

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"matrix-expiry-report/report"
)

// visible returns s as one line of visible characters, without control characters
// and characters that change the text direction. Invalid UTF-8 becomes U+FFFD.
// Messages clean values in the same way.
func visible(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return s // the usual case
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200c' || r == '\u200d': // joiners, which some scripts and emoji need
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co):
			return -1
		}
		return r
	}, strings.ToValidUTF8(s, "\uFFFD"))
	return strings.Join(strings.Fields(s), " ")
}

// maxRunes limits a value in the formats that people read. The API limits names to
// 128 characters.
const maxRunes = 320

// short returns visible(s), truncated to maxRunes.
func short(s string) string {
	s = visible(s)
	if utf8.RuneCountInString(s) > maxRunes {
		s = string([]rune(s)[:maxRunes-1]) + "…"
	}
	return s
}

// nameOf returns the name of a matrix, or its id if the name has no visible
// character.
func nameOf(m report.Matrix) string { return cmp.Or(short(m.Name), short(m.NodeID)) }

// counted returns n with the singular or plural of a word.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
