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
	// webhookMaxBodyBytes is what a receiver can be expected to take.
	webhookMaxBodyBytes = 64 * 1024
	// webhookMaxSkew is the tolerance of the reference implementations of
	// https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
	webhookMaxSkew = 5 * time.Minute
)

// takeWebhook answers as somebody's own receiver would that follows the
// Standard Webhooks convention.
func (r *Server) takeWebhook(p *post) reply {
	no := func(status int, format string, args ...any) reply {
		why := fmt.Sprintf(format, args...)
		return reply{status: status, contentType: "text/plain; charset=utf-8", body: why, why: why}
	}
	if len(p.Body) > webhookMaxBodyBytes {
		return no(http.StatusRequestEntityTooLarge, "the body has %d of %d bytes", len(p.Body), webhookMaxBodyBytes)
	}
	if !p.isJSON() {
		return no(http.StatusUnsupportedMediaType, "content type %q", p.Header.Get("Content-Type"))
	}
	id, stamp := p.Header.Get("webhook-id"), p.Header.Get("webhook-timestamp")
	if id == "" || strings.Contains(id, ".") {
		return no(http.StatusBadRequest, "webhook-id is %q, want an id without dots", id)
	}
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil {
		return no(http.StatusBadRequest, "webhook-timestamp is %q, want unix seconds", stamp)
	}
	if skew := p.now.Sub(time.Unix(seconds, 0)); skew.Abs() > webhookMaxSkew {
		return no(http.StatusUnauthorized, "webhook-timestamp is off by %v", skew)
	}
	if r.WebhookSecret != "" {
		want, err := webhookSignature(r.WebhookSecret, id, stamp, p.Body)
		if err != nil {
			return no(http.StatusInternalServerError, "the room's own secret: %v", err)
		}
		signed := false
		for _, got := range strings.Fields(p.Header.Get("webhook-signature")) {
			signed = hmac.Equal([]byte(want), []byte(got)) || signed
		}
		if !signed {
			return no(http.StatusUnauthorized, "webhook-signature does not match")
		}
	}
	msg, err := parseObject(p.Body)
	if err != nil {
		return no(http.StatusBadRequest, "%v", err)
	}
	p.Title = msg.str("title")
	p.say(string(p.Body))
	return reply{status: http.StatusNoContent}
}

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
