package fc

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
)

// call sends a request and returns the status and the error code.
func call(t *testing.T, s *Server, method, path string, body any, header ...string) (status int, code string) {
	t.Helper()
	b, ok := body.([]byte)
	if !ok && body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			t.Fatal(err)
		}
	}
	r := httptest.NewRequest(method, path, bytes.NewReader(b))
	r.Header.Set("Authorization", "ACS3-HMAC-SHA256 Credential=emulator,SignedHeaders=x,Signature=x")
	if strings.HasPrefix(path, "/"+account) {
		r.Host = Bucket
		r.Header.Set("Authorization", "OSS "+uploadKey+":x")
		r.Header.Set("x-oss-security-token", uploadToken)
	}
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	s.ServeHTTP(w, r)
	var e struct{ Code, Message, RequestId string }
	if w.Code == http.StatusOK {
		return w.Code, ""
	}
	if err := json.Unmarshal(w.Body.Bytes(), &e); err != nil || e.Message == "" || e.RequestId == "" {
		t.Fatalf("%s %s: %v, %d %s", method, path, err, w.Code, w.Body)
	}
	return w.Code, e.Code
}

// zipOf returns a zip with one file.
func zipOf(t *testing.T, name string, mode uint32) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	h := &zip.FileHeader{Name: name}
	h.ExternalAttrs = mode << 16
	h.CreatorVersion = 3 << 8 // Unix
	if _, err := w.CreateHeader(h); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func valid() map[string]any {
	return map[string]any{
		"functionName": "f", "runtime": "go1", "handler": "main", "cpu": 0.05, "memorySize": 128, "diskSize": 512, "timeout": 120, "instanceConcurrency": 1,
		"internetAccess": true, "role": "acs:ram::1234567890123456:role/f", "environmentVariables": map[string]any{"A": "b"},
		"code": map[string]any{"ossBucketName": "temp-code", "ossObjectName": account + "/code"},
	}
}

func deployed(t *testing.T) *Server {
	t.Helper()
	s := &Server{}
	if status, code := call(t, s, "PUT", "/"+account+"/code", zipOf(t, "main", 0o755)); status != 200 {
		t.Fatal(status, code)
	}
	if status, code := call(t, s, "POST", "/2023-03-30/functions", valid()); status != 200 {
		t.Fatal(status, code)
	}
	return s
}

func TestInvalidFunctionsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		field string
		value any
	}{
		{"functionName", "1f"}, {"functionName", strings.Repeat("f", 65)}, {"functionName", ""},
		{"runtime", "go1.x"}, {"handler", ""}, {"handler", "bin/main"}, {"timeout", 0}, {"timeout", 86401}, {"timeout", "120"},
		{"memorySize", 100}, {"memorySize", 65536}, {"cpu", 0.5}, {"cpu", 0.01}, {"diskSize", 1024}, {"instanceConcurrency", 0}, {"instanceConcurrency", 201},
		{"role", "f"}, {"role", "acs:ram::1234567890123456:role/F"}, {"role", "acs:ram::1:role/f"},
		{"environmentVariables", map[string]any{"FC_REGION": "x"}}, {"environmentVariables", map[string]any{"1A": "x"}},
		{"environmentVariables", map[string]any{"A": 1}}, {"environmentVariables", map[string]any{"A": strings.Repeat("x", 4096)}},
		{"logConfig", map[string]any{"project": "p"}}, {"code", nil}, {"code", map[string]any{"ossBucketName": "temp-code", "ossObjectName": "other"}},
	} {
		s := deployed(t)
		c := valid()
		c[tt.field] = tt.value
		if tt.field != "functionName" {
			c["functionName"] = "g"
		}
		if status, code := call(t, s, "POST", "/2023-03-30/functions", c); status != 400 || code != "InvalidArgument" {
			t.Errorf("%s %v: got %d %s", tt.field, tt.value, status, code)
		}
	}
}

func TestInvalidTriggersAreRefused(t *testing.T) {
	const timer, web = `{"cronExpression":"CRON_TZ=Asia/Shanghai 0 7 9 * * *","enable":true}`, `{"authType":"function","methods":["GET"]}`
	for _, tt := range []struct {
		kind   string
		config any
		want   int
	}{
		{"timer", timer, 200}, {"http", web, 200},
		{"timer", `{"cronExpression":"@every 60m","enable":true}`, 200},
		{"timer", map[string]any{"cronExpression": "0 7 9 * * *", "enable": true}, 400}, // JSON in a string is wanted
		{"timer", `{"cronExpression":"0 7 9 * * *"}`, 400},
		{"timer", `{"cronExpression":"7 9 * * *","enable":true}`, 400},
		{"timer", `{"cronExpression":"@every 1s","enable":true}`, 400},
		{"timer", `{"cronExpression":"CRON_TZ=Mars/Base 0 7 9 * * *","enable":true}`, 400},
		{"http", `{"authType":"bearer","methods":["GET"]}`, 400},
		{"http", `{"authType":"function"}`, 400},
		{"http", `{"authType":"function","methods":["LOOK"]}`, 400},
		{"oss", `{}`, 400}, {"timer", "", 400},
	} {
		s := deployed(t)
		status, _ := call(t, s, "POST", "/2023-03-30/functions/f/triggers", map[string]any{"triggerName": "t", "triggerType": tt.kind, "triggerConfig": tt.config})
		if status != tt.want {
			t.Errorf("%s %v: got %d, want %d", tt.kind, tt.config, status, tt.want)
		}
	}
}

func TestInvalidUploadsAreRefused(t *testing.T) {
	for _, tt := range []struct {
		path   string
		body   []byte
		header []string
		want   int
	}{
		{"/" + account + "/a", zipOf(t, "main", 0o755), nil, 200},
		{"/" + account + "/a", []byte("no zip"), nil, 400},
		{"/" + account + "/a", zipOf(t, "main", 0o755), []string{"x-oss-security-token", ""}, 403},
		{"/" + account + "x/a", zipOf(t, "main", 0o755), nil, 403},
		{"/" + account + "/a", zipOf(t, "main", 0o755), []string{"Authorization", "OSS emulator:x"}, 403},
	} {
		if status, _ := call(t, &Server{}, "PUT", tt.path, tt.body, tt.header...); status != tt.want {
			t.Errorf("%s %q: got %d, want %d", tt.path, tt.header, status, tt.want)
		}
	}
	s := deployed(t)
	call(t, s, "PUT", "/"+account+"/plain", zipOf(t, "main", 0o644))
	c := valid()
	c["functionName"], c["code"] = "g", map[string]any{"ossBucketName": "temp-code", "ossObjectName": account + "/plain"}
	if status, _ := call(t, s, "POST", "/2023-03-30/functions", c); status != 400 {
		t.Errorf("a handler that is not executable: got %d", status)
	}
}

func TestLifeOfAFunction(t *testing.T) {
	s := deployed(t)
	timer := map[string]any{"triggerName": "daily", "triggerType": "timer", "triggerConfig": `{"cronExpression":"0 7 9 * * *","enable":true}`}
	const f = "/2023-03-30/functions/f"
	for _, step := range []struct {
		method, path string
		body         any
		status       int
		code         string
	}{
		{"POST", "/2023-03-30/functions", valid(), 409, "FunctionAlreadyExists"},
		{"GET", f, nil, 200, ""},
		{"GET", "/2023-03-30/functions/g", nil, 404, "FunctionNotFound"},
		{"GET", f + "/triggers/daily", nil, 404, "TriggerNotFound"},
		{"POST", f + "/triggers", timer, 200, ""},
		{"POST", f + "/triggers", timer, 409, "TriggerAlreadyExists"},
		{"GET", f + "/triggers/daily", nil, 200, ""},
		{"PUT", f + "/triggers/daily", map[string]any{"triggerConfig": `{"enable":true}`}, 400, "InvalidArgument"},
		{"PUT", f + "/triggers/daily", map[string]any{"description": "x"}, 200, ""},
		{"GET", f + "/async-invoke-config?qualifier=LATEST", nil, 404, "AsyncConfigNotExists"},
		{"PUT", f + "/async-invoke-config?qualifier=LATEST", map[string]any{"maxAsyncRetryAttempts": 9, "maxAsyncEventAgeInSeconds": 1}, 400, "InvalidArgument"},
		{"PUT", f + "/async-invoke-config?qualifier=LATEST", map[string]any{"maxAsyncRetryAttempts": 2, "maxAsyncEventAgeInSeconds": 21600}, 200, ""},
		{"GET", f + "/async-invoke-config?qualifier=LATEST", nil, 200, ""},
	} {
		if status, code := call(t, s, step.method, step.path, step.body); status != step.status || code != step.code {
			t.Errorf("%s %s: got %d %s, want %d %s", step.method, step.path, status, code, step.status, step.code)
		}
	}
	// An update without code keeps it.
	update := valid()
	delete(update, "code")
	update["timeout"] = 60
	if status, code := call(t, s, "PUT", f, update); status != 200 {
		t.Fatal(status, code)
	}
	if got := s.Function("f"); got.Config.Timeout != 60 || len(got.Code) == 0 || got.Triggers["daily"].Description != "x" || got.Async.MaxAsyncRetryAttempts != 2 {
		t.Errorf("got %+v", got)
	}
	if s.Function("g") != nil {
		t.Error("there is a function g")
	}
}

func TestDeniedActionsAreRefused(t *testing.T) {
	var asked []string
	s := &Server{Allow: func(action, resource string) bool {
		asked = append(asked, action+" "+resource)
		return action == "fc:GetFunction"
	}}
	for path, want := range map[string]string{"/2023-03-30/functions/f": "FunctionNotFound", "/2016-08-15/tempBucketToken": "AccessDenied", "/2023-03-30/functions/f/triggers/t": "AccessDenied"} {
		if _, code := call(t, s, "GET", path, nil); code != want {
			t.Errorf("%s: got %s, want %s", path, code, want)
		}
	}
	if _, code := call(t, s, "POST", "/2023-03-30/functions", valid()); code != "AccessDenied" {
		t.Errorf("create: got %s", code)
	}
	const f = "acs:fc:cn-shanghai:1234567890123456:functions/f"
	for _, want := range []string{"fc:GetFunction " + f, "fc:GetTrigger " + f, "fc:CreateFunction " + f, "fc:GetTempBucketToken *"} {
		if !strings.Contains(strings.Join(asked, "\n")+"\n", want+"\n") {
			t.Errorf("RAM was not requested for %s: %q", want, asked)
		}
	}
	if _, code := call(t, &Server{}, "GET", "/2023-03-30/functions/f", nil, "Authorization", "FC other:x"); code != "InvalidAccessKeyID" {
		t.Errorf("another key: got %s", code)
	}
}
