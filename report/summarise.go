package report

import (
	"cmp"
	"slices"
	"time"
)

// A Listing is what could be read of all matrices.
type Listing struct {
	Matrices []Matrix
	Total    int       // how many there should be, as far as the service says
	Regions  []string  // the regions that hold them
	Problems []Problem // what could not be done
}

// Summarise turns a listing into the report of one instant.
func (r Rules) Summarise(l Listing, now time.Time) Report {
	out := Report{
		Version:     Version,
		GeneratedAt: Time{now.In(r.Location)},
		TimeZone:    r.Location.String(),
		Days:        r.Days,
		Steps:       r.Steps,
		Total:       max(l.Total, len(l.Matrices)),
		Listed:      len(l.Matrices),
		Regions:     append([]string{}, l.Regions...),
		Counts:      map[string]int{"deleted": 0},
		Findings:    []Finding{},
		Problems:    append([]Problem{}, l.Problems...),
	}
	slices.Sort(out.Regions)
	for _, reason := range Reasons() {
		out.Counts[string(reason)] = 0
	}
	for _, m := range l.Matrices {
		m.ExpiresAt, m.CreatedAt, m.ModifiedAt = m.ExpiresAt.In(r.Location), m.CreatedAt.In(r.Location), m.ModifiedAt.In(r.Location)
		if m.Status == StatusDeleted {
			out.Counts["deleted"]++
			continue
		}
		if f, needed := r.Classify(m, now); needed {
			out.Findings = append(out.Findings, f)
			out.Counts[string(f.Reason)]++
			out.PhonesAffected += f.PhoneCount
		} else if m.Status != StatusDeleting && m.ExpiresAt.After(now) && (out.NextExpiry == nil || m.ExpiresAt.Before(out.NextExpiry.ExpiresAt.Time)) {
			out.NextExpiry = &Expiry{NodeID: m.NodeID, Name: m.Name, ExpiresAt: m.ExpiresAt}
		}
	}
	slices.SortFunc(out.Findings, byUrgency)
	out.Complete = out.Listed >= out.Total && !slices.ContainsFunc(out.Problems, func(p Problem) bool { return p.MayHide })
	return out
}

// byUrgency orders findings by severity, then expiry (none comes last), then id.
func byUrgency(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(slices.Index(Severities, a.Severity), slices.Index(Severities, b.Severity)),
		compareTimes(a.ExpiresAt, b.ExpiresAt),
		cmp.Compare(a.NodeID, b.NodeID),
	)
}

func compareTimes(a, b Time) int {
	switch {
	case a.IsZero() && b.IsZero():
		return 0
	case a.IsZero():
		return 1
	case b.IsZero():
		return -1
	}
	return a.Compare(b.Time)
}

// Only is the report with the findings of some severities, counted anew.
func (r Report) Only(severities []Severity) Report {
	deleted := r.Counts["deleted"]
	r.Counts = map[string]int{"deleted": deleted}
	for _, reason := range Reasons() {
		r.Counts[string(reason)] = 0
	}
	all := r.Findings
	r.Findings, r.PhonesAffected = []Finding{}, 0
	for _, f := range all {
		if slices.Contains(severities, f.Severity) {
			r.Findings = append(r.Findings, f)
			r.Counts[string(f.Reason)]++
			r.PhonesAffected += f.PhoneCount
		}
	}
	return r
}
