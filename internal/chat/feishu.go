package chat

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"strconv"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/internal/retryafter"
	"matrix-expiry-report/report"
)

// feishuBodyBytes is the limit of a body without its signature, below the 20 KB
// that Feishu accepts.
// https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
const feishuBodyBytes = 19_500

type feishuService struct {
	target
	secret config.Secret // empty for a bot that does not verify signatures
}

var (
	feishuPath   = regexp.MustCompile(`^/open-apis/bot/v2/hook/[\w-]+$`)
	feishuToken  = regexp.MustCompile(`^[0-9A-Za-z-]{16,}$`)
	feishuPerson = regexp.MustCompile(`^ou_[0-9A-Za-z]+$`)
)

func loadFeishu(env *config.Env) service {
	const name, form = "FEISHU_WEBHOOK_URL", "https://open.feishu.cn/open-apis/bot/v2/hook/…"
	s := feishuService{secret: env.Secret("FEISHU_SECRET")}
	// A token alone is one of Feishu. Lark bots need the URL, at
	// open.larksuite.com.
	if s.url = webhookURL(env, name, form, feishuToken, "https://open.feishu.cn/open-apis/bot/v2/hook/"); s.url == nil {
		return nil
	}
	if !feishuPath.MatchString(s.url.Path) {
		env.RefuseSecret(name, "the address of a custom bot; create one in the group's settings, "+form)
		return nil
	}
	return s
}

var feishuMarkup = newMarkdown(escapeFeishu, feishuPerson.MatchString, func(id string) string { return "<at id=" + id + "></at>" })

// escapeFeishu also escapes shortcodes, which Feishu's Markdown has. Its HTML
// entities would keep the characters themselves, but older clients are not
// documented to decode them.
func escapeFeishu(text string, lineStart bool) string {
	return escapeShortcodes(escapeMarkdown(text, lineStart))
}

func (s feishuService) isPerson(id string) bool { return feishuPerson.MatchString(id) }

// A feishuCard is a card of schema 2.0.
// https://open.feishu.cn/document/feishu-cards/card-json-v2-structure
type feishuCard struct {
	Schema string `json:"schema"`
	Header struct {
		Title    feishuElement `json:"title"`
		Template string        `json:"template"`
	} `json:"header"`
	Body struct {
		Elements []feishuElement `json:"elements"`
	} `json:"body"`
}

type feishuElement struct {
	Tag     string `json:"tag"`
	Content string `json:"content"`
	Size    string `json:"text_size,omitempty"`
}

var feishuColours = map[report.Severity]string{
	report.Critical: "red", report.Warning: "orange", report.Notice: "blue", "": "green",
}

func (s feishuService) bodies(o outgoing) ([][]byte, error) {
	body, err := fitBytes(o.draft, feishuBodyBytes, func(m message.Message) any {
		return struct {
			MsgType string     `json:"msg_type"`
			Card    feishuCard `json:"card"`
		}{"interactive", newFeishuCard(m, tone(m, o.report))}
	})
	return [][]byte{body}, err
}

func newFeishuCard(m message.Message, tone report.Severity) feishuCard {
	c := feishuCard{Schema: "2.0"}
	c.Header.Title = feishuElement{Tag: "plain_text", Content: feishuMarkup.title(m.Title)}
	c.Header.Template = feishuColours[tone]
	add := func(text, size string) {
		if text != "" {
			c.Body.Elements = append(c.Body.Elements, feishuElement{"markdown", text, size})
		}
	}
	add(feishuMarkup.lines(m.Lead, "\n"), "")
	for _, g := range m.Groups {
		add("**"+feishuMarkup.line(g.Heading)+"**\n- "+feishuMarkup.lines(g.Rows, "\n- "), "")
	}
	add(feishuMarkup.lines(m.More, "\n"), "")
	add(feishuMarkup.lines(m.Foot, "\n"), "notation")
	return c
}

// request adds the signature to the body, if the bot verifies signatures.
func (s feishuService) request(ctx context.Context, _ string, body []byte, now time.Time) (*http.Request, error) {
	if s.secret != "" {
		stamp := strconv.FormatInt(now.Unix(), 10)
		signed := []byte(`{"timestamp":"` + stamp + `","sign":"` + feishuSignature(s.secret.Reveal(), stamp) + `",`)
		body = append(signed, bytes.TrimPrefix(body, []byte("{"))...)
	}
	return post(ctx, s.url, body)
}

// feishuSignature returns the signature: the HMAC of an empty message, whose key
// is the time in seconds and the secret.
// https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
func feishuSignature(secret, stamp string) string {
	mac := hmac.New(sha256.New, []byte(stamp+"\n"+secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

var feishuAdvice = advice{
	"9499":  "Feishu could not parse the message: check that the URL is that of a custom bot",
	"11232": "Feishu is busy, as it often is at :00 and :30: schedule the run for another minute",
	"19001": "the bot does not exist: create a new one and set its URL",
	"19021": "wrong signature or clock: set FEISHU_SECRET to the secret in the bot's security settings",
	"19022": "the bot has an IP allowlist: use a signature instead, as a function's address changes",
	"19024": "the bot requires a keyword: set the keywords matrix, matrices and 矩阵, or use a signature instead",
}

func (s feishuService) checkResponse(status int, header http.Header, body []byte) *Error {
	e := codeError("code", feishuAdvice, status, header, body)
	if e != nil && e.Code == "11232" {
		e.Temporary, e.RetryAfter = true, retryafter.Parse(header.Get("Retry-After"), time.Now())
	}
	return e
}
