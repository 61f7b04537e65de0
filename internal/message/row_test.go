package message

import (
	"testing"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// What ends at midnight ends on the day before, at 24:00. The hour is shown unless
// it is 23:59 and nothing is urgent.
func TestEnd(t *testing.T) {
	shanghai, err := time.LoadLocation("Asia/Shanghai")
	if err != nil {
		t.Fatal(err)
	}
	santiago, err := time.LoadLocation("America/Santiago") // skips the midnight before 6 September 2026
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 26, 9, 7, 0, 0, shanghai)
	at := func(month time.Month, day, hour, minute int) time.Time {
		return time.Date(2026, month, day, hour, minute, 0, 0, shanghai)
	}
	for _, c := range []struct {
		at       time.Time
		severity report.Severity
		en, zh   string
	}{
		{at(11, 27, 0, 0), report.Critical, "tonight 24:00", "今晚 24:00"},
		{at(11, 26, 23, 59), report.Critical, "today 23:59", "今天 23:59"},
		{at(11, 26, 12, 0), report.Critical, "today 12:00", "今天 12:00"},
		{at(11, 26, 0, 0), report.Critical, "last night 24:00", "昨晚 24:00"},
		{at(11, 26, 0, 1), report.Critical, "today 00:01", "今天 00:01"},
		{at(11, 25, 23, 59), report.Critical, "Wed 25 Nov 23:59, yesterday", "11月25日 周三 23:59（昨天）"},
		{at(11, 25, 0, 0), report.Critical, "Tue 24 Nov 24:00, 2 days ago", "11月24日 周二 24:00（2 天前）"},
		{at(11, 28, 0, 0), report.Critical, "Fri 27 Nov 24:00, tomorrow", "11月27日 周五 24:00（明天）"},
		{at(12, 1, 0, 0), report.Warning, "Mon 30 Nov 24:00, in 4 days", "11月30日 周一 24:00（还有 4 天）"},
		{at(12, 1, 23, 59), report.Warning, "Tue 1 Dec, in 5 days", "12月1日 周二（还有 5 天）"},
		{at(12, 1, 23, 58), report.Notice, "Tue 1 Dec 23:58, in 5 days", "12月1日 周二 23:58（还有 5 天）"},
		{time.Date(2027, 1, 1, 0, 0, 0, 0, shanghai), report.Notice, "Thu 31 Dec 24:00, in 35 days", "12月31日 周四 24:00（还有 35 天）"},
		{time.Date(2026, 9, 6, 1, 0, 0, 0, santiago), report.Critical, "Sat 5 Sep 24:00, 82 days ago", "9月5日 周六 24:00（82 天前）"},
	} {
		for language, want := range map[string]string{"en": c.en, "zh": c.zh} {
			words, err := locale.Of(language)
			if err != nil {
				t.Fatal(err)
			}
			f := report.Finding{Matrix: report.Matrix{ExpiresAt: report.Time{Time: c.at}}, Severity: c.severity}
			if got := Why(words, report.Expiring, &f, true, now); got != want {
				t.Errorf("%s, %s: got %q, want %q", language, c.at, got, want)
			}
		}
	}
}
