package cli

import (
	"os"
	"strings"
	"testing"
)

// Output that goes to a file or a pipe has no colours and no progress.
func TestNoTerminal(t *testing.T) {
	file, err := os.Create(t.TempDir() + "/out")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	for _, p := range []Program{
		{Stdout: file, Stderr: file},
		{Stdout: &strings.Builder{}, Stderr: &strings.Builder{}},
	} {
		p.Getenv = func(string) string { return "" }
		if p.colour() {
			t.Errorf("%T has colours", p.Stdout)
		}
		show, clear := p.progress()
		if show != nil {
			t.Errorf("%T has progress", p.Stderr)
		}
		clear()
	}
	if info, err := file.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("the file has %d bytes (%v), want none", info.Size(), err)
	}
}
