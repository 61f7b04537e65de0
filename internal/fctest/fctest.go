// Package fctest calls a built function as Function Compute does. It serves the
// runtime API: the function polls it for events, which have the platform's
// headers, and posts its responses. The package is for tests and benchmarks.
//
// The protocol is version 2020-11-11 of github.com/aliyun/fc-runtime-go-sdk.
package fctest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"time"
)

const invocationPath = "/2020-11-11/runtime/invocation/"

// A Function is a process of the function with a runtime API of its own.
type Function struct {
	server *http.Server
	cmd    *exec.Cmd
	exited chan struct{}
	output syncBuffer
	polls  chan struct{}

	next    chan *invocation
	mu      sync.Mutex
	pending map[string]*invocation // by request id
	serial  int
}

// An Invocation is one event and what the platform passes with it.
type Invocation struct {
	Event                                       []byte
	RequestID                                   string        // generated if empty
	Timeout                                     time.Duration // 60 s if 0
	AccessKeyID, AccessKeySecret, SecurityToken string        // of the role; empty if there is none
	RetryCount                                  int
}

type invocation struct {
	Invocation
	response chan response
}

type response struct {
	body   []byte
	failed bool
}

// An Error is an error that the function returned.
type Error struct {
	Message string `json:"errorMessage"`
	Type    string `json:"errorType"`
}

func (e *Error) Error() string { return e.Message }

// ErrExited is returned if the process exits before it responds.
var ErrExited = errors.New("the function exited before it responded")

// Start starts the binary. Its environment is env and the address of the runtime
// API.
func Start(binary string, env ...string) (*Function, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	f := &Function{
		exited: make(chan struct{}), polls: make(chan struct{}, 1000),
		next: make(chan *invocation), pending: map[string]*invocation{},
	}
	f.server = &http.Server{Handler: f, ReadHeaderTimeout: time.Minute}
	go f.server.Serve(l)
	f.cmd = exec.Command(binary)
	f.cmd.Env = append([]string{"FC_RUNTIME_API=" + l.Addr().String()}, env...)
	f.cmd.Stdout, f.cmd.Stderr = &f.output, &f.output
	if err := f.cmd.Start(); err != nil {
		f.server.Close()
		return nil, err
	}
	go func() {
		f.cmd.Wait()
		close(f.exited)
	}()
	return f, nil
}

// Invoke sends one event to the function and returns its response. An error of the
// function is an *Error.
func (f *Function) Invoke(ctx context.Context, i Invocation) ([]byte, error) {
	inv := &invocation{Invocation: i, response: make(chan response, 1)}
	f.mu.Lock()
	f.serial++
	if inv.RequestID == "" {
		inv.RequestID = fmt.Sprintf("1-%08x-%08d", 0x6921a0b2, f.serial)
	}
	if inv.Timeout == 0 {
		inv.Timeout = time.Minute
	}
	f.pending[inv.RequestID] = inv
	f.mu.Unlock()
	select {
	case f.next <- inv:
	case <-f.exited:
		return nil, ErrExited
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	select {
	case r := <-inv.response:
		if r.failed {
			var e Error
			if err := json.Unmarshal(r.body, &e); err != nil {
				return nil, fmt.Errorf("reading the function's error %q: %w", r.body, err)
			}
			return nil, &e
		}
		return r.body, nil
	case <-f.exited:
		return nil, ErrExited
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// Polled waits until the function polls for an event.
func (f *Function) Polled(ctx context.Context) error {
	select {
	case <-f.polls:
		return nil
	case <-f.exited:
		return ErrExited
	case <-ctx.Done():
		return ctx.Err()
	}
}

// Output returns what the process has written so far, to either output.
func (f *Function) Output() string { return f.output.String() }

// Stop kills the process, if it still runs, and stops the API.
func (f *Function) Stop() {
	f.cmd.Process.Kill() // before the API stops, which the SDK would poll in a tight loop
	<-f.exited
	f.server.Close()
}

// Exited waits for the process to exit by itself and returns its exit code.
func (f *Function) Exited(ctx context.Context) (int, error) {
	select {
	case <-f.exited:
		f.server.Close()
		return f.cmd.ProcessState.ExitCode(), nil
	case <-ctx.Done():
		return 0, ctx.Err()
	}
}

// ServeHTTP serves the runtime API.
func (f *Function) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	rest, ok := strings.CutPrefix(r.URL.Path, invocationPath)
	if !ok {
		http.NotFound(w, r)
		return
	}
	if rest == "next" && r.Method == http.MethodGet {
		f.serveNext(w, r)
		return
	}
	id, kind, _ := strings.Cut(rest, "/")
	f.mu.Lock()
	inv := f.pending[id]
	delete(f.pending, id)
	f.mu.Unlock()
	if inv == nil || r.Method != http.MethodPost || kind != "response" && kind != "error" {
		http.NotFound(w, r)
		return
	}
	body, err := io.ReadAll(r.Body)
	if err != nil {
		return
	}
	inv.response <- response{body, kind == "error"}
}

// serveNext responds with the next event, as soon as there is one.
func (f *Function) serveNext(w http.ResponseWriter, r *http.Request) {
	select {
	case f.polls <- struct{}{}:
	default:
	}
	select {
	case <-r.Context().Done():
	case inv := <-f.next:
		for name, value := range map[string]string{
			"x-fc-request-id":         inv.RequestID,
			"x-fc-function-deadline":  strconv.FormatInt(time.Now().Add(inv.Timeout).UnixMilli(), 10),
			"x-fc-function-timeout":   strconv.Itoa(int(inv.Timeout / time.Second)),
			"x-fc-function-type":      "0",
			"x-fc-function-name":      "matrix-expiry-report",
			"x-fc-function-handler":   "main",
			"x-fc-function-memory":    "128",
			"x-fc-access-key-id":      inv.AccessKeyID,
			"x-fc-access-key-secret":  inv.AccessKeySecret,
			"x-fc-security-token":     inv.SecurityToken,
			"x-fc-region":             "cn-shanghai",
			"x-fc-account-id":         "1234567890123456",
			"x-fc-qualifier":          "LATEST",
			"x-fc-version-id":         "",
			"x-fc-service-name":       "",
			"x-fc-service-logproject": "",
			"x-fc-service-logstore":   "",
			"x-fc-retry-count":        strconv.Itoa(inv.RetryCount),
		} {
			w.Header().Set(name, value)
		}
		w.Write(inv.Event)
	}
}

// A syncBuffer is a buffer that may be read while it is written.
type syncBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (s *syncBuffer) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.Write(p)
}

func (s *syncBuffer) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.b.String()
}
