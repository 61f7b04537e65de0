package doctor

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/inventory"
)

// cloud checks the access key with STS, what each endpoint lists, REGIONS, the
// clock against the API's, and how its timestamps are read.
func (c Checker) cloud(ctx context.Context) []Check {
	var id cloudphone.CallerIdentity
	var idErr error
	var wg sync.WaitGroup
	wg.Go(func() { id, idErr = c.Source.Identity(ctx) })
	probes, err := c.Source.Probe(ctx, c.Settings.Regions)
	wg.Wait()
	if err != nil {
		return []Check{
			{"credentials", Fail, err.Error(), "give the function a role, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET"},
			{"endpoints, clock, time zones", NotChecked, "not checked: there is no access key", ""},
		}
	}
	refused := refusedAs(idErr, probes)
	checks := []Check{credentials(id, idErr, refused != "")}
	for _, g := range byCause(probes, func(p inventory.Probe) string {
		if p.Problem == nil {
			return p.Endpoint
		}
		return cloudphone.Explain(p.Problem).Code
	}) {
		checks = append(checks, c.endpoint(g, probes, refused)...)
	}
	checks = append(checks, c.regions(probes)...)
	return append(checks, clock(probes), c.timestamps(probes))
}

// refusedAs returns the error code of a key that STS and every endpoint that
// knows it refuse for the same reason, or "".
func refusedAs(idErr error, probes []inventory.Probe) string {
	if !cloudphone.Responded(idErr) {
		return ""
	}
	code := cloudphone.Explain(idErr).Code
	for _, p := range probes {
		if !cloudphone.UnknownAccount(p.Problem) && (p.Problem == nil || cloudphone.Explain(p.Problem).Code != code) {
			return ""
		}
	}
	return code
}

// credentials returns the check of the access key. A key that is refused by the
// endpoints, too, is a failure.
func credentials(id cloudphone.CallerIdentity, err error, refused bool) Check {
	const name = "credentials"
	switch {
	case err == nil:
		return Check{name, OK, fmt.Sprintf("%s, account %s (%s), from %s", id.ARN, id.Account, id.Type, id.From), ""}
	case refused:
		return Check{name, Fail, fmt.Sprintf("the access key from %s is refused: %s", id.From, explain(err)), advice(err)}
	case !cloudphone.Responded(err):
		return Check{name, NotChecked, fmt.Sprintf("not checked: STS did not respond about the access key from %s: %s", id.From, explain(err)), ""}
	}
	return Check{name, Warn, fmt.Sprintf("the access key from %s is not confirmed by STS: %s", id.From, explain(err)), "see the endpoints below, which use the key"}
}

// explain returns the code of an error of the API, and what it usually means.
func explain(err error) string {
	problem := cloudphone.Explain(err)
	return problem.Code + ": " + problem.Message
}

// A remedy is what to do about some error codes.
type remedy struct {
	codes  string // beginnings, separated by spaces
	advice string
}

var remedies = []remedy{
	{"InvalidAccessKeyId.Inactive", "enable the access key in RAM, or use another"},
	{"InvalidAccessKeyId", "use an access key of the account that has the matrices; the endpoint must be of its site (China or international)"},
	{"SignatureDoesNotMatch IncompleteSignature", "set the secret that belongs to the access key"},
	{"InvalidTimeStamp IllegalTimestamp", "set this machine's clock"},
	{"InvalidSecurityToken MissingSecurityToken", "check the function's role; elsewhere, get new temporary credentials and set all three of their values"},
	{"Forbidden NoPermission NotAuthorized", "attach deploy/ram/function.json to the role or the user"},
	{"Throttling", "run doctor again in some minutes; if that does not help, lower MAX_IN_FLIGHT"},
}

// advice returns what to do about an error of the API.
func advice(err error) string {
	if !cloudphone.Responded(err) {
		return "check DNS, firewall and proxy (HTTPS_PROXY); a function needs internetAccess, or a VPC with NAT"
	}
	return cmp.Or(remedyFor(err), "run doctor again; if that does not help, open a ticket with Alibaba Cloud and give the request id")
}

// remedyFor returns the remedy for the code of an error, or "".
func remedyFor(err error) string {
	code := cloudphone.Explain(err).Code
	for _, r := range remedies {
		for begin := range strings.FieldsSeq(r.codes) {
			if strings.HasPrefix(code, begin) {
				return r.advice
			}
		}
	}
	return ""
}

// endpoint returns the checks for probed endpoints whose calls failed for one
// cause, or for one that can be used. Like a run, it excuses an endpoint that
// refuses the account if another one has it.
func (c Checker) endpoint(group, all []inventory.Probe, refused string) []Check {
	const useOther = "set EDS_AIC_ENDPOINT to the other endpoint, so that this one is not queried"
	name := "endpoint " + list(group, func(p inventory.Probe) string { return p.Endpoint })
	responded := slices.ContainsFunc(all, func(p inventory.Probe) bool { return p.Problem == nil })
	known := slices.ContainsFunc(all, func(p inventory.Probe) bool {
		return p.Problem == nil || cloudphone.Responded(p.Problem) && !cloudphone.UnknownAccount(p.Problem)
	})
	shown := slices.ContainsFunc(all, func(p inventory.Probe) bool { return p.Total > 0 })
	switch err := group[0].Problem; {
	case err == nil:
		return c.regionsOf(name, group[0])
	case known && cloudphone.UnknownAccount(err):
		return check(name, OK, "does not know the account, which belongs to the other site", useOther)
	case refused != "":
		return check(name, NotChecked, "not checked: the access key is refused", "")
	case responded && shown && cloudphone.Refused(err):
		return check(name, OK, "refuses the account, which another endpoint lists: "+explain(err), useOther)
	case responded && !cloudphone.Responded(err):
		return check(name, Warn, "every report is incomplete: "+cloudphone.Explain(err).Message, advice(err)+"; if your account belongs to the other site, set EDS_AIC_ENDPOINT to the other endpoint")
	default:
		return check(name, Fail, explain(err), advice(err))
	}
}

// regionsOf returns the checks for the regions of an endpoint that can be used.
func (c Checker) regionsOf(name string, p inventory.Probe) []Check {
	all := len(c.Settings.Regions) == 0
	var counts []string
	var failed []inventory.RegionProbe
	for _, r := range p.Regions {
		switch {
		case r.Problem == nil:
			counts = append(counts, fmt.Sprintf("%s %d", r.Region, r.Matrices))
		case all:
			failed = append(failed, r)
		}
	}
	detail := fmt.Sprintf("%d matrices: %s", p.Total, strings.Join(counts, ", "))
	if all && !p.Covers {
		detail += "; regions that the API does not list cannot be checked, as a query without a region does not count all matrices"
	}
	checks := check(name, OK, detail, "")
	for _, g := range byCause(failed, regionCause) {
		todo := advice(g[0].Problem)
		if cloudphone.Refused(g[0].Problem) {
			todo += ", or name the other regions in REGIONS"
		}
		checks = append(checks, Check{name, Warn, fmt.Sprintf("every report is incomplete: %s: %s", list(g, regionName), explain(g[0].Problem)), todo})
	}
	if all && p.RegionsProblem != nil {
		checks = append(checks, describeRegions(name, p))
	}
	return checks
}

// describeRegions returns the check of an endpoint whose list of regions is not
// known.
func describeRegions(name string, p inventory.Probe) Check {
	detail := "every report is incomplete: DescribeRegions fails: "
	if p.Covers {
		detail = "no matrix is missing, as the total confirms, but DescribeRegions fails: "
	}
	if !cloudphone.Refused(p.RegionsProblem) {
		return Check{name, Warn, detail + explain(p.RegionsProblem), advice(p.RegionsProblem)}
	}
	problem := cloudphone.Explain(p.RegionsProblem)
	if detail += problem.Code; problem.Permission != "" {
		detail += "; missing permission: " + problem.Permission
	}
	return Check{name, Warn, detail, "allow DescribeRegions, as deploy/ram/function.json does"}
}

func regionName(r inventory.RegionProbe) string  { return r.Region }
func regionCause(r inventory.RegionProbe) string { return cloudphone.Explain(r.Problem).Code }

// timestamps shows how the expiry date of one matrix is read, since the API does
// not document the time zone.
func (c Checker) timestamps(probes []inventory.Probe) Check {
	const name, advice = "time zones", "compare a matrix with the console; if it is hours off, set API_TIME_ZONE"
	expiry, listed := "", false
	for _, p := range probes {
		expiry, listed = cmp.Or(expiry, p.Expiry), listed || p.Problem == nil
	}
	switch {
	case !listed:
		return Check{name, NotChecked, "not checked: no endpoint lists matrices", ""}
	case expiry == "":
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

// clock checks the clock with the endpoint that differs most.
func clock(probes []inventory.Probe) Check {
	var skew time.Duration
	responded := false
	for _, p := range probes {
		responded = responded || p.Problem == nil || cloudphone.Responded(p.Problem)
		if p.ClockSkew.Abs() > skew.Abs() {
			skew = p.ClockSkew
		}
	}
	if !responded {
		return Check{"clock", NotChecked, "not checked: no endpoint responded", ""}
	}
	c := Check{"clock", OK, fmt.Sprintf("%s off the API's clock", skew.Abs()), ""}
	if skew.Abs() > skewWarn {
		c.Status, c.Advice = Warn, "set this machine's clock: from 15 minutes every request is rejected"
	}
	if skew.Abs() > skewFail {
		c.Status = Fail
	}
	return c
}
