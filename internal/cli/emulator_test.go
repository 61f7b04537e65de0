package cli

import (
	"context"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"matrix-expiry-report/internal/npmtest"
)

// startEmulator runs the command until the test ends. It returns what it prints
// first, the address and the lines to paste, and the rest of its output.
func startEmulator(t *testing.T) (output string, more *io.PipeReader) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	done := make(chan error, 1)
	go func() {
		p := Program{Getenv: os.Getenv, Stdout: w, Stderr: t.Output()}
		done <- p.Run(ctx, []string{"emulator", "--listen", "127.0.0.1:0", "--key-id", "me", "--key-secret", "s3cret"})
		w.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	b := make([]byte, 4096) // one write, so one read
	n, err := r.Read(b)
	if err != nil {
		t.Fatal(err)
	}
	return string(b[:n]), r
}

// pasted returns the lines below the heading that begins with client.
func pasted(t *testing.T, output, client string) string {
	t.Helper()
	_, rest, ok := strings.Cut(output, "\n"+client)
	_, rest, found := strings.Cut(rest, ":\n")
	if !ok || !found {
		t.Fatalf("nothing for %s in\n%s", client, output)
	}
	lines, _, _ := strings.Cut(rest, "\n\n")
	return strings.ReplaceAll(lines, "  ", "")
}

func TestEmulatorLineForThisProgram(t *testing.T) {
	output, _ := startEmulator(t)
	line := pasted(t, output, "This program")
	env := map[string]string{}
	words := strings.Fields(line)
	for _, word := range words {
		if name, value, ok := strings.Cut(word, "="); ok {
			env[name] = value
			t.Setenv(name, value) // read by the credentials library
		}
	}
	if len(env) != 3 || words[3] != os.Args[0] {
		t.Fatalf("the line is %q", line)
	}
	var out strings.Builder
	p := Program{Getenv: func(name string) string { return env[name] }, Stdout: &out, Stderr: t.Output()}
	if code := p.Main(words[4:]); code != 3 || !strings.Contains(out.String(), "131 of 131") {
		t.Errorf("exit code %d\n%s", code, out.String())
	}
}

// The lines for a file of settings are complete: a report with them lists the
// matrices and posts to both chats, and the emulator prints what these received.
func TestEmulatorSettings(t *testing.T) {
	output, more := startEmulator(t)
	file := filepath.Join(t.TempDir(), "try.env")
	lines := pasted(t, output, "Settings")
	if err := os.WriteFile(file, []byte(lines), 0o600); err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(lines) {
		name, _, _ := strings.Cut(line, "=")
		t.Setenv(name, "") // restores what the command sets from the file
	}
	code := make(chan int, 1)
	go func() {
		p := Program{Getenv: func(string) string { return "" }, Stdout: io.Discard, Stderr: t.Output()}
		code <- p.Main([]string{"report", "--post", "--env-file", file})
		more.Close() // nothing else will be printed
	}()
	var printed strings.Builder
	b := make([]byte, 1<<20)
	for range 2 { // one write for each message
		n, err := more.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		printed.Write(b[:n])
	}
	if got := <-code; got != 3 {
		t.Errorf("report ended with %d, want 3", got)
	}
	for want, times := range map[string]int{"posted to slack ": 1, "posted to dingtalk ": 1, "push preview: ⛔ 1 expired": 2, "131 of 131 listed": 2} {
		if got := strings.Count(printed.String(), want); got != times {
			t.Errorf("%q is printed %d times, want %d:\n%s", want, got, times, printed.String())
		}
	}
}

// The command line itself cannot be installed here: its flags are those of its
// documentation, and its request is replayed in internal/emulator/cloud.
func TestEmulatorLineForAliyun(t *testing.T) {
	output, _ := startEmulator(t)
	address := regexp.MustCompile(`http://(127\.0\.0\.1:\d+)`).FindStringSubmatch(output)[1]
	line := pasted(t, output, "The aliyun command line")
	for _, want := range []string{"aliyun eds-aic DescribeCloudPhoneNodes ", " --endpoint " + address + " ", " --insecure ", " --access-key-id me ", " --access-key-secret s3cret "} {
		if !strings.Contains(line, want) {
			t.Errorf("%q has no %q", line, want)
		}
	}
}

func TestEmulatorLineForNode(t *testing.T) {
	modules := npmtest.Install(t, "@alicloud/pop-core@1.8.0")
	output, _ := startEmulator(t)
	cmd := exec.CommandContext(t.Context(), "sh", "-c", pasted(t, output, "Node"))
	cmd.Dir = filepath.Dir(modules)
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "TotalCount: 131") {
		t.Errorf("%v\n%s", err, out)
	}
}

func TestEmulatorLinesForGo(t *testing.T) {
	output, _ := startEmulator(t)
	file := filepath.Join(t.TempDir(), "main.go")
	program := `package main

import (
	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"
)

func main() {
` + pasted(t, output, "Go") + `
	if err != nil {
		panic(err)
	}
	println(response["body"].(map[string]any)["TotalCount"].(interface{ String() string }).String())
}
`
	if err := os.WriteFile(file, []byte(program), 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "go", "run", file).CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "131" {
		t.Errorf("%v\n%s", err, out)
	}
}
