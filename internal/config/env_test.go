package config

import (
	"slices"
	"strings"
	"testing"
)

func TestSafeURL(t *testing.T) {
	for value, want := range map[string]bool{
		"https://oapi.dingtalk.com/robot/send?access_token=x": true,
		"http://127.0.0.1:9000/x":                             true,
		"http://[::1]/x":                                      true,
		"http://localhost/x":                                  true,
		"http://localhost.evil.test/x":                        false,
		"http://evil.test/?localhost":                         false,
		"http://example.com/x":                                false,
		"https://user@example.com/x":                          false,
		"https://user:pass@example.com/x":                     false,
		"https:///x":                                          false,
		"https:example.com":                                   false,
		"mailto:a@example.com":                                false,
	} {
		env := NewEnv(func(string) string { return value })
		got := env.SecretURL("X_URL", "https://host/path")
		if (got != nil) != want || (env.Err() == nil) != want {
			t.Errorf("%s: got %v and the error %v, want accepted: %v", value, got, env.Err(), want)
		}
		if err := env.Err(); err != nil && err.Error() != "X_URL: is not an address of the form https://host/path" {
			t.Errorf("%s: got the error %q, want the form and nothing of the value", value, err)
		}
	}
}

// A setting for one address takes no list.
func TestSecretURLIsOne(t *testing.T) {
	for _, list := range []string{"https://a.test/x,https://b.test/y", "https://a.test/x, https://b.test/y", "https://a.test/x;https://b.test", "https://a.test/x|https://b.test/y", "https://a.test/x https://b.test/y"} {
		env := NewEnv(func(string) string { return list })
		if u := env.SecretURL("X_URL", "https://host/path"); u != nil || env.Err() == nil || env.Err().Error() != "X_URL: has several addresses, but takes one of the form https://host/path" {
			t.Errorf("%s: got %v and %v", list, u, env.Err())
		}
	}
	env := NewEnv(func(string) string { return "https://a.test/x?next=https://b.test/y" })
	if u := env.SecretURL("X_URL", ""); u == nil || env.Err() != nil {
		t.Errorf("got %v and %v, want the one address", u, env.Err())
	}
}

func TestNamesAreThoseRead(t *testing.T) {
	env := NewEnv(func(string) string { return "" })
	env.Text("B", "")
	env.Int("A", 1, 0, 9)
	env.Secret("B")
	if got := env.Names(); !slices.Equal(got, []string{"B", "A"}) {
		t.Errorf("got %v, want each once, in the order of reading", got)
	}
}

// A value in which a placeholder is left has one mistake, of the part that it
// belongs to, and the default is used.
func TestPlaceholder(t *testing.T) {
	for name, part := range map[string]Part{"HEARTBEAT_URL": Heartbeat, "REPORT_URL": Link, "EXPIRY_DAYS": Reports, "CRITICAL_DAYS": Reports, "MENTIONS": Mention, "EDS_AIC_ENDPOINT": Reports} {
		env := NewEnv(func(n string) string {
			if n == name {
				return "https://example.com/T…/B…"
			}
			return ""
		})
		s := Load(env)
		if m := env.Mistakes(); len(m) != 1 || m[0].Part != part || m[0].Err.Error() != name+": is still the placeholder" {
			t.Errorf("%s: got the mistakes %v", name, m)
		}
		if s.HeartbeatURL != nil || s.ReportURL != "" || s.Days != 30 || s.CriticalDays != 3 || len(s.Mentions) > 0 || len(s.Endpoints) != 2 {
			t.Errorf("%s: got the settings %+v", name, s)
		}
	}
}

// A value that was cut on its way has a warning that does not show it.
func TestDamagedValues(t *testing.T) {
	for value, want := range map[string]string{
		"fine": "", "a'b": "", `a"`: "", "a#b": "", `a\b`: "", "'": "looks cut",
		`"s3cret`: "looks cut", "'s3cret": "looks cut", "`s3cret": "looks cut", `"s3cret"x`: "looks cut", `s3cret\`: "looks cut",
	} {
		env := NewEnv(func(string) string { return value })
		if got := env.Text("OWNER_TAG", ""); got != value {
			t.Errorf("%s: got %q", value, got)
		}
		env.Text("OWNER_TAG", "")
		warnings := strings.Join(env.Warnings(), "; ")
		if (want == "") != (warnings == "") || !strings.Contains(warnings, want) || strings.Count(warnings, "OWNER_TAG") > 1 || strings.Contains(warnings, "s3cret") {
			t.Errorf("%s: got the warnings %q, want one with %q", value, warnings, want)
		}
	}
}

func TestSize(t *testing.T) {
	env := NewEnv(func(name string) string { return map[string]string{"A": "12345", "LONG": "ä"}[name] })
	env.Text("A", "")
	env.Text("A", "")
	env.Text("LONG", "")
	env.Text("UNSET", "a default")
	if got := env.Size(); got != 6+6+5 {
		t.Errorf("got %d bytes, want 17", got)
	}
}
