package config

import (
	"maps"
	"strings"
	"testing"
)

// A value that was copied from elsewhere works without what copying added, and a
// warning names that.
func TestCopiedValues(t *testing.T) {
	const token = "an-address-of-16+"
	for value, warned := range map[string]bool{
		token:                               false,
		` "` + token + `" `:                 true,
		"'" + token + "'":                   true,
		"“" + token + "”":                   true,
		`"'` + token + `'"`:                 true,
		"\ufeff" + token:                    true,
		"an-address-\u200bof-16+":           true,
		"\u202a" + token + "\u202c":         true,
		token + "\r":                        true,
		token + "\r\n":                      true,
		"\ufeff\"" + token + "\u200b\"\r\n": true,
		"\u00a0" + token + "\u3000":         false,
	} {
		env := NewEnv(func(name string) string { return map[string]string{"HTTP_TOKEN": value}[name] })
		s := Load(env)
		want := ""
		if warned {
			want = "HTTP_TOKEN: quotes or invisible characters removed from the value"
		}
		if got := strings.Join(env.Warnings(), "; "); s.HTTPToken.Reveal() != token || got != want || env.Err() != nil {
			t.Errorf("%q: got %q, %q and %v, want the warning %q", value, s.HTTPToken.Reveal(), got, env.Err(), want)
		}
	}
}

// What belongs to a value stays: joiners, quotes within it, and a lone quote.
func TestUncopiedValues(t *testing.T) {
	for _, value := range []string{"👨\u200d👩", "نامه\u200cای", `a "b" c`, `"a`, `a'`, "“a", "=", "a\u3000b"} {
		if got, removed := clean(value); got != value || removed {
			t.Errorf("%q: got %q, something removed: %t", value, got, removed)
		}
	}
	for _, absent := range []string{`""`, " '' ", "\ufeff", "\r\n", `"` + "\u200b" + `"`} {
		if s, err := load(map[string]string{"EXPIRY_DAYS": absent, "HTTP_AUTH": absent}); err != nil || s.Days != 30 {
			t.Errorf("%q: got %d days and %v, want the default", absent, s.Days, err)
		}
	}
}

// An invalid value that may be a secret is not shown.
func TestMistakesShowNoSecret(t *testing.T) {
	const secret = "kF8sQ1xWz0RtLm6vGh3d"
	for _, name := range []string{
		"EXPIRY_DAYS", "STUCK_AFTER", "TIME_ZONE", "REGIONS", "REPORT_LANGUAGE", "NOTIFY_ON", "CONSOLE_URL", "REPORT_URL", "MENTIONS",
		"TEMPLATE_DIR", "HTTP_AUTH", "HEARTBEAT_URL", "CACHE_SECONDS", "MAX_IN_FLIGHT", "LOG_LEVEL", "EDS_AIC_ENDPOINT",
	} {
		for _, value := range []string{secret, "Bearer " + secret, "hooks.slack.com/services/T0/B0/" + secret, "ftp://host/" + secret, "ftp://host/a?key=" + secret, "ftp://me:" + secret[:8] + "@host"} {
			_, err := load(map[string]string{name: value})
			if err == nil && name != "EDS_AIC_ENDPOINT" && name != "MENTIONS" {
				t.Errorf("%s=%s is valid", name, value)
			}
			if err != nil && strings.Contains(err.Error(), secret[:8]) {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	for _, short := range []string{"hunter2", "s3cret"} {
		if _, err := load(map[string]string{"HTTP_AUTH": short}); err == nil || strings.Contains(err.Error(), short) {
			t.Errorf("HTTP_AUTH=%s: %v", short, err)
		}
	}
	// An ordinary value is shown.
	if _, err := load(map[string]string{"REGIONS": "cn-hangzhou us-east-1"}); err == nil || !strings.Contains(err.Error(), `"cn-hangzhou us-east-1"`) {
		t.Errorf("got %v", err)
	}
}

// A mistake disables its own part. Only rules, zones, regions and endpoints stop
// the report.
func TestMistakesDisableTheirPart(t *testing.T) {
	values := map[string]string{
		"EXPIRY_DAYS": "ten", "CRITICAL_DAYS": "-1", "WARNING_DAYS": "x", "STUCK_AFTER": "1d", "TIME_ZONE": "Mars", "API_TIME_ZONE": "Local", "REGIONS": "Moon",
		"EDS_AIC_ENDPOINT": "http://a.example.com", "REPORT_LANGUAGE": "xx", "NOTIFY_ON": "never", "CONSOLE_URL": "example.com", "REPORT_URL": "example.com",
		"MENTIONS": "team-a", "TEMPLATE_DIR": "no such directory", "HTTP_AUTH": "no", "HEARTBEAT_URL": "example.com", "CACHE_SECONDS": "x", "MAX_IN_FLIGHT": "x", "LOG_LEVEL": "x",
	}
	want := map[string]Part{
		"EXPIRY_DAYS": Reports, "CRITICAL_DAYS": Reports, "WARNING_DAYS": Reports, "STUCK_AFTER": Reports, "TIME_ZONE": Reports, "API_TIME_ZONE": Reports, "REGIONS": Reports,
		"EDS_AIC_ENDPOINT": Reports, "REPORT_LANGUAGE": "", "NOTIFY_ON": "", "CONSOLE_URL": Link, "REPORT_URL": Link,
		"MENTIONS": Mention, "TEMPLATE_DIR": "", "HTTP_AUTH": HTTP, "HEARTBEAT_URL": Heartbeat, "CACHE_SECONDS": "", "MAX_IN_FLIGHT": "", "LOG_LEVEL": "",
	}
	env := NewEnv(func(name string) string { return values[name] })
	s := Load(env)
	got := map[string]Part{}
	for _, m := range env.Mistakes() {
		name, _, _ := strings.Cut(m.Err.Error(), ":")
		got[name] = m.Part
	}
	if !maps.Equal(got, want) {
		t.Errorf("got %v\nwant %v", got, want)
	}
	others, blocking := Blocking(env.Mistakes())
	if n := strings.Count(blocking.Error(), "\n") + 1; n != 8 || n+len(others) != len(want) {
		t.Errorf("%d mistakes stop the report and %d do not, want 8 and %d:\n%v", n, len(others), len(want)-8, blocking)
	}
	if s.ConsoleURL != "" || s.HeartbeatURL != nil || len(s.Mentions) != 0 || s.NotifyOn != Always || s.HTTPOff != "HTTP_AUTH: is not one of trigger, token" {
		t.Errorf("got %+v", s)
	}
	for part, want := range map[Part]string{"": "the default is used until then", Reports: "no report is sent until then", Channel("slack"): "the channel slack is off until then"} {
		if got := (Mistake{Part: part}).Effect(); got != want {
			t.Errorf("%q: got %q, want %q", part, got, want)
		}
	}
}

func TestAccess(t *testing.T) {
	const token = "0123456789abcdef"
	for _, tt := range []struct{ token, auth, off string }{
		{"", "", ""},
		{token, "", ""},
		{token, "token", ""},
		{"", "trigger", ""},
		{token, "trigger", ""},
		{"", "token", "HTTP_AUTH: token needs HTTP_TOKEN, which is not set"},
		{token[:15], "", "HTTP_TOKEN: is not a token of at least 16 characters, such as from openssl rand -hex 32"},
		{token[:15], "trigger", "HTTP_TOKEN: is not a token of at least 16 characters, such as from openssl rand -hex 32"},
		{"", token, "HTTP_AUTH: is not one of trigger, token"},
		{token, "Token", "HTTP_AUTH: is not one of trigger, token"},
		{"…", "trigger", "HTTP_TOKEN: is still the placeholder"},
	} {
		s, _ := load(map[string]string{"HTTP_TOKEN": tt.token, "HTTP_AUTH": tt.auth})
		if s.HTTPOff != tt.off {
			t.Errorf("HTTP_TOKEN=%s HTTP_AUTH=%s: off because %q, want %q", tt.token, tt.auth, s.HTTPOff, tt.off)
		}
	}
}
