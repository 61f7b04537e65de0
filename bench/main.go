// Command bench measures the program as it is deployed, each figure beside a
// floor that is measured in the same run on the same machine:
//
//	cd bench
//	go run .                 # everything, some minutes
//	go run . start listing   # only these
//
// The floors are the programs in the folders below: what is the least that
// could be done, and what would be the obvious thing to do. Each answers the
// same question over the same bytes, and its answer has to be the same. Times
// of the processor are the child's own; where two programs are compared they
// run in turn, and the middle of the ratios of several rounds counts.
//
// To add a measure, add a line to the table in measures.go.
package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"text/tabwriter"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, only []string) error {
	var names []string
	for _, m := range measures {
		names = append(names, m.name)
	}
	for _, name := range only {
		if !slices.Contains(names, name) {
			return fmt.Errorf("there is no measure %q: %s", name, strings.Join(names, ", "))
		}
	}
	dir, err := os.MkdirTemp("", "bench")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir)
	b := &bench{ctx: ctx, dir: dir}
	if err := b.build(); err != nil {
		return err
	}
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "what\tmeasured\tfloor\tratio\ttarget\t")
	missed := 0
	for _, m := range measures {
		if len(only) > 0 && !slices.Contains(only, m.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s …\n", m.name)
		rows, err := m.take(b)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for _, r := range rows {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.measured, r.floor, r.ratio, r.target, r.outcome())
			if !r.met {
				missed++
			}
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d targets are missed", missed)
	}
	return nil
}

// A bench has the binaries that are measured.
type bench struct {
	ctx                            context.Context
	dir                            string
	ours, empty, hand, plain, maps string
}

// build builds the program as s.yaml does, and the floors with the same flags.
func (b *bench) build() error {
	command, err := buildCommand()
	if err != nil {
		return err
	}
	for dir, to := range map[string]*string{
		"..": &b.ours, "empty": &b.empty, "hand": &b.hand, "plain": &b.plain, "sdkmap": &b.maps,
	} {
		*to = filepath.Join(b.dir, cmp.Or(strings.Trim(dir, "."), "program"))
		cmd := exec.CommandContext(b.ctx, "sh", "-c", command+" -o "+*to+" .")
		cmd.Dir = dir
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("building %s: %w\n%s", dir, err, out)
		}
	}
	return nil
}

var buildLine = regexp.MustCompile(`(?m)^\s+- run: (.* go build .*) -o \S+ \.$`)

// buildCommand is that of s.yaml, without what is built and where to.
func buildCommand() (string, error) {
	b, err := os.ReadFile("../s.yaml")
	if err != nil {
		return "", fmt.Errorf("run it in the folder bench: %w", err)
	}
	m := buildLine.FindSubmatch(b)
	if m == nil {
		return "", errors.New("s.yaml builds nothing")
	}
	return string(m[1]), nil
}
