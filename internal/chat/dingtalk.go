package chat

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// dingtalkBodyBytes is the limit of a body, a little below the 20,000 bytes
// beyond which DingTalk responds 460101.
// https://open.dingtalk.com/document/robots/custom-robot-access
const dingtalkBodyBytes = 19_500

type dingtalkService struct {
	target
	secret  config.Secret // empty for a robot that does not verify signatures
	mobiles []string      // phone numbers mentioned if something is critical
}

var (
	dingtalkPerson = regexp.MustCompile(`^\+?[0-9][0-9-]{4,}$`) // a phone number
	dingtalkToken  = regexp.MustCompile(`^[0-9A-Za-z]{16,}$`)
)

func loadDingTalk(env *config.Env) service {
	const name, form = "DINGTALK_WEBHOOK_URL", "https://oapi.dingtalk.com/robot/send?access_token=…"
	s := dingtalkService{secret: env.Secret("DINGTALK_SECRET"), mobiles: env.List("DINGTALK_AT_MOBILES")}
	for _, m := range s.mobiles {
		if !dingtalkPerson.MatchString(m) {
			env.For(config.Mention).RefuseSecret("DINGTALK_AT_MOBILES", "a list of phone numbers such as 13800138000,+852-12345678")
			s.mobiles = nil
			break
		}
	}
	// A token alone is one of the Chinese service. Robots of the international
	// one need the URL, at oapi.dingtalk.io.
	s.url = webhookURL(env, name, form, dingtalkToken, "https://oapi.dingtalk.com/robot/send?access_token=")
	if s.url == nil {
		return nil
	}
	if s.url.Query().Get("access_token") == "" {
		env.RefuseSecret(name, "an address of the form "+form)
		return nil
	}
	return s
}

var dingtalkMarkup = newMarkdown(escapeMarkdown, dingtalkPerson.MatchString, func(id string) string { return "@" + id })

func (s dingtalkService) isPerson(id string) bool { return dingtalkPerson.MatchString(id) }

// DingTalk shows a msgUuid once.
func (s dingtalkService) idempotent() bool { return true }

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

// bodies returns the message and, for a content filter that refuses it, the
// message without links and bar.
func (s dingtalkService) bodies(o outgoing) ([][]byte, error) {
	body, err := s.body(o.draft, o.id)
	if err != nil {
		return nil, err
	}
	o.options.ConsoleURL, o.options.ReportURL, o.options.NoBar = "", "", true
	d, err := message.Compose("dingtalk", o.report, o.options)
	if err != nil {
		return nil, err
	}
	bare, err := s.body(d, messageID(o.id, "bare")) // another id: it is not a repeat
	return [][]byte{body, bare}, err
}

func (s dingtalkService) body(d *message.Draft, id string) ([]byte, error) {
	return fitBytes(d, dingtalkBodyBytes, func(m message.Message) any {
		b := newDingTalkBody(dingtalkMarkup.title(m.Title), dingtalkText(m))
		b.MsgUUID = id
		b.At.Mobiles = append(b.At.Mobiles, m.Mentions...) // the text has them
		if m.Severity == report.Critical || m.Failed {
			more := slices.DeleteFunc(slices.Clone(s.mobiles), func(mobile string) bool {
				return slices.ContainsFunc(m.Mentions, func(id string) bool { return dingtalkNumber(id) == dingtalkNumber(mobile) })
			})
			if len(more) > 0 {
				b.At.Mobiles = append(b.At.Mobiles, more...)
				b.Markdown.Text += "\n\n@" + strings.Join(more, " @")
			}
		}
		return b
	})
}

func newDingTalkBody(title, text string) dingtalkBody {
	var b dingtalkBody
	b.MsgType, b.Markdown.Title, b.Markdown.Text, b.At.Mobiles = "markdown", title, text, []string{}
	return b
}

// dingtalkText ends lines with two spaces, as DingTalk ignores a lone line feed.
func dingtalkText(m message.Message) string { return markdownText(m, dingtalkMarkup, "  \n") }

// dingtalkNumber returns the one form of a phone number that may be written with
// the prefix of China or hyphens.
func dingtalkNumber(mobile string) string {
	return strings.ReplaceAll(strings.TrimPrefix(mobile, "+86"), "-", "")
}

// request signs the URL, if the robot verifies signatures.
func (s dingtalkService) request(ctx context.Context, _ string, body []byte, now time.Time) (*http.Request, error) {
	u := *s.url
	if s.secret != "" {
		stamp := strconv.FormatInt(now.UnixMilli(), 10)
		q := u.Query()
		q.Set("timestamp", stamp)
		q.Set("sign", dingtalkSignature(s.secret.Reveal(), stamp))
		u.RawQuery = q.Encode()
	}
	return post(ctx, &u, body)
}

// dingtalkSignature returns the signature of a time in milliseconds.
// https://open.dingtalk.com/document/robots/customize-robot-security-settings
func dingtalkSignature(secret, stamp string) string {
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte(stamp + "\n" + secret))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

var dingtalkAdvice = advice{
	"-1":     "DingTalk is busy: try again later if this persists",
	"300001": "the token does not exist: set the robot's full URL",
	"300005": "the token does not exist, or the group is external: set the full URL of a robot in an internal group",
	"310000": "keyword, signature, clock or IP list: set the keywords matrix, matrices and 矩阵, or compare the robot's secret with DINGTALK_SECRET",
	"400013": "the group was dissolved: create a robot in another one",
	"400101": "the token is missing: set the robot's full URL",
	"400102": "the robot is disabled: enable it in the group's settings",
	"400106": "the robot does not exist: create a new one",
	"130101": "more than 20 messages a minute, so DingTalk accepts none for 10 minutes: use a robot that no other sender uses",
	"410100": "rate limited, so DingTalk accepts none for a while: use a robot that no other sender uses",
	"460101": "the message is too long for DingTalk: set REPORT_URL and CONSOLE_URL to shorter URLs",
	"430101": "DingTalk considers a link unsafe: remove REPORT_URL and CONSOLE_URL",
	"430102": "DingTalk considers the text improper: check the names of the matrices",
	"430103": "DingTalk considers a picture improper: check the names of the matrices",
	"430104": "DingTalk considers the content improper: check the names of the matrices",
}

// checkResponse goes by errcode: the HTTP status is always 200, and the text of
// errmsg has changed before.
func (s dingtalkService) checkResponse(status int, header http.Header, body []byte) *Error {
	e := codeError("errcode", dingtalkAdvice, status, header, body)
	if e != nil && e.Code == "-1" {
		e.Temporary = true
	}
	if e != nil && strings.HasPrefix(e.Code, "43010") {
		e.TryOtherFormat = true
	}
	return e
}
