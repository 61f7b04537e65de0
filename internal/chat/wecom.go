package chat

import (
	"net/http"
	"regexp"
	"strings"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
)

// wecomContentBytes is the limit of the text in UTF-8, below the 4,096 bytes
// beyond which WeCom responds 40058.
// https://developer.work.weixin.qq.com/document/path/91770
const wecomContentBytes = 4000

type wecomService struct{ target }

var (
	wecomKey    = regexp.MustCompile(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	wecomPerson = regexp.MustCompile(`^[A-Za-z][\w.@-]*$`)
)

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
	return wecomService{target{u}}
}

var wecomMarkup = newMarkdown(escapeMarkdown, isWeComPerson, func(id string) string { return "<@" + id + ">" })

func (s wecomService) isPerson(id string) bool { return isWeComPerson(id) }

// isWeComPerson also excludes the ids of other services, as an id of WeCom may
// look like one.
func isWeComPerson(id string) bool {
	return wecomPerson.MatchString(id) && !slackPerson.MatchString(id) && !strings.HasPrefix(id, "ou_")
}

// bodies returns the markdown of version 1: version 2 has lists, but no
// mentions.
func (s wecomService) bodies(o outgoing) ([][]byte, error) {
	text := func(m message.Message) string { return markdownText(m, wecomMarkup, "\n") }
	m, err := fitToLimit(o.draft, func(m message.Message) bool { return len(text(m)) <= wecomContentBytes })
	if err != nil {
		return nil, err
	}
	body, err := encode(map[string]any{"msgtype": "markdown", "markdown": map[string]string{"content": text(m)}})
	return [][]byte{body}, err
}

var wecomAdvice = advice{
	"-1":    "WeCom is busy: try again later if this persists",
	"40058": "the message is too long for WeCom: set REPORT_URL and CONSOLE_URL to shorter URLs",
	"45009": "more than 20 messages a minute: use a robot that no other sender uses",
	"93000": "the robot does not exist or was removed from its group: set a robot's full URL",
}

func (s wecomService) checkResponse(status int, header http.Header, body []byte) *Error {
	e := codeError("errcode", wecomAdvice, status, header, body)
	if e != nil && e.Code == "-1" {
		e.Temporary = true
	}
	return e
}
