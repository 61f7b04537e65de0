package cloud

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

type nodesPage struct {
	NodeModel  []Node
	TotalCount int
	NextToken  string
	MaxResults int
}

// nodes returns a page of DescribeCloudPhoneNodes.
func nodes(t *testing.T, c *Server, params url.Values) nodesPage {
	t.Helper()
	w := signer{}.call(c, "DescribeCloudPhoneNodes", params)
	if w.Code != 200 {
		t.Fatalf("%d %s", w.Code, w.Body)
	}
	if !strings.Contains(w.Body.String(), `"NodeModel":[`) {
		t.Errorf("NodeModel is not an array: %s", w.Body)
	}
	var p nodesPage
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func TestPagesContainEachRowOnce(t *testing.T) {
	fleet := Fleet(testNow)
	for _, tt := range []struct{ maxResults, size, pages, pageSize int }{
		{1, 1, 131, 0}, {7, 7, 19, 0}, {100, 100, 2, 0}, {0, 20, 7, 0}, {100, 9, 15, 9}, {5, 5, 27, 9},
	} {
		c := &Server{Nodes: fleet, Now: clock, PageSize: tt.pageSize}
		params := url.Values{}
		if tt.maxResults > 0 {
			params.Set("MaxResults", fmt.Sprint(tt.maxResults))
		}
		var got []string
		for pages := 1; ; pages++ {
			p := nodes(t, c, params)
			if pages > tt.pages {
				t.Fatalf("%+v: more than %d pages", tt, tt.pages)
			}
			if p.TotalCount != 131 || p.MaxResults != tt.size || len(p.NodeModel) > tt.size {
				t.Fatalf("page of %d rows, TotalCount %d, MaxResults %d", len(p.NodeModel), p.TotalCount, p.MaxResults)
			}
			for _, n := range p.NodeModel {
				got = append(got, n.NodeId)
			}
			if p.NextToken == "" {
				if pages != tt.pages {
					t.Errorf("%+v: %d pages", tt, pages)
				}
				break
			}
			if !strings.Contains(p.NextToken, "+") || !strings.Contains(p.NextToken, "/") {
				t.Errorf("token %q needs no encoding", p.NextToken)
			}
			params.Set("NextToken", p.NextToken)
		}
		var want []string
		for _, n := range fleet {
			want = append(want, n.NodeId)
		}
		if !slices.Equal(got, want) {
			t.Errorf("%+v: the pages have %d rows, want the %d of the fleet in order", tt, len(got), len(want))
		}
		if calls := c.Calls(); calls[len(calls)-1].Page != tt.pages {
			t.Errorf("%+v: last call %+v", tt, calls[len(calls)-1])
		}
	}
}

func TestFilters(t *testing.T) {
	c := &Server{Now: clock, Nodes: []Node{
		{NodeId: "a", NodeName: "prod-hz-01", RegionId: "cn-hangzhou", Status: "RUNNING", ServerType: "s1", ChargeType: "PrePaid", BandwidthPackageId: "b1", Tags: []Tag{{"owner", "x"}, {"env", "prod"}}},
		{NodeId: "b", NodeName: "prod-hz-02", RegionId: "cn-hangzhou", Status: "FAILED", ServerType: "s2", Tags: []Tag{{"owner", "y"}}},
		{NodeId: "c", NodeName: "直播-上海-01", RegionId: "cn-shanghai", Status: "RUNNING", ServerType: "s1", BizTags: []Tag{{"owner", "x"}}},
	}}
	for query, want := range map[string]string{
		"":                                "abc",
		"BizRegionId=cn-hangzhou":         "ab",
		"BizRegionId=mars-1":              "",
		"NodeIds.1=c&NodeIds.2=a":         "ac",
		"NodeName=prod":                   "ab",
		"NodeName=%E7%9B%B4":              "c",
		"NodeName=":                       "abc",
		"NodeNameList.1=prod-hz-02":       "b",
		"NodeNameList.1=prod":             "",
		"Status=RUNNING":                  "ac",
		"ServerType=s2":                   "b",
		"ChargeType=PrePaid":              "a",
		"BandwidthPackageId=b1":           "a",
		"Tags.1.Key=owner":                "abc",
		"Tags.1.Key=owner&Tags.1.Value=x": "ac",
		"Tags.1.Key=owner&Tags.1.Value=x&Tags.2.Key=env":    "a",
		"Status=RUNNING&BizRegionId=cn-shanghai":            "c",
		"SortKey=GmtExpired&SortType=ASC&Status=FAILED":     "b",
		"NextToken=&BizRegionId=cn-hangzhou&MaxResults=100": "ab",
	} {
		params, _ := url.ParseQuery(query)
		p := nodes(t, c, params)
		got := ""
		for _, n := range p.NodeModel {
			got += n.NodeId
		}
		if got != want || p.TotalCount != len(want) {
			t.Errorf("%s: got %q of %d, want %q", query, got, p.TotalCount, want)
		}
	}
	c.OneRegion = "cn-shanghai"
	if p := nodes(t, c, nil); p.TotalCount != 1 || p.NodeModel[0].NodeId != "c" {
		t.Errorf("OneRegion: got %+v", p)
	}
	if p := nodes(t, c, url.Values{"BizRegionId": {"cn-hangzhou"}}); p.TotalCount != 2 {
		t.Errorf("OneRegion with BizRegionId: got %+v", p)
	}
}

func TestInvalidParametersAreRefused(t *testing.T) {
	c := &Server{Now: clock, Nodes: Fleet(testNow)}
	token := nodes(t, c, url.Values{"BizRegionId": {"cn-hangzhou"}, "MaxResults": {"2"}}).NextToken
	last := token[len(token)-1:]
	for _, tt := range []struct{ action, query, code string }{
		{"DescribeCloudPhoneNodes", "MaxResults=0", "InvalidParameter.MaxResults"},
		{"DescribeCloudPhoneNodes", "MaxResults=101", "InvalidParameter.MaxResults"},
		{"DescribeCloudPhoneNodes", "MaxResults=ten", "InvalidParameter.MaxResults"},
		{"DescribeCloudPhoneNodes", "NextToken=x", "InvalidParameter.NextToken"},
		{"DescribeCloudPhoneNodes", "NextToken=" + url.QueryEscape(token), "InvalidNextToken"},
		{"DescribeCloudPhoneNodes", "BizRegionId=cn-hangzhou&NextToken=" + url.QueryEscape(strings.ReplaceAll(token, "+", " ")), "InvalidParameter.NextToken"},
		{"DescribeCloudPhoneNodes", "BizRegionId=cn-hangzhou&NextToken=" + url.QueryEscape("B"+token[1:len(token)-1]+last), "InvalidParameter.NextToken"},
		{"DescribeCloudPhoneNodes", "BizRegionId=cn-hangzhou&MaxResults=3&NextToken=" + url.QueryEscape(token), ""},
		{"DescribeCloudPhoneNodes", "Format=XML", "InvalidParameter.Format"},
		{"DescribeCloudPhoneNodes", "Action=DescribeRegions", "InvalidAction"},
		{"DescribeCloudPhoneNodes", "NodeIds=a", "InvalidParameter"},
		{"DescribeCloudPhoneNodes", "NodeIds.0=a", "InvalidParameter"},
		{"DescribeCloudPhoneNodes", "NodeIds.01=a", "InvalidParameter"},
		{"DescribeCloudPhoneNodes", "Tags.1=a", "InvalidParameter"},
		{"DescribeCloudPhoneNodes", "PageNumber=1", "InvalidParameter"},
		{"DescribeRegions", "BizRegionId=cn-hangzhou", "InvalidParameter"},
		{"DescribeRegions", "SaleMode=Matrix", "InvalidParameter.SaleMode"},
		{"DescribeRegions", "AcceptLanguage=fr", "InvalidParameter.AcceptLanguage"},
	} {
		params, _ := url.ParseQuery(tt.query)
		w := signer{}.call(c, tt.action, params)
		if got := errorCode(t, w); got != tt.code || (w.Code == 400) != (tt.code != "") {
			t.Errorf("%s?%s: got %d %q, want %q", tt.action, tt.query, w.Code, got, tt.code)
		}
	}
}

func TestDescribeRegions(t *testing.T) {
	for _, tt := range []struct {
		regions  []string
		language string
		want     string
	}{
		{nil, "en", "cn-shanghai China (Shanghai),cn-hangzhou China (Hangzhou),ap-southeast-1 Singapore,eu-central-1 Germany (Frankfurt)"},
		{nil, "", "cn-shanghai 华东2（上海）,cn-hangzhou 华东1（杭州）,ap-southeast-1 新加坡,eu-central-1 德国（法兰克福）"},
		{[]string{"us-east-1"}, "cn", "us-east-1 us-east-1"},
		{[]string{}, "cn", ""},
	} {
		w := signer{}.call(&Server{Now: clock, Regions: tt.regions}, "DescribeRegions", url.Values{"SaleMode": {"Node"}, "AcceptLanguage": {tt.language}})
		var got struct {
			RegionModels []struct{ RegionId, RegionName string }
		}
		if err := json.Unmarshal(w.Body.Bytes(), &got); err != nil || got.RegionModels == nil {
			t.Fatalf("%v: %s", err, w.Body)
		}
		var all []string
		for _, r := range got.RegionModels {
			all = append(all, r.RegionId+" "+r.RegionName)
		}
		if s := strings.Join(all, ","); s != tt.want {
			t.Errorf("got %s, want %s", s, tt.want)
		}
	}
}

func TestResponseHeaders(t *testing.T) {
	srv := httptest.NewServer(&Server{Now: clock})
	defer srv.Close()
	res, err := http.Get(srv.URL)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	for _, name := range []string{"Date", "x-acs-request-id", "x-acs-trace-id"} {
		if res.Header.Get(name) == "" {
			t.Errorf("no %s", name)
		}
	}
	if got := res.Header.Get("Content-Type"); got != "application/json;charset=utf-8" {
		t.Errorf("content type %q", got)
	}
}

func TestFaults(t *testing.T) {
	c := &Server{Now: clock, Nodes: Fleet(testNow), Faults: []Fault{
		{Action: "DescribeRegions", Times: 2},
		{Action: "DescribeCloudPhoneNodes", Region: "-", Page: 2, Respond: APIError(400, "Throttling.User", "slow down")},
		{Region: "eu-central-1", Times: 1, Respond: func(w http.ResponseWriter, r *http.Request) { w.WriteHeader(502) }},
	}}
	status := func(action string, params url.Values) int { return signer{}.call(c, action, params).Code }
	for i, want := range []int{503, 503, 200} {
		if got := status("DescribeRegions", nil); got != want {
			t.Errorf("regions %d: got %d, want %d", i, got, want)
		}
	}
	second := func(region string) url.Values {
		params := url.Values{"MaxResults": {"2"}}
		if region != "" {
			params.Set("BizRegionId", region)
		}
		params.Set("NextToken", nodes(t, c, params).NextToken)
		return params
	}
	w := signer{}.call(c, "DescribeCloudPhoneNodes", second(""))
	if got := errorCode(t, w); w.Code != 400 || got != "Throttling.User" {
		t.Errorf("second page: got %d %s", w.Code, got)
	}
	if got := status("DescribeCloudPhoneNodes", second("cn-hangzhou")); got != 200 {
		t.Errorf("second page of a region: got %d", got)
	}
	for i, want := range []int{502, 200} {
		if got := status("DescribeCloudPhoneNodes", url.Values{"BizRegionId": {"eu-central-1"}}); got != want {
			t.Errorf("region %d: got %d, want %d", i, got, want)
		}
	}
	want := Call{"DescribeCloudPhoneNodes", "cn-hangzhou", 2, testNow}
	if calls := c.Calls(); len(calls) != 9 || calls[6] != want {
		t.Errorf("got calls %+v", calls)
	}
	// Faults are served before the signature is checked.
	c = &Server{Faults: []Fault{{}}}
	w = httptest.NewRecorder()
	c.ServeHTTP(w, httptest.NewRequest("GET", "/", nil))
	if got := errorCode(t, w); got != "ServiceUnavailable" {
		t.Errorf("unsigned: got %s", got)
	}
}

func TestLatency(t *testing.T) {
	c := &Server{Now: clock, Latency: 30 * time.Millisecond}
	start := time.Now()
	if w := (signer{}).call(c, "DescribeRegions", nil); w.Code != 200 || time.Since(start) < c.Latency {
		t.Errorf("got %d after %v", w.Code, time.Since(start))
	}
	c.Latency = time.Hour
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	w := httptest.NewRecorder()
	c.ServeHTTP(w, signer{}.request("DescribeRegions", nil).WithContext(ctx))
	if w.Body.Len() > 0 {
		t.Errorf("got %s for a cancelled request", w.Body)
	}
}

func TestConcurrentRequests(t *testing.T) {
	c := &Server{Now: clock, Nodes: Fleet(testNow), Faults: []Fault{{Times: 3}}}
	var wg sync.WaitGroup
	var mu sync.Mutex
	failed := 0
	for range 20 {
		wg.Go(func() {
			if (signer{}).call(c, "DescribeCloudPhoneNodes", nil).Code != 200 {
				mu.Lock()
				failed++
				mu.Unlock()
			}
		})
	}
	wg.Wait()
	if failed != 3 || len(c.Calls()) != 20 {
		t.Errorf("%d of %d calls failed, want 3 of 20", failed, len(c.Calls()))
	}
}

func TestTime(t *testing.T) {
	if got := Time(time.Date(2026, 11, 21, 16, 0, 0, 0, time.UTC)); got != "2026-11-22 00:00:00" {
		t.Errorf("got %s", got)
	}
}
