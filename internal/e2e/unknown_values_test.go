package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/fctest"
)

// Values that the API does not send, or sends as null or empty, have words in every
// chat and format; the year 9999 means never.
func TestAbsentValues(t *testing.T) {
	nodes := fakecloud.Fleet(time.Now())[:2]
	nodes[0].Status, nodes[0].RegionId, nodes[0].GmtExpired = "", "", fakecloud.Time(time.Now().Add(26*time.Hour))
	nodes[1].Status, nodes[1].GmtExpired = "", "9999-12-31 23:59:59"
	cloud := &fakecloud.Server{Nodes: nodes}
	for _, status := range []string{"", `"Status":null,`, `"Status":"",`} {
		api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			rec := httptest.NewRecorder()
			cloud.ServeHTTP(rec, r)
			w.WriteHeader(rec.Code)
			fmt.Fprint(w, strings.ReplaceAll(rec.Body.String(), `{"NodeId"`, `{`+status+`"NodeId"`))
		}))
		defer api.Close()
		room := &fakechat.Server{}
		chat := httptest.NewServer(room)
		defer chat.Close()
		env := []string{"EDS_AIC_ENDPOINT=" + api.URL, "HTTP_AUTH=trigger"}
		for name, url := range fakechat.Webhooks(chat.URL) {
			env = append(env, name+"="+url)
		}
		f, err := fctest.Start(build(t), env...)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Stop()
		for _, event := range []string{`{"language":"en"}`, `{"language":"zh"}`} {
			if _, err := f.Invoke(t.Context(), fctest.Invocation{Event: []byte(event), AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"}); err != nil {
				t.Fatal(err)
			}
		}
		messages := room.Messages()
		if len(messages) < 12 {
			t.Errorf("%d messages, want two in each of six chats: %s", len(messages), f.Output())
		}
		for _, m := range messages {
			if m.Service != "webhook" && !strings.Contains(m.Text, "no status") && !strings.Contains(m.Text, "无状态") || strings.Contains(m.Text, "why_") || strings.Contains(m.Text, "%!") {
				t.Errorf("status %s: %s got\n%s", status, m.Service, m.Text)
			}
		}
		page, err := f.Invoke(t.Context(), fctest.Invocation{Event: []byte(httpEvent("GET", "/report.html", "")), AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"no status", "no region", "never"} {
			if !strings.Contains(string(page), want) {
				t.Errorf("status %s: the page has no %s", status, want)
			}
		}
		for _, unwanted := range []string{"106751", "9999", "BADINDEX"} {
			if strings.Contains(string(page), unwanted) {
				t.Errorf("status %s: the page has %s", status, unwanted)
			}
		}
	}
}

// Values that the API may add later are shown as they are: a status, a region, a
// server type. Unknown fields of an event are ignored.
func TestUnknownValues(t *testing.T) {
	nodes := fakecloud.Fleet(time.Now())[:3]
	nodes[0].Status, nodes[0].RegionId, nodes[0].ServerType, nodes[0].InstanceType = "HIBERNATING", "mars-north-1", "cpm.gx99.512xlarge", "ac99.max"
	nodes[0].GmtExpired = fakecloud.Time(time.Now().Add(26 * time.Hour))
	api := httptest.NewServer(&fakecloud.Server{Nodes: nodes})
	defer api.Close()
	room := &fakechat.Server{}
	chat := httptest.NewServer(room)
	defer chat.Close()
	f, err := fctest.Start(build(t), "EDS_AIC_ENDPOINT="+api.URL, "HTTP_AUTH=trigger", "SLACK_WEBHOOK_URL="+chat.URL+"/services/T0/B0/x")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Stop()
	key := fctest.Invocation{AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"}
	invoke := func(event string) string {
		t.Helper()
		key.Event = []byte(event)
		b, err := f.Invoke(t.Context(), key)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	invoke(`{"triggerTime":"2026-11-22T01:07:00Z","triggerName":"daily","new":{"field":[1]}}`)
	if m := room.Messages(); len(m) != 1 || !strings.Contains(m[0].Text, "HIBERNATING") || !strings.Contains(m[0].Text, "mars-north-1") {
		t.Errorf("posted %+v", m)
	}
	for _, path := range []string{"/report.json", "/report.html", "/report.csv", "/report.md"} {
		var res struct{ Body string }
		if err := json.Unmarshal([]byte(invoke(httpEvent("GET", path, ""))), &res); err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"HIBERNATING", "mars-north-1", "cpm.gx99.512xlarge"} {
			if path == "/report.md" && strings.HasPrefix(want, "cpm") {
				continue // it has no column for server types
			}
			if !strings.Contains(res.Body, want) {
				t.Errorf("%s has no %s", path, want)
			}
		}
	}
}
