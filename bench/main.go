// Command bench measures the program as deployed and compares each figure with
// a baseline measured in the same run on the same machine:
//
//	cd bench
//	go run .                 # all measures, some minutes
//	go run . start listing   # only these
//
// The baselines are the programs in the subdirectories: empty and hand do the
// least possible work, plain and sdkmap are the obvious implementations. Each
// reads the same responses as the program and must find the same. Processor
// times are those of the measured process. Two programs that are compared take
// turns, and the result is the median of the ratios of several rounds.
//
// To add a measure, add a row to the table in measures.go.
package main

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"

	"matrix-expiry-report/internal/gobuild"
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
			return fmt.Errorf("unknown measure %q, want one of %s", name, strings.Join(names, ", "))
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
	fmt.Fprintln(table, "what\tmeasured\tbaseline\tratio\ttarget\t")
	missed := 0
	for _, m := range measures {
		if len(only) > 0 && !slices.Contains(only, m.name) {
			continue
		}
		fmt.Fprintf(os.Stderr, "%s …\n", m.name)
		rows, err := m.run(b)
		if err != nil {
			return fmt.Errorf("%s: %w", m.name, err)
		}
		for _, r := range rows {
			fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\n", r.what, r.measured, r.baseline, r.ratio, r.target, r.outcome())
			if !r.met {
				missed++
			}
		}
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if missed > 0 {
		return fmt.Errorf("%d targets missed", missed)
	}
	return nil
}

// bench holds the binaries to measure.
type bench struct {
	ctx                               context.Context
	dir                               string // temporary
	program, empty, hand, plain, maps string
}

// build builds the program as s.yaml does, and the baselines with the same flags.
// Each binary is copied, as if it was unpacked from a zip: a file as the linker
// leaves it starts slower, the more so the larger it is, since the kernel maps each
// of its pages by itself.
func (b *bench) build() error {
	for dir, to := range map[string]*string{
		"..": &b.program, "empty": &b.empty, "hand": &b.hand, "plain": &b.plain, "sdkmap": &b.maps,
	} {
		*to = filepath.Join(b.dir, cmp.Or(strings.Trim(dir, "."), "program"))
		linked := *to + ".linked"
		if err := gobuild.Build(dir, ".", linked, ""); err != nil {
			return err
		}
		binary, err := os.ReadFile(linked)
		if err != nil {
			return err
		}
		if err := os.WriteFile(*to, binary, 0o755); err != nil {
			return err
		}
	}
	return nil
}
