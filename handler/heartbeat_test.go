package handler_test

import (
	"fmt"
	"io"
	"net"
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
		{"an empty account", timer(""), nil, nil, 0},
		{"an empty account with findings only", timer(`{"notify_on":"findings"}`), nil, nil, 0},
		{"silent without findings", timer(`{"notify_on":"findings"}`), fine, nil, 1},
		{"incomplete", timer(""), fine, []fakecloud.Fault{{Action: "DescribeCloudPhoneNodes", Region: "-", Respond: denied}}, 0},
		{"failed", timer(""), fine, []fakecloud.Fault{{Respond: denied}}, 0},
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

	for _, status = range []int{http.StatusMultipleChoices, http.StatusNotFound} {
		w.invoke(t, timer(""))
		if !strings.Contains(w.log.String(), `"msg":"heartbeat"`) || !strings.Contains(w.log.String(), fmt.Sprint(`"status":`, status)) {
			t.Errorf("the status %d is not logged: %s", status, w.log)
		}
	}
	w.log.Reset()
	monitor.Close()
	w.invoke(t, timer(""))
	if !strings.Contains(w.log.String(), `"msg":"heartbeat"`) || strings.Contains(w.log.String(), "h3artbeat") {
		t.Errorf("an unreachable monitor is not logged, or with its path: %s", w.log)
	}
}

// TestHeartbeatErrorsHaveNoSecret checks that the log has no part of the URL,
// whatever the monitor responds: all of these are in errors of net/http. A
// redirect is not followed.
func TestHeartbeatErrorsHaveNoSecret(t *testing.T) {
	const path = "/ping/h3artbeat"
	for _, c := range []struct{ name, response, want string }{
		{"unreachable", "", `"error":"no valid response"`},
		{"an echo", "GET " + path + " HTTP/1.1\r\n\r\n", `"error":"no valid response"`},
		{"an invalid status", "HTTP/1.1 " + path + "\r\n\r\n", `"error":"no valid response"`},
		{"an invalid header", "HTTP/1.1 200 OK\r\nGET " + path + "\r\n\r\n", `"error":"no valid response"`},
		{"an invalid length", "HTTP/1.1 200 OK\r\nContent-Length: " + path + "\r\n\r\n", `"error":"no valid response"`},
		{"an invalid encoding", "HTTP/1.1 200 OK\r\nTransfer-Encoding: " + path + "\r\n\r\n", `"error":"no valid response"`},
		{"a redirect to an invalid address", "HTTP/1.1 302 Found\r\nLocation: http://[" + path + "\r\nContent-Length: 0\r\n\r\n", `"status":302`},
		{"a redirect to another scheme", "HTTP/1.1 302 Found\r\nLocation: ftp://x" + path + "\r\nContent-Length: 0\r\n\r\n", `"status":302`},
		{"a redirect", "HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\nContent-Length: 0\r\n\r\n", `"status":302`},
	} {
		t.Run(c.name, func(t *testing.T) {
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer listener.Close()
			requests := make(chan struct{}, 10)
			go func() {
				for {
					conn, err := listener.Accept()
					if err != nil {
						return
					}
					requests <- struct{}{}
					conn.Read(make([]byte, 4<<10))
					io.WriteString(conn, c.response)
					conn.Close()
				}
			}()
			w := setup(t, "HEARTBEAT_URL=http://"+listener.Addr().String()+path)
			w.invoke(t, timer(""))
			if !strings.Contains(w.log.String(), c.want) || strings.Contains(w.log.String(), "h3artbeat") {
				t.Errorf("want %s and no secret: %s", c.want, w.log)
			}
			if len(requests) != 1 {
				t.Errorf("%d requests, want 1", len(requests))
			}
		})
	}
}
