package chat

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// feishuBodyBytes is what a body may have before it is signed, below the 20 KB
// that Feishu takes.
// https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
const feishuBodyBytes = 19_500

type feishuService struct {
	webhook *url.URL
	secret  config.Secret // empty for a bot without signatures
}

const (
	feishuPath  = `^/open-apis/bot/v2/hook/[\w-]+$`
	feishuToken = `^[0-9A-Za-z-]{16,}$`
)

func loadFeishu(env *config.Env) service {
	const name, form = "FEISHU_WEBHOOK_URL", "https://open.feishu.cn/open-apis/bot/v2/hook/…"
	s := feishuService{secret: env.Secret("FEISHU_SECRET")}
	// An id alone is taken for one of Feishu; bots of Lark are set with their
	// address, at open.larksuite.com.
	if s.webhook = webhookURL(env, name, form, feishuToken, "https://open.feishu.cn/open-apis/bot/v2/hook/"); s.webhook == nil {
		return nil
	}
	if !like(feishuPath, s.webhook.Path) {
		env.RefuseSecret(name, "the address of a custom bot; make one in the group's settings, "+form)
		return nil
	}
	return s
}

// A webhook of Feishu has no key by which it would know a repeat.
func (s feishuService) idempotent() bool { return false }

func (s feishuService) host() *url.URL { return hostOf(s.webhook) }

// A feishuCard is of the second schema.
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

func (s feishuService) bodies(l letter) ([][]byte, error) {
	body, err := fitBytes(l.draft, feishuBodyBytes, func(m message.Message) any {
		c := feishuCard{Schema: "2.0"}
		c.Header.Title = feishuElement{Tag: "plain_text", Content: m.Title}
		c.Header.Template = feishuColours[severity(m, l.report)]
		say := func(text, size string) {
			if text != "" {
				c.Body.Elements = append(c.Body.Elements, feishuElement{"markdown", text, size})
			}
		}
		say(strings.Join(m.Lead, "\n"), "")
		for _, g := range m.Groups {
			say("**"+g.Heading+"**\n- "+strings.Join(g.Rows, "\n- "), "")
		}
		say(m.More, "")
		say(m.Foot, "notation")
		return struct {
			MsgType string     `json:"msg_type"`
			Card    feishuCard `json:"card"`
		}{"interactive", c}
	})
	return [][]byte{body}, err
}

// request puts the signature, if the bot wants one, in front of what the body
// holds.
func (s feishuService) request(ctx context.Context, _ string, body []byte, now time.Time) (*http.Request, error) {
	if s.secret != "" {
		stamp := strconv.FormatInt(now.Unix(), 10)
		signed := []byte(`{"timestamp":"` + stamp + `","sign":"` + feishuSignature(s.secret.Reveal(), stamp) + `",`)
		body = append(signed, bytes.TrimPrefix(body, []byte("{"))...)
	}
	return http.NewRequestWithContext(ctx, http.MethodPost, s.webhook.String(), bytes.NewReader(body))
}

// feishuSignature is over nothing, with the time in seconds and the secret for
// a key.
// https://open.feishu.cn/document/client-docs/bot-v3/add-custom-bot
func feishuSignature(secret, stamp string) string {
	mac := hmac.New(sha256.New, []byte(stamp+"\n"+secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

var feishuAdvice = advice{
	"9499":  "Feishu could not read the message: check that the address is that of a custom bot",
	"11232": "Feishu is busy, as it is at whole and half hours: run at an odd minute",
	"19001": "the bot does not exist any more: make a new one and set its address",
	"19021": "the signature or the clock is wrong: set FEISHU_SECRET to that of the bot's security settings",
	"19022": "the bot has an IP list: use its signature instead, as a function's address changes",
	"19024": "the bot asks for a keyword: use its signature instead, or set a keyword that every message holds",
}

func (s feishuService) verdict(status int, header http.Header, body []byte) *Error {
	e := numberError("code", feishuAdvice, status, header, body)
	if e != nil && e.Code == "11232" {
		e.Temporary, e.After = true, retryAfter(header, time.Now())
	}
	return e
}
