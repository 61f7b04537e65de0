package deploy

import (
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/gobuild"
)

// installed is where the examples expect the program and its settings.
const (
	installed         = "/usr/local/bin/matrix-expiry-report"
	installedSettings = "/etc/matrix-expiry-report.env"
)

// A scheduled is a built program with settings for the emulated services.
type scheduled struct {
	program, settings string
	room              *fakechat.Server
}

// schedule builds the program and writes settings, with more added, beside it.
func schedule(t *testing.T, more string) scheduled {
	t.Helper()
	cloud := httptest.NewServer(&fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())})
	t.Cleanup(cloud.Close)
	s := scheduled{room: &fakechat.Server{}}
	room := httptest.NewServer(s.room)
	t.Cleanup(room.Close)
	dir := t.TempDir()
	s.program, s.settings = filepath.Join(dir, "matrix-expiry-report"), filepath.Join(dir, "settings.env")
	if err := gobuild.Build("..", ".", s.program, ""); err != nil {
		t.Fatal(err)
	}
	settings := strings.Join([]string{
		"EDS_AIC_ENDPOINT=" + cloud.URL, "SLACK_WEBHOOK_URL=" + room.URL + "/services/T0/B0/x",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret", more,
	}, "\n")
	if err := os.WriteFile(s.settings, []byte(settings), 0o600); err != nil {
		t.Fatal(err)
	}
	return s
}

// run runs a command of the examples with an environment as poor as cron's.
func (s scheduled) run(t *testing.T, args ...string) (output string, err error) {
	t.Helper()
	replace := strings.NewReplacer(installed, s.program, installedSettings, s.settings)
	for i := range args {
		args[i] = replace.Replace(args[i])
	}
	cmd := exec.CommandContext(t.Context(), args[0], args[1:]...)
	cmd.Env = []string{"HOME=/nonexistent", "PATH=/usr/bin:/bin", "SHELL=/bin/sh"}
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// The crontab line delivers, and prints only what cron should mail.
func TestCronLine(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("cron.example")
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for line := range strings.Lines(string(b)) {
		if !strings.HasPrefix(line, "#") {
			lines = append(lines, strings.TrimSpace(line))
		}
	}
	if len(lines) != 1 {
		t.Fatalf("got the lines %q, want one: Debian's cron sets no zone", lines)
	}
	fields := strings.SplitN(lines[0], " ", 6)
	if got := strings.Join(fields[:5], " "); got != "7 9 * * *" {
		t.Errorf("runs at %s", got)
	}
	command := fields[5]
	if strings.Contains(command, "%") {
		t.Error("cron ends a command at %")
	}

	s := schedule(t, `OWNER_TAG="owner & team | x"`)
	if out, err := s.run(t, "/bin/sh", "-c", command); err != nil || out != "" {
		t.Errorf("delivered: got the output %q and the error %v, want none", out, err)
	}
	if n := len(s.room.Messages()); n != 1 {
		t.Errorf("the chat got %d messages, want 1", n)
	}
	for more, want := range map[string]string{"EXPIRY_DAYS=soon": "EXPIRY_DAYS", "SLACK_WEBHOOK_URL=http://127.0.0.1:1/services/T0/B0/x": "slack"} {
		if out, _ := schedule(t, more).run(t, "/bin/sh", "-c", command); !strings.Contains(out, want) {
			t.Errorf("with %s: got the output %q, want it to name %s", more, out, want)
		}
	}
}

// The systemd service delivers, and its timer runs at a time of a named zone.
func TestSystemd(t *testing.T) {
	t.Parallel()
	service, timer := readUnit(t, "systemd/matrix-expiry-report.service"), readUnit(t, "systemd/matrix-expiry-report.timer")
	credential, ok := strings.CutPrefix(service["LoadCredential"], "settings:")
	if !ok || credential != installedSettings || service["DynamicUser"] != "yes" || service["Type"] != "oneshot" {
		t.Errorf("the service is %v", service)
	}
	s := schedule(t, "")
	command := strings.Fields(strings.ReplaceAll(service["ExecStart"], "%d/settings", installedSettings))
	if out, err := s.run(t, command...); err != nil || len(s.room.Messages()) != 1 {
		t.Errorf("%q: %v, the chat got %d messages\n%s", command, err, len(s.room.Messages()), out)
	}
	zone := timer["OnCalendar"][strings.LastIndexByte(timer["OnCalendar"], ' ')+1:]
	if _, err := time.LoadLocation(zone); err != nil || !strings.Contains(zone, "/") {
		t.Errorf("OnCalendar=%s names no zone: %v", timer["OnCalendar"], err)
	}
	if _, err := exec.LookPath("systemd-analyze"); err != nil {
		t.Skip("systemd-analyze is not installed, so the units are not verified")
	}
	if out, err := exec.CommandContext(t.Context(), "systemd-analyze", "calendar", timer["OnCalendar"]).CombinedOutput(); err != nil {
		t.Errorf("OnCalendar=%s: %v\n%s", timer["OnCalendar"], err, out)
	}
	// Verify complains that the program is not installed here, of nothing else.
	out, _ := exec.CommandContext(t.Context(), "systemd-analyze", "verify", "systemd/matrix-expiry-report.service", "systemd/matrix-expiry-report.timer").CombinedOutput()
	for line := range strings.Lines(string(out)) {
		if strings.Contains(line, "matrix-expiry-report.") && !strings.Contains(line, "is not executable") {
			t.Errorf("systemd-analyze: %s", line)
		}
	}
}

var unitLine = regexp.MustCompile(`^([A-Za-z]+)=(.*)$`)

// readUnit reads the settings of a unit, each given once.
func readUnit(t *testing.T, file string) map[string]string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	unit := map[string]string{}
	for line := range strings.Lines(string(b)) {
		line = strings.TrimSpace(line)
		switch m := unitLine.FindStringSubmatch(line); {
		case m != nil && unit[m[1]] == "":
			unit[m[1]] = m[2]
		case line == "" || strings.HasPrefix(line, "#") || slices.Contains([]string{"[Unit]", "[Service]", "[Timer]", "[Install]"}, line):
		default:
			t.Errorf("%s: %q", file, line)
		}
	}
	return unit
}
