package deploy

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// cron mails the output of every run but those with exit codes 0 and 3.
func TestCronMailsFailuresOnly(t *testing.T) {
	b, err := os.ReadFile("cron.example")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	command := strings.SplitN(lines[len(lines)-1], " ", 6)[5]
	for code, mails := range map[int]bool{0: false, 3: false, 1: true, 2: true} {
		dir := t.TempDir()
		program := fmt.Sprintf("#!/bin/sh\necho \"$1 $2 $SLACK_WEBHOOK_URL\"\nexit %d\n", code)
		if err := errors.Join(os.WriteFile(dir+"/matrix-expiry-report", []byte(program), 0o755), os.WriteFile(dir+"/matrix.env", []byte("SLACK_WEBHOOK_URL=x\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", command)
		cmd.Env = []string{"HOME=" + dir, "PATH=" + dir + ":/usr/bin:/bin"}
		out, err := cmd.CombinedOutput()
		if (string(out) == "report --post x\n") != mails || (err != nil) != mails {
			t.Errorf("exit code %d: output %q, %v", code, out, err)
		}
	}
}
