package cli

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/locale"
)

var update = flag.Bool("update", false, "rewrite the expected output in testdata")

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"matrix-expiry-report": func() {
		p := Program{Getenv: os.Getenv, Stdout: os.Stdout, Stderr: os.Stderr}
		os.Exit(p.Main(os.Args[1:]))
	}})
}

// TestScripts runs the scripts in testdata, which type commands and check their
// output.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:                "testdata",
		UpdateScripts:      *update,
		RequireUniqueNames: true,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			// envsubst FROM TO replaces the variables in a file.
			"envsubst": func(ts *testscript.TestScript, neg bool, args []string) {
				text := os.Expand(ts.ReadFile(args[0]), ts.Getenv)
				ts.Check(os.WriteFile(ts.MkAbs(args[1]), []byte(text), 0o600))
			},
		},
		Setup: func(e *testscript.Env) error {
			cloud := httptest.NewServer(&fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())})
			e.Defer(cloud.Close)
			empty := httptest.NewServer(&fakecloud.Server{})
			e.Defer(empty.Close)
			chat := httptest.NewServer(&fakechat.Server{DingTalkSecret: "SECretOfTheRobot"})
			e.Defer(chat.Close)
			hostile := httptest.NewServer(http.HandlerFunc(respondWithControls))
			e.Defer(hostile.Close)
			echo := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				body, _ := io.ReadAll(r.Body)
				fmt.Fprintln(w, r.Method, r.URL.Path, r.Header.Get("Authorization"), string(body))
			}))
			e.Defer(echo.Close)
			e.Setenv("HOSTILE", hostile.URL)
			e.Setenv("ECHO", echo.URL)
			e.Setenv("CLOUD", cloud.URL)
			e.Setenv("EMPTY", empty.URL)
			e.Setenv("CHAT", chat.URL)
			e.Setenv("TODAY", time.Now().In(time.FixedZone("", 8*60*60)).Format(time.DateOnly))
			e.Setenv("LANGUAGES", strings.Join(locale.Languages(), ", "))
			e.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "emulator")
			e.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "emulator-secret")
			return nil
		},
	})
}

// respondWithControls responds to calls of the API with an error, and otherwise
// with JSON, that have control characters of terminals.
func respondWithControls(w http.ResponseWriter, r *http.Request) {
	if r.URL.Path == "/json" {
		fmt.Fprint(w, "{\"name\":\"a\x1b[31m\a\u009b\x7f\"}\n")
		return
	}
	w.WriteHeader(http.StatusForbidden)
	fmt.Fprint(w, `{"Code":"Strange","Message":"out of \u001b[31m order \u0007 `+"\u009b \x7f"+`!","RequestId":"1"}`)
}

func TestExitCode(t *testing.T) {
	failed := errors.New("it failed")
	for _, c := range []struct {
		err    error
		code   int
		stderr string
	}{
		{nil, 0, ""},
		{ErrAttention, 3, ""},
		{failed, 1, "matrix-expiry-report: it failed\n"},
		{errReported{failed}, 1, ""},
		{usageError{failed}, 2, "matrix-expiry-report: it failed\n"},
		{errReported{usageError{failed}}, 2, ""},
		{fmt.Errorf("demo: %w", usageError{failed}), 2, "matrix-expiry-report: demo: it failed\n"},
		{settingsError{errors.Join(failed, failed)}, 2, "matrix-expiry-report: invalid settings:\n  it failed\n  it failed\n"},
		{errReported{settingsError{failed}}, 2, ""},
	} {
		var stderr strings.Builder
		if code := exitCode(&stderr, c.err); code != c.code || stderr.String() != c.stderr {
			t.Errorf("%#v: exit code %d and %q, want %d and %q", c.err, code, stderr.String(), c.code, c.stderr)
		}
	}
}

// Every command ends with the exit code that help states.
func TestMainExitCodes(t *testing.T) {
	serve := func(h http.Handler) string {
		s := httptest.NewServer(h)
		t.Cleanup(s.Close)
		return s.URL
	}
	fleet, empty := serve(&fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())}), serve(&fakecloud.Server{})
	fine := serve(&fakecloud.Server{Nodes: []fakecloud.Node{{NodeId: "cpn-1", RegionId: "cn-shanghai", Status: "RUNNING", GmtCreate: "2025-01-01 00:00:00", GmtExpired: "2099-01-01 00:00:00"}}})
	denied := serve(&fakecloud.Server{Keys: map[string]fakecloud.Key{"another": {Secret: "s"}}})
	slack := serve(&fakechat.Server{}) + "/services/T0/B0/x"
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "emulator")
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "emulator-secret")
	for _, c := range []struct {
		args string
		env  map[string]string
		want int
	}{
		{"help", nil, 0},
		{"version", nil, 0},
		{"demo", nil, 0},
		{"preview", nil, 0},
		{"--version", nil, 0},
		{"report --help", nil, 0},
		{"help report", nil, 0},
		{"help reprot", nil, 2},
		{"completion bash", nil, 0},
		{"completion", nil, 2},
		{"completion powershell", nil, 2},
		{"demo --lang zh", nil, 0},
		{"demo --lang xx", nil, 2},
		{"report --days 3651", map[string]string{"EDS_AIC_ENDPOINT": fine}, 2},
		{"report --days 7 --region cn-shanghai --lang zh", map[string]string{"EDS_AIC_ENDPOINT": fine}, 0},
		{"report --post --exit-zero", map[string]string{"EDS_AIC_ENDPOINT": fleet, "SLACK_WEBHOOK_URL": slack}, 0},
		{"report", map[string]string{"EDS_AIC_ENDPOINT": fine}, 0},
		{"report", map[string]string{"EDS_AIC_ENDPOINT": empty}, 3}, // it may be the wrong account
		{"report", map[string]string{"EDS_AIC_ENDPOINT": fleet}, 3},
		{"report", map[string]string{"EDS_AIC_ENDPOINT": denied}, 1},
		{"report", map[string]string{"EXPIRY_DAYS": "soon"}, 2},
		{"report --post", map[string]string{"EDS_AIC_ENDPOINT": empty}, 2},
		{"report --post", map[string]string{"EDS_AIC_ENDPOINT": fine, "SLACK_WEBHOOK_URL": slack}, 0},
		{"report --post", map[string]string{"EDS_AIC_ENDPOINT": fine, "SLACK_WEBHOOK_URL": slack + "/gone"}, 1},
		{"preview", map[string]string{"EXPIRY_DAYS": "soon"}, 2},
		{"serve", map[string]string{"EXPIRY_DAYS": "soon"}, 2},
		{"serve --listen nowhere:port", nil, 1},
		{"doctor", map[string]string{"EDS_AIC_ENDPOINT": fleet, "SLACK_WEBHOOK_URL": slack}, 0},
		{"doctor", map[string]string{"EDS_AIC_ENDPOINT": fleet, "SLACK_WEBHOOK_URL": slack, "HTTP_TOKEN": "short"}, 2},
		{"doctor", map[string]string{"EDS_AIC_ENDPOINT": fleet, "SLACK_WEBHOOK_URL": slack, "REPORT_LANGUAGE": "'en'"}, 3},
		{"serve", map[string]string{"HTTP_TOKEN": "short"}, 2},
		{"doctor", map[string]string{"EDS_AIC_ENDPOINT": fleet}, 3},
		{"doctor", map[string]string{"EDS_AIC_ENDPOINT": denied}, 1},
		{"doctor", map[string]string{"EDS_AIC_ENDPOINT": fleet, "EXPIRY_DAYS": "soon"}, 2},
		{"invoke", nil, 2},
		{"invoke " + empty + " --method GET --pots", nil, 2},
		{"invoke http://example.com/", nil, 1},
		{"unknown", nil, 2},
		{"", nil, 2},
	} {
		var stdout, stderr strings.Builder
		p := Program{Getenv: func(name string) string { return c.env[name] }, Stdout: &stdout, Stderr: &stderr}
		if got := p.Main(strings.Fields(c.args)); got != c.want {
			t.Errorf("%q with %v: exit code %d, want %d\n%s%s", c.args, c.env, got, c.want, stdout.String(), stderr.String())
		}
	}
}
