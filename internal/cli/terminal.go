package cli

import (
	"fmt"
	"io"
	"os"

	"golang.org/x/term"
)

// colour tells whether standard output is a terminal that wants colours:
// https://no-color.org
func (p Program) colour() bool {
	return isTerminal(p.Stdout) && p.Getenv("NO_COLOR") == "" && p.Getenv("TERM") != "dumb"
}

// progress shows how far a listing is, on a terminal only; done wipes it away.
func (p Program) progress() (show func(listed int), done func()) {
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
