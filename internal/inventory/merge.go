package inventory

import (
	"maps"
	"slices"

	"matrix-expiry-report/report"
)

// merge makes one listing of all endpoints. The same matrix at two of them counts
// once. An endpoint that refuses the account hides nothing if another one shows
// its matrices, or knows it at all and this one does not.
func merge(endpoints []*endpoint) report.Listing {
	shown := slices.ContainsFunc(endpoints, func(e *endpoint) bool { return len(e.rows) > 0 })
	known := slices.ContainsFunc(endpoints, (*endpoint).responded)
	l := report.Listing{TotalChecked: known}
	missing := 0
	for _, e := range endpoints {
		problems, recovered := e.problems()
		if foreign := e.refused() && (shown || known && e.unknownAccount()); foreign {
			for i := range problems {
				problems[i].MayHideMatrices = false
			}
		} else {
			l.TotalChecked = l.TotalChecked && e.check.covers
			missing = max(missing, e.missing())
		}
		l.Problems = append(l.Problems, problems...)
		l.Recovered = append(l.Recovered, recovered...)
	}
	rows := map[string]*report.Matrix{}
	for _, e := range endpoints {
		for id, m := range e.rows {
			put(rows, id, m)
		}
	}
	l.Matrices = slices.Collect(maps.Values(rows))
	l.Total = len(l.Matrices) + missing
	regions := map[string]bool{}
	for _, m := range l.Matrices {
		regions[m.Region] = true
	}
	delete(regions, "")
	l.Regions = slices.Sorted(maps.Keys(regions))
	return l
}
