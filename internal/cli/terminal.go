package cli

import (
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"unicode"

	"golang.org/x/term"
)

// colour reports whether standard output is a terminal that shows colours.
// https://no-color.org
func (p Program) colour() bool {
	return isTerminal(p.Stdout) && p.Getenv("NO_COLOR") == "" && p.Getenv("TERM") != "dumb"
}

// columns returns the width of the terminal, or 0 if standard output is none.
// COLUMNS takes precedence, as in other programs.
func (p Program) columns() int {
	if n, err := strconv.Atoi(p.Getenv("COLUMNS")); err == nil && n > 0 {
		return n
	}
	if f, ok := p.Stdout.(*os.File); ok {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil {
			return width
		}
	}
	return 0
}

// progress returns functions that show how many matrices are listed and that
// clear that line. They do nothing if standard error is not a terminal.
func (p Program) progress() (show func(listed int), clear func()) {
	if !isTerminal(p.Stderr) {
		return nil, func() {}
	}
	return func(listed int) { fmt.Fprintf(p.Stderr, "\rlisted %d matrices …", listed) },
		func() { fmt.Fprint(p.Stderr, "\r\x1b[K") }
}

func isTerminal(w io.Writer) bool {
	f, ok := w.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

// A plainWriter writes text without the control characters by which a terminal
// is controlled: they become escapes such as \u001b, which are also valid in
// JSON. Each write is a whole number of characters.
type plainWriter struct{ io.Writer }

func (w plainWriter) Write(b []byte) (int, error) {
	if _, err := io.WriteString(w.Writer, escapeControls(string(b))); err != nil {
		return 0, err
	}
	return len(b), nil
}

// escapeControls returns s with control characters escaped, except line breaks
// and tabs. Invalid UTF-8 becomes U+FFFD: a terminal may take such a byte for a
// control character.
func escapeControls(s string) string {
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == '\n', r == '\t', r == '\r' && strings.HasPrefix(s[i:], "\r\n"):
			b.WriteRune(r)
		case unicode.IsControl(r):
			fmt.Fprintf(&b, `\u%04x`, r)
		default:
			b.WriteRune(r)
		}
	}
	return b.String()
}
