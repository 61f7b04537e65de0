package handler_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// TestHeartbeat checks that the monitor is pinged after a run that listed
// everything and reached every channel, and after no other.
func TestHeartbeat(t *testing.T) {
	pings, status := 0, http.StatusOK
	monitor := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		pings++
		w.WriteHeader(status)
	}))
	defer monitor.Close()
	w := setup(t, "HEARTBEAT_URL="+monitor.URL+"/ping/h3artbeat", "CACHE_SECONDS=0")
	fine := []fakecloud.Node{{NodeId: "cpn-1", RegionId: "cn-shanghai", Status: "RUNNING", GmtCreate: "2025-01-01 00:00:00", GmtExpired: "2099-01-01 00:00:00"}}
	denied := fakecloud.APIError(403, "Forbidden.RAM", "no")
	for _, c := range []struct {
		name, event string
		nodes       []fakecloud.Node
		faults      []fakecloud.Fault
		pings       int
	}{
		{"not posted", `{"post":false}`, w.cloud.Nodes, nil, 0},
		{"delivered", timer(""), w.cloud.Nodes, nil, 1},
		{"delivered by a plain event", `{}`, w.cloud.Nodes, nil, 1},
		{"silent without findings", timer(`{"notify_on":"findings"}`), fine, nil, 1},
		{"incomplete", timer(""), fine, []fakecloud.Fault{{Action: "DescribeCloudPhoneNodes", Region: "-", Answer: denied}}, 0},
		{"failed", timer(""), fine, []fakecloud.Fault{{Answer: denied}}, 0},
	} {
		w.cloud.Nodes, w.cloud.Faults = c.nodes, c.faults
		pings = 0
		w.invoke(t, c.event)
		if pings != c.pings {
			t.Errorf("%s: %d pings, want %d", c.name, pings, c.pings)
		}
	}
	w.cloud.Faults = nil
	if strings.Contains(w.log.String(), `"msg":"heartbeat"`) {
		t.Errorf("a successful ping is logged: %s", w.log)
	}

	other := setup(t, "HEARTBEAT_URL="+monitor.URL, "DINGTALK_WEBHOOK_URL=ROOM/gone?access_token=x")
	pings = 0
	other.invoke(t, timer(""))
	if pings != 0 {
		t.Error("a ping, though a channel failed")
	}

	status = http.StatusNotFound
	w.invoke(t, timer(""))
	if !strings.Contains(w.log.String(), `"msg":"heartbeat"`) || !strings.Contains(w.log.String(), `"status":404`) {
		t.Errorf("the status is not logged: %s", w.log)
	}
	w.log.Reset()
	monitor.Close()
	w.invoke(t, timer(""))
	if !strings.Contains(w.log.String(), `"msg":"heartbeat"`) || strings.Contains(w.log.String(), "h3artbeat") {
		t.Errorf("an unreachable monitor is not logged, or with its path: %s", w.log)
	}
}
