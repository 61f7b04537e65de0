package e2e

import (
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log"
	"math"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"matrix-expiry-report/internal/emulator"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/fctest"
)

// platformRuns is how often Function Compute runs a timer's event that fails.
const platformRuns = 3

// TestChatFaults runs the deployed binary, with the retries of the platform, with
// every fault of a chat that is not idempotent and of one that is. The first gets
// at most one copy, and the function succeeds only if a chat may have the report.
func TestChatFaults(t *testing.T) {
	binary := build(t)
	api := httptest.NewServer(&fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())[:3]})
	defer api.Close()
	var wg sync.WaitGroup
	for _, fault := range emulator.ChatFaults() {
		for _, setting := range []string{"SLACK_WEBHOOK_URL", "DINGTALK_WEBHOOK_URL"} {
			for name, times := range map[string]int{"first": 1, "always": math.MaxInt} {
				wg.Go(func() {
					got, err := deliver(t, binary, api.URL, setting, fault, times)
					if problem := got.problem(fault, times, setting == "DINGTALK_WEBHOOK_URL"); err != nil || problem != "" {
						t.Errorf("%s of %s, %s: %+v: %s %v", fault.Name, setting, name, got, problem, err)
					}
				})
			}
		}
	}
	wg.Wait()
}

// A delivered is the outcome of one event.
type delivered struct {
	runs, copies, requests int
	success                bool
}

// problem returns what is wrong with the outcome, or "".
func (d delivered) problem(fault emulator.ChatFault, times int, idempotent bool) string {
	unclear := fault.Unclear && !idempotent
	switch {
	case d.copies > 1:
		return "more than one copy"
	case d.success && d.copies == 0 && !unclear:
		return "success, though nothing was delivered"
	case !d.success && d.copies == 1 && !idempotent:
		return "failure, though the report was delivered"
	case unclear && (d.runs > 1 || d.requests > 1):
		return "repeated, though the report may have arrived"
	case times == 1 && !d.success:
		return "not delivered after the fault"
	case times == 1 && fault.Connect != nil && d.runs > 1:
		return "not retried within the run"
	}
	return ""
}

// deliver sends a timer's event to a function with one chat until it succeeds.
func deliver(t *testing.T, binary, api, setting string, fault emulator.ChatFault, times int) (d delivered, err error) {
	room := &fakechat.Server{}
	handler := fault.Handler(room, times)
	var mu sync.Mutex
	chat := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		d.requests++
		mu.Unlock()
		handler.ServeHTTP(w, r)
	}))
	chat.Config.ErrorLog = log.New(io.Discard, "", 0)
	chat.Listener = fault.Listen(chat.Listener, times)
	address := chat.Listener.Addr().String()
	chat.StartTLS()
	defer chat.Close()
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: chat.Certificate().Raw}), 0o600); err != nil {
		return d, err
	}
	base := "https://" + address
	env := []string{"EDS_AIC_ENDPOINT=" + api, "SSL_CERT_FILE=" + ca}
	if fault.ByProxy {
		base = "https://example.com" // the certificate has this name; a proxy is not used for loopback addresses
		env = append(env, "HTTPS_PROXY=http://"+address)
	}
	f, err := fctest.Start(binary, append(env, setting+"="+fakechat.Webhooks(base)[setting])...)
	if err != nil {
		return d, err
	}
	defer f.Stop()
	for d.runs < platformRuns && !d.success {
		_, err = f.Invoke(t.Context(), fctest.Invocation{
			Event:       []byte(`{"triggerTime":"2026-11-22T01:07:00Z","triggerName":"daily","payload":""}`),
			AccessKeyID: "emulator", AccessKeySecret: "emulator-secret",
			RequestID: "1-6921a0b2-00000001", RetryCount: d.runs, Timeout: 10 * time.Second,
		})
		if _, failed := errors.AsType[*fctest.Error](err); err != nil && !failed {
			return d, fmt.Errorf("%w\n%s", err, f.Output())
		}
		d.success = err == nil
		d.runs++
	}
	for _, m := range room.Messages() {
		if m.Accepted {
			d.copies++
		}
	}
	if strings.Contains(f.Output(), fakechat.Webhooks(base)[setting]) {
		return d, errors.New("the log has the webhook")
	}
	mu.Lock()
	defer mu.Unlock()
	return d, nil
}
