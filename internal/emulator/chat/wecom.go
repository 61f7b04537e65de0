package chat

import (
	"fmt"
	"strings"
	"time"
)

// Limits from https://developer.work.weixin.qq.com/document/path/91770
const (
	weComMaxMarkdownBytes = 4096
	weComMaxTextBytes     = 2048
	weComMaxPosts         = 20
	weComPostsWindow      = time.Minute
)

// weComMention matches the mentions in Markdown.
const weComMention = `<@[^>\s]+>`

// handleWeCom responds as a group robot does: always 200, with an errcode.
func (s *Server) handleWeCom(p *post) reply {
	key := p.Query.Get("key")
	if key == "" {
		return errcodeReply(93000, "invalid webhook url")
	}
	if !p.isJSON() {
		return errcodeReply(43004, "require Content-Type application/json")
	}
	msg, err := parseObject(p.Body)
	if err != nil {
		return errcodeReply(47001, "data format error: "+err.Error())
	}
	kind := msg.str("msgtype")
	limit, ok := map[string]int{"markdown": weComMaxMarkdownBytes, "markdown_v2": weComMaxMarkdownBytes, "text": weComMaxTextBytes}[kind]
	if !ok {
		return errcodeReply(40008, fmt.Sprintf("invalid message type %q", kind))
	}
	content := msg.obj(kind).str("content")
	if strings.TrimSpace(content) == "" {
		return errcodeReply(44004, kind+".content is empty")
	}
	if len(content) > limit {
		return errcodeReply(40058, fmt.Sprintf("%s.content exceed max length %d", kind, limit))
	}
	p.Title, _, _ = strings.Cut(content, "\n")
	p.addLine(content)
	switch kind {
	case "markdown":
		p.Mentions = findAll(weComMention, content)
	case "text":
		for _, name := range []string{"mentioned_list", "mentioned_mobile_list"} {
			ids, err := msg.obj(kind).strs(name)
			if err != nil {
				return errcodeReply(47001, err.Error())
			}
			p.Mentions = append(p.Mentions, ids...)
		}
	}
	if s.overLimit("wecom "+key, p.now, weComMaxPosts, weComPostsWindow, 0) {
		return errcodeReply(45009, "api freq out of limit")
	}
	return errcodeReply(0, "ok")
}
