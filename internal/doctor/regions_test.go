package doctor

import (
	"net/http"
	"testing"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

func TestRegions(t *testing.T) {
	t.Parallel()
	nodes := fakecloud.Fleet(time.Now()) // in cn-shanghai, cn-hangzhou, ap-southeast-1 and eu-central-1
	fault := func(region, code string, status int) fakecloud.Fault {
		return fakecloud.Fault{Action: "DescribeCloudPhoneNodes", Region: region, Respond: fakecloud.APIError(status, code, "No.")}
	}
	api := start(t, &fakecloud.Server{Nodes: nodes, Regions: []string{"cn-beijing"}, Faults: []fakecloud.Fault{
		fault("cn-nowhere", "InvalidRegionId", http.StatusBadRequest), fault("cn-nosuch", "InvalidRegionId", http.StatusBadRequest), fault("cn-denied", "Forbidden.RAM", http.StatusForbidden), fault("cn-slow", "ServiceUnavailable", http.StatusServiceUnavailable),
	}})
	denied := start(t, &fakecloud.Server{Faults: []fakecloud.Fault{fault("", "Forbidden.RAM", http.StatusForbidden)}})
	empty := start(t, &fakecloud.Server{})
	elsewhere := start(t, &fakecloud.Server{Nodes: []fakecloud.Node{{NodeId: "cpn-1", RegionId: "cn-nowhere", Status: "RUNNING"}}})
	const all = "cn-shanghai,cn-hangzhou,ap-southeast-1,eu-central-1"
	for _, c := range []struct {
		name, addresses, regions string
		wants                    []want
	}{
		{"all regions", api, "", nil},
		{"all of them named", api, all, []want{{"regions", OK, "matrices in cn-shanghai, cn-hangzhou, ap-southeast-1 and 1 more", ""}}},
		{"some named", api, "cn-hangzhou,eu-central-1", []want{{"regions", OK, "matrices in cn-hangzhou, eu-central-1; REGIONS leaves out ap-southeast-1, cn-shanghai, which have matrices too", ""}}},
		{"listed, without matrices", api, all + ",cn-beijing", []want{
			{"regions", OK, "matrices in", ""}, {"regions", Warn, "no matrices in cn-beijing", "remove it from REGIONS"}}},
		{"documented, without matrices", elsewhere, "eu-central-1,cn-nowhere", []want{
			{"regions", OK, "matrices in cn-nowhere", ""}, {"regions", Warn, "no matrices in eu-central-1", "remove it from REGIONS, if that is right; these have matrices: cn-nowhere"}}},
		{"unknown", api, all + ",cn-hangzou,eu-north-9", []want{
			{"regions", OK, "matrices in", ""}, {"regions", Warn, "cn-hangzou, eu-north-9: neither the API nor its documentation lists it", "check the name in REGIONS; these have matrices: cn-shanghai, cn-hangzhou, ap-southeast-1 and 1 more"}}},
		{"not listed, with matrices", elsewhere, "cn-nowhere", []want{{"regions", OK, "matrices in cn-nowhere", ""}}},
		{"refused", api, "cn-nowhere,cn-nosuch", []want{{"regions", Fail, "every report is incomplete: cn-nowhere, cn-nosuch: InvalidRegionId", "check the name in REGIONS"}}},
		{"denied", api, "cn-denied", []want{{"regions", Fail, "every report is incomplete: cn-denied: Forbidden.RAM", "function.json"}}},
		{"refused by one endpoint, empty at the other", api + "," + empty, "cn-nowhere", []want{{"regions", Warn, "cn-nowhere: neither the API", "check the name"}}},
		{"refused by one endpoint, with matrices at the other", api + "," + elsewhere, "cn-nowhere", []want{{"regions", OK, "matrices in cn-nowhere", ""}}},
		{"the same in the other order", elsewhere + "," + api, "cn-nowhere", []want{{"regions", OK, "matrices in cn-nowhere", ""}}},
		{"listed by one endpoint only", api + "," + elsewhere, all + ",cn-beijing", []want{{"regions", OK, "", ""}, {"regions", Warn, "no matrices in cn-beijing", "remove"}}},
		{"the same in the other order", elsewhere + "," + api, "cn-nowhere,cn-beijing", []want{{"regions", OK, "", ""}, {"regions", Warn, "no matrices in cn-beijing", "remove"}}},
		{"temporarily unavailable", api, "cn-slow", []want{{"regions", Warn, "every report is incomplete: cn-slow: ServiceUnavailable", "run doctor again"}}},
		{"no endpoint lists matrices", denied, "cn-shanghai", []want{{"regions", NotChecked, "cn-shanghai not checked", ""}}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // one waits for retries
			checker := newChecker(map[string]string{"EDS_AIC_ENDPOINT": c.addresses, "REGIONS": c.regions})
			probes, err := checker.Source.Probe(t.Context(), checker.Settings.Regions)
			if err != nil {
				t.Fatal(err)
			}
			expect(t, checker.regions(probes), c.wants...)
		})
	}
}

// With REGIONS, what a run does not use is no warning.
func TestRegionsThatAreNotNamed(t *testing.T) {
	api := start(t, &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now()), Faults: []fakecloud.Fault{
		{Action: "DescribeRegions", Respond: fakecloud.APIError(http.StatusForbidden, "NoPermission", "No.")},
		{Action: "DescribeCloudPhoneNodes", Region: "eu-central-1", Respond: fakecloud.APIError(http.StatusForbidden, "NoPermission", "No.")},
	}})
	for regions, warnings := range map[string]int{"": 2, "cn-hangzhou": 0} {
		checker := newChecker(map[string]string{"EDS_AIC_ENDPOINT": api, "REGIONS": regions})
		got := 0
		for _, c := range checker.cloud(t.Context()) {
			if c.Status != OK {
				got++
			}
		}
		if l := checker.Source.List(t.Context(), checker.Settings.Regions); got != warnings || l.Complete() != (warnings == 0) {
			t.Errorf("REGIONS=%s: %d warnings, want %d; a run is complete: %t", regions, got, warnings, l.Complete())
		}
	}
}
