package chat_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// receive handles the requests to WEBHOOK_URL. The key is WEBHOOK_SECRET, or
// what follows whsec_ in it, decoded from base64.
func receive(w http.ResponseWriter, r *http.Request) {
	key := []byte("a secret that both sides know")
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, 64<<10))
	if err != nil {
		http.Error(w, "too long", http.StatusRequestEntityTooLarge)
		return
	}
	id, stamp := r.Header.Get("webhook-id"), r.Header.Get("webhook-timestamp")
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || time.Since(time.Unix(seconds, 0)).Abs() > 5*time.Minute {
		http.Error(w, "too old", http.StatusUnauthorized) // or a replay
		return
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	want := "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil))
	signed := false
	for got := range strings.FieldsSeq(r.Header.Get("webhook-signature")) {
		signed = signed || hmac.Equal([]byte(got), []byte(want))
	}
	if !signed {
		http.Error(w, "not signed by us", http.StatusUnauthorized)
		return
	}
	// A receiver that has seen the id before has this report already, and
	// answers 2xx all the same.
	var message struct {
		Type   string
		Title  string
		Report struct {
			Findings []struct {
				NodeID   string `json:"node_id"`
				Severity string
			}
		}
		FindingsOmitted int `json:"findings_omitted"`
	}
	if err := json.Unmarshal(body, &message); err != nil {
		http.Error(w, "not JSON", http.StatusBadRequest)
		return
	}
	fmt.Println(message.Type, message.Title)
	for _, f := range message.Report.Findings {
		fmt.Println(f.Severity, f.NodeID)
	}
	w.WriteHeader(http.StatusNoContent)
}

// A receiver of reports, and what it receives.
func Example_webhook() {
	server := httptest.NewServer(http.HandlerFunc(receive))
	defer server.Close()
	env := config.NewEnv(func(name string) string {
		return map[string]string{"WEBHOOK_URL": server.URL, "WEBHOOK_SECRET": "a secret that both sides know"}[name]
	})
	now := time.Date(2026, 11, 22, 9, 7, 0, 0, time.UTC)
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: time.UTC}
	r := report.Build(rules, report.Listing{Total: 1, Regions: []string{"cn-hangzhou"}, Matrices: []*report.Matrix{
		{NodeID: "cpn-0ugbptfu473fy", Name: "prod-hz-03", Region: "cn-hangzhou", Status: "RUNNING", PhoneCount: 25, ExpiresAt: report.Time{Time: now.AddDate(0, 0, 2)}},
	}}, now)
	for _, c := range chat.Load(env) {
		fmt.Println(c.Name(), c.Send(context.Background(), r, message.Options{Language: "en"}, "2026-11-22"))
	}
	// Output:
	// matrix.report ⛔ prod-hz-03 ends Tue 24 Nov 09:07 (in 2 days, 25 phones)
	// critical cpn-0ugbptfu473fy
	// webhook <nil>
}
