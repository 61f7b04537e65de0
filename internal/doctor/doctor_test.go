package doctor

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/config"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/inventory"
)

func TestMain(m *testing.M) {
	// net/http reads the proxy once, and does not use it for loopback addresses.
	os.Setenv("HTTPS_PROXY", "http://127.0.0.1:1")
	os.Exit(m.Run())
}

// newChecker returns a Checker of the settings in env, as internal/cli builds
// it, with the emulator's access key.
func newChecker(env map[string]string) Checker {
	e := config.NewEnv(func(name string) string { return env[name] })
	c := Checker{
		Settings: config.Load(e), Channels: chat.Load(e), Commands: len(chat.LoadCommands(e)),
		Now: func() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) },
	}
	c.Mistakes, c.SettingsErr = config.Blocking(e.Mistakes())
	c.Warnings, c.EnvSize = e.Warnings(), e.Size()
	c.Source = &inventory.Source{Endpoints: c.Settings.Endpoints, API: cloudphone.API{
		Zone: c.Settings.APIZone, HTTP: cloudphone.NewHTTPClient(), MaxInFlight: 4,
		Credentials: func(context.Context) (cloudphone.Credentials, error) {
			return cloudphone.Credentials{AccessKeyID: "emulator", AccessKeySecret: "emulator-secret", From: "a test"}, nil
		},
	}}
	return c
}

func noCredentials(context.Context) (cloudphone.Credentials, error) {
	return cloudphone.Credentials{}, errors.New("no access key found")
}

func start(t *testing.T, h http.Handler) (url string) {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	return s.URL
}

// closedPort returns the URL of a port on which nothing listens.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return "http://" + l.Addr().String()
}

// A want is a check that a test expects. Detail and Advice are parts of the texts;
// an empty Advice means that there is none.
type want Check

func expect(t *testing.T, got []Check, wants ...want) {
	t.Helper()
	if len(got) != len(wants) {
		t.Fatalf("got %d checks, want %d: %+v", len(got), len(wants), got)
	}
	for i, w := range wants {
		g := got[i]
		if g.Name != w.Name || g.Status != w.Status || !strings.Contains(g.Detail, w.Detail) || !strings.Contains(g.Advice, w.Advice) || (g.Advice == "") != (w.Advice == "") {
			t.Errorf("got  %+v\nwant %+v", g, w)
		}
	}
}

// Run returns the checks in a fixed order. It sends messages only with post.
func TestRun(t *testing.T) {
	room := &fakechat.Server{}
	c := newChecker(map[string]string{
		"EDS_AIC_ENDPOINT":  start(t, &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())}),
		"SLACK_WEBHOOK_URL": start(t, room) + "/services/T0/B0/x",
	})
	names := func(post bool) (all []string) {
		for _, check := range c.Run(t.Context(), post) {
			name, _, _ := strings.Cut(check.Name, " 127.")
			all = append(all, name)
			if check.Status != OK && check.Name != "emulator" {
				t.Errorf("got %+v, want ok", check)
			}
		}
		return all
	}
	want := []string{"settings", "emulator", "credentials", "endpoint", "clock", "time zones", "channel slack", "timer", "templates", "HTTP trigger"}
	if got := names(false); !slices.Equal(got, want) || len(room.Messages()) != 0 {
		t.Errorf("got the checks %q and %d messages, want %q and none", got, len(room.Messages()), want)
	}
	if got := names(true); !slices.Equal(got, append(want, "test message slack")) || len(room.Messages()) != 1 {
		t.Errorf("with post: got the checks %q and %d messages", got, len(room.Messages()))
	}
}

func TestWorst(t *testing.T) {
	for _, c := range []struct {
		statuses []Status
		want     Status
	}{
		{nil, OK},
		{[]Status{OK, OK}, OK},
		{[]Status{OK, Warn, OK}, Warn},
		{[]Status{Fail, Warn, OK}, Fail},
		{[]Status{Warn, Fail}, Fail},
		{[]Status{OK, NotChecked}, OK},
	} {
		var checks []Check
		for _, s := range c.statuses {
			checks = append(checks, Check{Status: s})
		}
		if got := Worst(checks); got != c.want {
			t.Errorf("the worst of %q is %s, want %s", c.statuses, got, c.want)
		}
	}
}

func TestPrint(t *testing.T) {
	two := []Check{{"clock", OK, "0s off", ""}, {"timer", Fail, "no", "fix it"}}
	for _, c := range []struct {
		checks []Check
		colour bool
		want   string
	}{
		{two, false, "ok    clock: 0s off\nfail  timer: no\n      → fix it\n\n2 checks: 1 ok, 1 failure\n"},
		{two[:1], false, "ok    clock: 0s off\n\n1 check: 1 ok\n"},
		{two, true, "\x1b[32mok  \x1b[0m  clock: 0s off\n\x1b[1;31mfail\x1b[0m  timer: no\n      → fix it\n\n2 checks: \x1b[32m1 ok\x1b[0m, \x1b[1;31m1 failure\x1b[0m\n"},
	} {
		var b strings.Builder
		if err := Print(&b, c.checks, 0, c.colour); b.String() != c.want || err != nil {
			t.Errorf("got %q and the error %v, want %q", b.String(), err, c.want)
		}
	}
	var many []Check
	for status, n := range map[Status]int{OK: 10, Warn: 1, Fail: 1, NotChecked: 2} {
		for range n {
			many = append(many, Check{Status: status})
		}
	}
	var b strings.Builder
	if err := Print(&b, many, 0, false); err != nil || !strings.HasSuffix(b.String(), "\n\n14 checks: 10 ok, 1 warning, 1 failure, 2 not checked\n") {
		t.Errorf("got %q and the error %v", b.String(), err)
	}
}

func TestPrintWraps(t *testing.T) {
	var b strings.Builder
	err := Print(&b, []Check{{"timer", Fail, "CRON is no date", "use six fields, such as 0 7 9 * * *"}, {"x", OK, "averyveryverylongword", ""}}, 20, false)
	if want := "fail  timer: CRON is\n      no date\n      → use six\n        fields, such\n        as 0 7 9 * *\n        *\nok    x:\n      averyveryverylongword\n\n2 checks: 1 ok, 1 failure\n"; b.String() != want || err != nil {
		t.Errorf("got %q and the error %v, want %q", b.String(), err, want)
	}
}

func TestByCause(t *testing.T) {
	got := byCause([]string{"b1", "a1", "b2", "c1", "a2"}, func(s string) string { return s[:1] })
	if want := [][]string{{"b1", "b2"}, {"a1", "a2"}, {"c1"}}; !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("got %q, want %q", got, want)
	}
	for n, want := range map[int]string{0: "", 1: "a", 3: "a, b, c", 4: "a, b, c and 1 more", 9: "a, b, c and 6 more"} {
		if got := list([]string{"a", "b", "c", "d", "e", "f", "g", "h", "i"}[:n], strings.Clone); got != want {
			t.Errorf("%d names: got %q, want %q", n, got, want)
		}
	}
}
