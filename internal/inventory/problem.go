package inventory

import (
	"cmp"
	"fmt"
	"slices"

	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/report"
)

// scanError returns why a scan is not whole although no call failed.
func scanError(code, format string, args ...any) error {
	return &cloudphone.Error{NotService: true, Code: code, Message: fmt.Sprintf(format, args...)}
}

var (
	errChanged       = scanError("CountChanged", "matrices were created or released while they were read")
	errShort         = scanError("RowsMissing", "the service counts more matrices than it shows")
	errRepeatedToken = scanError("RepeatedToken", "the service repeats its pages without end")
	errMemory        = scanError("MemoryLimit", "the matrices do not fit into the memory of the instance: give the function more, or REGIONS fewer")
)

// Explain returns the problem that an error is.
func Explain(err error) report.Problem {
	p := cloudphone.Explain(err)
	p.MayHideMatrices = true
	return p
}

func credentialsProblem(err error) report.Problem {
	p := Explain(err)
	if p.Code == "ConnectionFailed" {
		p.Code, p.Message = "NoCredentials", err.Error()
	}
	return p
}

// figures returns how much of a region was read.
func (s *scan) figures() string {
	if s.total < 0 {
		return fmt.Sprintf("%d matrices read", s.read)
	}
	return fmt.Sprintf("%d of %d matrices read", s.read, s.total)
}

// problem returns why a region is not whole, with its figures.
func (s *scan) problem() report.Problem {
	p := Explain(s.err)
	p.Region, p.Message = s.region, s.figures()+": "+p.Message
	return p
}

// problems returns what may hide matrices at an endpoint, and what went wrong and
// cost nothing. A region that is not whole is one problem, and a difference that
// no region explains is another.
func (e *endpoint) problems() (problems, recovered []report.Problem) {
	add := func(p report.Problem) { problems = append(problems, p) }
	if e.unavailable() {
		add(Explain(e.totalErr))
	} else if err := e.regionsErr; err != nil {
		p := Explain(err)
		p.Message = "the list of regions could not be read: " + p.Message
		if e.check.covers {
			p.MayHideMatrices = false
			recovered = append(recovered, p)
		} else {
			add(p)
		}
	}
	for _, s := range slices.Concat(e.scans, e.unfiltered()) {
		if s.recovered != nil && s.err == nil {
			p := Explain(s.recovered)
			p.Region, p.MayHideMatrices = s.region, false
			recovered = append(recovered, p)
		}
	}
	for _, s := range e.scans {
		if s.err != nil {
			add(s.problem())
		}
	}
	switch err := e.check.err(); {
	case e.check.short() || err == nil:
		if e.check.done && e.unexplained() > 0 {
			add(report.Problem{Code: "CountsDiffer", MayHideMatrices: true,
				Message: fmt.Sprintf("%d of %d matrices read: a query without a region counts more than all regions show", len(e.rows), e.check.total)})
		}
	default:
		p := Explain(err)
		p.Message = "the total could not be checked: " + p.Message
		add(p)
	}
	problems = append(e.collapse(problems), e.rowProblems()...)
	for _, all := range [][]report.Problem{problems, recovered} {
		for i := range all {
			all[i].Endpoint = e.client.Endpoint()
		}
	}
	slices.SortStableFunc(problems, func(a, b report.Problem) int { return cmp.Compare(a.Region, b.Region) })
	return problems, recovered
}

// rowProblems returns a problem for rows without an id, which cannot be
// distinguished with certainty, and one for rows with an id that is too long, which are
// counted and not listed.
func (e *endpoint) rowProblems() (problems []report.Problem) {
	unnamed := 0
	for _, s := range e.scans {
		unnamed += s.unnamed
	}
	for _, s := range e.unfiltered() {
		unnamed = max(unnamed, s.unnamed)
	}
	if unnamed > 0 {
		problems = append(problems, report.Problem{Code: "RowsWithoutID", MayHideMatrices: true,
			Message: fmt.Sprintf("%d rows have no NodeId, so that they cannot be distinguished", unnamed)})
	}
	if n := e.unreadable(); n > 0 {
		problems = append(problems, report.Problem{Code: "UnreadableRows", MayHideMatrices: true,
			Message: fmt.Sprintf("%d rows have a NodeId that is too long, and are not in the report", n)})
	}
	return problems
}

// unfiltered returns the scan without a region, if there was one.
func (e *endpoint) unfiltered() []*scan {
	if e.check.scan == nil {
		return nil
	}
	return []*scan{e.check.scan}
}

// collapse returns one problem if an endpoint has shown nothing, for the same
// reason everywhere.
func (e *endpoint) collapse(problems []report.Problem) []report.Problem {
	differs := func(p report.Problem) bool { return p.Code != problems[0].Code }
	if len(problems) < 2 || e.responded() || slices.ContainsFunc(problems, differs) {
		return problems
	}
	for _, s := range e.scans {
		if s.err != nil {
			return []report.Problem{Explain(s.err)}
		}
	}
	return problems
}

// responded reports whether the endpoint has shown a page.
func (e *endpoint) responded() bool {
	return slices.ContainsFunc(slices.Concat(e.scans, e.unfiltered()), func(s *scan) bool { return s.pages > 0 })
}

// errs returns every error that has not been recovered from.
func (e *endpoint) errs() (errs []error) {
	for _, err := range []error{e.regionsErr, e.totalErr, e.check.err()} {
		if err != nil {
			errs = append(errs, err)
		}
	}
	for _, s := range e.scans {
		if s.err != nil {
			errs = append(errs, s.err)
		}
	}
	return errs
}

// refused reports whether the endpoint denied every call.
func (e *endpoint) refused() bool {
	errs := e.errs()
	return !e.responded() && len(errs) > 0 && !slices.ContainsFunc(errs, func(err error) bool { return !cloudphone.Refused(err) })
}

// unknownAccount reports whether no call found the account. An endpoint that
// knows the access key and denies the listing may have matrices.
func (e *endpoint) unknownAccount() bool {
	return !slices.ContainsFunc(e.errs(), func(err error) bool { return !cloudphone.UnknownAccount(err) })
}
