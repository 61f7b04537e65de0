package doctor

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

func TestCredentials(t *testing.T) {
	api := start(t, &fakecloud.Server{})
	c := newChecker(map[string]string{"EDS_AIC_ENDPOINT": api})
	expect(t, c.identity(t.Context()), want{"credentials", OK, "acs:ram::1234567890123456:user/emulator, account 1234567890123456 (RAMUser), from a test", ""})

	denied := start(t, &fakecloud.Server{Keys: map[string]fakecloud.Key{"emulator": {Secret: "another"}}})
	c = newChecker(map[string]string{"EDS_AIC_ENDPOINT": denied})
	expect(t, c.identity(t.Context()), want{"credentials", Warn, "the access key from a test is not confirmed by STS: SignatureDoesNotMatch: the secret does not belong", "see the endpoints"})

	c.Source.API.Credentials = noCredentials
	expect(t, c.identity(t.Context()), want{"credentials", Fail, "no access key found", "ALIBABA_CLOUD_ACCESS_KEY_ID"})
}

func TestEndpoints(t *testing.T) {
	nodes := fakecloud.Fleet(time.Now())
	fleet := start(t, &fakecloud.Server{Nodes: nodes})
	otherSite := start(t, &fakecloud.Server{Keys: map[string]fakecloud.Key{"another": {Secret: "s"}}})
	oneRegion := start(t, &fakecloud.Server{Nodes: nodes, Faults: []fakecloud.Fault{{
		Action: "DescribeCloudPhoneNodes", Region: "eu-central-1", Respond: fakecloud.APIError(http.StatusForbidden, "Forbidden.RAM", "No."),
	}}})
	name := func(address string) string { return "endpoint " + strings.TrimPrefix(address, "http://") }
	deniedRegions := start(t, &fakecloud.Server{Nodes: nodes[:1], Faults: []fakecloud.Fault{{Action: "DescribeRegions", Respond: fakecloud.APIError(http.StatusForbidden, "NoPermission", "No.")}}})
	uncovered := start(t, &fakecloud.Server{Nodes: nodes, OneRegion: "cn-shanghai"})
	neither := start(t, &fakecloud.Server{Nodes: nodes, OneRegion: "cn-shanghai", Faults: []fakecloud.Fault{{Action: "DescribeRegions", Respond: fakecloud.APIError(http.StatusForbidden, "NoPermission", "No.")}}})
	denied := start(t, &fakecloud.Server{Faults: []fakecloud.Fault{{Respond: fakecloud.APIError(http.StatusForbidden, "Forbidden.RAM", "No.")}}})
	empty := start(t, &fakecloud.Server{})
	const all = "131 matrices: ap-southeast-1 23, cn-hangzhou 50, cn-shanghai 45, eu-central-1 13"
	last := []want{{"clock", OK, "off the API's clock", ""}, {"time zones", OK, "", ""}}
	for _, c := range []struct {
		name, addresses string
		wants           []want
	}{
		{"one endpoint", fleet, []want{{name(fleet), OK, all, ""}}},
		{"no matrices", empty, []want{{name(empty), OK, "0 matrices", ""}}},
		{"the other site does not know the account", fleet + "," + otherSite, []want{
			{name(fleet), OK, "131 matrices", ""}, {name(otherSite), OK, "does not know the account", "set EDS_AIC_ENDPOINT"}}},
		{"the other site denies the account", fleet + "," + denied, []want{
			{name(fleet), OK, "131 matrices", ""}, {name(denied), OK, "Forbidden.RAM: the role may not list matrices", "set EDS_AIC_ENDPOINT"}}},
		{"one denies the account, the other has no matrices", empty + "," + denied, []want{
			{name(empty), OK, "0 matrices", ""}, {name(denied), Fail, "Forbidden.RAM: the role may not list matrices", "policy"}}},
		{"an endpoint does not respond", fleet + ",http://127.0.0.1:1", []want{
			{name(fleet), OK, "131 matrices", ""}, {"endpoint 127.0.0.1:1", Warn, "connection refused", "every report is incomplete"}}},
		{"no endpoint knows the account", otherSite, []want{{name(otherSite), Fail, "InvalidAccessKeyId", "policy"}}},
		{"a region is denied", oneRegion, []want{
			{name(oneRegion), OK, "131 matrices: ap-southeast-1 23, cn-hangzhou 50, cn-shanghai 45", ""},
			{name(oneRegion) + " eu-central-1", Warn, "Forbidden.RAM", "policy"}}},
		{"DescribeRegions is denied", deniedRegions, []want{{name(deniedRegions), OK, "(NoPermission), which hides nothing", ""}}},
		{"the total cannot be checked", uncovered, []want{{name(uncovered), OK, "regions that the API does not list cannot be checked", ""}}},
		{"neither regions nor total are known", neither, []want{
			{name(neither), OK, "regions that the API does not list cannot be checked", ""}, {name(neither), Warn, "every report is incomplete", "policy"}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			checker := newChecker(map[string]string{"EDS_AIC_ENDPOINT": c.addresses})
			checks := checker.endpoints(t.Context())
			if n := len(checks) - 1; n >= 0 && checks[n].Name == "time zones" {
				checks[n].Detail, checks[n].Advice = "", "" // see TestTimestamps
			}
			expect(t, checks, append(c.wants, last...)...)
			incomplete := slices.ContainsFunc(checks, func(c Check) bool { return c.Status != OK })
			if strings.Contains(c.addresses, "127.0.0.1:1,") || strings.HasSuffix(c.addresses, "127.0.0.1:1") {
				return // a run would retry for as long again
			}
			if l := checker.Source.List(t.Context(), nil); l.Complete() == incomplete {
				t.Errorf("a run is complete: %t, %+v", l.Complete(), l.Problems)
			}
		})
	}
	c := newChecker(map[string]string{"EDS_AIC_ENDPOINT": otherSite})
	c.Source.API.Credentials = noCredentials
	expect(t, c.endpoints(t.Context()), want{"endpoints", Fail, "no access key", ""})
}

func TestTimestamps(t *testing.T) {
	c := newChecker(map[string]string{"API_TIME_ZONE": "UTC", "TIME_ZONE": "Asia/Shanghai"})
	for expiry, w := range map[string]want{
		"2026-11-24 02:00:34": {"time zones", OK, "GmtExpired 2026-11-24 02:00:34 is read as 2026-11-24 02:00:34 +00:00 and shown as 2026-11-24 10:00 +08:00 (Asia/Shanghai)", "API_TIME_ZONE"},
		"":                    {"time zones", OK, "no matrix has an expiry date; one that names no zone is read in UTC", ""},
		"in May":              {"time zones", Warn, `GmtExpired "in May" cannot be parsed`, "report it"},
	} {
		expect(t, []Check{c.timestamps(expiry)}, w)
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
			expect(t, checks[len(checks)-2:len(checks)-1], want{"clock", c.status, "off the API's clock", c.advice})
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
