package handler_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"matrix-expiry-report/report"
)

// HTTP events arrive with any field missing, encoded or in odd case.
func TestHTTPEvent(t *testing.T) {
	for _, c := range []struct {
		name, event string
		status      int
		says        string
	}{
		{"the documented form", `{"version":"v1","rawPath":"/report","body":"","isBase64Encoded":false,"headers":{"Accept":"text/plain"},"queryParameters":{"days":"3"},"requestContext":{"http":{"method":"GET","path":"/report"}}}`, 200, "4 expire within 3 days"},
		{"nothing but a method", `{"requestContext":{"http":{"method":"GET"}}}`, 200, `"listed":131`},
		{"nothing at all", `{"requestContext":{"http":{}}}`, 200, `"listed":131`},
		{"an encoded path", `{"rawPath":"/%72eport","requestContext":{"http":{"method":"GET","path":"/report"}}}`, 200, `"listed":131`},
		{"a body in base64", `{"rawPath":"/notify","body":"` + base64.StdEncoding.EncodeToString([]byte(`{"channels":["slack"]}`)) + `","isBase64Encoded":true,"requestContext":{"http":{"method":"POST"}}}`, 200, `"channel":"slack"`},
		{"a body that is no base64", `{"rawPath":"/notify","body":"!","isBase64Encoded":true,"requestContext":{"http":{"method":"POST"}}}`, 400, "base64"},
		{"values joined by commas", `{"rawPath":"/report","queryParameters":{"region":"eu-central-1,cn-shanghai"},"requestContext":{"http":{"method":"GET"}}}`, 200, `"regions":["cn-shanghai","eu-central-1"]`},
		{"a method in lower case", `{"rawPath":"/healthz","requestContext":{"http":{"method":"get"}}}`, 200, "ok"},
		{"a method that is none", `{"rawPath":"/","requestContext":{"http":{"method":"G T"}}}`, 400, "not a method"},
		{"headers that are no object", `{"headers":[],"requestContext":{"http":{"method":"GET"}}}`, 400, "InvalidEvent"},
	} {
		t.Run(c.name, func(t *testing.T) {
			w := setup(t)
			var res struct {
				StatusCode int
				Headers    map[string]string
				Body       string
			}
			if err := json.Unmarshal([]byte(w.invoke(t, c.event)), &res); err != nil {
				t.Fatal(err)
			}
			if res.StatusCode != c.status || !strings.Contains(res.Body, c.says) || res.Headers["Content-Type"] == "" {
				t.Errorf("%d %v %.300s; want %d with %q", res.StatusCode, res.Headers, res.Body, c.status, c.says)
			}
		})
	}
}

// The platform's form of an answer: HEAD has no body, what is not text is
// base64, and what is too large says so.
func TestAnswersInThePlatformsForm(t *testing.T) {
	w := setup(t)
	ask := func(method, path string) (res struct {
		StatusCode      int
		Headers         map[string]string
		IsBase64Encoded bool
		Body            string
	}) {
		t.Helper()
		event, _ := json.Marshal(map[string]any{"rawPath": path, "requestContext": map[string]any{"http": map[string]any{"method": method}}})
		if err := json.Unmarshal([]byte(w.invoke(t, string(event))), &res); err != nil {
			t.Fatal(err)
		}
		return res
	}
	if res := ask("HEAD", "/report"); res.StatusCode != 200 || res.Body != "" || res.Headers["Content-Type"] == "" {
		t.Errorf("HEAD: %+v", res)
	}
	res := ask("GET", "/report.csv")
	body := res.Body
	if res.IsBase64Encoded {
		b, err := base64.StdEncoding.DecodeString(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		body = string(b)
	}
	if !strings.HasPrefix(body, "\ufeffseverity") || !strings.HasPrefix(res.Headers["Content-Disposition"], `inline; filename="matrices-`) {
		t.Errorf("CSV: %.80q %v", body, res.Headers)
	}
	w.Source = sourceFunc(func(context.Context, []string) report.Listing {
		var l report.Listing
		for i := range 2000 {
			l.Matrices = append(l.Matrices, report.Matrix{NodeID: fmt.Sprint(i), Name: strings.Repeat("x", 20_000), Status: "FAILED"})
		}
		return l
	})
	w.Settings.Cache = 0
	if res := ask("GET", "/report"); res.StatusCode != 507 || !strings.Contains(res.Body, "narrow it") {
		t.Errorf("40 MB: %d %.200s", res.StatusCode, res.Body)
	}
}
