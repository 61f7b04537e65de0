package config

import (
	"testing"
	"time"

	"matrix-expiry-report/report"
)

func TestNextRun(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 22, 9, 7, 3, 0, shanghai)
	for expression, want := range map[string]string{
		"CRON_TZ=Asia/Shanghai 0 7 9 * * *":    "2026-11-23 09:07",
		"CRON_TZ=Asia/Shanghai 0 0 12 * * *":   "2026-11-22 12:00",
		"0 7 9 * * *":                          "2026-11-22 17:07", // UTC
		"CRON_TZ=Asia/Shanghai 0 7 9 * * MON":  "2026-11-23 09:07",
		"@every 60m":                           "2026-11-22 10:07",
		"CRON_TZ=Asia/Shanghai 0 7 9 30 FEB *": "",
		"7 9 * * *":                            "",
		"CRON_TZ=Mars 0 7 9 * * *":             "",
		"CRON_TZ=Asia/Shanghai":                "",
		"TZ=Asia/Shanghai 0 7 9 * * *":         "",
		"@daily":                               "",
	} {
		s := Settings{Cron: expression, Rules: report.Rules{Location: shanghai}}
		got, err := s.NextRun(now)
		if want == "" && err == nil || want != "" && (err != nil || got.Format("2006-01-02 15:04") != want) {
			t.Errorf("%q: got %s and %v, want %s", expression, got, err, want)
		}
	}
}
