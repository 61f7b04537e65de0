package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-expiry-report/internal/emulator"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/fctest"
	"matrix-expiry-report/report"
)

// A run is what one event of the built function has done.
type run struct {
	report  report.Report
	message fakechat.Message
	peak    int64 // resident memory, in bytes
}

// runOnce starts the function, sends it one timer event with a payload, and
// returns what it did.
func runOnce(t *testing.T, binary, payload string, api http.Handler, env ...string) (out run) {
	t.Helper()
	cloud := httptest.NewServer(api)
	defer cloud.Close()
	room := &fakechat.Server{}
	chat := httptest.NewServer(room)
	defer chat.Close()
	f, err := fctest.Start(binary, append(env, "EDS_AIC_ENDPOINT="+cloud.URL, "SLACK_WEBHOOK_URL="+chat.URL+"/services/T0/B0/x")...)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Stop()
	event, err := json.Marshal(map[string]string{"triggerTime": "2026-11-22T01:07:00Z", "triggerName": "daily", "payload": payload})
	if err != nil {
		t.Fatal(err)
	}
	response, err := f.Invoke(t.Context(), fctest.Invocation{Event: event, AccessKeyID: "emulator", AccessKeySecret: "emulator-secret", Timeout: 40 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(response, &out.report); err != nil {
		t.Fatal(err)
	}
	if messages := room.Messages(); len(messages) == 1 {
		out.message = messages[0]
	} else {
		t.Errorf("%d messages, want 1", len(messages))
	}
	if out.peak, err = f.PeakMemory(); err != nil {
		t.Fatal(err)
	}
	return out
}

// nodes returns so many matrices in each region, none of which needs attention.
func nodes(counts map[string]int) (all []fakecloud.Node) {
	for _, region := range []string{"cn-shanghai", "cn-hangzhou", "ap-southeast-1"} {
		for i := range counts[region] {
			all = append(all, fakecloud.Node{
				NodeId: fmt.Sprintf("cpn-%s-%02d", region, i), RegionId: region, Status: "RUNNING",
				GmtCreate: "2025-11-13 02:03:14", GmtModified: "2026-02-13 02:03:14", GmtExpired: "2099-03-09 02:00:34",
			})
		}
	}
	return all
}

func (r run) wantIncomplete(t *testing.T, region, text string) {
	t.Helper()
	if r.report.Complete || len(r.report.Problems) != 1 || r.report.Problems[0].Region != region || !strings.Contains(r.report.Problems[0].Message, text) {
		t.Errorf("complete %t, problems %+v, want one of %q with %q", r.report.Complete, r.report.Problems, region, text)
	}
	if strings.Contains(r.message.Title, "✅") {
		t.Errorf("the message claims that all is well: %s", r.message.Title)
	}
}

func TestFunctionReportsARefusedRepeat(t *testing.T) {
	cloud := &fakecloud.Server{Nodes: nodes(map[string]int{"cn-shanghai": 6, "cn-hangzhou": 3}), PageSize: 2}
	var mu sync.Mutex
	calls := 0
	r := runOnce(t, build(t), "", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		if req.URL.Query().Get("BizRegionId") == "cn-shanghai" {
			switch calls++; {
			case calls == 2:
				cloud.Release("cpn-cn-shanghai-00")
			case calls > 3:
				fakecloud.APIError(403, "Forbidden.RAM", "User not authorized.")(w, req)
				return
			}
		}
		cloud.ServeHTTP(w, req)
	}))
	r.wantIncomplete(t, "cn-shanghai", "the role may not list matrices")
}

func TestFunctionReportsMissingMatrices(t *testing.T) {
	binary := build(t)
	for _, counted := range []int{30, 23} {
		all := nodes(map[string]int{"cn-shanghai": 20})
		cloud := &fakecloud.Server{Nodes: all}
		r := runOnce(t, binary, "", http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
			rec := httptest.NewRecorder()
			cloud.ServeHTTP(rec, req)
			w.WriteHeader(rec.Code)
			fmt.Fprint(w, strings.Replace(rec.Body.String(), `"TotalCount":20`, fmt.Sprintf(`"TotalCount":%d`, counted), 1))
		}))
		r.wantIncomplete(t, "cn-shanghai", fmt.Sprintf("20 of %d matrices read", counted))
		if r.report.Listed != 20 || r.report.Total != counted || !strings.Contains(r.message.Title+r.message.Text, fmt.Sprintf("20 of %d", counted)) {
			t.Errorf("%d of %d, want 20 of %d; the message is\n%s\n%s", r.report.Listed, r.report.Total, counted, r.message.Title, r.message.Text)
		}
	}
}

func TestFunctionRequestsARegionOnce(t *testing.T) {
	binary := build(t)
	var calls [2]int
	for i, payload := range []string{`{"regions":["cn-shanghai"]}`, `{"regions":["cn-shanghai","cn-shanghai"]}`} {
		cloud := &fakecloud.Server{Nodes: nodes(map[string]int{"cn-shanghai": 5}), PageSize: 2}
		r := runOnce(t, binary, payload, cloud)
		if !r.report.Complete || r.report.Listed != 5 || len(r.report.Problems) > 0 {
			t.Errorf("%s: %d listed, %+v", payload, r.report.Listed, r.report.Problems)
		}
		calls[i] = len(cloud.Calls())
	}
	if calls[0] != calls[1] {
		t.Errorf("%d calls for a region named twice, %d for one named once", calls[1], calls[0])
	}
}

// Lists without end neither exhaust the memory of the smallest instance nor its
// time: the report is sent, and incomplete.
func TestFunctionSurvivesPagingFaults(t *testing.T) {
	binary := build(t)
	for _, fault := range emulator.PagingFaultCases() {
		t.Run(fault.Name, func(t *testing.T) {
			began := time.Now()
			r := runOnce(t, binary, "", &fakecloud.Server{Nodes: nodes(map[string]int{"cn-shanghai": 5}), Faults: []fakecloud.Fault{{Action: "DescribeCloudPhoneNodes", Respond: fault.Respond}}},
				"FC_FUNCTION_MEMORY_SIZE=128")
			if r.report.Complete || len(r.report.Problems) == 0 {
				t.Errorf("complete %t, problems %+v", r.report.Complete, r.report.Problems)
			}
			if r.peak > 112<<20 {
				t.Errorf("%d MiB resident at the peak, want at most 112 of 128", r.peak>>20)
			}
			t.Logf("%d MiB, %v", r.peak>>20, time.Since(began))
		})
	}
}
