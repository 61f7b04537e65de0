package chat

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/report"
	"matrix-expiry-report/templates"
)

// dingtalkBodyBytes is what a body may have, a little below the 20,000 bytes
// at which DingTalk answers 460101.
const dingtalkBodyBytes = 19_500

type dingtalkService struct {
	webhook *url.URL
	secret  config.Secret // empty for a robot without signatures
	mobiles []string      // mentioned when something is critical
}

var mobile = regexp.MustCompile(`^\+?[0-9][0-9-]{4,19}$`)

func loadDingTalk(env *config.Env) service {
	const name, form = "DINGTALK_WEBHOOK_URL", "https://oapi.dingtalk.com/robot/send?access_token=…"
	s := dingtalkService{secret: env.Secret("DINGTALK_SECRET"), mobiles: env.List("DINGTALK_AT_MOBILES")}
	for _, m := range s.mobiles {
		if !mobile.MatchString(m) {
			env.RefuseSecret("DINGTALK_AT_MOBILES", "a list of phone numbers such as 13800138000,+852-12345678")
			break
		}
	}
	if s.webhook = env.SecretURL(name, form); s.webhook == nil {
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

type dingtalkBody struct {
	MsgType  string `json:"msgtype"`
	MsgUUID  string `json:"msgUuid"`
	Markdown struct {
		Title string `json:"title"`
		Text  string `json:"text"`
	} `json:"markdown"`
	At struct {
		Mobiles []string `json:"atMobiles"`
		All     bool     `json:"isAtAll"`
	} `json:"at"`
}

func (s dingtalkService) bodies(d *templates.Draft, id string) ([][]byte, error) {
	put := func(m templates.Message) ([]byte, error) {
		b := dingtalkBody{MsgType: "markdown", MsgUUID: id}
		b.Markdown.Title, b.Markdown.Text = m.Title, dingtalkText(m)
		b.At.Mobiles = append([]string{}, m.Mentions...) // the message calls them already
		if len(s.mobiles) > 0 && (m.Severity == report.Critical || m.Failed) {
			b.At.Mobiles = append(b.At.Mobiles, s.mobiles...)
			b.Markdown.Text += "\n\n@" + strings.Join(s.mobiles, " @")
		}
		return encode(b)
	}
	m, err := d.Fit(func(m templates.Message) bool {
		b, err := put(m)
		return err == nil && len(b) <= dingtalkBodyBytes
	})
	if err != nil {
		return nil, err
	}
	body, err := put(m)
	return [][]byte{body}, err
}

// dingtalkText uses what DingTalk documents and phones show: headings, bold,
// lists, quotes and links; a line ends with two spaces.
func dingtalkText(m templates.Message) string {
	var b strings.Builder
	b.WriteString("### " + m.Title + "\n\n")
	b.WriteString(strings.Join(m.Lead, "  \n"))
	for _, g := range m.Groups {
		b.WriteString("\n\n**" + g.Heading + "**\n")
		for _, row := range g.Rows {
			b.WriteString("\n- " + row)
		}
	}
	if m.More != "" {
		b.WriteString("\n\n" + m.More)
	}
	if m.Foot != "" {
		b.WriteString("\n\n> " + m.Foot)
	}
	return b.String()
}

// request signs, if the robot wants it: HMAC-SHA256 over the time in
// milliseconds and the secret.
// https://open.dingtalk.com/document/robots/customize-robot-security-settings
func (s dingtalkService) request(ctx context.Context, body []byte, now time.Time) (*http.Request, error) {
	u := *s.webhook
	if s.secret != "" {
		stamp := strconv.FormatInt(now.UnixMilli(), 10)
		mac := hmac.New(sha256.New, []byte(s.secret.Reveal()))
		mac.Write([]byte(stamp + "\n" + s.secret.Reveal()))
		q := u.Query()
		q.Set("timestamp", stamp)
		q.Set("sign", base64.StdEncoding.EncodeToString(mac.Sum(nil)))
		u.RawQuery = q.Encode()
	}
	return http.NewRequestWithContext(ctx, http.MethodPost, u.String(), bytes.NewReader(body))
}

var dingtalkAdvice = advice{
	"310000": "keyword, signature, clock or IP list: compare the robot's security settings with DINGTALK_SECRET",
	"300001": "the token does not exist: set the robot's whole address",
	"300005": "the token does not exist: set the robot's whole address",
	"400101": "the token is missing: set the robot's whole address",
	"400013": "the group was dissolved: make a robot in another",
	"400102": "the robot was stopped: start it in the group's settings",
	"400106": "the robot does not exist any more: make a new one",
	"130101": "more than 20 messages a minute: DingTalk takes none for 10 minutes",
	"410100": "more messages than DingTalk takes: it takes none for a while",
	"460101": "the message is longer than DingTalk takes",
	"430101": "DingTalk holds a link in the message for unsafe",
	"430102": "DingTalk holds the message for improper",
	"-1":     "DingTalk is busy",
}

// verdict goes by errcode; the HTTP status is 200 whatever happened.
func (s dingtalkService) verdict(status int, header http.Header, body []byte) *Error {
	var said struct {
		Code *json.Number `json:"errcode"`
	}
	if status != http.StatusOK {
		return statusError(status, header)
	}
	if json.Unmarshal(body, &said) != nil || said.Code == nil {
		return &Error{Code: "HTTP 200 without errcode", Advice: "not an answer of DingTalk: check the webhook's address"}
	}
	code := said.Code.String()
	if code == "0" {
		return nil
	}
	return &Error{Code: code, Advice: dingtalkAdvice[code], Temporary: code == "-1"}
}
