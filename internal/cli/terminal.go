package cli

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// colour reports whether standard output is a terminal that shows colours.
// https://no-color.org
func (p Program) colour() bool {
	return isTerminal(p.Stdout) && p.Getenv("NO_COLOR") == "" && p.Getenv("TERM") != "dumb"
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
