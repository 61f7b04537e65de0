package main

import (
	"encoding/json"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"time"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/fctest"
)

// memory measures the peak resident memory of a daily run, which grows with the
// number of matrices.
func (b *bench) memory() (rows []row, err error) {
	for _, m := range []struct {
		matrices int
		limit    int64
	}{{131, 24 << 20}, {50_000, 56 << 20}, {100_000, 64 << 20}} {
		used, err := b.dailyRun(newService(time.Now(), shares(m.matrices)...), m.matrices)
		if err != nil {
			return nil, err
		}
		rows = append(rows, atMost(fmt.Sprintf("peak memory, %d matrices", m.matrices), used.memory, mib, m.limit))
	}
	return rows, nil
}

// cost measures the figures of docs/cost.md: the processor time of a daily run,
// and its elapsed time with latency.
func (b *bench) cost() (rows []row, err error) {
	for _, matrices := range []int{131, 10_000, 100_000} {
		var processor, elapsed []time.Duration
		for range 3 {
			s := newService(time.Now(), shares(matrices)...)
			s.latency = latency
			used, err := b.dailyRun(s, matrices)
			if err != nil {
				return nil, err
			}
			processor, elapsed = append(processor, used.processor), append(elapsed, used.elapsed)
		}
		rows = append(rows,
			row{what: fmt.Sprintf("daily run of %d, processor", matrices), measured: ms(median(processor)), met: true},
			row{what: "  elapsed at 50 ms a response", measured: ms(median(elapsed)), met: true})
	}
	return rows, nil
}

// shares divides matrices equally among the regions.
func shares(matrices int) (of []int) {
	for i := range regions {
		of = append(of, (matrices+i)/len(regions))
	}
	return of
}

// usage is what one run used.
type usage struct {
	processor, elapsed time.Duration
	memory             int64
}

// dailyRun starts a process that lists and posts to two chats, over TLS, with
// further settings.
func (b *bench) dailyRun(s *service, matrices int, settings ...string) (used usage, err error) {
	api := httptest.NewTLSServer(s)
	defer api.Close()
	room := httptest.NewTLSServer(&fakechat.Server{})
	defer room.Close()
	trusted := filepath.Join(b.dir, "certificates")
	roots, err := os.ReadFile("/etc/ssl/certs/ca-certificates.crt") // loading them is part of the cost
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return used, err
	}
	roots = append(roots, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: api.Certificate().Raw})...)
	if err := os.WriteFile(trusted, roots, 0o600); err != nil {
		return used, err
	}
	webhooks := fakechat.Webhooks(room.URL)
	began := time.Now()
	f, err := fctest.Start(b.program, append(settings, "SSL_CERT_FILE="+trusted, "EDS_AIC_ENDPOINT="+api.URL, "LOG_LEVEL=error",
		"SLACK_WEBHOOK_URL="+webhooks["SLACK_WEBHOOK_URL"], "DINGTALK_WEBHOOK_URL="+webhooks["DINGTALK_WEBHOOK_URL"])...)
	if err != nil {
		return used, err
	}
	defer f.Stop()
	response, err := f.Invoke(b.ctx, fctest.Invocation{
		Event:       []byte(`{"triggerTime":"` + time.Now().Format(time.RFC3339Nano) + `","triggerName":"daily"}`),
		AccessKeyID: "key", AccessKeySecret: "secret", Timeout: 10 * time.Minute,
	})
	if err != nil {
		return used, err
	}
	used.elapsed = time.Since(began)
	var found struct {
		Listed     int
		Problems   []struct{ Code string }
		Complete   bool
		Deliveries []struct{ Delivered bool }
	}
	if err := json.Unmarshal(response, &found); err != nil {
		return used, err
	}
	if len(found.Problems) > 0 || found.Listed != matrices || !found.Complete || len(found.Deliveries) != 2 || !found.Deliveries[0].Delivered || !found.Deliveries[1].Delivered {
		return used, fmt.Errorf("the report is not complete and delivered: %s", response)
	}
	if used.processor, err = f.CPUTime(); err != nil {
		return used, err
	}
	used.memory, err = f.PeakMemory()
	return used, err
}
