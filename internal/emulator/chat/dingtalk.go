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

// Limits of https://open.dingtalk.com/document/robots/custom-robot-access:
// the size of the whole JSON, the posts of one robot, and the age of a signature.
const (
	dingTalkMaxBodyBytes  = 20_000
	dingTalkMaxPosts      = 20
	dingTalkPostsWindow   = time.Minute
	dingTalkBlocked       = 10 * time.Minute
	dingTalkSignatureSkew = time.Hour
)

// takeDingTalk answers as a custom robot does: always 200, with an errcode.
func (r *Server) takeDingTalk(p *post) reply {
	no := func(code int, message string) reply { return vendorReply(code, message) }
	token := p.Query.Get("access_token")
	if token == "" {
		return no(300005, "token is not exist")
	}
	if !p.isJSON() {
		return no(43004, "无效的HTTP HEADER Content-Type")
	}
	if message := r.dingTalkSignature(p); message != "" {
		return no(310000, message)
	}
	if len(p.Body) > dingTalkMaxBodyBytes {
		return no(460101, "description: body 大小不合法;solution:请保持大小在 20000bytes 以内;")
	}
	msg, err := parseObject(p.Body)
	if err != nil {
		return no(40035, "缺少参数 json: "+err.Error())
	}
	if _, ok := msg["msgUuid"].(string); !ok && msg["msgUuid"] != nil {
		return no(40035, "不合法的参数 msgUuid")
	}
	var title, text string
	switch kind := msg.str("msgtype"); kind {
	case "markdown":
		title, text = msg.obj("markdown").str("title"), msg.obj("markdown").str("text")
		if strings.TrimSpace(title) == "" || strings.TrimSpace(text) == "" {
			return no(40035, "缺少参数 markdown.title, markdown.text")
		}
	case "text":
		text = msg.obj("text").str("content")
		if strings.TrimSpace(text) == "" {
			return no(40035, "缺少参数 text.content")
		}
		title, _, _ = strings.Cut(text, "\n")
	default:
		return no(400105, fmt.Sprintf("unsupported msgtype %q", kind))
	}
	mentions, err := dingTalkMentions(msg, text)
	if err != nil {
		return no(404, err.Error())
	}
	p.Title, p.Mentions = title, mentions
	p.say(text)
	if r.tooFast("dingtalk "+token, p.now, dingTalkMaxPosts, dingTalkPostsWindow, dingTalkBlocked) {
		return no(130101, "send too fast, exceed 20 times per minute")
	}
	answer := vendorReply(0, "ok")
	answer.repeated = r.seenUUID(token, msg.str("msgUuid"))
	return answer
}

// dingTalkSignature is the reason why the signature is refused, if it is:
// https://open.dingtalk.com/document/robots/customize-robot-security-settings
func (r *Server) dingTalkSignature(p *post) string {
	if r.DingTalkSecret == "" {
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
	mac := hmac.New(sha256.New, []byte(r.DingTalkSecret))
	mac.Write([]byte(stamps[0] + "\n" + r.DingTalkSecret))
	if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)); len(signs) != 1 || !hmac.Equal([]byte(want), []byte(signs[0])) {
		return "sign not match, more: [https://ding-doc.dingtalk.com/doc#/serverapi2/qf2nxq]"
	}
	return ""
}

// dingTalkMentions are those whom at calls. A number that the text does not
// show is not called.
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

// seenUUID remembers a message that was accepted, so that the sender can safely
// send it again when it did not hear the answer.
func (r *Server) seenUUID(token, uuid string) bool {
	if uuid == "" {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.uuids == nil {
		r.uuids = map[string]bool{}
	}
	key := token + " " + uuid
	seen := r.uuids[key]
	r.uuids[key] = true
	return seen
}

// vendorReply is the form that DingTalk and WeCom share.
func vendorReply(code int, message string) reply {
	answer := reply{
		status: http.StatusOK, contentType: "application/json;charset=utf-8",
		body: jsonText(struct {
			ErrCode int    `json:"errcode"`
			ErrMsg  string `json:"errmsg"`
		}{code, message}),
	}
	if code != 0 {
		answer.why = fmt.Sprintf("%d %s", code, message)
	}
	return answer
}
