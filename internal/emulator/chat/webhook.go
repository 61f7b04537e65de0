package chat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
)

const (
	// webhookMaxBodyBytes is a size that any receiver can be expected to accept.
	webhookMaxBodyBytes = 64 * 1024
	// webhookMaxSkew is the tolerance of the reference implementations of
	// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
	webhookMaxSkew = 5 * time.Minute
)

// handleWebhook responds as a receiver that follows the Standard Webhooks
// specification does.
func (s *Server) handleWebhook(p *post) reply {
	refuse := func(status int, format string, args ...any) reply {
		why := fmt.Sprintf(format, args...)
		return reply{status: status, contentType: "text/plain; charset=utf-8", body: why, why: why}
	}
	if len(p.Body) > webhookMaxBodyBytes {
		return refuse(http.StatusRequestEntityTooLarge, "the body has %d bytes, at most %d are allowed", len(p.Body), webhookMaxBodyBytes)
	}
	if !p.isJSON() {
		return refuse(http.StatusUnsupportedMediaType, "content type %q", p.Header.Get("Content-Type"))
	}
	id, stamp := p.Header.Get("webhook-id"), p.Header.Get("webhook-timestamp")
	if id == "" || strings.Contains(id, ".") {
		return refuse(http.StatusBadRequest, "webhook-id is %q, want an id without dots", id)
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return refuse(http.StatusBadRequest, "webhook-timestamp is %q, want Unix seconds", stamp)
	}
	if skew := p.now.Sub(time.Unix(seconds, 0)); skew.Abs() > webhookMaxSkew {
		return refuse(http.StatusUnauthorized, "webhook-timestamp is off by %v", skew)
	}
	if s.WebhookSecret != "" {
		want, err := webhookSignature(s.WebhookSecret, id, stamp, p.Body)
		if err != nil {
			return refuse(http.StatusInternalServerError, "WebhookSecret: %v", err)
		}
		signed := false
		for _, got := range strings.Fields(p.Header.Get("webhook-signature")) {
			signed = hmac.Equal([]byte(want), []byte(got)) || signed
		}
		if !signed {
			return refuse(http.StatusUnauthorized, "webhook-signature does not match")
		}
	}
	msg, err := parseObject(p.Body)
	if err != nil {
		return refuse(http.StatusBadRequest, "%v", err)
	}
	p.Title = msg.str("title")
	p.addLine(string(p.Body))
	return reply{status: http.StatusNoContent}
}

// webhookSignature returns the signature of a message. A secret with the prefix
// whsec_ is in Base64.
func webhookSignature(secret, id, stamp string, body []byte) (string, error) {
	key := []byte(secret)
	if encoded, ok := strings.CutPrefix(secret, "whsec_"); ok {
		var err error
		if key, err = base64.StdEncoding.DecodeString(encoded); err != nil {
			return "", err
		}
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(id + "." + stamp + "."))
	mac.Write(body)
	return "v1," + base64.StdEncoding.EncodeToString(mac.Sum(nil)), nil
}
