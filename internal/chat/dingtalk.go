package chat

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// dingtalkBodyBytes is what a body may have, a little below the 20,000 bytes
// at which DingTalk answers 460101.
// https://open.dingtalk.com/document/robots/custom-robot-access
const dingtalkBodyBytes = 19_500

type dingtalkService struct {
	webhook *url.URL
	secret  config.Secret // empty for a robot without signatures
	mobiles []string      // mentioned when something is critical
}

const (
	mobile        = `^\+?[0-9][0-9-]{4,}$`
	dingtalkToken = `^[0-9A-Za-z]{16,}$`
)

func loadDingTalk(env *config.Env) service {
	const name, form = "DINGTALK_WEBHOOK_URL", "https://oapi.dingtalk.com/robot/send?access_token=…"
	s := dingtalkService{secret: env.Secret("DINGTALK_SECRET"), mobiles: env.List("DINGTALK_AT_MOBILES")}
	for _, m := range s.mobiles {
		if !like(mobile, m) {
			env.RefuseSecret("DINGTALK_AT_MOBILES", "a list of phone numbers such as 13800138000,+852-12345678")
			break
		}
	}
	// A token alone is taken for one of China; robots of the international
	// DingTalk are set with their address, at oapi.dingtalk.io.
	s.webhook = webhookURL(env, name, form, dingtalkToken, "https://oapi.dingtalk.com/robot/send?access_token=")
	if s.webhook == nil {
		return nil
	}
	if s.webhook.Query().Get("access_token") == "" {
		env.RefuseSecret(name, "an address of the form "+form)
		return nil
	}
	return s
}

// A repeated msgUuid is shown once.
func (s dingtalkService) idempotent() bool { return true }

func (s dingtalkService) host() *url.URL { return hostOf(s.webhook) }

type dingtalkBody struct {
	MsgType  string `json:"msgtype"`
	MsgUUID  string `json:"msgUuid,omitempty"`
	Markdown struct {
		Title string `json:"title"`
		Text  string `json:"text"`
	} `json:"markdown"`
	At struct {
		Mobiles []string `json:"atMobiles"`
		All     bool     `json:"isAtAll"`
	} `json:"at"`
}

// bodies are the message and, for a DingTalk that dislikes something in it,
// the message without what is most easily disliked.
func (s dingtalkService) bodies(l letter) ([][]byte, error) {
	whole, err := fitBytes(l.draft, dingtalkBodyBytes, func(m message.Message) any { return s.body(m, l.id) })
	if err != nil {
		return nil, err
	}
	bare := l.options
	bare.ConsoleURL, bare.ReportURL = "", ""
	d, err := message.Compose("dingtalk", l.report, bare)
	if err != nil {
		return nil, err
	}
	harmless, err := fitBytes(d, dingtalkBodyBytes, func(m message.Message) any {
		m.Lead = slices.DeleteFunc(slices.Clone(m.Lead), bars)
		return s.body(m, messageID(l.id, "harmless")) // so that it is no repeat of what was refused
	})
	return [][]byte{whole, harmless}, err
}

// bars tells whether a line draws when matrices expire, where a filter may see
// anything.
func bars(line string) bool {
	row := 0
	for _, r := range line {
		if row++; r < '▁' || r > '█' {
			row = 0
		}
		if row == 5 {
			return true
		}
	}
	return false
}

func (s dingtalkService) body(m message.Message, id string) dingtalkBody {
	b := dingtalkBody{MsgType: "markdown", MsgUUID: id}
	b.Markdown.Title, b.Markdown.Text = m.Title, markdown(m, "  \n") // a lone line feed is swallowed
	b.At.Mobiles = append([]string{}, m.Mentions...)                 // the message shows them already
	if len(s.mobiles) > 0 && (m.Severity == report.Critical || m.Failed) {
		b.At.Mobiles = append(b.At.Mobiles, s.mobiles...)
		b.Markdown.Text += "\n\n@" + strings.Join(s.mobiles, " @")
	}
	return b
}

// request signs, if the robot wants it.
func (s dingtalkService) request(ctx context.Context, _ string, body []byte, now time.Time) (*http.Request, error) {
	u := *s.webhook
	if s.secret != "" {
		stamp := strconv.FormatInt(now.UnixMilli(), 10)
		q := u.Query()
		q.Set("timestamp", stamp)
		q.Set("sign", dingtalkSignature(s.secret.Reveal(), stamp))
		u.RawQuery = q.Encode()
	}
	return http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
}

// dingtalkSignature is over the time in milliseconds and the secret.
// https://open.dingtalk.com/document/robots/customize-robot-security-settings
func dingtalkSignature(secret, stamp string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

var dingtalkAdvice = advice{
	"-1":     "DingTalk is busy: nothing to do unless it lasts",
	"300001": "the token does not exist: set the robot's whole address",
	"300005": "the token does not exist, or the group is an external one: set the whole address of a robot in a group of your own",
	"310000": "keyword, signature, clock or IP list: compare the robot's security settings with DINGTALK_SECRET",
	"400013": "the group was dissolved: make a robot in another",
	"400101": "the token is missing: set the robot's whole address",
	"400102": "the robot was stopped: start it in the group's settings",
	"400106": "the robot does not exist any more: make a new one",
	"130101": "more than 20 messages a minute, so DingTalk takes none for 10 minutes: let other senders use other robots",
	"410100": "more messages than DingTalk takes, so it takes none for a while: let other senders use other robots",
	"460101": "the message is longer than DingTalk takes: set REPORT_URL and CONSOLE_URL to shorter addresses",
	"430101": "DingTalk holds a link for unsafe: leave REPORT_URL and CONSOLE_URL away",
	"430102": "DingTalk holds the words for improper: look at the names of the matrices",
	"430103": "DingTalk holds a picture for improper: look at the names of the matrices",
	"430104": "DingTalk holds the content for improper: look at the names of the matrices",
}

// verdict goes by errcode; the HTTP status is 200 whatever happened, and the
// wording of errmsg has changed before.
func (s dingtalkService) verdict(status int, header http.Header, body []byte) *Error {
	e := numberError("errcode", dingtalkAdvice, status, header, body)
	if e != nil && e.Code == "-1" {
		e.Temporary = true
	}
	if e != nil && strings.HasPrefix(e.Code, "43010") {
		e.OtherForm = true
	}
	return e
}
