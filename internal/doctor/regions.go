package doctor

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/inventory"
)

// regions checks REGIONS against what the endpoints that can be used list,
// document and count. DescribeRegions lists what can be bought, so that a region
// which it leaves out may exist.
func (c Checker) regions(probes []inventory.Probe) (checks []Check) {
	if len(c.Settings.Regions) == 0 {
		return nil
	}
	best := map[string]inventory.RegionProbe{} // of each region, the one that shows most
	var others []string                        // regions with matrices that are not in REGIONS
	for _, p := range probes {
		if p.Problem != nil { // see its own check
			continue
		}
		for _, r := range p.Regions {
			old, seen := best[r.Region]
			r.Listed = r.Listed || old.Listed
			if seen && old.Problem == nil && old.Matrices >= r.Matrices {
				old.Listed = r.Listed
				r = old
			}
			best[r.Region] = r
			if !slices.Contains(c.Settings.Regions, r.Region) && r.Matrices > 0 && !slices.Contains(others, r.Region) {
				others = append(others, r.Region)
			}
		}
	}
	const name = "regions"
	var found, empty, unknown, unanswered []string
	var failed []inventory.RegionProbe
	for _, region := range c.Settings.Regions {
		switch r, ok := best[region]; {
		case !ok:
			unanswered = append(unanswered, region)
		case r.Problem != nil:
			failed = append(failed, r)
		case r.Matrices > 0:
			found = append(found, region)
		case r.Listed:
			empty = append(empty, region)
		default:
			unknown = append(unknown, region)
		}
	}
	checkIf := func(regions []string, status Status, format, advice string) {
		if len(regions) > 0 {
			checks = append(checks, Check{name, status, fmt.Sprintf(format, list(regions, strings.Clone)), advice})
		}
	}
	withMatrices := ""
	if all := slices.Concat(found, others); len(all) > 0 {
		withMatrices = "; these have matrices: " + list(all, strings.Clone)
	}
	left := ""
	if len(others) > 0 {
		left = "; REGIONS leaves out " + list(others, strings.Clone) + ", which have matrices too"
	}
	checkIf(found, OK, "matrices in %s"+left, "")
	checkIf(empty, Warn, "no matrices in %s", "remove it from REGIONS, if that is right"+withMatrices)
	checkIf(unknown, Warn, "%s: neither the API nor its documentation lists it, and it has no matrices", "check the name in REGIONS"+withMatrices)
	checkIf(unanswered, NotChecked, "%s not checked: no endpoint lists matrices", "")
	for _, g := range byCause(failed, regionCause) {
		err := g[0].Problem
		check := Check{name, Warn, fmt.Sprintf("every report is incomplete: %s: %s", list(g, regionName), explain(err)), advice(err)}
		if cloudphone.Refused(err) {
			check.Status, check.Advice = Fail, cmp.Or(remedyFor(err), "check the name in REGIONS"+withMatrices)
		}
		checks = append(checks, check)
	}
	return checks
}
