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
		if p.colour() || p.columns() != 0 {
			t.Errorf("%T has colours or %d columns", p.Stdout, p.columns())
		}
		show, clear := p.progress()
		if show != nil {
			t.Errorf("%T has progress", p.Stderr)
		}
		clear()
	}
	for value, want := range map[string]int{"100": 100, "0": 0, "-1": 0, "wide": 0} {
		p := Program{Stdout: file, Getenv: func(string) string { return value }}
		if got := p.columns(); got != want {
			t.Errorf("COLUMNS=%s: %d columns, want %d", value, got, want)
		}
	}
	if info, err := file.Stat(); err != nil || info.Size() != 0 {
		t.Errorf("the file has %d bytes (%v), want none", info.Size(), err)
	}
}
