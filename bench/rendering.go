package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"strings"
	"time"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/fctest"
)

// rendering measures each format of a report with 20,000 findings, compared
// with listing them. It measures the serve command, so that the envelope of
// Function Compute does not count. The time of a response that shows few of the
// findings is subtracted, so that building the report does not count either.
func (b *bench) rendering() (rows []row, err error) {
	const rounds, few = 9, "/report.json?reason=failed"
	api := httptest.NewServer(newUrgentService(time.Now(), shares(20_000)...))
	defer api.Close()
	room := httptest.NewServer(&fakechat.Server{})
	defer room.Close()
	env := []string{"EDS_AIC_ENDPOINT=" + api.URL, "LOG_LEVEL=error", "HTTP_AUTH=trigger", "ALIBABA_CLOUD_ACCESS_KEY_ID=key", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=secret"}
	for name, webhook := range fakechat.Webhooks(room.URL) {
		env = append(env, name+"="+webhook)
	}
	formats := []string{"/report.json", "/report.html", "/report.txt", "/report.csv", "/report.md", "/calendar.ics", "/metrics"}
	cached, err := b.serve(append(env, "CACHE_SECONDS=3600"))
	if err != nil {
		return nil, err
	}
	defer cached.stop()
	fresh, err := b.serve(append(env, "CACHE_SECONDS=0"))
	if err != nil {
		return nil, err
	}
	defer fresh.stop()
	took := map[string][]time.Duration{}
	request := func(name string, s *server, method, path string) error {
		t, err := s.request(b.ctx, method, path)
		took[name] = append(took[name], t)
		return err
	}
	for range rounds {
		for _, path := range append(formats, few) {
			if err := request(path, cached, http.MethodGet, path); err != nil {
				return nil, err
			}
		}
		if err := errors.Join(request("listed", fresh, http.MethodGet, "/report.csv"), request("posted", fresh, http.MethodPost, "/notify")); err != nil {
			return nil, err
		}
	}
	of := func(name string) time.Duration { return median(took[name][1:]) }
	listing := of("listed") - of("/report.csv")
	for _, path := range formats {
		rows = append(rows, ratio("20,000 findings as "+path, of(path)-of(few), listing, ms, 1))
	}
	return append(rows, ratio("20,000 findings as a message, mean of six", (of("posted")-listing-of(few))/6, listing, ms, 1)), nil
}

// server is a running serve command.
type server struct {
	url  string
	cmd  *exec.Cmd
	stop func()
}

// serve starts the serve command with the given environment.
func (b *bench) serve(env []string) (*server, error) {
	cmd := exec.CommandContext(b.ctx, b.program, "serve", "--listen", "127.0.0.1:0")
	cmd.Env, cmd.Stderr = env, os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		return nil, err
	}
	if err := cmd.Start(); err != nil {
		return nil, err
	}
	s := &server{cmd: cmd, stop: func() { cmd.Process.Kill(); cmd.Wait() }}
	line, err := bufio.NewReader(out).ReadString('\n')
	if err != nil {
		s.stop()
		return nil, err
	}
	s.url = strings.TrimSuffix(strings.TrimSpace(line), "/report")
	return s, nil
}

// request sends a request and returns the processor time that the server used
// for it.
func (s *server) request(ctx context.Context, method, path string) (took time.Duration, err error) {
	before, err := fctest.CPUTime(s.cmd.Process.Pid)
	if err != nil {
		return 0, err
	}
	req, err := http.NewRequestWithContext(ctx, method, s.url+path, nil)
	if err != nil {
		return 0, err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer res.Body.Close()
	n, err := io.Copy(io.Discard, res.Body)
	if err != nil || res.StatusCode != http.StatusOK || n < 1000 {
		return 0, fmt.Errorf("%s: %s, %d bytes: %w", path, res.Status, n, err)
	}
	after, err := fctest.CPUTime(s.cmd.Process.Pid)
	return after - before, err
}
