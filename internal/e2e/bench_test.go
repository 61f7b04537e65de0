package e2e

import (
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/fctest"
	"matrix-expiry-report/internal/gobuild"
)

// BenchmarkSize measures the size of the deployed binary.
func BenchmarkSize(b *testing.B) {
	info, err := os.Stat(build(b))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
	}
	b.ReportMetric(0, "ns/op")
	b.ReportMetric(float64(info.Size()), "bytes")
}

// BenchmarkStart measures the time from the start of the process to its first poll
// of the runtime API, and compares it with an empty function of the SDK.
func BenchmarkStart(b *testing.B) {
	ours, empty := build(b), filepath.Join(b.TempDir(), "empty")
	if err := gobuild.Build("../../bench", "./empty", empty, ""); err != nil {
		b.Fatal(err)
	}
	start := func(binary string, env ...string) time.Duration {
		began := time.Now()
		f, err := fctest.Start(binary, env...)
		if err != nil {
			b.Fatal(err)
		}
		if err := f.Polled(b.Context()); err != nil {
			b.Fatal(err)
		}
		took := time.Since(began)
		f.Stop()
		return took
	}
	var a, e time.Duration
	n := 0
	for b.Loop() { // alternately, so that a busy machine slows both
		a += start(ours, "SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/x")
		e += start(empty)
		n++
	}
	b.ReportMetric(float64(a.Microseconds())/float64(n), "µs/start")
	b.ReportMetric(float64(e.Microseconds())/float64(n), "µs/empty-start")
	b.ReportMetric(float64(a)/float64(e), "x-empty")
}

// BenchmarkMemory measures the peak resident memory of a process that lists 131
// matrices and posts to two chats.
func BenchmarkMemory(b *testing.B) {
	binary := build(b)
	api := httptest.NewServer(&fakecloud.Server{Nodes: fakecloud.Fleet(time.Now()), Keys: map[string]fakecloud.Key{"k": {Secret: "s"}}})
	defer api.Close()
	room := httptest.NewServer(&fakechat.Server{})
	defer room.Close()
	var peak int64
	for b.Loop() {
		webhooks := fakechat.Webhooks(room.URL)
		f, err := fctest.Start(binary, "EDS_AIC_ENDPOINT="+api.URL,
			"SLACK_WEBHOOK_URL="+webhooks["SLACK_WEBHOOK_URL"], "DINGTALK_WEBHOOK_URL="+webhooks["DINGTALK_WEBHOOK_URL"])
		if err != nil {
			b.Fatal(err)
		}
		event := `{"triggerTime":"` + time.Now().Format(time.RFC3339Nano) + `","triggerName":"daily"}`
		_, err = f.Invoke(b.Context(), fctest.Invocation{Event: []byte(event), AccessKeyID: "k", AccessKeySecret: "s"})
		if err != nil {
			b.Fatal(err)
		}
		now, err := f.PeakMemory()
		if err != nil {
			b.Fatal(err)
		}
		peak = max(peak, now)
		f.Stop()
	}
	b.ReportMetric(float64(peak)/(1<<20), "MiB-peak")
}
