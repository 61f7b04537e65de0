package handler_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"matrix-expiry-report/report"
)

// An eventResponse is the response to an event of the HTTP trigger.
type eventResponse struct {
	StatusCode      int
	Headers         map[string]string
	IsBase64Encoded bool
	Body            string
}

// respond returns the response to an event of the HTTP trigger.
func (w *world) respond(t *testing.T, event string) (res eventResponse) {
	t.Helper()
	if err := json.Unmarshal([]byte(w.invoke(t, event)), &res); err != nil {
		t.Fatal(err)
	}
	return res
}

// httpEvent returns the event of a request without a body.
func httpEvent(method, path string) string {
	b, _ := json.Marshal(map[string]any{"rawPath": path, "requestContext": map[string]any{"http": map[string]any{"method": method}}})
	return string(b)
}

// TestHTTPEvent sends events with fields that are missing, encoded or invalid.
func TestHTTPEvent(t *testing.T) {
	for _, c := range []struct {
		name, event string
		status      int
		text        string
	}{
		{"documented", `{"version":"v1","rawPath":"/report","body":"","isBase64Encoded":false,"headers":{"Accept":"text/plain"},"queryParameters":{"days":"3"},"requestContext":{"http":{"method":"GET","path":"/report"}}}`, 200, "3 more within 3 days"},
		{"method only", `{"requestContext":{"http":{"method":"GET"}}}`, 200, `"listed":131`},
		{"no fields", `{"requestContext":{"http":{}}}`, 200, `"listed":131`},
		{"path without a slash", `{"requestContext":{"http":{"path":"healthz"}}}`, 200, `"ok"`},
		{"decoded path only", `{"requestContext":{"http":{"path":"/healthz"}}}`, 200, `"ok"`},
		{"encoded path", `{"rawPath":"/%72eport","requestContext":{"http":{"method":"GET","path":"/report"}}}`, 200, `"listed":131`},
		{"malformed raw path", `{"rawPath":"/%","requestContext":{"http":{"method":"GET","path":"/healthz"}}}`, 200, `"ok"`},
		{"body in base64", `{"rawPath":"/notify","body":"` + base64.StdEncoding.EncodeToString([]byte(`{"channels":["slack"]}`)) + `","isBase64Encoded":true,"requestContext":{"http":{"method":"POST"}}}`, 200, `"channel":"slack"`},
		{"plain body", `{"rawPath":"/notify","body":"{\"channels\":[\"slack\"]}","isBase64Encoded":false,"requestContext":{"http":{"method":"POST"}}}`, 200, `"channel":"slack"`},
		{"body that is not base64", `{"rawPath":"/notify","body":"!","isBase64Encoded":true,"requestContext":{"http":{"method":"POST"}}}`, 400, "base64"},
		{"values joined by commas", `{"rawPath":"/report","queryParameters":{"region":"eu-central-1,cn-shanghai"},"requestContext":{"http":{"method":"GET"}}}`, 200, `"regions":["cn-shanghai","eu-central-1"]`},
		{"method in lower case", `{"rawPath":"/healthz","requestContext":{"http":{"method":"get"}}}`, 200, "ok"},
		{"invalid method", `{"rawPath":"/","requestContext":{"http":{"method":"G T"}}}`, 400, "not a method"},
		{"headers that are not an object", `{"headers":[],"requestContext":{"http":{"method":"GET"}}}`, 400, "InvalidEvent"},
		{"odd types in unused fields", `{"version":1,"rawPath":"/report","cookies":{},"body":null,"isBase64Encoded":null,"headers":{"X-Odd":["a"],"Accept":"text/plain","X-Null":null},"queryParameters":null,"requestContext":{"accountId":1,"requestId":[],"timeEpoch":1.5,"http":{"method":"GET","protocol":1.1,"userAgent":[]}}}`, 200, "23 of 131"},
		{"a query parameter that is not a string", `{"rawPath":"/report","queryParameters":{"days":["7"]},"requestContext":{"http":{"method":"GET"}}}`, 400, "days"},
		{"huge body", `{"rawPath":"/notify","body":"` + strings.Repeat(" ", 70<<10) + `","requestContext":{"http":{"method":"POST"}}}`, 413, "BodyTooLarge"},
		{"cross-origin", `{"rawPath":"/notify","headers":{"sec-fetch-site":"cross-site"},"requestContext":{"http":{"method":"POST"}}}`, 403, "CrossOrigin"},
	} {
		t.Run(c.name, func(t *testing.T) {
			res := setup(t).respond(t, c.event)
			if res.StatusCode != c.status || !strings.Contains(res.Body, c.text) || res.Headers["Content-Type"] == "" {
				t.Errorf("%d %v %.300s; want %d with %q", res.StatusCode, res.Headers, res.Body, c.status, c.text)
			}
		})
	}
}

// TestEventOfToken checks that a token in the headers of an event is accepted.
func TestEventOfToken(t *testing.T) {
	w := setup(t, withToken...)
	for header, want := range map[string]int{`"authorization":"Bearer ` + testToken + `"`: 200, `"x":""`: 401} {
		if res := w.respond(t, `{"rawPath":"/report","headers":{`+header+`},"requestContext":{"http":{"method":"GET"}}}`); res.StatusCode != want {
			t.Errorf("%s: %d, want %d", header, res.StatusCode, want)
		}
	}
}

// TestEventResponse compares the responses to events with those over HTTP.
func TestEventResponse(t *testing.T) {
	w := setup(t, "CACHE_SECONDS=3600")
	for _, f := range formats {
		rec := w.do("GET", f.path)
		res := w.respond(t, httpEvent("GET", f.path))
		if res.StatusCode != 200 || res.IsBase64Encoded || res.Body != rec.Body.String() {
			t.Errorf("%s: %d %.300s; want %.300s", f.name, res.StatusCode, res.Body, rec.Body)
		}
		for name := range rec.Header() {
			if res.Headers[name] != rec.Header().Get(name) {
				t.Errorf("%s: %s is %q, want %q", f.name, name, res.Headers[name], rec.Header().Get(name))
			}
		}
	}
	if res := w.respond(t, httpEvent("HEAD", "/report")); res.StatusCode != 200 || res.Body != "" || res.Headers["Content-Type"] == "" {
		t.Errorf("HEAD: %+v", res)
	}
	if res := w.respond(t, httpEvent("GET", "/report.csv")); !strings.HasPrefix(res.Headers["Content-Disposition"], `inline; filename="matrices-`) {
		t.Errorf("CSV: %v", res.Headers)
	}
}

// TestTooLargeResponse checks that a response above the limit of the platform is
// replaced by an error.
func TestTooLargeResponse(t *testing.T) {
	name := strings.Repeat("x", 1<<20)
	w := &world{Handler: newHandler(sourceFunc(func(context.Context, []string) (l report.Listing) {
		for range 31 {
			l.Matrices = append(l.Matrices, &report.Matrix{Name: name, Status: "FAILED"})
		}
		return l
	}))}
	if res := w.respond(t, httpEvent("GET", "/report")); res.StatusCode != 507 || !strings.Contains(res.Body, `"AnswerTooLarge"`) || !strings.Contains(res.Body, "narrow it") {
		t.Errorf("%d %.200s", res.StatusCode, res.Body)
	}
}
