package main

import (
	"archive/zip"
	"bufio"
	"bytes"
	"cmp"
	"compress/flate"
	"context"
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/bench/floor"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/fctest"
)

// A row is one line of the table.
type row struct {
	what, measured, floor, ratio, target string
	met                                  bool
}

func (r row) outcome() string {
	switch {
	case !r.met:
		return "MISSED"
	case r.target != "":
		return "met"
	}
	return ""
}

// measures in the order of the table.
var measures = []struct {
	name string
	take func(*bench) ([]row, error)
}{
	{"start", (*bench).start},
	{"report", (*bench).report},
	{"listing", (*bench).listing},
	{"latency", (*bench).waiting},
	{"skewed", (*bench).skewed},
	{"memory", (*bench).memory},
	{"size", (*bench).size},
	{"cost", (*bench).cost},
	{"rendering", (*bench).rendering},
}

func ratio[T ~int64](what string, measured, floor T, show func(T) string, target float64) row {
	times := float64(measured) / float64(floor)
	return row{what, show(measured), show(floor), fmt.Sprintf("%.3gx", times), fmt.Sprintf("%.3gx", target), times <= target}
}

// beside is for two programs that ran in turn: the middle of the ratios of the
// rounds, so that a machine that slows for a while slows both.
func beside(what string, measured, floor []time.Duration, target float64) row {
	times := make([]float64, len(measured))
	for i := range times {
		times[i] = float64(measured[i]) / float64(floor[i])
	}
	ratio := middle(times)
	return row{what, ms(middle(measured)), ms(middle(floor)), fmt.Sprintf("%.3gx", ratio), fmt.Sprintf("%.3gx", target), ratio <= target}
}

func atMost[T ~int64](what string, measured T, show func(T) string, target T) row {
	return row{what: what, measured: show(measured), target: show(target), met: measured <= target}
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d)/1e6) }
func mib(n int64) string        { return fmt.Sprintf("%.1f MiB", float64(n)/(1<<20)) }
func mb(n int64) string         { return fmt.Sprintf("%.2f MB", float64(n)/1e6) }

func middle[T cmp.Ordered](all []T) T { return slices.Sorted(slices.Values(all))[len(all)/2] }

// start is from the start of the process to its first poll of the runtime.
func (b *bench) start() ([]row, error) {
	const rounds = 401
	took := map[string][]time.Duration{}
	binaries := []string{b.ours, b.empty}
	for range rounds {
		slices.Reverse(binaries) // what ends slows what begins
		for _, binary := range binaries {
			began := time.Now()
			f, err := fctest.Start(binary, "SLACK_WEBHOOK_URL=https://hooks.slack.com/services/T0/B0/x")
			if err != nil {
				return nil, err
			}
			if err := f.Polled(b.ctx); err != nil {
				return nil, err
			}
			took[binary] = append(took[binary], time.Since(began))
			f.Stop()
		}
	}
	return []row{beside("start to first poll", took[b.ours], took[b.empty], 1.3)}, nil
}

// An engine is a program that answers what a run has found.
type engine struct {
	*fctest.Function
	found floor.Answer
}

// look asks for a run that posts nothing, and gives what it found and the
// processor time that it took.
func (e *engine) look(b *bench) (took time.Duration, err error) {
	before, err := e.Processor()
	if err != nil {
		return 0, err
	}
	answer, err := e.Invoke(b.ctx, fctest.Invocation{
		Event: []byte(`{"post":false}`), AccessKeyID: "key", AccessKeySecret: "secret", Timeout: 10 * time.Minute,
	})
	if err != nil {
		return 0, fmt.Errorf("%w: %s", err, e.Output())
	}
	after, err := e.Processor()
	if err != nil {
		return 0, err
	}
	e.found = floor.Answer{}
	if err := json.Unmarshal(answer, &e.found); err != nil {
		return 0, err
	}
	for reason, n := range e.found.Counts {
		if n == 0 {
			delete(e.found.Counts, reason)
		}
	}
	return after - before, nil
}

// compare lets the program and a floor answer in turn, and gives what each took
// in each round: the mean of so many runs.
func (b *bench) compare(h http.Handler, floor string, warm, rounds, runs int) (ours, theirs []time.Duration, err error) {
	api := httptest.NewServer(h)
	defer api.Close()
	var engines []*engine
	for _, binary := range []string{b.ours, floor} {
		f, err := fctest.Start(binary, "EDS_AIC_ENDPOINT="+api.URL, "LOG_LEVEL=error")
		if err != nil {
			return nil, nil, err
		}
		defer f.Stop()
		if err := f.Polled(b.ctx); err != nil {
			return nil, nil, err
		}
		engines = append(engines, &engine{Function: f})
	}
	var all [2][]time.Duration
	for round := range rounds + 1 {
		for i, e := range engines {
			var sum time.Duration
			n := runs
			if round == 0 {
				n = warm
			}
			for range n {
				took, err := e.look(b)
				if err != nil {
					return nil, nil, err
				}
				sum += took
			}
			if round > 0 {
				all[i] = append(all[i], sum/time.Duration(runs))
			}
			if !reflect.DeepEqual(e.found, engines[0].found) || e.found.Listed == 0 {
				return nil, nil, fmt.Errorf("the answers differ: %+v and %+v", engines[0].found, e.found)
			}
		}
	}
	return all[0], all[1], nil
}

// report is one warm report of the fleet that the tests have, from an API that
// checks every signature.
func (b *bench) report() ([]row, error) {
	cloud := &fakecloud.Server{Nodes: fakecloud.Fleet(time.Now()), Keys: map[string]fakecloud.Key{"key": {Secret: "secret"}}}
	ours, hand, err := b.compare(cloud, b.hand, 20, 15, 40)
	if err != nil {
		return nil, err
	}
	return []row{beside("a warm report of 131, processor", ours, hand, 1.3)}, nil
}

func (b *bench) listing() (rows []row, err error) {
	s := newService(time.Now(), 25_000, 25_000, 25_000, 25_000)
	for _, floor := range []struct {
		what, binary string
		rounds       int
		target       float64
	}{
		{"100,000 in 4 regions, processor", b.hand, 25, 1.3},
		{"the same, to encoding/json over the SDK", b.plain, 11, 1. / 3},
		{"the same, to the SDK's map", b.maps, 7, 1. / 12},
	} {
		ours, theirs, err := b.compare(s, floor.binary, 1, floor.rounds, 1)
		if err != nil {
			return nil, err
		}
		rows = append(rows, beside(floor.what, ours, theirs, floor.target))
	}
	return rows, nil
}

const latency = 50 * time.Millisecond

// waiting is the time that passes where every page takes its time.
func (b *bench) waiting() ([]row, error) {
	s := newService(time.Now(), 25_000, 25_000, 25_000, 25_000)
	transfer, err := transferTime(s)
	if err != nil {
		return nil, err
	}
	took, most, err := b.elapsed(s)
	if err != nil {
		return nil, err
	}
	return []row{ratio(fmt.Sprintf("100,000 at 50 ms a page, elapsed (%d at a time)", most), took, 250*(latency+transfer), ms, 1.1)}, nil
}

// skewed is the same where nearly all matrices are in one region.
func (b *bench) skewed() ([]row, error) {
	s := newService(time.Now(), 1000, 97_000, 1000, 1000)
	transfer, err := transferTime(s)
	if err != nil {
		return nil, err
	}
	took, most, err := b.elapsed(s)
	if err != nil {
		return nil, err
	}
	return []row{ratio(fmt.Sprintf("97,000 of them in one region (%d at a time)", most), took, 970*(latency+transfer), ms, 0.5)}, nil
}

func (b *bench) elapsed(s *service) (took time.Duration, most int, err error) {
	api := httptest.NewServer(s)
	defer api.Close()
	f, err := fctest.Start(b.ours, "EDS_AIC_ENDPOINT="+api.URL, "LOG_LEVEL=error")
	if err != nil {
		return 0, 0, err
	}
	defer f.Stop()
	if err := f.Polled(b.ctx); err != nil {
		return 0, 0, err
	}
	e := &engine{Function: f}
	s.latency = 0
	if _, err := e.look(b); err != nil { // warm
		return 0, 0, err
	}
	s.latency, s.most = latency, 0
	began := time.Now()
	_, err = e.look(b)
	return time.Since(began), s.most, err
}

// transferTime is what a page takes without latency, the least that there is.
func transferTime(s *service) (time.Duration, error) {
	api := httptest.NewServer(s)
	defer api.Close()
	var took []time.Duration
	for range 101 {
		began := time.Now()
		res, err := http.Get(api.URL + "/?BizRegionId=" + regions[1])
		if err != nil {
			return 0, err
		}
		_, err = io.Copy(io.Discard, res.Body)
		res.Body.Close()
		if err != nil {
			return 0, err
		}
		took = append(took, time.Since(began))
	}
	return middle(took), nil
}

// memory is the peak of a morning.
func (b *bench) memory() (rows []row, err error) {
	for _, m := range []struct {
		matrices int
		limit    int64
	}{{100_000, 24 << 20}, {1_000_000, 48 << 20}} {
		used, err := b.morning(newService(time.Now(), shares(m.matrices)...), m.matrices)
		if err != nil {
			return nil, err
		}
		rows = append(rows, atMost(fmt.Sprintf("peak memory, %d matrices", m.matrices), used.memory, mib, m.limit))
	}
	return rows, nil
}

// cost is what the table of costs in the README is made of: a morning's
// processor time, and how long it takes where each answer does.
func (b *bench) cost() (rows []row, err error) {
	for _, matrices := range []int{131, 10_000, 100_000} {
		var processor, elapsed []time.Duration
		for range 3 {
			s := newService(time.Now(), shares(matrices)...)
			s.latency = latency
			used, err := b.morning(s, matrices)
			if err != nil {
				return nil, err
			}
			processor, elapsed = append(processor, used.processor), append(elapsed, used.elapsed)
		}
		rows = append(rows,
			row{what: fmt.Sprintf("a morning of %d, processor", matrices), measured: ms(middle(processor)), met: true},
			row{what: "  elapsed at 50 ms an answer", measured: ms(middle(elapsed)), met: true})
	}
	return rows, nil
}

// shares spreads matrices over the regions.
func shares(matrices int) (of []int) {
	for i := range regions {
		of = append(of, (matrices+i)/len(regions))
	}
	return of
}

type usage struct {
	processor, elapsed time.Duration
	memory             int64
}

// morning is a process that starts, lists, and posts to two chats, over TLS.
func (b *bench) morning(s *service, matrices int) (used usage, err error) {
	api := httptest.NewTLSServer(s)
	defer api.Close()
	room := httptest.NewTLSServer(&fakechat.Server{})
	defer room.Close()
	trusted := filepath.Join(b.dir, "certificates")
	roots, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt") // as many as there are on a machine
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return used, err
	}
	roots = append(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})...)
	if err := os.WriteFile(trusted, roots, 0o600); err != nil {
		return used, err
	}
	webhooks := fakechat.Webhooks(room.URL)
	began := time.Now()
	f, err := fctest.Start(b.ours, "SSL_CERT_FILE="+trusted, "EDS_AIC_ENDPOINT="+api.URL, "LOG_LEVEL=error",
		"SLACK_WEBHOOK_URL="+webhooks["SLACK_WEBHOOK_URL"], "DINGTALK_WEBHOOK_URL="+webhooks["DINGTALK_WEBHOOK_URL"])
	if err != nil {
		return used, err
	}
	defer f.Stop()
	answer, err := f.Invoke(b.ctx, fctest.Invocation{
		Event:       []byte(`{"triggerTime":"` + time.Now().Format(time.RFC3339) + `","triggerName":"daily"}`),
		AccessKeyID: "key", AccessKeySecret: "secret", Timeout: 10 * time.Minute,
	})
	if err != nil {
		return used, err
	}
	used.elapsed = time.Since(began)
	var found struct {
		Listed     int
		Complete   bool
		Deliveries []struct{ Delivered bool }
	}
	if err := json.Unmarshal(answer, &found); err != nil {
		return used, err
	}
	if found.Listed != matrices || !found.Complete || len(found.Deliveries) != 2 || !found.Deliveries[0].Delivered || !found.Deliveries[1].Delivered {
		return used, fmt.Errorf("the report is not whole: %s", answer)
	}
	if used.processor, err = f.Processor(); err != nil {
		return used, err
	}
	used.memory, err = f.PeakMemory()
	return used, err
}

// rendering is what each form of 20,000 findings takes, against listing them.
// It is measured at serve, as Function Compute's envelope is no part of it, and
// without what decides: an answer that shows nearly none of them takes that.
func (b *bench) rendering() (rows []row, err error) {
	const rounds, few = 9, "/report.json?reason=failed"
	api := httptest.NewServer(newNeedy(time.Now(), shares(20_000)...))
	defer api.Close()
	room := httptest.NewServer(&fakechat.Server{})
	defer room.Close()
	env := []string{"EDS_AIC_ENDPOINT=" + api.URL, "LOG_LEVEL=error", "HTTP_AUTH=trigger", "ALIBABA_CLOUD_ACCESS_KEY_ID=key", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=secret"}
	for name, webhook := range fakechat.Webhooks(room.URL) {
		env = append(env, name+"="+webhook)
	}
	forms := []string{"/report.json", "/report.html", "/report.txt", "/report.csv", "/report.md", "/calendar.ics", "/metrics"}
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
	ask := func(name string, s *server, method, path string) error {
		t, err := s.ask(b.ctx, method, path)
		took[name] = append(took[name], t)
		return err
	}
	for range rounds {
		for _, path := range append(forms, few) {
			if err := ask(path, cached, http.MethodGet, path); err != nil {
				return nil, err
			}
		}
		if err := errors.Join(ask("listed", fresh, http.MethodGet, "/report.csv"), ask("posted", fresh, http.MethodPost, "/notify")); err != nil {
			return nil, err
		}
	}
	of := func(name string) time.Duration { return middle(took[name][1:]) }
	listing := of("listed") - of("/report.csv")
	for _, path := range forms {
		rows = append(rows, ratio("20,000 findings as "+path, of(path)-of(few), listing, ms, 1))
	}
	return append(rows, ratio("20,000 findings as a message, mean of six", (of("posted")-listing-of(few))/6, listing, ms, 1)), nil
}

// A server is the program at serve.
type server struct {
	url  string
	cmd  *exec.Cmd
	stop func()
}

func (b *bench) serve(env []string) (*server, error) {
	cmd := exec.CommandContext(b.ctx, b.ours, "serve", "--listen", "127.0.0.1:0")
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

// ask gives the processor time that an answer takes.
func (s *server) ask(ctx context.Context, method, path string) (took time.Duration, err error) {
	before, err := fctest.Processor(s.cmd.Process.Pid)
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
	after, err := fctest.Processor(s.cmd.Process.Pid)
	return after - before, err
}

// size is that of the binary, and of the zip that is uploaded.
func (b *bench) size() ([]row, error) {
	binary, err := os.ReadFile(b.ours)
	if err != nil {
		return nil, err
	}
	empty, err := os.Stat(b.empty)
	if err != nil {
		return nil, err
	}
	var packed bytes.Buffer
	z := zip.NewWriter(&packed)
	z.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, flate.DefaultCompression) })
	w, err := z.Create("main")
	if err == nil {
		_, err = w.Write(binary)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		return nil, err
	}
	whole := atMost("binary", int64(len(binary)), mb, 12e6)
	whole.floor = mb(empty.Size())
	return []row{whole, atMost("its zip", int64(packed.Len()), mb, 5e6)}, nil
}
