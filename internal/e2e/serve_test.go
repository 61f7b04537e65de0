package e2e

import (
	"bufio"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

// A server is a process that serves HTTP.
type server struct {
	cmd    *exec.Cmd
	link   string // what it printed first
	base   string // scheme and host of link
	more   *bufio.Reader
	errors strings.Builder
}

// serve starts the built binary with the command serve.
func serve(t *testing.T, listen string, env ...string) *server {
	t.Helper()
	s := &server{cmd: exec.Command(build(t), "serve", "--listen", listen)}
	s.cmd.Env = append(env, "ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret")
	s.cmd.Stderr = &s.errors
	out, err := s.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.cmd.Process.Kill() })
	s.more = bufio.NewReader(out)
	line, err := s.more.ReadString('\n')
	if err != nil {
		t.Fatalf("%v: %s", err, s.errors.String())
	}
	s.link = strings.TrimSpace(line)
	s.base = regexp.MustCompile(`^http://[^/]+`).FindString(s.link)
	return s
}

// get returns the status and the body of the response to a request.
func (s *server) get(t *testing.T, url string, change func(*http.Request)) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if change != nil {
		change(req)
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// The first line that serve prints is a link that opens in a browser: without a
// header, and whatever the settings are. Without a token it makes one, for this run.
func TestServePrintsLink(t *testing.T) {
	api := httptest.NewServer(&fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())})
	defer api.Close()
	const token = "hT7kPq2LmN9xWv4c"
	for _, c := range []struct {
		name string
		env  []string
	}{{"no settings", nil}, {"a token", []string{"HTTP_TOKEN=" + token}}, {"HTTP_AUTH=trigger", []string{"HTTP_AUTH=trigger"}}} {
		t.Run(c.name, func(t *testing.T) {
			s := serve(t, "127.0.0.1:0", append(c.env, "EDS_AIC_ENDPOINT="+api.URL)...)
			status, body := s.get(t, s.link, func(r *http.Request) { r.Header.Set("Accept", "text/html") })
			if status != 200 || !strings.Contains(body, "<h1") || strings.Contains(s.link, token) {
				t.Errorf("GET %s: %d %.200s", s.link, status, body)
			}
			password := token
			if c.name == "no settings" {
				line, err := s.more.ReadString('\n')
				if err != nil {
					t.Fatal(err)
				}
				_, password, _ = strings.Cut(strings.TrimSpace(line), "the password ")
				if len(password) < 16 || strings.Contains(s.link, password) {
					t.Errorf("the second line is %q", line)
				}
			}
			status, _ = s.get(t, s.base+"/report", func(r *http.Request) { r.SetBasicAuth("anyone", password) })
			anonymous, _ := s.get(t, s.base+"/report", nil)
			rebound, _ := s.get(t, s.base+"/report", func(r *http.Request) { r.Host = "evil.example" })
			want := []int{200, 401, 401}
			if c.name == "HTTP_AUTH=trigger" {
				want = []int{200, 200, 421}
			}
			if status != want[0] || anonymous != want[1] || rebound != want[2] {
				t.Errorf("with the password %d, without %d, for another host %d; want %v", status, anonymous, rebound, want)
			}
			_ = s.cmd.Process.Kill()
			_ = s.cmd.Wait() // until all of standard error is there
			if strings.Contains(s.errors.String(), "warning: ") {
				t.Errorf("standard error has %s", s.errors.String())
			}
		})
	}
}

// On SIGTERM the binary finishes the report that it is making and exits with 0. It
// warns if other machines can reach it.
func TestServeEndsAfterItsRequests(t *testing.T) {
	called := make(chan bool, 100)
	cloud := &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())}
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		called <- true
		time.Sleep(300 * time.Millisecond)
		cloud.ServeHTTP(w, r)
	}))
	defer api.Close()
	s := serve(t, "0.0.0.0:0", "HTTP_AUTH=trigger", "EDS_AIC_ENDPOINT="+api.URL)
	go func() {
		<-called
		s.cmd.Process.Signal(syscall.SIGTERM)
	}()
	status, body := s.get(t, strings.Replace(s.base, "[::]", "127.0.0.1", 1)+"/report.json", nil)
	var r struct{ Listed int }
	if err := json.Unmarshal([]byte(body), &r); err != nil || status != 200 || r.Listed != 131 {
		t.Errorf("%d, %d listed, %v: %.300s", status, r.Listed, err, body)
	}
	if err := s.cmd.Wait(); err != nil {
		t.Errorf("serve ended with %v: %s", err, s.errors.String())
	}
	if !strings.Contains(s.errors.String(), "can be reached from other machines, without TLS") {
		t.Errorf("no warning in %s", s.errors.String())
	}
}
