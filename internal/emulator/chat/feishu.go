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

// Limits and codes from https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
const (
	feishuMaxBodyBytes     = 20 * 1024
	feishuMaxPosts         = 100
	feishuPostsWindow      = time.Minute
	feishuMaxPostsASecond  = 5
	feishuSignatureSkew    = time.Hour
	feishuBadRequest       = 9499
	feishuBadSignature     = 19021
	feishuNoKeyword        = 19024
	feishuTooFast          = 11232
	feishuSignatureMessage = "sign match fail or timestamp is not within one hour from current time"
)

// feishuMention matches the mentions in text and Markdown.
const feishuMention = `<at\s[^>]*>`

// handleFeishu responds as a custom bot does: always 200, with a code.
func (s *Server) handleFeishu(p *post) reply {
	badRequest := func(format string, args ...any) reply {
		return feishuReply(feishuBadRequest, fmt.Sprintf("Bad Request: "+format, args...))
	}
	if !p.isJSON() {
		return badRequest("content type %q", p.Header.Get("Content-Type"))
	}
	if len(p.Body) > feishuMaxBodyBytes {
		return badRequest("the body has %d bytes, at most %d are allowed", len(p.Body), feishuMaxBodyBytes)
	}
	msg, err := parseObject(p.Body)
	if err != nil {
		return badRequest("%v", err)
	}
	if !s.feishuSigned(p, msg) {
		return feishuReply(feishuBadSignature, feishuSignatureMessage)
	}
	switch kind := msg.str("msg_type"); kind {
	case "text":
		text := msg.obj("content").str("text")
		if text == "" {
			return badRequest("params error, content.text is empty")
		}
		p.Title = text
		p.addLine(text)
	case "interactive":
		card := msg.obj("card")
		if card == nil {
			return badRequest("params error, unknown card value")
		}
		if err := feishuCard(p, card); err != nil {
			return badRequest("params error, %v", err)
		}
	default:
		return badRequest("params error, unknown msg_type %q", kind)
	}
	if !s.hasKeyword(p.Title, p.Text) {
		return feishuReply(feishuNoKeyword, "Key Words Not Found")
	}
	p.Mentions = append(p.Mentions, findAll(feishuMention, p.Text)...)
	if s.overLimit("feishu second "+p.path, p.now, feishuMaxPostsASecond, time.Second, 0) ||
		s.overLimit("feishu "+p.path, p.now, feishuMaxPosts, feishuPostsWindow, 0) {
		return feishuReply(feishuTooFast, "frequency limited")
	}
	return feishuReply(0, "success")
}

// feishuSigned reports whether the signature is valid. Unlike DingTalk's, its
// key is timestamp and secret and its message is empty.
func (s *Server) feishuSigned(p *post, msg object) bool {
	if s.FeishuSecret == "" {
		return true
	}
	stamp := msg.str("timestamp") // a string, in seconds
	seconds, err := strconv.ParseInt(stamp, 10, 64)
	if err != nil || p.now.Sub(time.Unix(seconds, 0)).Abs() > feishuSignatureSkew {
		return false
	}
	mac := hmac.New(sha256.New, []byte(stamp+"\n"+s.FeishuSecret))
	want := base64.StdEncoding.EncodeToString(mac.Sum(nil))
	return hmac.Equal([]byte(want), []byte(msg.str("sign")))
}

func feishuReply(code int, message string) reply {
	res := reply{status: http.StatusOK, contentType: "application/json; charset=utf-8"}
	if code == 0 {
		res.body = jsonText(map[string]any{"StatusCode": 0, "StatusMessage": message, "code": 0, "data": map[string]any{}, "msg": message})
		return res
	}
	res.body = jsonText(map[string]any{"code": code, "data": map[string]any{}, "msg": message})
	res.why = fmt.Sprintf("%d %s", code, message)
	return res
}
