package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// A row is one line of the table.
type row struct {
	what, measured, floor, ratio, target string
	met                                  bool
}

func (r row) outcome() string {
	switch {
	case !r.met:
		return "MISSED"
	case r.target != "":
		return "met"
	}
	return ""
}

// measures in the order of the table.
var measures = []struct {
	name string
	take func(*bench) ([]row, error)
}{
	{"start", (*bench).start},
	{"report", (*bench).report},
	{"listing", (*bench).listing},
	{"latency", (*bench).waiting},
	{"skewed", (*bench).skewed},
	{"memory", (*bench).memory},
	{"size", (*bench).size},
	{"cost", (*bench).cost},
	{"rendering", (*bench).rendering},
}

func ratio[T ~int64](what string, measured, floor T, show func(T) string, target float64) row {
	times := float64(measured) / float64(floor)
	return row{what, show(measured), show(floor), fmt.Sprintf("%.3gx", times), fmt.Sprintf("%.3gx", target), times <= target}
}

// beside is for two programs that ran in turn: the middle of the ratios of the
// rounds, so that a machine that slows for a while slows both.
func beside(what string, measured, floor []time.Duration, target float64) row {
	times := make([]float64, len(measured))
	for i := range times {
		times[i] = float64(measured[i]) / float64(floor[i])
	}
	ratio := middle(times)
	return row{what, ms(middle(measured)), ms(middle(floor)), fmt.Sprintf("%.3gx", ratio), fmt.Sprintf("%.3gx", target), ratio <= target}
}

func atMost[T ~int64](what string, measured T, show func(T) string, target T) row {
	return row{what: what, measured: show(measured), target: show(target), met: measured <= target}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/1e6) }

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func mb(n int64) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }

func middle[T cmp.Ordered](all []T) T { return slices.Sorted(slices.Values(all))[len(all)/2] }
