package e2e

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
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
)

// TestFaults runs the deployed binary with every fault of the API and of a chat. In
// each case a chat gets a message that shows the fault, the run ends in time and
// within its memory, and the log is JSON and holds no part of a secret.
func TestFaults(t *testing.T) {
	binary := build(t)
	cases := emulator.FaultCases()
	var regions []string
	for i := range 10_000 {
		regions = append(regions, fmt.Sprintf("xx-%d", i))
	}
	var wg sync.WaitGroup
	for _, fault := range cases {
		wg.Go(func() {
			cloud := &fakecloud.Server{Faults: []fakecloud.Fault{{Action: "DescribeCloudPhoneNodes", Respond: fault.Respond}}}
			r := runWithFault(t, binary, fault.Name, cloud, nil)
			for _, m := range r.messages {
				if !m.Accepted || !strings.Contains(m.Title, "No report today") || !strings.Contains(m.Text, r.requestID) {
					t.Errorf("%s: %s got %q", fault.Name, m.Service, m.Title)
				}
			}
			if len(r.messages) != 2 || r.err != nil {
				t.Errorf("%s: %d messages and %v, want 2", fault.Name, len(r.messages), r.err)
			}
		})
		wg.Go(func() {
			r := runWithFault(t, binary, "dingtalk: "+fault.Name, &fakecloud.Server{}, fault.Respond)
			if r.err != nil {
				t.Errorf("dingtalk: %s: %v, want no error, as slack has the report", fault.Name, r.err)
			}
			titles := ""
			for _, m := range r.messages {
				if m.Service == "slack" {
					titles += m.Title + "\n"
				}
			}
			if !strings.Contains(titles, "did not reach dingtalk") {
				t.Errorf("dingtalk: %s: slack got %q", fault.Name, titles)
			}
		})
	}
	wg.Go(func() {
		r := runWithFault(t, binary, "10,000 regions", &fakecloud.Server{Regions: regions}, nil)
		if len(r.messages) != 2 || r.err != nil || r.done["complete"] != true {
			t.Errorf("10,000 regions: %d messages, %v, %v", len(r.messages), r.err, r.done)
		}
	})
	wg.Wait()
}

const chatSecret = "SECyW4hN8qRz2LkX7vBt5M"

// secrets are the secrets in the function's settings and invocation.
var secrets = map[string]string{
	"the key":       "rS9kPq7vXw3mZc5bNt1y",
	"its token":     "CAISxgN1q6Ft5B2yfSjIr5fTHuJVgqwJ",
	"slack's path":  "kF8sQ1xWz0RtLm6vGh3d",
	"the robot's":   "d41d8cd98f00b204e9800998ecf8427e",
	"its secret":    chatSecret,
	"the token":     "hT7kPq2LmN9xWv4cRb8z",
	"the heartbeat": "b7e6f1c2-93aa-4d5e",
}

// A faultRun is the outcome of one run.
type faultRun struct {
	requestID string
	messages  []fakechat.Message
	err       error
	done      map[string]any // the last line of the log
}

// runWithFault invokes the function once with a timer event, and checks what every
// fault has in common. dingtalk, if not nil, responds in place of DingTalk.
func runWithFault(t *testing.T, binary, name string, cloud *fakecloud.Server, dingtalk http.HandlerFunc) faultRun {
	room := &fakechat.Server{DingTalkSecret: chatSecret}
	cloud.Nodes = fakecloud.Fleet(time.Now())
	cloud.Keys = map[string]fakecloud.Key{"STS.key": {Secret: secrets["the key"], SecurityToken: secrets["its token"]}}
	api := httptest.NewServer(cloud)
	defer api.Close()
	heartbeats := 0
	chats := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/heartbeat/") {
			heartbeats++
			return
		}
		if dingtalk != nil && r.URL.Path == "/robot/send" {
			io.Copy(io.Discard, r.Body) // otherwise the server does not notice a closed connection
			dingtalk(w, r)
			return
		}
		room.ServeHTTP(w, r)
	}))
	defer chats.Close()
	f, err := fctest.Start(binary, "LOG_LEVEL=debug", "EDS_AIC_ENDPOINT="+api.URL, "HTTP_TOKEN="+secrets["the token"],
		"SLACK_WEBHOOK_URL="+chats.URL+"/services/T0/B0/"+secrets["slack's path"],
		"DINGTALK_WEBHOOK_URL="+chats.URL+"/robot/send?access_token="+secrets["the robot's"], "DINGTALK_SECRET="+chatSecret,
		"HEARTBEAT_URL="+chats.URL+"/heartbeat/"+secrets["the heartbeat"])
	if err != nil {
		t.Error(err)
		return faultRun{}
	}
	defer f.Stop()
	out := faultRun{requestID: "1-6921a0b2-00000001"}
	start := time.Now()
	answer, err := f.Invoke(t.Context(), fctest.Invocation{
		Event:       []byte(`{"triggerTime":"2026-11-22T01:07:00Z","triggerName":"daily","payload":""}`),
		AccessKeyID: "STS.key", AccessKeySecret: secrets["the key"], SecurityToken: secrets["its token"],
		Timeout: 16 * time.Second, RequestID: out.requestID,
	})
	if took := time.Since(start); took > 20*time.Second {
		t.Errorf("%s: took %s, with a timeout of 16 s", name, took)
	}
	out.err = err
	if _, failed := errors.AsType[*fctest.Error](err); err != nil && !failed {
		t.Errorf("%s: %v", name, err)
	}
	if peak, err := f.PeakMemory(); err == nil && peak > 64<<20 {
		t.Errorf("%s: %d MiB resident at the peak, want at most 64", name, peak>>20)
	}
	out.messages = room.Messages()
	f.Stop() // the output is complete then

	for line := range strings.Lines(f.Output()) {
		if !strings.HasPrefix(line, "{") {
			continue // from the SDK
		}
		var entry map[string]any
		if err := json.Unmarshal([]byte(line), &entry); err != nil {
			t.Errorf("%s: the log has %q", name, line)
			continue
		}
		for key, want := range map[string]any{"request_id": out.requestID, "trigger": "timer", "account": "1234567890123456", "region": "cn-shanghai"} {
			if entry[key] != want {
				t.Errorf("%s: %s is %v in %s", name, key, entry[key], line)
			}
		}
		out.done = entry
	}
	for _, key := range []string{"counts", "took_ms", "listing_ms", "calls", "retries", "bytes", "findings", "problems"} {
		if _, ok := out.done[key]; !ok || out.done["msg"] != "done" {
			t.Errorf("%s: the last line of the log has no %s: %v", name, key, out.done)
		}
	}
	output := f.Output() + string(answer) + fmt.Sprint(err)
	for _, m := range out.messages {
		output += m.Title + m.Text
	}
	for of, secret := range secrets {
		for i := range len(secret) - 7 {
			if part := secret[i : i+8]; strings.Contains(output, part) {
				t.Errorf("%s: the output has %q of %s", name, part, of)
				break
			}
		}
	}
	if whole := out.done["complete"] == true && out.done["posted"] == out.done["channels"]; whole != (heartbeats == 1) || heartbeats > 1 {
		t.Errorf("%s: %d heartbeats, complete %v, posted %v of %v", name, heartbeats, out.done["complete"], out.done["posted"], out.done["channels"])
	}
	return out
}
