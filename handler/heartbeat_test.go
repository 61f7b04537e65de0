package handler_test

import (
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// The watcher of scheduled jobs hears of delivered runs only.
func TestHeartbeat(t *testing.T) {
	beats := 0
	watcher := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { beats++ }))
	defer watcher.Close()
	w := setup(t, "HEARTBEAT_URL="+watcher.URL+"/ping/h3artbeat")
	w.invoke(t, `{"post":false}`)
	if beats != 0 {
		t.Error("a beat for looking")
	}
	w.invoke(t, timer(""))
	if beats != 1 {
		t.Errorf("%d beats for a delivered run, want 1", beats)
	}
	w.invoke(t, timer(`{"notify_on":"findings","regions":["cn-shanghai"],"days":0}`))
	w.cloud.Nodes = []fakecloud.Node{{NodeId: "cpn-1", RegionId: "cn-shanghai", Status: "RUNNING", GmtCreate: "2025-01-01 00:00:00", GmtExpired: "2099-01-01 00:00:00"}}
	before := len(w.room.Messages())
	w.invoke(t, timer(`{"notify_on":"findings"}`))
	if beats != 3 || len(w.room.Messages()) != before {
		t.Errorf("%d beats with a good day that is not told, want 3", beats)
	}
	w.cloud.Faults = []fakecloud.Fault{{Action: "DescribeCloudPhoneNodes", Region: "-", Answer: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	w.invoke(t, timer(""))
	w.cloud.Faults = []fakecloud.Fault{{Answer: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	w.invoke(t, timer(""))
	if beats != 3 {
		t.Error("a beat for a run that could not list everything, or nothing")
	}
	watcher.Close()
	w.cloud.Faults = nil
	w.invoke(t, timer(""))
	if !strings.Contains(w.log.String(), "heartbeat") || strings.Contains(w.log.String(), "h3artbeat") {
		t.Errorf("a lost beat is to be logged without its address: %s", w.log)
	}
}
