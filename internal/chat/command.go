package chat

import (
	"crypto/hmac"
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"github.com/slack-go/slack"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A Command receives what people type in a chat service, and replies.
type Command struct {
	service   string // of the channel whose template replies are rendered with
	path      string
	language  string                 // empty for that of the settings
	isProbe   func(body []byte) bool // nil if the service signs every request
	text      func(header http.Header, body []byte, now time.Time) (string, error)
	reply     format
	replyText func(text string) any
}

// LoadCommands returns the services from which commands are accepted. Invalid
// settings are left in env. To add a service, add a line.
func LoadCommands(env *config.Env) []*Command {
	var commands []*Command
	add := func(setting, language string, newCommand func(secret config.Secret) Command) {
		if secret := env.For(config.Commands).Secret(setting); secret != "" {
			c := newCommand(secret)
			c.language = env.OneOf(language, "", locale.Languages()...)
			commands = append(commands, &c)
		}
	}
	add("SLACK_SIGNING_SECRET", "SLACK_LANGUAGE", slackCommand)
	add("DINGTALK_APP_SECRET", "DINGTALK_LANGUAGE", dingtalkCommand)
	return commands
}

// Path returns the path that the service posts to.
func (c *Command) Path() string { return c.path }

// IsProbe reports whether the service only checks the address, without a
// signature.
func (c *Command) IsProbe(body []byte) bool { return c.isProbe != nil && c.isProbe(body) }

// Text returns what was typed, and the language of the channel, if it has one.
// It returns an error unless the service signed the request.
func (c *Command) Text(header http.Header, body []byte, now time.Time) (text, language string, err error) {
	text, err = c.text(header, body, now)
	return text, c.language, err
}

// Reply returns the response with r, without mentions.
func (c *Command) Reply(r report.Report, o message.Options) ([]byte, error) {
	o.Mentions = nil
	d, err := message.Compose(c.service, r, o)
	if err != nil {
		return nil, err
	}
	return c.reply(outgoing{report: r, options: o, draft: d})
}

// ReplyText returns the response with a line of text.
func (c *Command) ReplyText(text string) ([]byte, error) { return encode(c.replyText(text)) }

var errForged = errors.New("the signature does not match: check the secret and the clock")

// slackCommand returns the slash command. Its replies are visible only to the
// person who typed it.
// https://docs.slack.dev/interactivity/implementing-slash-commands
func slackCommand(secret config.Secret) Command {
	return Command{
		service: "slack", path: "/slack/command",
		isProbe: func(body []byte) bool {
			form, err := url.ParseQuery(string(body))
			return err == nil && form.Get("ssl_check") == "1"
		},
		text: func(header http.Header, body []byte, _ time.Time) (string, error) {
			v, err := slack.NewSecretsVerifier(header, secret.Reveal()) // refuses a request older than five minutes
			if err != nil {
				return "", errForged
			}
			if _, err := v.Write(body); err != nil || v.Ensure() != nil {
				return "", errForged
			}
			form, err := url.ParseQuery(string(body))
			if err != nil {
				return "", errors.New("the body is not form-encoded")
			}
			return form.Get("text"), nil
		},
		reply: slackBlockBody,
		replyText: func(text string) any {
			return object{"response_type": slack.ResponseTypeEphemeral, "text": slackMarkup.escape(message.Clean(text), true)}
		},
	}
}

// dingtalkAge is the maximum age of a message that DingTalk forwards.
const dingtalkAge = time.Hour

// dingtalkCommand returns the command of people who mention a robot of a group.
// DingTalk signs the messages that it forwards as the robot signs its own.
// https://open.dingtalk.com/document/robots/enterprise-created-chatbot
func dingtalkCommand(secret config.Secret) Command {
	return Command{
		service: "dingtalk", path: "/dingtalk/command",
		text: func(header http.Header, body []byte, now time.Time) (string, error) {
			stamp := header.Get("timestamp")
			ms, err := strconv.ParseInt(stamp, 10, 64)
			if err != nil || now.Sub(time.UnixMilli(ms)).Abs() > dingtalkAge ||
				!hmac.Equal([]byte(header.Get("sign")), []byte(dingtalkSignature(secret, stamp))) {
				return "", errForged
			}
			var typed struct {
				MsgType string `json:"msgtype"`
				Text    struct {
					Content string `json:"content"`
				} `json:"text"`
			}
			if err := json.Unmarshal(body, &typed); err != nil {
				return "", errors.New("the body is not the JSON of a message")
			}
			if typed.MsgType != "" && typed.MsgType != "text" { // a picture, rich text, …
				return "help", nil
			}
			return typed.Text.Content, nil
		},
		reply: dingtalkRobot{}.body,
		replyText: func(text string) any {
			text = dingtalkMarkup.escape(message.Clean(text), true)
			return dingtalkBody(truncate(text, 20), text, []string{})
		},
	}
}
