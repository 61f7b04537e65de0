package doctor

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/cloudphone"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/inventory"
)

// endpointName returns the name of the check of endpoints.
func endpointName(addresses ...string) string {
	for i := range addresses {
		addresses[i] = strings.TrimPrefix(addresses[i], "http://")
	}
	return "endpoint " + strings.Join(addresses, ", ")
}

// cloudChecks returns the checks of cloud, without the details of the time zones,
// see TestTimestamps.
func cloudChecks(t *testing.T, c Checker) []Check {
	t.Helper()
	checks := c.cloud(t.Context())
	if n := len(checks) - 1; checks[n].Name == "time zones" && checks[n].Status == OK {
		checks[n].Detail, checks[n].Advice = "", ""
	}
	return checks
}

// A key that STS and the endpoints refuse for one reason is one failure. Without
// any response nothing is checked.
func TestCredentials(t *testing.T) {
	t.Parallel()
	api, failing := &fakecloud.Server{}, func(faults ...fakecloud.Fault) string { return start(t, &fakecloud.Server{Faults: faults}) }
	wrongSecret := start(t, &fakecloud.Server{Keys: map[string]fakecloud.Key{"emulator": {Secret: "another"}}})
	otherSite := start(t, &fakecloud.Server{Keys: map[string]fakecloud.Key{"another": {Secret: "s"}}})
	noSTS := failing(fakecloud.Fault{Action: "GetCallerIdentity", Respond: fakecloud.APIError(http.StatusForbidden, "Forbidden.RAM", "No.")})
	mute := failing(fakecloud.Fault{Action: "GetCallerIdentity", Respond: func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusBadGateway) }})
	closed := closedPort(t)
	clockOK, zones, noZones := want{"clock", OK, "off the API's clock", ""}, want{"time zones", OK, "", ""}, want{"time zones", NotChecked, "not checked: no endpoint lists matrices", ""}
	address := start(t, api)
	for _, c := range []struct {
		name, addresses string
		wants           []want
	}{
		{"confirmed", address, []want{
			{"credentials", OK, "acs:ram::1234567890123456:user/emulator, account 1234567890123456 (RAMUser), from a test", ""},
			{endpointName(address), OK, "0 matrices", ""}, clockOK, zones}},
		{"a wrong secret", wrongSecret, []want{
			{"credentials", Fail, "the access key from a test is refused: SignatureDoesNotMatch: the secret does not belong", "set the secret that belongs"},
			{endpointName(wrongSecret), NotChecked, "not checked: the access key is refused", ""}, clockOK, noZones}},
		{"a wrong secret, and the other site", wrongSecret + "," + otherSite, []want{
			{"credentials", Fail, "SignatureDoesNotMatch", "set the secret that belongs"},
			{endpointName(wrongSecret), NotChecked, "not checked", ""},
			{endpointName(otherSite), OK, "does not know the account", "set EDS_AIC_ENDPOINT"}, clockOK, noZones}},
		{"an unknown key", otherSite, []want{
			{"credentials", Fail, "InvalidAccessKeyId.NotFound", "use an access key of the account"},
			{endpointName(otherSite), NotChecked, "not checked", ""}, clockOK, noZones}},
		{"refused by STS only", noSTS, []want{
			{"credentials", Warn, "the access key from a test is not confirmed by STS: Forbidden.RAM", "see the endpoints"},
			{endpointName(noSTS), OK, "0 matrices", ""}, clockOK, zones}},
		{"no response of STS", mute, []want{
			{"credentials", NotChecked, "not checked: STS did not respond about the access key from a test", ""},
			{endpointName(mute), OK, "0 matrices", ""}, clockOK, zones}},
		{"no response at all", closed + ",http://127.0.0.1:1", []want{
			{"credentials", NotChecked, "not checked: STS did not respond", ""},
			{endpointName(closed, "127.0.0.1:1"), Fail, "ConnectionFailed: ", "check DNS, firewall and proxy"},
			{"clock", NotChecked, "not checked: no endpoint responded", ""}, noZones}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // some wait for retries
			expect(t, cloudChecks(t, newChecker(map[string]string{"EDS_AIC_ENDPOINT": c.addresses})), c.wants...)
		})
	}
	c := newChecker(map[string]string{"EDS_AIC_ENDPOINT": address})
	c.Source.API.Credentials = noCredentials
	expect(t, c.cloud(t.Context()),
		want{"credentials", Fail, "no access key found", "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		want{"endpoints, clock, time zones", NotChecked, "not checked: there is no access key", ""})
}

// The checks of the endpoints have a warning or a failure if and only if a run is
// incomplete, except for DescribeRegions.
func TestEndpoints(t *testing.T) {
	t.Parallel()
	nodes := fakecloud.Fleet(time.Now())
	fault := func(action, region, code string) fakecloud.Fault {
		return fakecloud.Fault{Action: action, Region: region, Respond: fakecloud.APIError(http.StatusForbidden, code, "No.")}
	}
	with := func(s *fakecloud.Server) string { return start(t, s) }
	fleet := with(&fakecloud.Server{Nodes: nodes})
	otherSite := with(&fakecloud.Server{Keys: map[string]fakecloud.Key{"another": {Secret: "s"}}})
	oneRegion := with(&fakecloud.Server{Nodes: nodes, Faults: []fakecloud.Fault{fault("DescribeCloudPhoneNodes", "eu-central-1", "Forbidden.RAM")}})
	var most []fakecloud.Fault
	for _, region := range []string{"cn-hangzhou", "ap-southeast-1", "eu-central-1", "cn-beijing", "cn-shenzhen"} {
		most = append(most, fault("DescribeCloudPhoneNodes", region, "Forbidden.RAM"))
	}
	most = append(most, fault("DescribeCloudPhoneNodes", "cn-hongkong", "InvalidRegionId"))
	mostRegions := with(&fakecloud.Server{Nodes: nodes, Faults: most, Regions: []string{"cn-shanghai", "cn-beijing", "cn-shenzhen", "cn-hongkong"}})
	noRegions := fault("DescribeRegions", "", "NoPermission")
	deniedRegions := with(&fakecloud.Server{Nodes: nodes[:1], Faults: []fakecloud.Fault{noRegions}})
	uncovered := with(&fakecloud.Server{Nodes: nodes, OneRegion: "cn-shanghai"})
	neither := with(&fakecloud.Server{Nodes: nodes, OneRegion: "cn-shanghai", Faults: []fakecloud.Fault{noRegions}})
	deniedNodes := fault("", "", "Forbidden.RAM")
	deniedNodes.Action = "DescribeCloudPhoneNodes"
	denied, denied2 := with(&fakecloud.Server{Faults: []fakecloud.Fault{deniedNodes, noRegions}}), with(&fakecloud.Server{Faults: []fakecloud.Fault{deniedNodes, noRegions}})
	empty := with(&fakecloud.Server{})
	const all = "131 matrices: ap-southeast-1 23, cn-hangzhou 50, cn-shanghai 45, eu-central-1 13"
	first, clockOK, zones := want{"credentials", OK, "", ""}, want{"clock", OK, "off the API's clock", ""}, want{"time zones", OK, "", ""}
	noZones := want{"time zones", NotChecked, "not checked: no endpoint lists matrices", ""}
	for _, c := range []struct {
		name, addresses string
		wants           []want
	}{
		{"one endpoint", fleet, []want{{endpointName(fleet), OK, all, ""}}},
		{"no matrices", empty, []want{{endpointName(empty), OK, "0 matrices", ""}}},
		{"the other site does not know the account", fleet + "," + otherSite, []want{
			{endpointName(fleet), OK, "131 matrices", ""}, {endpointName(otherSite), OK, "does not know the account", "set EDS_AIC_ENDPOINT"}}},
		{"the other site denies the account", fleet + "," + denied, []want{
			{endpointName(fleet), OK, "131 matrices", ""}, {endpointName(denied), OK, "Forbidden.RAM: the role may not list matrices", "set EDS_AIC_ENDPOINT"}}},
		{"one denies the account, the other has no matrices", empty + "," + denied, []want{
			{endpointName(empty), OK, "0 matrices", ""}, {endpointName(denied), Fail, "Forbidden.RAM: the role may not list matrices", "function.json"}}},
		{"both deny the account", denied + "," + denied2, []want{{endpointName(denied, denied2), Fail, "Forbidden.RAM: the role may not list matrices", "function.json"}}},
		{"an endpoint does not respond", fleet + ",http://127.0.0.1:1", []want{
			{endpointName(fleet), OK, "131 matrices", ""}, {"endpoint 127.0.0.1:1", Warn, "every report is incomplete: dial", "check DNS, firewall and proxy"}}},
		{"a region is denied", oneRegion, []want{
			{endpointName(oneRegion), OK, "131 matrices: ap-southeast-1 23, cn-hangzhou 50, cn-shanghai 45", ""},
			{endpointName(oneRegion), Warn, "every report is incomplete: eu-central-1: Forbidden.RAM", "function.json to the role or the user, or name the other regions in REGIONS"}}},
		{"regions are denied for two causes", mostRegions, []want{
			{endpointName(mostRegions), OK, "131 matrices: cn-shanghai 45", ""},
			{endpointName(mostRegions), Warn, "ap-southeast-1, cn-beijing, cn-hangzhou and 2 more: Forbidden.RAM", "function.json"},
			{endpointName(mostRegions), Warn, "incomplete: cn-hongkong: InvalidRegionId", "open a ticket"}}},
		{"DescribeRegions is denied", deniedRegions, []want{
			{endpointName(deniedRegions), OK, "1 matrices: ", ""},
			{endpointName(deniedRegions), Warn, "no matrix is missing, as the total confirms, but DescribeRegions fails: NoPermission", "allow DescribeRegions"}}},
		{"the total cannot be checked", uncovered, []want{{endpointName(uncovered), OK, "regions that the API does not list cannot be checked", ""}}},
		{"neither regions nor total are known", neither, []want{
			{endpointName(neither), OK, "regions that the API does not list cannot be checked", ""},
			{endpointName(neither), Warn, "every report is incomplete: DescribeRegions fails: NoPermission", "allow DescribeRegions"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // some wait for retries
			checker := newChecker(map[string]string{"EDS_AIC_ENDPOINT": c.addresses})
			checks := cloudChecks(t, checker)
			checks[0].Detail = ""
			last := zones
			if c.wants[0].Status == Fail {
				last = noZones
			}
			expect(t, checks, slices.Concat([]want{first}, c.wants, []want{clockOK, last})...)
			incomplete := slices.ContainsFunc(checks, func(c Check) bool {
				return (c.Status == Warn || c.Status == Fail) && !strings.HasPrefix(c.Detail, "no matrix is missing")
			})
			if strings.Contains(c.addresses, "127.0.0.1:1,") || strings.HasSuffix(c.addresses, "127.0.0.1:1") {
				return // a run would retry for as long again
			}
			if l := checker.Source.List(t.Context(), nil); l.Complete() == incomplete {
				t.Errorf("a run is complete: %t, %+v", l.Complete(), l.Problems)
			}
		})
	}
}

func TestAdvice(t *testing.T) {
	for code, want := range map[string]string{
		"InvalidAccessKeyId.Inactive": "enable", "InvalidAccessKeyId.NotFound": "use an access key of the account", "SignatureDoesNotMatch": "set the secret",
		"InvalidTimeStamp.Expired": "clock", "InvalidSecurityToken.Expired": "role", "Forbidden.RAM": "function.json", "NoPermission": "function.json",
		"Throttling.User": "MAX_IN_FLIGHT", "InternalError": "open a ticket",
	} {
		if got := advice(&cloudphone.Error{Status: 403, Code: code}); !strings.Contains(got, want) {
			t.Errorf("%s: got the advice %q, want %q", code, got, want)
		}
	}
	if got := advice(&cloudphone.Error{NotService: true, Code: "ConnectionFailed"}); !strings.Contains(got, "firewall") {
		t.Errorf("without a response: got the advice %q", got)
	}
}

func TestTimestamps(t *testing.T) {
	c := newChecker(map[string]string{"API_TIME_ZONE": "UTC", "TIME_ZONE": "Asia/Shanghai"})
	for expiry, w := range map[string]want{
		"2026-11-24 02:00:34": {"time zones", OK, "GmtExpired 2026-11-24 02:00:34 is read as 2026-11-24 02:00:34 +00:00 and shown as 2026-11-24 10:00 +08:00 (Asia/Shanghai)", "API_TIME_ZONE"},
		"":                    {"time zones", OK, "no matrix has an expiry date; one that names no zone is read in UTC", ""},
		"in May":              {"time zones", Warn, `GmtExpired "in May" cannot be parsed`, "report it"},
	} {
		expect(t, []Check{c.timestamps([]inventory.Probe{{Problem: errors.New("refused")}, {Expiry: expiry}})}, w)
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
			checks := newChecker(map[string]string{"EDS_AIC_ENDPOINT": addresses}).cloud(t.Context())
			expect(t, checks[len(checks)-2:len(checks)-1], want{"clock", c.status, "off the API's clock", c.advice})
		}
	}
	for skew, want := range map[time.Duration]Status{
		time.Minute: OK, 61 * time.Second: Warn, 10 * time.Minute: Warn, 601 * time.Second: Fail, -time.Minute: OK, -601 * time.Second: Fail,
	} {
		if got := clock([]inventory.Probe{{}, {ClockSkew: skew}}); got.Status != want || got.Detail != skew.Abs().String()+" off the API's clock" {
			t.Errorf("%s: got %+v, want %s", skew, got, want)
		}
	}
}
