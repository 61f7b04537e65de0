package chat

import (
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

// A dingtalkRobot is the robot of a group.
type dingtalkRobot struct {
	secret  config.Secret // empty for a robot that does not verify signatures
	mobiles []string      // phone numbers mentioned if something is critical
}

var (
	dingtalkPerson = pattern(`^\+?[0-9][0-9-]{4,}$`) // a phone number
	dingtalkToken  = pattern(`^[0-9A-Za-z]{16,}$`)
)

func loadDingTalk(env *config.Env) Channel {
	robot := dingtalkRobot{secret: env.Secret("DINGTALK_SECRET"), mobiles: env.List("DINGTALK_AT_MOBILES")}
	if slices.ContainsFunc(robot.mobiles, func(m string) bool { return !dingtalkPerson.MatchString(m) }) {
		env.For(config.Mention).RefuseSecret("DINGTALK_AT_MOBILES", "a list of phone numbers such as 13800138000,+852-12345678")
		robot.mobiles = nil
	}
	return Channel{
		// A token alone is one of the Chinese service. Robots of the international
		// one need the URL, at oapi.dingtalk.io.
		url:        webhookURL(env, "DINGTALK_WEBHOOK_URL", "https://oapi.dingtalk.com/robot/send?access_token=", "…", dingtalkToken),
		isPerson:   dingtalkPerson.MatchString,
		idempotent: true, // DingTalk shows a msgUuid once
		formats:    []format{robot.body, robot.bareBody},
		sign:       robot.sign,
		check:      checkNumber("errcode", dingtalkErrors), // the text of errmsg has changed before
	}
}

// DingTalk ignores a lone line feed, so lines end with two spaces.
var dingtalkMarkup = newMarkdown(escapeMarkdown, "  \n", dingtalkPerson.MatchString, func(id string) string { return "@" + id })

// bareBody returns the message without links, for a content filter that
// refuses these.
func (robot dingtalkRobot) bareBody(o outgoing) (body []byte, err error) {
	o.options.ConsoleURL, o.options.ReportURL = "", ""
	if o.draft, err = message.Compose("dingtalk", o.report, o.options); err != nil {
		return nil, err
	}
	o.id = messageID(o.id, "bare") // another id: it is not a repeat
	return robot.body(o)
}

func (robot dingtalkRobot) body(o outgoing) ([]byte, error) {
	return fitBody(o.draft, dingtalkBodyBytes, func(m message.Message) any {
		text, mobiles := dingtalkMarkup.text(m), append([]string{}, m.Mentions...) // the text has the mentions
		if m.Severity == report.Critical || m.Failed {
			for _, mobile := range robot.mobiles {
				if !slices.ContainsFunc(m.Mentions, func(id string) bool { return dingtalkNumber(id) == dingtalkNumber(mobile) }) {
					mobiles = append(mobiles, mobile)
				}
			}
			if more := mobiles[len(m.Mentions):]; len(more) > 0 {
				text += "\n\n@" + strings.Join(more, " @")
			}
		}
		body := dingtalkBody(dingtalkMarkup.escape(m.Title, true), text, mobiles)
		if o.id != "" {
			body["msgUuid"] = o.id
		}
		return body
	})
}

func dingtalkBody(title, text string, mobiles []string) object {
	return object{
		"msgtype":  "markdown",
		"markdown": object{"title": title, "text": text},
		"at":       object{"atMobiles": mobiles, "isAtAll": false},
	}
}

// dingtalkNumber returns the one form of a phone number that may be written with
// the prefix of China or hyphens.
func dingtalkNumber(mobile string) string {
	return strings.ReplaceAll(strings.TrimPrefix(mobile, "+86"), "-", "")
}

// sign adds the signature to the URL, if the robot verifies signatures.
func (robot dingtalkRobot) sign(p *posting, now time.Time) {
	if robot.secret == "" {
		return
	}
	stamp := strconv.FormatInt(now.UnixMilli(), 10)
	q := p.url.Query()
	q.Set("timestamp", stamp)
	q.Set("sign", dingtalkSignature(robot.secret, stamp))
	p.url.RawQuery = q.Encode()
}

// dingtalkSignature returns the signature of a time in milliseconds.
// https://open.dingtalk.com/document/robots/customize-robot-security-settings
func dingtalkSignature(secret config.Secret, stamp string) string {
	return signature(secret.Reveal(), stamp+"\n"+secret.Reveal())
}

var dingtalkErrors = errorTable{
	"-1":     {Advice: "DingTalk is busy: try again later if this persists", Temporary: true},
	"300001": {Advice: "the token does not exist: set the robot's full URL"},
	"300005": {Advice: "the token does not exist, or the group is external: set the full URL of a robot in an internal group"},
	"310000": {Advice: "keyword, signature, clock or IP list: set the keywords matrix, matrices and 矩阵, or compare the robot's secret with DINGTALK_SECRET"},
	"400013": {Advice: "the group was dissolved: create a robot in another one"},
	"400101": {Advice: "the token is missing: set the robot's full URL"},
	"400102": {Advice: "the robot is disabled: enable it in the group's settings"},
	"400106": {Advice: "the robot does not exist: create a new one"},
	"130101": {Advice: "more than 20 messages a minute, so DingTalk accepts none for 10 minutes: use a robot that no other sender uses"},
	"410100": {Advice: "rate limited, so DingTalk accepts none for a while: use a robot that no other sender uses"},
	"460101": {Advice: "the message is too long for DingTalk: set REPORT_URL and CONSOLE_URL to shorter URLs"},
	"430101": {Advice: "DingTalk considers a link unsafe: remove REPORT_URL and CONSOLE_URL", TryOtherFormat: true},
	"430102": {Advice: "DingTalk considers the text improper: check the names of the matrices", TryOtherFormat: true},
	"430103": {Advice: "DingTalk considers a picture improper: check the names of the matrices", TryOtherFormat: true},
	"430104": {Advice: "DingTalk considers the content improper: check the names of the matrices", TryOtherFormat: true},
}
