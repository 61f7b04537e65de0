package report

import (
	"cmp"
	"fmt"
	"slices"
	"time"
)

// Build returns the report of a listing at one instant, by the rules r.
func Build(r Rules, l Listing, now time.Time) Report {
	out := Report{
		Version:     Version,
		GeneratedAt: Time{now.In(r.Location)},
		TimeZone:    r.Location.String(),
		Days:        r.Days,
		Thresholds:  r.Thresholds,
		Total:       max(l.Total, l.Listed()),
		Listed:      l.Listed(),
		Regions:     append([]string{}, l.Regions...),
		Counts:      map[string]int{"deleted": l.Deleted},
		Findings:    make([]Finding, 0, r.needed(l.Matrices, now)),
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
		} else if endsLater(&m, now) && (out.NextExpiry == nil || m.ExpiresAt.Before(out.NextExpiry.ExpiresAt.Time)) {
			out.NextExpiry = &Expiry{NodeID: m.NodeID, Name: m.Name, ExpiresAt: m.ExpiresAt}
		}
	}
	if p, ok := fromTheFuture(l.Matrices, now); ok {
		out.Problems = append(out.Problems, p)
	}
	slices.SortFunc(out.Findings, byUrgency)
	out.Complete = l.Complete()
	return out
}

// needed counts what needs somebody, so that findings are not moved as they
// come.
func (r Rules) needed(ms []Matrix, now time.Time) (n int) {
	for i := range ms {
		if len(matrixCase{&ms[i], r, now}.reasons()) > 0 {
			n++
		}
	}
	return n
}

// endsLater tells whether a matrix that needs nobody yet ends one day.
func endsLater(m *Matrix, now time.Time) bool {
	return m.Status != StatusDeleting && m.ExpiresAt.After(now)
}

// clockSkew is how far the clocks of the service and of this machine may be
// apart before a time counts as wrong.
const clockSkew = 10 * time.Minute

// fromTheFuture tells of matrices that were created in time to come: then the
// service's times, which name no zone, are read in the wrong one, and every
// expiry is off by as much.
func fromTheFuture(ms []Matrix, now time.Time) (Problem, bool) {
	i := slices.IndexFunc(ms, func(m Matrix) bool { return toCome(&m, now) })
	if i < 0 {
		return Problem{}, false
	}
	return Problem{
		Code:    "CreatedInTheFuture",
		Message: fmt.Sprintf("%s is said to be created at %s, which is to come: set API_TIME_ZONE to the zone of the service's times", ms[i].NodeID, ms[i].CreatedAt.Format("2006-01-02 15:04 -0700")),
	}, true
}

func toCome(m *Matrix, now time.Time) bool { return m.CreatedAt.After(now.Add(clockSkew)) }

// byUrgency orders findings by severity, then expiry (none comes last), then id.
func byUrgency(a, b Finding) int {
	return cmp.Or(
		cmp.Compare(urgency(a.Severity), urgency(b.Severity)),
		compareTimes(a.ExpiresAt, b.ExpiresAt),
		cmp.Compare(a.NodeID, b.NodeID),
	)
}

// urgency is the place of a severity in Severities; none comes last.
func urgency(s Severity) int {
	if i := slices.Index(Severities, s); i >= 0 {
		return i
	}
	return len(Severities)
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

// Filter is the report with the findings that keep wants, counted anew.
func (r Report) Filter(keep func(Finding) bool) Report {
	if !slices.ContainsFunc(r.Findings, func(f Finding) bool { return !keep(f) }) {
		return r
	}
	deleted := r.Counts["deleted"]
	r.Counts = map[string]int{"deleted": deleted}
	for _, reason := range Reasons() {
		r.Counts[string(reason)] = 0
	}
	all := r.Findings
	r.Findings, r.PhonesAffected = []Finding{}, 0
	for _, f := range all {
		if keep(f) {
			r.Findings = append(r.Findings, f)
			r.Counts[string(f.Reason)]++
			r.PhonesAffected += f.PhoneCount
		}
	}
	return r
}

// AllMatrices lists every matrix as a finding: those that a report of the listing has
// found, and behind them the others, which have no reason and no severity, by
// expiry.
func (r Rules) AllMatrices(found []Finding, l Listing, now time.Time) []Finding {
	all := append(make([]Finding, 0, len(l.Matrices)), found...)
	for _, m := range l.Matrices {
		if len(matrixCase{&m, r, now}.reasons()) > 0 {
			continue
		}
		m.ExpiresAt, m.CreatedAt, m.ModifiedAt = m.ExpiresAt.In(r.Location), m.CreatedAt.In(r.Location), m.ModifiedAt.In(r.Location)
		f := Finding{Matrix: m, OtherReasons: []Reason{}}
		if !m.ExpiresAt.IsZero() {
			days := DaysBetween(now, m.ExpiresAt.Time, r.Location)
			f.DaysLeft = &days
		}
		all = append(all, f)
	}
	slices.SortFunc(all[len(found):], byUrgency)
	return all
}
