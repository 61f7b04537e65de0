package cloud

import (
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"
)

// The parameters of each action, with a value that it takes, from the pages of
// the actions and the types of the official SDK eds-aic-20230930 v4.30.1.
var documentedParams = []struct{ action, name, value string }{
	{"DescribeCloudPhoneNodes", "BizRegionId", "cn-hangzhou"},
	{"DescribeCloudPhoneNodes", "MaxResults", "100"},
	{"DescribeCloudPhoneNodes", "NextToken", ""},
	{"DescribeCloudPhoneNodes", "NodeIds.1", "cpn-a"},
	{"DescribeCloudPhoneNodes", "NodeIds.100", "cpn-a"},
	{"DescribeCloudPhoneNodes", "NodeName", "prod"},
	{"DescribeCloudPhoneNodes", "NodeNameList.1", "prod-hz-01"},
	{"DescribeCloudPhoneNodes", "Status", "RUNNING"},
	{"DescribeCloudPhoneNodes", "ServerType", "cpm.gx7.10xlarge"},
	{"DescribeCloudPhoneNodes", "ChargeType", "PrePaid"},
	{"DescribeCloudPhoneNodes", "BandwidthPackageId", "np-a"},
	{"DescribeCloudPhoneNodes", "Tags.1.Key", "owner"},
	{"DescribeCloudPhoneNodes", "Tags.1.Value", "team-a"},
	{"DescribeCloudPhoneNodes", "SortKey", "GmtCreate"},
	{"DescribeCloudPhoneNodes", "SortType", "ASC"},
	{"DescribeRegions", "AcceptLanguage", "cn"},
	{"DescribeRegions", "AcceptLanguage", "en"},
	{"DescribeRegions", "SaleMode", "Instance"},
	{"DescribeRegions", "SaleMode", "Node"},
}

func TestDocumentedParametersAreAccepted(t *testing.T) {
	params := documentedParams
	for _, action := range []string{"DescribeCloudPhoneNodes", "DescribeRegions"} {
		for _, p := range [][2]string{{"RegionId", "cn-shanghai"}, {"Format", "JSON"}, {"Format", "json"}, {"SignatureType", ""}} {
			params = append(params, struct{ action, name, value string }{action, p[0], p[1]})
		}
	}
	for _, p := range params {
		for _, s := range []signer{{}, {old: true}, {old: true, method: "POST"}} {
			c := &Server{Now: clock, Nodes: Fleet(testNow)}
			w := s.call(c, p.action, url.Values{p.name: {p.value}})
			if w.Code != http.StatusOK {
				t.Errorf("%s %s=%s, older signature %v: %s", p.action, p.name, p.value, s.old, w.Body)
			}
		}
	}
}

// A response without a Format is JSON, and RegionId filters nothing.
func TestPublicParametersHaveNoEffect(t *testing.T) {
	c := &Server{Now: clock, Nodes: Fleet(testNow)}
	if p := nodes(t, c, url.Values{"RegionId": {"cn-shanghai"}}); p.TotalCount != 131 {
		t.Errorf("with RegionId: %d matrices, want 131", p.TotalCount)
	}
	if w := (signer{old: true, without: "Format"}).call(c, "DescribeRegions", nil); w.Code != http.StatusOK || errorCode(t, w) != "" {
		t.Errorf("without a Format: %d %s", w.Code, w.Body)
	}
}

// The types of the fields, from the same sources. Cpu and
// BandwidthPackageStatus are strings that hold numbers.
var documentedFields = map[string]string{
	"RequestId": "string", "TotalCount": "number", "NextToken": "string", "MaxResults": "number", "NodeModel": "array",
	"NodeModel.NodeId": "string", "NodeModel.NodeName": "string", "NodeModel.RegionId": "string", "NodeModel.Status": "string",
	"NodeModel.ServerType": "string", "NodeModel.InstanceType": "string", "NodeModel.ChargeType": "string",
	"NodeModel.GmtCreate": "string", "NodeModel.GmtExpired": "string", "NodeModel.GmtModified": "string",
	"NodeModel.Cpu": "string", "NodeModel.Memory": "number", "NodeModel.PhoneCount": "number",
	"NodeModel.ResolutionWidth": "number", "NodeModel.ResolutionHeight": "number", "NodeModel.ShareDataVolume": "number",
	"NodeModel.PhoneDataInfo": "object", "NodeModel.PhoneDataInfo.PhoneDataId": "string", "NodeModel.PhoneDataInfo.PhoneDataVolume": "number",
	"NodeModel.SwapSize": "number", "NodeModel.NetworkId": "string", "NodeModel.VSwitchId": "string", "NodeModel.NetworkType": "string",
	"NodeModel.NetworkInfos": "array", "NodeModel.NetworkInfos.NetworkId": "string", "NodeModel.NetworkInfos.NetworkType": "string", "NodeModel.NetworkInfos.VSwitchId": "string",
	"NodeModel.NetworkInfos.BandwidthPackageId": "string", "NodeModel.NetworkInfos.BandwidthPackageType": "string",
	"NodeModel.BandwidthPackageId": "string", "NodeModel.BandwidthPackageType": "string", "NodeModel.BandwidthPackageStatus": "string",
	"NodeModel.BizTags": "array", "NodeModel.BizTags.Key": "string", "NodeModel.BizTags.Value": "string",
	"NodeModel.Tags": "array", "NodeModel.Tags.Key": "string", "NodeModel.Tags.Value": "string",
}

// Every documented field is served with its type, and no other field.
func TestFieldsAreThoseDocumented(t *testing.T) {
	full := Node{
		NodeId: "a", NodeName: "a", RegionId: "a", Status: "a", ServerType: "a", InstanceType: "a", ChargeType: "a", GmtCreate: "a", GmtModified: "a", GmtExpired: "a",
		Cpu: "8", Memory: 1, PhoneCount: 1, ResolutionWidth: 1, ResolutionHeight: 1, ShareDataVolume: 1, PhoneDataInfo: &PhoneDataInfo{"a", 1}, SwapSize: 1,
		NetworkId: "a", VSwitchId: "a", NetworkType: "a", NetworkInfos: []NetworkInfo{{"a", "a", "a", "a", "a"}},
		BandwidthPackageId: "a", BandwidthPackageType: "a", BandwidthPackageStatus: "1", BizTags: []Tag{{"a", "a"}}, Tags: []Tag{{"a", "a"}},
	}
	c := &Server{Now: clock, Nodes: []Node{full, full}}
	w := signer{}.call(c, "DescribeCloudPhoneNodes", url.Values{"MaxResults": {"1"}}) // of two, so that there is a NextToken
	var response any
	if err := json.Unmarshal(w.Body.Bytes(), &response); err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	fields("", response, got)
	for _, name := range slices.Sorted(maps.Keys(documentedFields)) {
		if got[name] != documentedFields[name] {
			t.Errorf("%s is %q, want %s", name, got[name], documentedFields[name])
		}
		delete(got, name)
	}
	for name, kind := range got {
		t.Errorf("%s, %s, is not documented", name, kind)
	}
}

// fields collects the types of all fields of v by their path.
func fields(path string, v any, all map[string]string) {
	switch v := v.(type) {
	case map[string]any:
		if path != "" && all[path] == "" {
			all[path] = "object"
		}
		for name, value := range v {
			fields(strings.TrimPrefix(path+"."+name, "."), value, all)
		}
	case []any:
		all[path] = "array"
		for _, element := range v {
			fields(path, element, all)
		}
	case string:
		all[path] = "string"
	case float64:
		all[path] = "number"
	}
}

// Requests of official clients as they were recorded, signed by them with the
// emulator's key.
func TestRequestsOfOfficialClients(t *testing.T) {
	for _, tt := range []struct{ client, at, method, query, body string }{
		{"Go SDK v1.63.107", "2026-11-26T14:36:29Z", "GET", "AccessKeyId=emulator&Action=DescribeCloudPhoneNodes&Format=JSON&MaxResults=3&RegionId=cn-shanghai&Signature=T0JuRXGpcDKD4j%2F9FIpElJK9JHo%3D&SignatureMethod=HMAC-SHA1&SignatureNonce=1363e3d84cb4feaca79c8554f1a6f201&SignatureType=&SignatureVersion=1.0&Timestamp=2026-11-26T14%3A36%3A29Z&Version=2023-09-30", ""},
		{"Go SDK v1.63.107, temporary key", "2026-11-26T14:36:29Z", "GET", "AccessKeyId=STS.x&Action=DescribeCloudPhoneNodes&Format=JSON&MaxResults=3&RegionId=cn-shanghai&SecurityToken=tok&Signature=mf9OzhG5Vd1mC31v4gb%2FI1HCPB8%3D&SignatureMethod=HMAC-SHA1&SignatureNonce=cb6c8a544367d0b2cbd48e4f545c7e74&SignatureType=&SignatureVersion=1.0&Timestamp=2026-11-26T14%3A36%3A29Z&Version=2023-09-30", ""},
		{"Go SDK v1.63.107", "2026-11-26T14:36:29Z", "POST", "AccessKeyId=emulator&Action=DescribeCloudPhoneNodes&Format=JSON&MaxResults=3&RegionId=cn-shanghai&Signature=i59FoOMK0npbNb%2BKr8hduv7EeJE%3D&SignatureMethod=HMAC-SHA1&SignatureNonce=0e13465b056a81da0612f6790fa0f70c&SignatureType=&SignatureVersion=1.0&Timestamp=2026-11-26T14%3A36%3A29Z&Version=2023-09-30", "BizRegionId=cn-hangzhou"},
		{"Node @alicloud/pop-core 1.8.0", "2026-11-26T14:36:32Z", "GET", "AccessKeyId=emulator&Action=DescribeCloudPhoneNodes&BizRegionId=cn-hangzhou&Format=JSON&MaxResults=3&SignatureMethod=HMAC-SHA1&SignatureNonce=c10d7dabea2133d0462d5d05f891eec9&SignatureVersion=1.0&Timestamp=2026-11-26T14%3A36%3A32Z&Version=2023-09-30&Signature=cJ6K8xVO2HnuwTDUYbO3OGW6CnQ%3D", ""},
		{"Node @alicloud/pop-core 1.8.0", "2026-11-26T14:36:32Z", "POST", "", "AccessKeyId=emulator&Action=DescribeCloudPhoneNodes&Format=JSON&MaxResults=3&SignatureMethod=HMAC-SHA1&SignatureNonce=bfaaddcae3297264e3b51f0ff1dff75f&SignatureVersion=1.0&Timestamp=2026-11-26T14%3A36%3A32Z&Version=2023-09-30&Signature=Pv16HGbcEVQ9K7LSQNutSYDDIg8%3D"},
	} {
		at, err := time.Parse(time.RFC3339, tt.at)
		if err != nil {
			t.Fatal(err)
		}
		c := &Server{Now: func() time.Time { return at }, Nodes: Fleet(at), Keys: map[string]Key{"emulator": {Secret: "emulator-secret"}, "STS.x": {"secret", "tok"}}}
		r := httptest.NewRequest(tt.method, "/?"+tt.query, strings.NewReader(tt.body))
		r.Header.Set("Content-Type", "application/x-www-form-urlencoded") // with GET, too
		r.Header.Set("x-acs-action", "DescribeCloudPhoneNodes")
		r.Header.Set("x-acs-version", "2023-09-30")
		r.Header.Set("x-acs-credentials-provider", "static_ak")
		w := httptest.NewRecorder()
		c.ServeHTTP(w, r)
		var page nodesPage
		if err := json.Unmarshal(w.Body.Bytes(), &page); err != nil || w.Code != http.StatusOK || len(page.NodeModel) != 3 {
			t.Errorf("%s, %s: %d %s", tt.client, tt.method, w.Code, w.Body)
		}
	}
}
