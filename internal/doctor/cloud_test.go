package doctor

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/cloudphone"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/report"
)

func TestCredentials(t *testing.T) {
	api := start(t, &fakecloud.Server{})
	c := newChecker(map[string]string{"EDS_AIC_ENDPOINT": api})
	expect(t, c.identity(t.Context()), want{"credentials", OK, "acs:ram::1234567890123456:user/emulator, account 1234567890123456 (RAMUser), from a test", ""})

	denied := start(t, &fakecloud.Server{Keys: map[string]fakecloud.Key{"emulator": {Secret: "another"}}})
	c = newChecker(map[string]string{"EDS_AIC_ENDPOINT": denied})
	expect(t, c.identity(t.Context()), want{"credentials", Warn, "the access key from a test is not confirmed by STS: SignatureDoesNotMatch", "see the endpoints"})

	c.Source.Credentials = noCredentials
	expect(t, c.identity(t.Context()), want{"credentials", Fail, "no access key found", "ALIBABA_CLOUD_ACCESS_KEY_ID"})
}

func TestEndpoints(t *testing.T) {
	nodes := fakecloud.Fleet(time.Now())
	fleet := start(t, &fakecloud.Server{Nodes: nodes})
	otherSite := start(t, &fakecloud.Server{Keys: map[string]fakecloud.Key{"another": {Secret: "s"}}})
	oneRegion := start(t, &fakecloud.Server{Nodes: nodes, Faults: []fakecloud.Fault{{
		Action: "DescribeCloudPhoneNodes", Region: "eu-central-1", Answer: fakecloud.APIError(http.StatusForbidden, "Forbidden.RAM", "No."),
	}}})
	name := func(address string) string { return "endpoint " + strings.TrimPrefix(address, "http://") }
	clock := want{"clock", OK, "off the API's clock", ""}
	for _, c := range []struct {
		name, addresses string
		wants           []want
	}{
		{"one endpoint", fleet, []want{
			{name(fleet), OK, "131 matrices: cn-shanghai 45, cn-hangzhou 50, ap-southeast-1 23, eu-central-1 13", ""}, clock}},
		{"the other site does not know the account", fleet + "," + otherSite, []want{
			{name(fleet), OK, "131 matrices", ""}, {name(otherSite), OK, "does not know the account", "set EDS_AIC_ENDPOINT"}, clock}},
		{"a region is denied", oneRegion, []want{
			{name(oneRegion), OK, "131 matrices: cn-shanghai 45, cn-hangzhou 50, ap-southeast-1 23", ""},
			{name(oneRegion) + " eu-central-1", Warn, "Forbidden.RAM", "policy"}, clock}},
	} {
		t.Run(c.name, func(t *testing.T) {
			checker := newChecker(map[string]string{"EDS_AIC_ENDPOINT": c.addresses})
			expect(t, checker.endpoints(t.Context()), c.wants...)
		})
	}

	c := newChecker(map[string]string{"EDS_AIC_ENDPOINT": otherSite})
	checks := c.endpoints(t.Context())
	expect(t, checks[:1], want{name(otherSite), Fail, "InvalidAccessKeyId", "policy"})
	c.Source.Credentials = noCredentials
	expect(t, c.endpoints(t.Context()), want{"endpoints", Fail, "no access key", ""})
}

// What an endpoint's problem means depends on whether another endpoint knows the
// account.
func TestEndpointProblem(t *testing.T) {
	for _, c := range []struct {
		code, region   string
		known          bool
		status         Status
		detail, advice string
	}{
		{"InvalidAccessKeyId.NotFound", "", true, OK, "does not know the account", "set EDS_AIC_ENDPOINT"},
		{"InvalidAccessKeyId.NotFound", "", false, Fail, "InvalidAccessKeyId.NotFound: no", "policy"},
		{"ConnectionFailed", "", true, Warn, "no", "every report is incomplete"},
		{"ConnectionFailed", "", false, Fail, "ConnectionFailed: no", "policy"},
		{"SignatureDoesNotMatch", "", true, Fail, "SignatureDoesNotMatch: no", "policy"},
		{"Forbidden.RAM", "cn-hangzhou", true, Warn, "Forbidden.RAM: no", "policy"},
		{"Forbidden.RAM", "cn-hangzhou", false, Warn, "Forbidden.RAM: no", "policy"},
	} {
		probe := cloudphone.Probe{Endpoint: "host", Region: c.region, Problem: &report.Problem{Code: c.code, Message: "no"}}
		got := endpoint("host", []cloudphone.Probe{probe}, c.known)
		expect(t, got, want{strings.TrimSpace("endpoint host " + c.region), c.status, c.detail, c.advice})
	}
}

// The clock warns from one minute and fails from ten, in both directions and at
// whichever endpoint differs most.
func TestClock(t *testing.T) {
	exact := start(t, &fakecloud.Server{})
	for _, c := range []struct {
		ahead  time.Duration
		status Status
		advice string
	}{
		{0, OK, ""},
		{50 * time.Second, OK, ""},
		{70 * time.Second, Warn, "set this machine's clock"},
		{-50 * time.Second, OK, ""},
		{-70 * time.Second, Warn, "set this machine's clock"},
		{10*time.Minute - 10*time.Second, Warn, "set this machine's clock"},
		{10*time.Minute + 10*time.Second, Fail, "set this machine's clock"},
		{-10*time.Minute - 10*time.Second, Fail, "set this machine's clock"},
	} {
		server := &fakecloud.Server{}
		skewed := start(t, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Date", time.Now().Add(c.ahead).UTC().Format(http.TimeFormat))
			server.ServeHTTP(w, r)
		}))
		for _, addresses := range []string{skewed, exact + "," + skewed, skewed + "," + exact} {
			checks := newChecker(map[string]string{"EDS_AIC_ENDPOINT": addresses}).endpoints(t.Context())
			last := checks[len(checks)-1]
			expect(t, []Check{last}, want{"clock", c.status, "off the API's clock", c.advice})
		}
	}
	for skew, want := range map[time.Duration]Status{
		time.Minute: OK, 61 * time.Second: Warn, 10 * time.Minute: Warn, 601 * time.Second: Fail, -time.Minute: OK, -601 * time.Second: Fail,
	} {
		if got := clock(skew); got.Status != want || got.Detail != skew.Abs().String()+" off the API's clock" {
			t.Errorf("%s: got %+v, want %s", skew, got, want)
		}
	}
}
