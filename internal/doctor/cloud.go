package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/inventory"
)

// identity checks the access key with STS.
func (c Checker) identity(ctx context.Context) []Check {
	const name = "credentials"
	id, err := c.Source.Identity(ctx)
	switch {
	case err != nil && id.From == "":
		return check(name, Fail, err.Error(), "give the function a role, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	case err != nil:
		return check(name, Warn, fmt.Sprintf("the access key from %s is not confirmed by STS: %s", id.From, explain(err)), "see the endpoints below, which use the key")
	}
	return check(name, OK, fmt.Sprintf("%s, account %s (%s), from %s", id.ARN, id.Account, id.Type, id.From), "")
}

// endpoints checks what each endpoint lists, the clock against the API's, and
// how its timestamps are read.
func (c Checker) endpoints(ctx context.Context) (checks []Check) {
	probes, err := c.Source.Probe(ctx)
	if err != nil {
		return check("endpoints", Fail, "not checked: no access key", "")
	}
	var skew time.Duration
	expiry := ""
	for _, p := range probes {
		checks = append(checks, endpoint(p, probes)...)
		expiry = cmp.Or(expiry, p.Expiry)
		if p.ClockSkew.Abs() > skew.Abs() {
			skew = p.ClockSkew
		}
	}
	return append(checks, clock(skew), c.timestamps(expiry))
}

// explain returns the code of an error of the API, and what it usually means.
func explain(err error) string {
	problem := cloudphone.Explain(err)
	return problem.Code + ": " + problem.Message
}

// endpoint returns the checks for one of the probed endpoints. Like a run, it
// excuses an endpoint that refuses the account if another one has it.
func endpoint(p inventory.Probe, all []inventory.Probe) []Check {
	const advice = "see the message for the usual cause; the README has the policy for the role"
	const useOther = "set EDS_AIC_ENDPOINT to the other endpoint, so that this one is not queried"
	name := "endpoint " + p.Endpoint
	known := slices.ContainsFunc(all, func(p inventory.Probe) bool { return p.Problem == nil })
	shown := slices.ContainsFunc(all, func(p inventory.Probe) bool { return p.Total > 0 })
	switch err := p.Problem; {
	case err == nil:
	case known && cloudphone.UnknownAccount(err):
		return check(name, OK, "does not know the account, which belongs to the other site", useOther)
	case known && shown && cloudphone.Refused(err):
		return check(name, OK, "refuses the account, which another endpoint lists: "+explain(err), useOther)
	case known && !cloudphone.Responded(err):
		return check(name, Warn, cloudphone.Explain(err).Message, "if your account belongs to the other site, set EDS_AIC_ENDPOINT to the other endpoint; otherwise every report is incomplete")
	default:
		return check(name, Fail, explain(err), advice)
	}
	var regions []string
	var failed []Check
	for _, r := range p.Regions {
		if r.Problem == nil {
			regions = append(regions, fmt.Sprintf("%s %d", r.Region, r.Matrices))
		} else {
			failed = append(failed, Check{name + " " + r.Region, Warn, explain(r.Problem), advice})
		}
	}
	if p.RegionsProblem != nil && !p.Covers {
		failed = append(failed, Check{name, Warn, "every report is incomplete: the list of regions could not be read: " + explain(p.RegionsProblem), advice})
	}
	return append(check(name, OK, fmt.Sprintf("%d matrices: %s%s", p.Total, strings.Join(regions, ", "), totalNote(p)), ""), failed...)
}

// totalNote returns what the count of an endpoint does not cover.
func totalNote(p inventory.Probe) string {
	switch {
	case !p.Covers:
		return "; regions that the API does not list cannot be checked, as a query without a region does not count all matrices"
	case p.RegionsProblem != nil:
		return "; the list of regions could not be read (" + cloudphone.Explain(p.RegionsProblem).Code + "), which hides nothing, as the total confirms the count"
	}
	return ""
}

// timestamps shows how the expiry date of one matrix is read, since the API does
// not document the time zone.
func (c Checker) timestamps(expiry string) Check {
	const name, advice = "time zones", "compare a matrix with the console; if it is hours off, set API_TIME_ZONE"
	if expiry == "" {
		return Check{name, OK, fmt.Sprintf("no matrix has an expiry date; one that names no zone is read in %s", c.Settings.APIZone), ""}
	}
	t, ok := cloudphone.ParseTime(expiry, c.Settings.APIZone)
	if !ok || t.IsZero() {
		return Check{name, Warn, fmt.Sprintf("GmtExpired %q cannot be parsed: such a matrix is reported as no_expiry", expiry), "report it to the maintainers"}
	}
	return Check{name, OK, fmt.Sprintf("GmtExpired %s is read as %s and shown as %s (%s)", expiry,
		t.Format("2006-01-02 15:04:05 -07:00"), t.Time.In(c.Settings.Location).Format("2006-01-02 15:04 -07:00"), c.Settings.Location), advice}
}

// The limits for the difference of the clocks. From 15 minutes the API rejects
// requests.
const skewWarn, skewFail = time.Minute, 10 * time.Minute

func clock(skew time.Duration) Check {
	c := Check{"clock", OK, fmt.Sprintf("%s off the API's clock", skew.Abs()), ""}
	if skew.Abs() > skewWarn {
		c.Status, c.Advice = Warn, "set this machine's clock: from 15 minutes every request is rejected"
	}
	if skew.Abs() > skewFail {
		c.Status = Fail
	}
	return c
}
