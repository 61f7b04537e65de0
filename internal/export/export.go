// Package export writes a report in the forms that other programs read: a
// table for spreadsheets, Markdown for issues and wikis, a calendar feed and
// metrics for Prometheus. It writes nothing but bytes: no network, no log.
//
// To add a form, write a file like csv.go, a function that takes a writer and
// a report, and give it a line in the table of export_test.go, which asks of
// every form that it bears hostile, empty and very long reports.
package export

import (
	"cmp"
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"

	"matrix-expiry-report/report"
)

// visible makes one line of visible characters from whatever the service said:
// no line breaks or other control characters, nothing that changes the
// direction of what follows. What is not UTF-8 becomes U+FFFD, as [strings.Map]
// does.
func visible(s string) string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return s // as most are
	}
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\u200c' || r == '\u200d': // joiners, which scripts and emoji need
			return r
		case unicode.IsSpace(r):
			return ' '
		case unicode.IsControl(r), unicode.In(r, unicode.Cf, unicode.Co):
			return -1
		}
		return r
	}, s)
	return strings.Join(strings.Fields(s), " ")
}

// maxRunes bounds a value from outside in what people read; the service allows
// names of 128.
const maxRunes = 320

func short(s string) string {
	s = visible(s)
	if utf8.RuneCountInString(s) > maxRunes {
		s = string([]rune(s)[:maxRunes-1]) + "…"
	}
	return s
}

// nameOf is what people call a matrix: its id where nothing of its name can be
// seen.
func nameOf(m report.Matrix) string { return cmp.Or(short(m.Name), short(m.NodeID)) }

// counted is n with the word for so many.
func counted(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
