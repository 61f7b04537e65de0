package main

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// row is one line of the printed table.
type row struct {
	what, measured, baseline, ratio, target string
	met                                     bool
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

// measures are the measures, in the order of the printed table.
var measures = []struct {
	name string
	run  func(*bench) ([]row, error)
}{
	{"start", (*bench).start},
	{"report", (*bench).report},
	{"listing", (*bench).listing},
	{"latency", (*bench).waiting},
	{"skewed", (*bench).skewed},
	{"memory", (*bench).memory},
	{"size", (*bench).size},
	{"cost", (*bench).cost},
	{"store", (*bench).store},
	{"rendering", (*bench).rendering},
}

// ratio returns a row for one figure and its baseline.
func ratio[T ~int64](what string, measured, baseline T, show func(T) string, target float64) row {
	ratio := float64(measured) / float64(baseline)
	return row{what, show(measured), show(baseline), fmt.Sprintf("%.3gx", ratio), fmt.Sprintf("%.3gx", target), ratio <= target}
}

// medianRatio returns a row for two programs that took turns. The median of the
// ratios of the rounds is independent of changes in the machine's speed.
func medianRatio(what string, measured, baseline []time.Duration, target float64) row {
	ratios := make([]float64, len(measured))
	for i := range ratios {
		ratios[i] = float64(measured[i]) / float64(baseline[i])
	}
	ratio := median(ratios)
	return row{what, ms(median(measured)), ms(median(baseline)), fmt.Sprintf("%.3gx", ratio), fmt.Sprintf("%.3gx", target), ratio <= target}
}

// atMost returns a row for a figure without a baseline.
func atMost[T ~int64](what string, measured T, show func(T) string, target T) row {
	return row{what: what, measured: show(measured), target: show(target), met: measured <= target}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/1e6) }

func mib(n int64) string { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }

func mb(n int64) string { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }

func median[T cmp.Ordered](all []T) T { return slices.Sorted(slices.Values(all))[len(all)/2] }
