package chat

import (
	"testing"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/message"
)

// A secret is a text, or base64 after whsec_. Without one nothing is signed.
func TestWebhookSecretForms(t *testing.T) {
	for _, key := range []string{"", "plain text", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		room := &fakechat.Server{WebhookSecret: key}
		channels := roomChannels(t, room, map[string]string{"WEBHOOK_SECRET": key})
		if err := channels[len(channels)-1].Send(t.Context(), badDay(1), message.Options{Language: "en"}, "key"); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if signature := room.Messages()[0].Header.Get("webhook-signature"); (signature == "") != (key == "") {
			t.Errorf("%s: signed with %q", key, signature)
		}
	}
}
