package chat

import (
	"bytes"
	"context"
	"net/http"
	"net/url"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
)

// wecomContentBytes is what the text may have in UTF-8, below the 4,096 bytes
// beyond which WeCom answers 40058.
// https://developer.work.weixin.qq.com/document/path/91770
const wecomContentBytes = 4000

type wecomService struct{ webhook *url.URL }

const wecomKey = `^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`

func loadWeCom(env *config.Env) service {
	const name, form = "WECOM_WEBHOOK_URL", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…"
	u := webhookURL(env, name, form, wecomKey, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=")
	if u == nil {
		return nil
	}
	if u.Query().Get("key") == "" {
		env.RefuseSecret(name, "an address of the form "+form)
		return nil
	}
	return wecomService{u}
}

// A group robot has no key by which it would know a repeat.
func (s wecomService) idempotent() bool { return false }

func (s wecomService) host() *url.URL { return hostOf(s.webhook) }

func (s wecomService) bodies(l letter) ([][]byte, error) {
	// markdown_v2 would have lists, but calls nobody.
	text := func(m message.Message) string { return markdown(m, "\n") }
	m, err := fit(l.draft, func(m message.Message) bool { return len(text(m)) <= wecomContentBytes })
	if err != nil {
		return nil, err
	}
	body, err := encode(map[string]any{"msgtype": "markdown", "markdown": map[string]string{"content": text(m)}})
	return [][]byte{body}, err
}

func (s wecomService) request(ctx context.Context, _ string, body []byte, _ time.Time) (*http.Request, error) {
	return http.NewRequestWithContext(ctx, http.MethodPost, s.webhook.String(), bytes.NewReader(body))
}

var wecomAdvice = advice{
	"-1":    "WeCom is busy: nothing to do unless it lasts",
	"40058": "the message is longer than WeCom takes: set REPORT_URL and CONSOLE_URL to shorter addresses",
	"45009": "more than 20 messages a minute: let other senders use other robots",
	"93000": "the robot does not exist, or was taken out of its group: set a robot's whole address",
}

func (s wecomService) verdict(status int, header http.Header, body []byte) *Error {
	e := numberError("errcode", wecomAdvice, status, header, body)
	if e != nil && e.Code == "-1" {
		e.Temporary = true
	}
	return e
}
