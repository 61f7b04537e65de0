package chat

import (
	"fmt"
	"testing"
	"time"

	"matrix-expiry-report/internal/config"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// BenchmarkMessages makes the message of every kind about 20,000 findings.
func BenchmarkMessages(b *testing.B) {
	now := time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC)
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: time.Hour, Location: time.UTC}
	var l report.Listing
	for i := range 20_000 {
		m := &report.Matrix{
			NodeID: fmt.Sprintf("cpn-%012d", i), Name: fmt.Sprint("matrix-", i), Region: "cn-hangzhou", Status: report.StatusRunning, PhoneCount: 25,
			Tags: map[string]string{"owner": fmt.Sprint("team-", i%5)}, ExpiresAt: report.Time{Time: now.Add(time.Duration(i*7919%(720*60)) * time.Minute)},
		}
		l.Matrices = append(l.Matrices, m)
	}
	r := report.Build(rules, l, now)
	webhooks := fakechat.Webhooks("http://127.0.0.1:1")
	env := config.NewEnv(func(name string) string { return webhooks[name] })
	for _, c := range Load(env) {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				o := message.Options{Language: "en", OwnerTag: "owner", ConsoleURL: "https://example.com/"}
				out, err := c.compose(r, o, "key")
				if err != nil {
					b.Fatal(err)
				}
				body, err := c.formats[0](out)
				if err != nil {
					b.Fatal(err)
				}
				b.SetBytes(int64(len(body)))
			}
		})
	}
	if err := env.Err(); err != nil {
		b.Fatal(err)
	}
}
