package chat

import (
	"strings"

	"matrix-expiry-report/internal/config"
)

// wecomContentBytes is the limit of the text in UTF-8, below the 4,096 bytes
// beyond which WeCom responds 40058.
// https://developer.work.weixin.qq.com/document/path/91770
const wecomContentBytes = 4000

var (
	wecomKey    = pattern(`^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	wecomPerson = pattern(`^[A-Za-z][\w.@-]*$`)
)

func loadWeCom(env *config.Env) Channel {
	return Channel{
		url:      webhookURL(env, "WECOM_WEBHOOK_URL", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=", "…", wecomKey),
		isPerson: isWeComPerson,
		formats:  []format{wecomBody},
		check:    checkNumber("errcode", wecomErrors),
	}
}

var wecomMarkup = newWeComMarkup()

// newWeComMarkup returns the markdown of version 1, which has colours and mentions,
// but no lists.
func newWeComMarkup() markup {
	m := newMarkdown(escapeMarkdown, "\n", isWeComPerson, func(id string) string { return "<@" + id + ">" })
	m.urgent = func(heading string) string { return `<font color="warning">` + heading + "</font>" }
	m.lead, m.rows, m.row = "\n", "\n• ", "\n• " // an empty line is shown as one
	return m
}

// isWeComPerson also excludes the ids of other services, as an id of WeCom may
// look like one.
func isWeComPerson(id string) bool {
	return wecomPerson.MatchString(id) && !slackPerson.MatchString(id) && !strings.HasPrefix(id, "ou_")
}

func wecomBody(o outgoing) ([]byte, error) {
	text, err := fitText(o.draft, wecomContentBytes, func(s string) int { return len(s) }, wecomMarkup)
	if err != nil {
		return nil, err
	}
	return encode(object{"msgtype": "markdown", "markdown": object{"content": text}})
}

var wecomErrors = errorTable{
	"-1":    {Advice: "WeCom is busy: try again later if this persists", Temporary: true},
	"40058": {Advice: "the message is too long for WeCom: set REPORT_URL and CONSOLE_URL to shorter URLs"},
	"45009": {Advice: "more than 20 messages a minute: use a robot that no other sender uses"},
	"93000": {Advice: "the robot does not exist or was removed from its group: set a robot's full URL"},
}
