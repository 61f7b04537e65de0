package e2e

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/fctest"
)

// With mistakes in settings of other parts, the function still sends the report,
// which names them. What is wrong with HTTP is off, and no value that may be a
// secret is shown anywhere.
func TestMistakesCostTheirPart(t *testing.T) {
	api := httptest.NewServer(&fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())})
	defer api.Close()
	room := &fakechat.Server{}
	chat := httptest.NewServer(room)
	defer chat.Close()
	const token = "hT7kPq2LmN9xWv4c"
	f, err := fctest.Start(build(t), "EDS_AIC_ENDPOINT="+api.URL, "HTTP_AUTH="+token, "WECOM_WEBHOOK_URL=https://qyapi.weixin.qq.com/"+token, "HEARTBEAT_URL=http://hc.example/"+token,
		"WARNING_DAYS=1", "SLACK_WEBHOOK_URL=\ufeff\""+chat.URL+"/services/T0/B0/kF8sQ1xWz0Rt\"\r")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Stop()
	answer, err := f.Invoke(t.Context(), fctest.Invocation{Event: []byte(`{"triggerTime":"2026-11-22T01:07:00Z","triggerName":"daily"}`), AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"})
	if err != nil || !strings.Contains(string(answer), `"delivered":true`) || !strings.Contains(string(answer), `"complete":true`) || !strings.Contains(string(answer), `"critical_days":1`) {
		t.Errorf("got the response %s and the error %v", answer, err)
	}
	if n := len(room.Messages()); n != 1 {
		t.Fatalf("%d messages, want 1: %s", n, f.Output())
	}
	m := room.Messages()[0]
	for _, want := range []string{"1 expired, 1 ends tonight, 2 failed", "HTTP_AUTH: is not one of trigger, token; HTTP is off until then", "WECOM_WEBHOOK_URL: ", "HEARTBEAT_URL: "} {
		if !strings.Contains(m.Title+"\n"+m.Text, want) {
			t.Errorf("no %q in\n%s\n%s", want, m.Title, m.Text)
		}
	}
	page, err := f.Invoke(t.Context(), fctest.Invocation{Event: []byte(httpEvent("GET", "/report", `"authorization":"Bearer `+token+`"`))})
	if err != nil || !strings.Contains(string(page), `"statusCode":403`) || !strings.Contains(string(page), "HTTP is off: HTTP_AUTH: ") {
		t.Errorf("GET /report: %s, %v", page, err)
	}
	if !strings.Contains(f.Output(), `"msg":"invalid setting"`) || !strings.Contains(f.Output(), "quotes or invisible characters removed") {
		t.Errorf("the log has\n%s", f.Output())
	}
	if strings.Contains(f.Output()+string(answer)+string(page)+m.Title+m.Text, token[:8]) {
		t.Error("the token is shown")
	}
}
