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
	l.Matrices = mergeRows(endpoints)
	l.Total = len(l.Matrices) + missing
	regions := map[string]bool{}
	for i := range l.Matrices {
		if region := l.Matrices[i].Region; region != "" {
			regions[region] = true
		}
	}
	l.Regions = slices.Sorted(maps.Keys(regions))
	return l
}

// mergeRows returns the rows of all endpoints, in the table of the one that has
// most. Of the same matrix the row that was modified last counts.
func mergeRows(endpoints []*endpoint) []report.Matrix {
	most := slices.MaxFunc(endpoints, func(a, b *endpoint) int { return len(a.rows) - len(b.rows) })
	for _, e := range endpoints {
		if e == most {
			continue
		}
		for id, i := range e.rows {
			if j, ok := most.rows[id]; ok {
				most.table.update(j, e.table.rows[i])
			} else {
				most.rows[id] = most.table.put(e.table.rows[i])
			}
		}
	}
	return most.table.list(most.rows)
}
