package inventory

import (
	"cmp"
	"fmt"
	"slices"

	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/report"
)

// scanError returns the error of a scan that is incomplete although no call failed.
func scanError(code, format string, args ...any) error {
	return &cloudphone.Error{NotService: true, Code: code, Message: fmt.Sprintf(format, args...)}
}

var (
	errChanged       = scanError("CountChanged", "matrices were created or released while they were read")
	errShort         = scanError("RowsMissing", "the service counts more matrices than it shows")
	errRepeatedToken = scanError("RepeatedToken", "the service repeats its pages without end")
	errMemory        = scanError("MemoryLimit", "the matrices do not fit into the memory of the instance: give the function more, or REGIONS fewer")
)

func credentialsProblem(err error) report.Problem {
	p := cloudphone.Explain(err)
	p.MayHideMatrices = true
	if p.Code == "ConnectionFailed" {
		p.Code, p.Message = "NoCredentials", err.Error()
	}
	return p
}

// problems returns what may hide matrices at an endpoint, and the failures that a
// retry resolved. A region that is incomplete is one problem, and a difference
// that no region explains is another.
func (e *endpoint) problems(unexplained int) (problems, recovered []report.Problem) {
	problem := func(region, prefix string, err error, hides bool) report.Problem {
		p := cloudphone.Explain(err)
		p.Endpoint, p.Region, p.Message, p.MayHideMatrices = e.client.Endpoint(), region, prefix+p.Message, hides
		return p
	}
	add := func(region, prefix string, err error) {
		problems = append(problems, problem(region, prefix, err, true))
	}
	excuse := func(region, prefix string, err error) {
		recovered = append(recovered, problem(region, prefix, err, false))
	}
	if err := e.onlyError(); err != nil {
		add("", "", err)
		return problems, nil
	}
	if e.regionsErr != nil {
		note := add
		if e.covers {
			note = excuse
		}
		note("", "the list of regions could not be read: ", e.regionsErr)
	}
	for _, s := range e.scans {
		switch {
		case s.err == nil && s.recovered != nil:
			excuse(s.region, "", s.recovered)
		case s.err == nil, s.region == "" && s.err == errShort: // which is unexplained, or a region's problem
		case s.region == "":
			add("", "the total could not be checked: ", s.err)
			unexplained = 0
		case s.total < 0:
			add(s.region, fmt.Sprintf("%d matrices read: ", s.read), s.err)
		default:
			add(s.region, fmt.Sprintf("%d of %d matrices read: ", s.read, s.total), s.err)
		}
	}
	if unexplained > 0 {
		add("", "", scanError("CountsDiffer", "%d of %d matrices read: a query without a region counts more than all regions show", len(e.rows), e.total))
	}
	if n := e.unnamed(); n > 0 {
		add("", "", scanError("RowsWithoutID", "%d rows have no NodeId, so that they cannot be distinguished", n))
	}
	if n := e.unreadable(); n > 0 {
		add("", "", scanError("UnreadableRows", "%d rows have a NodeId that is too long, and are not in the report", n))
	}
	slices.SortStableFunc(problems, func(a, b report.Problem) int { return cmp.Compare(a.Region, b.Region) })
	return problems, recovered
}

// onlyError returns the error of an endpoint that returned nothing, for the same
// reason in every scan. The problem of a single region keeps the region.
func (e *endpoint) onlyError() error {
	errs := e.errs()
	same := func(err error) bool { return cloudphone.Explain(err).Code == cloudphone.Explain(errs[0]).Code }
	if len(e.scans) == 1 || !e.failed(same) {
		return nil
	}
	return errs[0]
}
