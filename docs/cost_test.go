package docs

import (
	"fmt"
	"math"
	"regexp"
	"strconv"
	"strings"
	"testing"
)

var (
	instance = regexp.MustCompile(`([\d.]+) vCPU, (\d+) MB`)
	charge   = regexp.MustCompile(`([\d.]+) s, (\d+) CU`)
)

// The table of costs follows from its formula.
func TestCostsFollowFromTheFormula(t *testing.T) {
	texts := docs(t)
	for _, file := range []string{"docs/cost.md", "docs/cost.zh.md"} {
		var instances [][]string
		cells := 0
		for line := range strings.Lines(texts[file]) {
			if strings.Contains(line, "*C*") && strings.HasPrefix(line, "| ") {
				instances = instance.FindAllStringSubmatch(line, -1)
			}
			charges := charge.FindAllStringSubmatch(line, -1)
			if len(charges) == 0 {
				continue
			}
			if len(charges) != len(instances) {
				t.Fatalf("%s: %d instance sizes, and %s", file, len(instances), line)
			}
			columns := strings.Split(line, "|")
			processor, waiting := decimal(t, columns[2]), decimal(t, columns[3])
			for i, of := range instances {
				v, gb := decimal(t, of[1]), decimal(t, of[2])/1024
				seconds := processor/v + waiting
				units := math.Ceil(seconds*(v+0.15*gb) + 0.0075)
				if want := fmt.Sprintf("%.1f s, %.0f CU", seconds, units); charges[i][0] != want {
					t.Errorf("%s: %s at %s, want %s, in %s", file, charges[i][0], of[0], want, line)
				}
				cells++
			}
		}
		if cells < 9 {
			t.Errorf("%s: only %d costs found", file, cells)
		}
	}
}

// decimal parses a number, with or without the unit s.
func decimal(t *testing.T, s string) float64 {
	t.Helper()
	n, err := strconv.ParseFloat(strings.TrimSuffix(strings.TrimSpace(s), " s"), 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}
