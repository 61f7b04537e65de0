package message

import (
	"fmt"
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

// Clean keeps what people read and nothing that acts.
func TestClean(t *testing.T) {
	for in, want := range map[string]string{
		"plain": "plain", " a\nb\r\n\tc ": "a b c", "a\u2028b\u0085c": "a b c", "\u202egnp.exe": "gnp.exe", "\u2066x\u2069": "x",
		"👩‍👩‍👧": "👩‍👩‍👧", "\x00\x1b[31m": "[31m", "a\xffb": "a\uFFFDb", "\u200b": "", "x\U000F0001y\ue000z\U00100000": "xyz",
		strings.Repeat("长", 400): strings.Repeat("长", 299) + "…",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// FuzzVisible: a cleaned value stays the same if it is cleaned again, and Clean
// truncates it only if it is too long.
func FuzzVisible(f *testing.F) {
	for _, s := range []string{"a", " a\nb", "\u202ea\xff", "👩‍👩‍👧", strings.Repeat("长", maxValueRunes), strings.Repeat("长", maxValueRunes+1)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		visible, clean := Visible(s), Clean(s)
		if again := Visible(visible); again != visible {
			t.Errorf("%q: cleaned again it becomes %q", s, again)
		}
		if n := utf8.RuneCountInString(visible); n > maxValueRunes != (clean != visible) || utf8.RuneCountInString(clean) > maxValueRunes {
			t.Errorf("%q: %d characters, truncated to %q", s, n, clean)
		}
	})
}

func TestParseLines(t *testing.T) {
	bold := mark(Bold, "b\nc", "")
	link := mark(Link, "text "+bold, "https://x.example/")
	for in, want := range map[string][]Line{
		"":                        nil,
		" \n\n ":                  nil,
		"a" + bold + "d\n" + link: {{{Plain, "a", ""}, {Bold, "b c", ""}, {Plain, "d", ""}}, {{Link, "text b c", "https://x.example/"}}},
		bold + bold:               {{{Bold, "b c", ""}, {Bold, "b c", ""}}},
		"a\tb\x07\r\n":            {{{Plain, "a\tb", ""}}},
		"\x01 - a":                {{{Plain, "- a", ""}}},
		"x\U000F0002\uf000y":      {{{Plain, "xy", ""}}}, // not marks
		"x\ue001y":                {{{Plain, "x", ""}, {Bold, "y", ""}}},
		"\ue005x":                 nil, // the URL of nothing
		mark(Link, "a", ""):       {{{Link, "a", ""}}},
		mark(Bold, " \n", "x"):    nil,
	} {
		if got := parseLines(in); fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

// checkLines checks what channels rely on: lines have text, on one line, without
// control and private-use characters.
func checkLines(t *testing.T, lines []Line) {
	t.Helper()
	for _, l := range lines {
		for _, r := range l {
			if r.Text == "" || !utf8.ValidString(r.Text) || strings.ContainsFunc(r.Text, func(c rune) bool {
				return unicode.IsControl(c) && c != '\t' || unicode.In(c, unicode.Co, unicode.Zl, unicode.Zp)
			}) {
				t.Errorf("got the run %+q", r.Text)
			}
		}
	}
}

// FuzzLines: whatever is printed, lines are well-formed. A marked value is one run,
// and a cleaned one is text.
func FuzzLines(f *testing.F) {
	for _, seed := range []string{"a", "a\ue001b", "\ue000\ue001", "\n\r\n \ue005", "\ue000\xff\x00", "\u2028 - x", strings.Repeat("x", maxBytes)} {
		f.Add(seed, "b")
	}
	f.Fuzz(func(t *testing.T, printed, value string) {
		marked := mark(Bold, value, "")
		checkLines(t, parseLines(printed+marked))
		lines := parseLines(marked)
		if clean := Clean(value); len(lines) > 1 || len(lines) == 1 && (len(lines[0]) != 1 || lines[0][0].Style != Bold) || clean != "" && len(lines) == 0 {
			t.Errorf("%q is not a run but %q", value, lines)
		}
		if lines := parseLines(Clean(printed)); len(lines) > 1 || len(lines) == 1 && (len(lines[0]) != 1 || lines[0][0].Style != Plain) {
			t.Errorf("the value %q became %q", printed, lines)
		}
	})
}
