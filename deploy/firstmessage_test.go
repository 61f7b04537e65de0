package deploy

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	fakefc "matrix-expiry-report/internal/emulator/fc"
	"matrix-expiry-report/internal/fctest"
)

// resolve returns the properties of s.yaml with the environment env, with the
// types that Serverless Devs gives them.
func resolve(t *testing.T, env map[string]string) map[string]any {
	t.Helper()
	raw, err := os.ReadFile("../s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var s struct {
		Vars      map[string]string
		Resources map[string]struct{ Props map[string]any }
	}
	if err := yaml.Unmarshal([]byte(substitute(t, string(raw), env)), &s); err != nil {
		t.Fatal(err)
	}
	props := s.Resources["report"].Props
	props["region"] = s.Vars["region"]
	b, err := json.Marshal(props)
	if err != nil {
		t.Fatal(err)
	}
	props = nil
	if err := json.Unmarshal(b, &props); err != nil {
		t.Fatal(err)
	}
	return props
}

// From a clone to the first message: the code is built as s.yaml does, deployed
// to the stand-in for Function Compute by the requests of the deployer with the
// deployer's policy, and the timer's event makes the uploaded program post.
func TestFirstMessage(t *testing.T) {
	t.Parallel()
	cloud, room := httptest.NewServer(&fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())}), &fakechat.Server{}
	chat := httptest.NewServer(room)
	defer cloud.Close()
	defer chat.Close()
	clone := copyRepository(t)
	build := exec.CommandContext(t.Context(), "sh", "-c", readServerless(t, nil).Resources["report"].Actions["pre-${regex('deploy|local')}"][0].Run)
	build.Dir = clone
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	env := readEnv(t, "EDS_AIC_ENDPOINT="+cloud.URL+"\nSLACK_WEBHOOK_URL="+chat.URL+"/services/T0/B0/x\nHTTP_TOKEN=\"0123456789abcdef#\"\n")
	props := resolve(t, env)
	deploy := func(allow func(action, resource string) bool) (*fakefc.Server, error) {
		s := &fakefc.Server{Allow: allow}
		server := httptest.NewServer(s)
		defer server.Close()
		d := deployment{url: server.URL, props: props, code: filepath.Join(clone, "code/target")}
		return s, d.run(t.Context())
	}

	var used []string
	policy := allows(t, "ram/deployer.json", "")
	s, err := deploy(func(action, resource string) bool {
		if !slices.Contains(used, action) {
			used = append(used, action)
		}
		return policy(action, resource)
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(used) != 7 {
		t.Errorf("the deployment used %q", used)
	}
	for _, action := range used {
		if strings.HasPrefix(action, "fc:Get") && action != "fc:GetTempBucketToken" {
			continue // the deployer goes on without
		}
		if _, err := deploy(allows(t, "ram/deployer.json", action)); err == nil || !strings.Contains(err.Error(), "AccessDenied") {
			t.Errorf("without %s: got the error %v, want AccessDenied", action, err)
		}
	}

	f := s.Function("matrix-expiry-report")
	if f == nil || len(f.Triggers) != 2 || f.Async == nil || f.Config.Role != "acs:ram::"+account+":role/matrix-expiry-report" {
		t.Fatalf("deployed %+v", f)
	}
	var timer struct{ Payload string }
	if err := json.Unmarshal([]byte(f.Triggers["daily"].TriggerConfig), &timer); err != nil {
		t.Fatal(err)
	}
	event, err := json.Marshal(map[string]string{"triggerTime": time.Now().UTC().Format(time.RFC3339), "triggerName": "daily", "payload": timer.Payload})
	if err != nil {
		t.Fatal(err)
	}
	var variables []string
	for name, value := range f.Config.EnvironmentVariables {
		variables = append(variables, name+"="+value)
	}
	function, err := fctest.Start(unpack(t, f.Code, f.Config.Handler), variables...)
	if err != nil {
		t.Fatal(err)
	}
	defer function.Stop()
	answer, err := function.Invoke(t.Context(), fctest.Invocation{Event: event, AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"})
	if err != nil {
		t.Fatalf("%v\n%s", err, function.Output())
	}
	messages := room.Messages()
	if len(messages) != 1 || !messages[0].Accepted || !strings.Contains(messages[0].Title, "2 failed") || !strings.Contains(string(answer), `"listed":131`) {
		t.Errorf("the chat got %+v, the timer %s", messages, answer)
	}
}

// unpack writes the files of the zip that was uploaded, and returns the path of
// the handler. No file is hidden.
func unpack(t *testing.T, code []byte, handler string) string {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(code), int64(len(code)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		if strings.HasPrefix(filepath.Base(f.Name), ".") {
			t.Errorf("the code has %s", f.Name)
		}
	}
	dir := t.TempDir()
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	program := filepath.Join(dir, handler)
	if err := os.Chmod(program, 0o755); err != nil { // which CopyFS does not keep
		t.Fatal(err)
	}
	return program
}
