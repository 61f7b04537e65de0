package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Build returns the report of a listing at one instant.
func Build(rules Rules, l Listing, now time.Time) Report { return build(rules, l, now, false) }

// BuildIgnored returns the report of those findings that Build leaves out.
func BuildIgnored(rules Rules, l Listing, now time.Time) Report { return build(rules, l, now, true) }

func build(rules Rules, l Listing, now time.Time, ignored bool) Report {
	r := Report{
		Version:      Version,
		GeneratedAt:  Time{now.In(rules.Location)},
		TimeZone:     rules.Location.String(),
		Days:         rules.Days,
		Thresholds:   rules.Thresholds,
		Complete:     l.Complete(),
		Total:        max(l.Total, l.Listed()),
		Listed:       l.Listed(),
		TotalChecked: l.TotalChecked,
		Regions:      slices.DeleteFunc(append([]string{}, l.Regions...), func(id string) bool { return id == "" }), // never nil, which is null in JSON
		Counts:       map[string]int{"deleted": 0},
		Problems:     append([]Problem{}, l.Problems...),
	}
	slices.Sort(r.Regions)
	findings := make([]Finding, 0, rules.countFindings(l.Matrices, now))
	for _, m := range l.Matrices {
		m := rules.apply(*m)
		if m.Status == StatusDeleted {
			r.Counts["deleted"]++
			continue
		}
		if f, ok := rules.Classify(m, now); ok {
			until, out := rules.leavesOut(&f, now)
			if out {
				r.ignore(until)
			}
			if out == ignored {
				findings = append(findings, f)
			}
		} else if expiresLater(&m, now) && r.NextExpiry.isAfter(&m) {
			r.NextExpiry = &Expiry{NodeID: m.NodeID, Name: m.Name, ExpiresAt: m.ExpiresAt}
		}
	}
	slices.SortFunc(findings, compareUrgency)
	r.setFindings(findings)
	if r.Complete && r.Listed < r.Total {
		r.Complete = false
		r.Problems = append(r.Problems, Problem{Code: "CountsDiffer", Message: fmt.Sprintf("%d of %d matrices read", r.Listed, r.Total), MayHideMatrices: true})
	}
	r.Problems = append(r.Problems, futureCreationProblem(l.Matrices, now)...)
	r.Problems = append(r.Problems, rules.snoozeProblem(l.Matrices, now)...)
	return r
}

// ignore counts a finding that is left out until a day, or for good.
func (r *Report) ignore(until Date) {
	r.Ignored++
	if !until.IsZero() && (r.IgnoredUntil.IsZero() || until.Time().Before(r.IgnoredUntil.Time())) {
		r.IgnoredUntil = until
	}
}

// isAfter reports whether e is nil or later than the expiry of m. Of two that are
// equal the lower id counts, as the matrices of a listing have no order.
func (e *Expiry) isAfter(m *Matrix) bool {
	return e == nil || cmp.Or(m.ExpiresAt.Compare(e.ExpiresAt.Time), cmp.Compare(m.NodeID, e.NodeID)) < 0
}

// countFindings returns how many matrices need attention, so that Build can
// allocate its findings once.
func (r Rules) countFindings(ms []*Matrix, now time.Time) (n int) {
	for _, m := range ms {
		if len(evaluation{m, r, now}.reasons()) > 0 {
			n++
		}
	}
	return n
}

// setFindings makes findings those of r, and counts them.
func (r *Report) setFindings(findings []Finding) {
	counts := map[string]int{"deleted": r.Counts["deleted"]}
	for _, reason := range Reasons() {
		counts[string(reason)] = 0
	}
	phones := 0
	for _, f := range findings {
		counts[string(f.Reason)]++
		phones += f.PhoneCount
	}
	r.Findings, r.Counts, r.PhonesAffected = findings, counts, phones
}

// expiresLater reports whether m, which needs no attention, will expire.
func expiresLater(m *Matrix, now time.Time) bool {
	return m.Status != StatusDeleting && m.ExpiresAt.After(now) && !m.ExpiresAt.IsNever()
}

// clockSkew is how far the clocks of the API and of this machine may be apart
// before a creation time counts as wrong.
const clockSkew = 10 * time.Minute

// futureCreationProblem returns one problem if a matrix was created in the
// future. Timestamps of the API name no zone: they were then parsed in the wrong
// one, and every expiry is as many hours off.
func futureCreationProblem(ms []*Matrix, now time.Time) []Problem {
	var first *Matrix // by id
	for _, m := range ms {
		if m.CreatedAt.After(now.Add(clockSkew)) && (first == nil || m.NodeID < first.NodeID) {
			first = m
		}
	}
	if first == nil {
		return nil
	}
	return []Problem{{
		Code: "CreatedInTheFuture",
		Message: fmt.Sprintf("%s has the creation time %s, which is in the future: set API_TIME_ZONE to the time zone of the API's timestamps",
			first.NodeID, first.CreatedAt.Format("2006-01-02 15:04 -0700")),
	}}
}

// compareUrgency orders findings by severity, then expiry (absent ones last),
// then id.
func compareUrgency(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(a.Severity.rank(), b.Severity.rank()),
		a.ExpiresAt.compare(b.ExpiresAt),
		cmp.Compare(a.NodeID, b.NodeID),
	)
}

// Filter returns a copy of r with only the findings for which keep returns true,
// and with their counts.
func (r Report) Filter(keep func(Finding) bool) Report {
	remove := func(f Finding) bool { return !keep(f) }
	if slices.ContainsFunc(r.Findings, remove) { // or there is nothing to copy
		r.setFindings(slices.DeleteFunc(slices.Clone(r.Findings), remove))
	}
	return r
}

// AllMatrices returns every matrix of l as a Finding, for formats that list all of
// them: first found, the findings of a report of l, then the others by expiry. The
// others, which include those that are left out, have no reason and no severity.
func (r Rules) AllMatrices(found []Finding, l Listing, now time.Time) []Finding {
	all := append(make([]Finding, 0, len(l.Matrices)), found...)
	for _, m := range l.Matrices {
		e := evaluation{m, r, now}
		if len(e.reasons()) == 0 || r.Ignores(*m, now) {
			all = append(all, Finding{Matrix: r.apply(*m), OtherReasons: []Reason{}, LastDay: e.lastDay(), DaysLeft: e.daysLeft()})
		}
	}
	slices.SortFunc(all[len(found):], compareUrgency)
	return all
}
