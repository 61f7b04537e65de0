package chat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strconv"
	"time"
)

// Limits of https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
const (
	feishuMaxBodyBytes     = 20 * 1024
	feishuMaxPosts         = 100
	feishuPostsWindow      = time.Minute
	feishuMaxPostsASecond  = 5
	feishuSignatureSkew    = time.Hour
	feishuBadRequest       = 9499
	feishuBadSignature     = 19021
	feishuTooFast          = 11232
	feishuSignatureMessage = "sign match fail or timestamp is not within one hour from current time"
)

const feishuLive = `<at\s[^>]*>`

// takeFeishu answers as a custom bot does: always 200, with a code.
func (r *Server) takeFeishu(p *post) reply {
	bad := func(format string, args ...any) reply {
		return feishuReply(feishuBadRequest, fmt.Sprintf("Bad Request: "+format, args...))
	}
	if !p.isJSON() {
		return bad("content type %q", p.Header.Get("Content-Type"))
	}
	if len(p.Body) > feishuMaxBodyBytes {
		return bad("the body has %d of %d bytes", len(p.Body), feishuMaxBodyBytes)
	}
	msg, err := parseObject(p.Body)
	if err != nil {
		return bad("%v", err)
	}
	if !r.feishuSigned(p, msg) {
		return feishuReply(feishuBadSignature, feishuSignatureMessage)
	}
	switch kind := msg.str("msg_type"); kind {
	case "text":
		text := msg.obj("content").str("text")
		if text == "" {
			return bad("params error, content.text is empty")
		}
		p.Title = text
		p.say(text)
	case "interactive":
		card := msg.obj("card")
		if card == nil {
			return bad("params error, unknown card value")
		}
		if err := feishuCard(p, card); err != nil {
			return bad("params error, %v", err)
		}
	default:
		return bad("params error, unknown msg_type %q", kind)
	}
	p.Mentions = append(p.Mentions, found(feishuLive, p.Text)...)
	if r.tooFast("feishu second "+p.path, p.now, feishuMaxPostsASecond, time.Second, 0) ||
		r.tooFast("feishu "+p.path, p.now, feishuMaxPosts, feishuPostsWindow, 0) {
		return feishuReply(feishuTooFast, "frequency limited")
	}
	return feishuReply(0, "success")
}

// feishuSigned checks the signature, whose key and message are swapped against
// DingTalk's: the key is timestamp and secret, and the message is empty.
func (r *Server) feishuSigned(p *post, msg object) bool {
	if r.FeishuSecret == "" {
		return true
	}
	stamp := msg.str("timestamp") // a string, in seconds
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || p.now.Sub(time.Unix(seconds, 0)).Abs() > feishuSignatureSkew {
		return false
	}
	mac := hmac.New(sha256.New, []byte(stamp+"\n"+r.FeishuSecret))
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(want), []byte(msg.str("sign")))
}

func feishuReply(code int, message string) reply {
	answer := reply{status: http.StatusOK, contentType: "application/json; charset=utf-8"}
	if code == 0 {
		answer.body = jsonText(map[string]any{"StatusCode": 0, "StatusMessage": message, "code": 0, "data": map[string]any{}, "msg": message})
		return answer
	}
	answer.body = jsonText(map[string]any{"code": code, "data": map[string]any{}, "msg": message})
	answer.why = fmt.Sprintf("%d %s", code, message)
	return answer
}
