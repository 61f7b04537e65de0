package chat

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits from https://open.dingtalk.com/document/robots/custom-robot-access:
// the size of the JSON body, the messages of one robot, and the age of a
// signature.
const (
	dingTalkMaxBodyBytes  = 20_000
	dingTalkMaxPosts      = 20
	dingTalkPostsWindow   = time.Minute
	dingTalkBlocked       = 10 * time.Minute
	dingTalkSignatureSkew = time.Hour
)

// handleDingTalk responds as a custom robot does: always 200, with an errcode.
func (s *Server) handleDingTalk(p *post) reply {
	token := p.Query.Get("access_token")
	if token == "" {
		return errcodeReply(300005, "token is not exist")
	}
	if !p.isJSON() {
		return errcodeReply(43004, "无效的HTTP HEADER Content-Type")
	}
	if message := s.dingTalkSignature(p); message != "" {
		return errcodeReply(310000, message)
	}
	if len(p.Body) > dingTalkMaxBodyBytes {
		return errcodeReply(460101, "description: body 大小不合法;solution:请保持大小在 20000bytes 以内;")
	}
	msg, err := parseObject(p.Body)
	if err != nil {
		return errcodeReply(40035, "缺少参数 json: "+err.Error())
	}
	if _, ok := msg["msgUuid"].(string); !ok && msg["msgUuid"] != nil {
		return errcodeReply(40035, "不合法的参数 msgUuid")
	}
	var title, text string
	switch kind := msg.str("msgtype"); kind {
	case "markdown":
		title, text = msg.obj("markdown").str("title"), msg.obj("markdown").str("text")
		if strings.TrimSpace(title) == "" || strings.TrimSpace(text) == "" {
			return errcodeReply(40035, "缺少参数 markdown.title, markdown.text")
		}
	case "text":
		text = msg.obj("text").str("content")
		if strings.TrimSpace(text) == "" {
			return errcodeReply(40035, "缺少参数 text.content")
		}
		title, _, _ = strings.Cut(text, "\n")
	default:
		return errcodeReply(400105, fmt.Sprintf("unsupported msgtype %q", kind))
	}
	if !s.hasKeyword(title, text) {
		return errcodeReply(310000, "keywords not in content, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]")
	}
	mentions, err := dingTalkMentions(msg, text)
	if err != nil {
		return errcodeReply(404, err.Error())
	}
	p.Title, p.Mentions = title, mentions
	p.addLine(text)
	if s.overLimit("dingtalk "+token, p.now, dingTalkMaxPosts, dingTalkPostsWindow, dingTalkBlocked) {
		return errcodeReply(130101, "send too fast, exceed 20 times per minute")
	}
	ok := errcodeReply(0, "ok")
	ok.repeated = s.seenUUID(token, msg.str("msgUuid"))
	return ok
}

// dingTalkSignature returns the error message for an invalid signature, empty
// for a valid one:
// https://open.dingtalk.com/document/robots/customize-robot-security-settings
func (s *Server) dingTalkSignature(p *post) string {
	if s.DingTalkSecret == "" {
		return ""
	}
	const invalid = "invalid timestamp, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"
	stamps, signs := p.Query["timestamp"], p.Query["sign"]
	if len(stamps) != 1 {
		return invalid
	}
	ms, err := strconv.ParseInt(stamps[0], 10, 64)
	if err != nil || p.now.Sub(time.UnixMilli(ms)).Abs() > dingTalkSignatureSkew {
		return invalid
	}
	mac := hmac.New(sha256.New, []byte(s.DingTalkSecret))
	mac.Write([]byte(stamps[0] + "\n" + s.DingTalkSecret))
	if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); len(signs) != 1 || !hmac.Equal([]byte(want), []byte(signs[0])) {
		return "sign not match, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"
	}
	return ""
}

// dingTalkMentions returns the mentions of the field "at". In Markdown, a
// number or user id that the text does not contain is not mentioned.
func dingTalkMentions(msg object, text string) (all []string, err error) {
	if msg["at"] == nil {
		return nil, nil
	}
	at := msg.obj("at")
	if at == nil {
		return nil, fmt.Errorf("at must be an object")
	}
	for _, name := range []string{"atMobiles", "atUserIds"} {
		ids, err := at.strs(name)
		if err != nil {
			return nil, err
		}
		for _, id := range ids {
			if msg.str("msgtype") == "text" || strings.Contains(text, "@"+id) {
				all = append(all, "@"+id)
			}
		}
	}
	if err := at.flag("isAtAll"); err != nil {
		return nil, err
	}
	if at["isAtAll"] == true {
		all = append(all, "@all")
	}
	slices.Sort(all)
	return all, nil
}

// seenUUID records the msgUuid of an accepted message and reports whether it
// was accepted before. A sender may repeat a message whose response it lost.
func (s *Server) seenUUID(token, uuid string) bool {
	if uuid == "" {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.uuids == nil {
		s.uuids = map[string]bool{}
	}
	key := token + " " + uuid
	seen := s.uuids[key]
	s.uuids[key] = true
	return seen
}

// errcodeReply returns a response in the form of DingTalk and WeCom.
func errcodeReply(code int, message string) reply {
	res := reply{
		status: http.StatusOK, contentType: "application/json;charset=utf-8",
		body: jsonText(struct {
			ErrCode int    `json:"errcode"`
			ErrMsg  string `json:"errmsg"`
		}{code, message}),
	}
	if code != 0 {
		res.why = fmt.Sprintf("%d %s", code, message)
	}
	return res
}
