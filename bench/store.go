package main

import (
	"fmt"
	"net/http/httptest"
	"time"

	fakeoss "matrix-expiry-report/internal/emulator/oss"
)

// store measures a daily run with a state store beside one without: a run reads
// what the day before has stored, claims its event and stores the outcome, which
// writes the state twice.
func (b *bench) store() (rows []row, err error) {
	for _, m := range []struct {
		matrices  int
		instance  string  // its memory in MB
		processor float64 // at most, in runs without a store
		memory    int64
	}{{131, "128", 2, 28 << 20}, {100_000, "512", 8, 384 << 20}} {
		bucket := &fakeoss.Server{Keys: map[string]fakeoss.Key{"key": {Secret: "secret"}}}
		server := httptest.NewTLSServer(bucket)
		defer server.Close()
		settings := []string{"STATE_URL=oss://reports/state", "OSS_ENDPOINT=" + server.URL}
		var with, without []time.Duration
		var memory int64
		for round := range 4 {
			s := newService(time.Now(), shares(m.matrices)...)
			instance := "FC_FUNCTION_MEMORY_SIZE=" + m.instance
			stored, err := b.dailyRun(s, m.matrices, append(settings, instance)...)
			if err != nil {
				return nil, err
			}
			plain, err := b.dailyRun(s, m.matrices, instance)
			if err != nil {
				return nil, err
			}
			if round > 0 { // the first has nothing to read
				with, without, memory = append(with, stored.processor), append(without, plain.processor), max(memory, stored.memory)
			}
		}
		names := bucket.Names("reports")
		record, _ := bucket.Object("reports", names[len(names)-1])
		rows = append(rows,
			medianRatio(fmt.Sprintf("daily run of %d with a store, processor, %s MB", m.matrices, m.instance), with, without, m.processor),
			atMost("  peak memory", memory, mib, m.memory),
			atMost("  its record", int64(len(record)), mb, 4e6))
	}
	return rows, nil
}
