package doctor

import (
	"context"
	"fmt"
	"strings"
	"time"

	"matrix-expiry-report/internal/cloudphone"
)

// identity checks the access key with STS.
func (c Checker) identity(ctx context.Context) []Check {
	const name = "credentials"
	id, err := c.Source.Identity(ctx)
	switch {
	case err != nil && id.From == "":
		return check(name, Fail, err.Error(), "give the function a role, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	case err != nil:
		return check(name, Warn, fmt.Sprintf("the access key from %s is not confirmed by STS: %v", id.From, err), "see the endpoints below, which use the key")
	}
	return check(name, OK, fmt.Sprintf("%s, account %s (%s), from %s", id.Arn, id.Account, id.Kind, id.From), "")
}

// endpoints checks what each endpoint lists, and the clock against the API's.
func (c Checker) endpoints(ctx context.Context) (checks []Check) {
	probes, err := c.Source.Probe(ctx)
	if err != nil {
		return check("endpoints", Fail, "not checked: no access key", "")
	}
	byEndpoint := map[string][]cloudphone.Probe{}
	known := false // an endpoint knows the account
	var skew time.Duration
	for _, p := range probes {
		byEndpoint[p.Endpoint] = append(byEndpoint[p.Endpoint], p)
		known = known || p.Problem == nil
		if p.Skew.Abs() > skew.Abs() {
			skew = p.Skew
		}
	}
	for _, e := range c.Settings.Endpoints {
		checks = append(checks, endpoint(e.Host, byEndpoint[e.Host], known)...)
	}
	return append(checks, clock(skew))
}

// endpoint returns the checks for the probes of one endpoint. If known, some
// endpoint knows the account: one that does not belongs to the other site.
func endpoint(host string, probes []cloudphone.Probe, known bool) (checks []Check) {
	name := "endpoint " + host
	var regions []string
	total := 0
	for _, p := range probes {
		switch {
		case p.Problem == nil && p.Region == "":
			total = p.Matrices
		case p.Problem == nil:
			regions = append(regions, fmt.Sprintf("%s %d", p.Region, p.Matrices))
		case known && strings.HasPrefix(p.Problem.Code, "InvalidAccessKeyId"):
			return check(name, OK, "does not know the account, which belongs to the other site", "set EDS_AIC_ENDPOINT to the other endpoint, so that this one is not queried")
		case known && p.Problem.Code == "ConnectionFailed":
			return check(name, Warn, p.Problem.Message, "if your account belongs to the other site, set EDS_AIC_ENDPOINT to the other endpoint; otherwise every report is incomplete")
		default:
			status := Fail
			if p.Region != "" {
				status = Warn
			}
			checks = append(checks, Check{strings.TrimSpace(name + " " + p.Region), status, p.Problem.Code + ": " + p.Problem.Message,
				"see the message for the usual cause; the README has the policy for the role"})
		}
	}
	if len(regions) > 0 {
		checks = append(check(name, OK, fmt.Sprintf("%d matrices: %s", total, strings.Join(regions, ", ")), ""), checks...)
	}
	return checks
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
