package doctor

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	fakechat "matrix-expiry-report/internal/emulator/chat"
)

func TestChannels(t *testing.T) {
	room := &fakechat.Server{}
	open, closed := start(t, room), closedPort(t)
	c := newChecker(map[string]string{
		"SLACK_WEBHOOK_URL": open + "/services/T0/B0/kF8sQ1xWz0Rt", "WECOM_WEBHOOK_URL": closed + "/cgi-bin/webhook/send?key=d41d8cd98f00",
	})
	checks := c.channels(t.Context(), false)
	expect(t, checks,
		want{"channel slack", OK, "can be reached; --post-test", ""},
		want{"channel wecom", Fail, strings.TrimPrefix(closed, "http://") + " cannot be reached: ", "check the URL"})
	for _, check := range checks {
		if strings.Contains(check.Detail, "kF8sQ1xWz0Rt") || strings.Contains(check.Detail, "d41d8cd98f00") {
			t.Errorf("a secret is shown: %s", check.Detail)
		}
	}
	c = newChecker(map[string]string{
		"SLACK_WEBHOOK_URL": closed + "/services/T0/B0/x", "WECOM_WEBHOOK_URL": closed + "/cgi-bin/webhook/send?key=d41d8cd98f00", "TEAMS_WEBHOOK_URL": strings.Replace(open, "http:", "https:", 1) + "/workflows/x?sig=y",
	})
	expect(t, c.channels(t.Context(), false),
		want{"channel slack, wecom", Fail, " cannot be reached: connection refused", "check DNS"},
		want{"channel teams", Fail, " cannot be reached: tls", "check the URL"})
	if n := len(room.Messages()); n > 0 {
		t.Errorf("%d messages were sent", n)
	}
	if detail := c.channels(t.Context(), true)[0].Detail; strings.Contains(detail, "--post-test") {
		t.Errorf("a run with --post-test recommends it: %s", detail)
	}
}

func TestTestMessages(t *testing.T) {
	room := &fakechat.Server{}
	chat := start(t, room)
	c := newChecker(map[string]string{
		"SLACK_WEBHOOK_URL": chat + "/services/T0/B0/x", "WECOM_WEBHOOK_URL": chat + "/gone?key=d41d8cd98f00",
	})
	checks := c.testMessages(t.Context())
	expect(t, checks,
		want{"test message slack", OK, "delivered", ""},
		want{"test message wecom", Fail, "HTTP 404", "fix the webhook"})
	if strings.Contains(checks[1].Detail, "d41d8cd98f00") {
		t.Errorf("a secret is shown: %s", checks[1].Detail)
	}
	if m := room.Messages(); len(m) != 1 || !strings.Contains(m[0].Title+m[0].Text, "test") {
		t.Errorf("got the messages %+v, want one that says it is a test", m)
	}
}

func TestHostPort(t *testing.T) {
	for address, want := range map[string]string{
		"https://chat.example/x": "chat.example:https", "http://chat.example/x": "chat.example:http",
		"https://chat.example:8443": "chat.example:8443", "http://[::1]": "[::1]:http", "https://[::1]:1": "[::1]:1",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		if got := hostPort(u); got != want {
			t.Errorf("%s: got %s, want %s", address, got, want)
		}
	}
}

func TestDial(t *testing.T) {
	parse := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	open := start(t, http.NotFoundHandler())
	if via, err := dial(t.Context(), parse(open)); via != "" || err != nil {
		t.Errorf("an open port: %q, %v", via, err)
	}
	if via, err := dial(t.Context(), parse(closedPort(t))); via != "" || err == nil {
		t.Errorf("a closed port: %q, %v", via, err)
	}
	if _, err := dial(t.Context(), parse(strings.Replace(open, "http:", "https:", 1))); err == nil || !strings.Contains(err.Error(), "tls") {
		t.Errorf("https at a server without TLS: %v", err)
	}
	via, err := dial(t.Context(), parse("https://chat.example/x"))
	if err == nil || via != " through the proxy 127.0.0.1" || !strings.Contains(err.Error(), "127.0.0.1:1:") {
		t.Errorf("through a proxy: %q, %v; want the connection to the proxy to fail", via, err)
	}
}
