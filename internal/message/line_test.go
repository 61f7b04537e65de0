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
		strings.Repeat("长", 400): strings.Repeat("长", 319) + "…",
	} {
		if got := Clean(in); got != want {
			t.Errorf("%q: got %q, want %q", in, got, want)
		}
	}
}

func TestLinesOfTokens(t *testing.T) {
	var l runList
	bold, err := l.add(Bold, "b\nc", "")
	if err != nil {
		t.Fatal(err)
	}
	link, err := l.add(Link, "text "+bold, "https://x.example/")
	if err != nil {
		t.Fatal(err)
	}
	for in, want := range map[string][]Line{
		"":                        nil,
		" \n\n ":                  nil,
		"a" + bold + "d\n" + link: {{{Plain, "a", ""}, {Bold, "b c", ""}, {Plain, "d", ""}}, {{Link, "text b c", "https://x.example/"}}},
		bold + bold:               {{{Bold, "b c", ""}, {Bold, "b c", ""}}},
		"a\tb\x07\r\n":            {{{Plain, "a\tb", ""}}},
		"\x01 - a":                {{{Plain, "- a", ""}}},
		"x\U000F0002\ue000y":      {{{Plain, "xy", ""}}}, // not tokens
	} {
		got, err := l.lines(in)
		if err != nil || fmt.Sprintf("%q", got) != fmt.Sprintf("%q", want) {
			t.Errorf("%q: got %q, %v; want %q", in, got, err, want)
		}
	}
	for range maxRuns - len(l) {
		if _, err := l.add(Bold, "x", ""); err != nil {
			t.Fatal(err)
		}
	}
	if last := l.visible("\U000FFFFC"); last == "" {
		t.Error("the last token is not one")
	}
	if _, err := l.add(Bold, "x", ""); err == nil {
		t.Error("there are more runs than tokens")
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

// FuzzLines: whatever is printed, lines are well-formed, and the text between
// tokens is unchanged but for spaces and invisible characters.
func FuzzLines(f *testing.F) {
	for _, seed := range []string{"a", "a\U000F0000b", "\U000F0000\U000F0001", "\n\r\n \U000F0009", "\ue000\xff\x00", "\u2028 - x", strings.Repeat("x", maxBytes)} {
		f.Add(seed, "b")
	}
	f.Fuzz(func(t *testing.T, printed, value string) {
		var l runList
		token, err := l.add(Bold, value, "")
		if err != nil {
			return
		}
		lines, err := l.lines(printed + token)
		if err != nil {
			return
		}
		checkLines(t, lines)
		for _, line := range lines {
			checkLines(t, []Line{line})
		}
		if clean := Clean(value); clean != "" && len(l) != 1 {
			t.Errorf("%q is not a run", value)
		}
		// A cleaned value never is a token.
		if lines, _ := l.lines(Clean(printed)); len(lines) > 1 || len(lines) == 1 && (len(lines[0]) != 1 || lines[0][0].Style != Plain) {
			t.Errorf("the value %q became %q", printed, lines)
		}
	})
}
