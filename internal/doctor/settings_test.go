package doctor

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestSettings(t *testing.T) {
	slack := "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX"
	c := newChecker(map[string]string{"EXPIRY_DAYS": "14", "SLACK_WEBHOOK_URL": slack, "WECOM_WEBHOOK_URL": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=d41d8cd98f00"})
	expect(t, c.settings(t.Context()), want{"settings", OK, "within 14 days to slack, wecom", ""})

	c = newChecker(map[string]string{"EXPIRY_DAYS": "soon", "TIME_ZONE": "Mars", "SLACK_WEBHOOK_URL": slack})
	expect(t, c.settings(t.Context()),
		want{"settings", Fail, `EXPIRY_DAYS: "soon"`, "no report is sent until then"},
		want{"settings", Fail, `TIME_ZONE: "Mars"`, "no report is sent until then"})

	c = newChecker(map[string]string{"SLACK_WEBHOOK_URL": slack})
	c.Warnings = []string{"OLD is now called NEW"}
	expect(t, c.settings(t.Context()), want{"settings", Warn, "OLD is now called NEW", "change it where it is set"})

	c = newChecker(map[string]string{"SLACK_WEBHOOK_URL": slack, "MENTIONS": "team-a=" + strings.Repeat("U012AB3CD|", 280) + "U1"})
	expect(t, c.settings(t.Context()), want{"settings", OK, "valid", ""})
	c = newChecker(map[string]string{"SLACK_WEBHOOK_URL": slack, "MENTIONS": "team-a=" + strings.Repeat("U012AB3CD|", 320) + "U1"})
	expect(t, c.settings(t.Context()), want{"settings", Warn, "of the 4096 bytes", "MENTIONS"})
	c = newChecker(map[string]string{"SLACK_WEBHOOK_URL": slack, "HTTP_AUTH": slack, "WECOM_WEBHOOK_URL": "x"})
	expect(t, c.settings(t.Context()),
		want{"settings", Fail, "HTTP_AUTH: is not one of trigger, token", "HTTP is off until then; if the value is longer in .env"},
		want{"settings", Fail, "WECOM_WEBHOOK_URL: is not", "the channel wecom is off until then"})

	c = newChecker(nil)
	expect(t, c.settings(t.Context()), want{"settings", Warn, "no channel is configured", "SLACK_WEBHOOK_URL"})
}

// An expression that names no zone is in UTC, whatever the time zones of the
// report and of the machine are.
func TestTimer(t *testing.T) {
	const advice = "use six fields"
	for cron, next := range map[string]string{
		"0 7 9 * * *":                          "Sun 22 Nov 17:07, Mon 23 Nov 17:07, Tue 24 Nov 17:07 (Asia/Shanghai)",
		"CRON_TZ=UTC 0 7 9 * * *":              "Sun 22 Nov 17:07, ",
		"CRON_TZ=Asia/Shanghai 0 7 9 * * *":    "Sun 22 Nov 09:07, Mon 23 Nov 09:07, ",
		"CRON_TZ=America/New_York 0 0 0 * * *": "Sun 22 Nov 13:00, ",
		"0 0 9 29 2 *":                         "Tue 29 Feb 17:00, ",
		"@every 60m":                           "Sun 22 Nov 09:00, Sun 22 Nov 10:00, Sun 22 Nov 11:00",
	} {
		c := newChecker(map[string]string{"CRON": cron})
		local := time.FixedZone("", -11*60*60)
		now := c.Now().In(local)
		c.Now = func() time.Time { return now }
		expect(t, c.timer(t.Context()), want{"timer", OK, cron + " runs next on " + next, ""})
	}
	for cron, why := range map[string]string{
		"9 o'clock": "expected", "7 9 * * *": "expected", "0 7 25 * * *": "above maximum", "CRON_TZ=Mars/Base 0 7 9 * * *": "bad location", "@every soon": "invalid",
		"@daily": "the only word supported is @every", "@midnight": "the only word supported is @every", "CRON_TZ=Asia/Shanghai @daily": "the only word supported is @every", "CRON_TZ=Asia/Shanghai @every 60m": "without a time zone",
		"TZ=Asia/Shanghai 0 7 9 * * *": "CRON_TZ=", "CRON_TZ=Asia/Shanghai": "nothing follows", "TZ=": "CRON_TZ=",
		"0 0 9 30 2 *": "no date of the next five years matches", "CRON_TZ=Asia/Shanghai 0 0 9 31 4,6,9,11 *": "no date",
	} {
		c := newChecker(map[string]string{"CRON": cron})
		expect(t, c.timer(t.Context()), want{"timer", Fail, "CRON is \"" + cron + "\"", advice})
		if got := c.timer(t.Context())[0].Detail; !strings.Contains(got, why) {
			t.Errorf("%s: got %q, want %q", cron, got, why)
		}
	}
}

func TestLoopback(t *testing.T) {
	for endpoints, hosts := range map[string]string{
		"": "", "eds-aic.cn-shanghai.aliyuncs.com": "", "https://192.168.0.7:8080": "",
		"http://127.0.0.1:8080": "(127.0.0.1:8080)", "http://localhost:8080,eds-aic.cn-shanghai.aliyuncs.com,http://[::1]": "(localhost:8080, [::1])", "https://127.9.9.9": "(127.9.9.9)",
	} {
		checks := newChecker(map[string]string{"EDS_AIC_ENDPOINT": endpoints}).loopback(t.Context())
		if hosts == "" {
			expect(t, checks)
			continue
		}
		expect(t, checks, want{"emulator", OK, "EDS_AIC_ENDPOINT is on this machine " + hosts, "remove it before you deploy"})
	}
}

func TestTemplates(t *testing.T) {
	env := map[string]string{
		"SLACK_WEBHOOK_URL": "https://hooks.slack.com/services/T00000000/B00000000/XXXXXXXXXXXXXXXXXXXXXXXX",
		"WECOM_WEBHOOK_URL": "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=d41d8cd98f00",
	}
	expect(t, newChecker(env).templates(t.Context()), want{"templates", OK, "built-in", ""})

	env["TEMPLATE_DIR"] = t.TempDir()
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(filepath.Join(env["TEMPLATE_DIR"], name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write("slack.tmpl", `{{define "row"}}{{.Name}}{{end}}`)
	expect(t, newChecker(env).templates(t.Context()), want{"templates", OK, "valid for every channel", ""})

	write("slack.tmpl", `{{define "row"}}{{.Nonsense}}{{end}}`)
	expect(t, newChecker(env).templates(t.Context()), want{"templates", Warn, "slack: ", "fix it"})
}

func TestAccess(t *testing.T) {
	for _, c := range []struct {
		env  map[string]string
		want want
	}{
		{nil, want{"", OK, "access is not configured", "set HTTP_TOKEN"}},
		{map[string]string{"HTTP_TOKEN": strings.Repeat("x", 15)}, want{"", NotChecked, "not checked: off until the setting is fixed", ""}},
		{map[string]string{"HTTP_TOKEN": strings.Repeat("x", 16)}, want{"", OK, "need HTTP_TOKEN", ""}},
		{map[string]string{"HTTP_AUTH": "trigger"}, want{"", OK, "the trigger authenticates", "authType"}},
		{map[string]string{"HTTP_AUTH": "trigger", "SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5"}, want{"", Fail, "chat commands", "set HTTP_TOKEN"}},
		{map[string]string{"HTTP_AUTH": "trigger", "SLACK_SIGNING_SECRET": "8f742231b10e8888abcd99yyyzzz85a5", "HTTP_TOKEN": strings.Repeat("x", 16)}, want{"", OK, "need HTTP_TOKEN", ""}},
	} {
		c.want.Name = "HTTP trigger"
		expect(t, newChecker(c.env).access(t.Context()), c.want)
	}
}
