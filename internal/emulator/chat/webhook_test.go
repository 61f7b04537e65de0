package chat

import (
	"strings"
	"testing"
	"time"
)

func TestWebhook(t *testing.T) {
	const body = `{"a":1}`
	// Worked out apart from this package, with 1763773200 for the time.
	const sign = "v1,HrRqH85yVLSl7PC1f8HKJ8p0F4CkVUNyoOSTiFR8pW0="
	at := func(secret string, skew time.Duration) func() *Server {
		return func() *Server {
			return &Server{WebhookSecret: secret, Now: func() time.Time { return time.Unix(1763773200, 0).Add(skew) }}
		}
	}
	with := func(change ...string) []string {
		return append([]string{"Content-Type", "application/json", "webhook-id", "msg_1", "webhook-timestamp", "1763773200", "webhook-signature", sign}, change...)
	}
	filled := `{"a":"` + strings.Repeat("a", webhookMaxBodyBytes-8) + `"}`
	run(t, at("", 0), []postTest{
		{"ok unsigned", "/hook", body, with("webhook-signature", ""), 204, ""},
		{"ok 64 KB", "/hook", filled, with(), 204, ""},
		{"over 64 KB", "/hook", filled + " ", with(), 413, "65536"},
		{"not JSON", "/hook", `{`, with(), 400, "JSON"},
		{"content type", "/hook", body, with("Content-Type", "text/plain"), 415, "content type"},
		{"no id", "/hook", body, with("webhook-id", ""), 400, "webhook-id"},
		{"id with a dot", "/hook", body, with("webhook-id", "a.b"), 400, "webhook-id"},
		{"no timestamp", "/hook", body, with("webhook-timestamp", ""), 400, "webhook-timestamp"},
		{"milliseconds", "/hook", body, with("webhook-timestamp", "1763773200000"), 401, "webhook-timestamp"},
	})
	for _, secret := range []string{"secret-key-0123456789", "whsec_c2VjcmV0LWtleS0wMTIzNDU2Nzg5"} {
		run(t, at(secret, 0), []postTest{
			{"ok signed", "/hook", body, with(), 204, ""},
			{"ok one of two", "/hook", body, with("webhook-signature", "v1,AAAA "+sign), 204, ""},
			{"body", "/hook", `{"a":2}`, with(), 401, "webhook-signature"},
			{"id", "/hook", body, with("webhook-id", "msg_2"), 401, "webhook-signature"},
			{"timestamp", "/hook", body, with("webhook-timestamp", "1763773201"), 401, "webhook-signature"},
			{"unsigned", "/hook", body, with("webhook-signature", ""), 401, "webhook-signature"},
			{"version", "/hook", body, with("webhook-signature", strings.TrimPrefix(sign, "v1,")), 401, "webhook-signature"},
		})
	}
	run(t, at("other", 0), []postTest{{"secret", "/hook", body, with(), 401, "webhook-signature"}})
	run(t, at("secret-key-0123456789", 5*time.Minute), []postTest{{"ok late", "/hook", body, with(), 204, ""}})
	run(t, at("secret-key-0123456789", 5*time.Minute+time.Second), []postTest{{"late", "/hook", body, with(), 401, "off by"}})
	run(t, at("secret-key-0123456789", -5*time.Minute-time.Second), []postTest{{"early", "/hook", body, with(), 401, "off by"}})

	s := at("", 0)()
	send(s, "/hook", `{"title":"16 expiring"}`, with()...)
	if m := onlyMessage(t, s); m.Title != "16 expiring" || m.Text != `{"title":"16 expiring"}` || m.Header.Get("webhook-id") != "msg_1" {
		t.Errorf("got %+v", m)
	}
}
