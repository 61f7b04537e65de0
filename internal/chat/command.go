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

// A Command answers people who ask from within a chat service.
type Command struct {
	service  string // whose format it answers in
	path     string
	language string // empty for that of the settings
	words    func(header http.Header, body []byte, now time.Time) (string, error)
	reply    func(letter) ([]byte, error)
	say      func(text string) any
}

// LoadCommands reads which services may send what people type; mistakes are
// left in env. To add a service, add a line.
func LoadCommands(env *config.Env) []*Command {
	var commands []*Command
	add := func(setting, language string, make func(secret config.Secret) Command) {
		if secret := env.Secret(setting); secret != "" {
			c := make(secret)
			c.language = env.OneOf(language, "", locale.Languages()...)
			commands = append(commands, &c)
		}
	}
	add("SLACK_SIGNING_SECRET", "SLACK_LANGUAGE", slackCommand)
	add("DINGTALK_APP_SECRET", "DINGTALK_LANGUAGE", dingtalkCommand)
	return commands
}

func (c *Command) Path() string { return c.path }

func (c *Command) Text(header http.Header, body []byte, now time.Time) (words, language string, err error) {
	words, err = c.words(header, body, now)
	return words, c.language, err
}

func (c *Command) Reply(r report.Report, o message.Options) ([]byte, error) {
	o.Mentions = nil // whoever asks calls nobody else
	d, err := message.Compose(c.service, r, o)
	if err != nil {
		return nil, err
	}
	return c.reply(letter{report: r, options: o, draft: d})
}

func (c *Command) ReplyText(text string) ([]byte, error) { return encode(c.say(text)) }

var errForged = errors.New("the signature is not that of the service: compare the secret, and the clock")

// slackCommand answers a slash command, to whoever typed it and nobody else.
// https://docs.slack.dev/interactivity/implementing-slash-commands
func slackCommand(secret config.Secret) Command {
	return Command{
		service: "slack", path: "/slack/command",
		words: func(header http.Header, body []byte, _ time.Time) (string, error) {
			v, err := slack.NewSecretsVerifier(header, secret.Reveal()) // refuses what is older than five minutes
			if err != nil {
				return "", errForged
			}
			if _, err := v.Write(body); err != nil || v.Ensure() != nil {
				return "", errForged
			}
			form, err := url.ParseQuery(string(body))
			if err != nil {
				return "", errors.New("the body is no form")
			}
			return form.Get("text"), nil
		},
		reply: func(l letter) ([]byte, error) {
			bodies, err := slackService{}.bodies(l)
			if err != nil {
				return nil, err
			}
			var message map[string]any
			if err := json.Unmarshal(bodies[0], &message); err != nil {
				return nil, err
			}
			message["response_type"] = slack.ResponseTypeEphemeral
			return encode(message)
		},
		say: func(text string) any {
			return map[string]string{"response_type": slack.ResponseTypeEphemeral, "text": mrkdwn(text, slackEscapes)}
		},
	}
}

// dingtalkAge is how old a message may be that DingTalk hands on.
const dingtalkAge = time.Hour

// dingtalkCommand answers those who mention a group's robot that hands messages
// on. Their signature is that of its own messages.
// https://open.dingtalk.com/document/robots/enterprise-created-chatbot
func dingtalkCommand(secret config.Secret) Command {
	answer := func(title, text string) any {
		var b dingtalkBody
		b.MsgType, b.Markdown.Title, b.Markdown.Text, b.At.Mobiles = "markdown", title, text, []string{}
		return b
	}
	return Command{
		service: "dingtalk", path: "/dingtalk/command",
		words: func(header http.Header, body []byte, now time.Time) (string, error) {
			stamp := header.Get("timestamp")
			ms, err := strconv.ParseInt(stamp, 10, 64)
			if err != nil || now.Sub(time.UnixMilli(ms)).Abs() > dingtalkAge ||
				!hmac.Equal([]byte(header.Get("sign")), []byte(dingtalkSignature(secret.Reveal(), stamp))) {
				return "", errForged
			}
			var message struct {
				Text struct {
					Content string `json:"content"`
				} `json:"text"`
			}
			if err := json.Unmarshal(body, &message); err != nil {
				return "", errors.New("the body is not the JSON of a message")
			}
			return message.Text.Content, nil
		},
		reply: func(l letter) ([]byte, error) {
			return fitBytes(l.draft, dingtalkBodyBytes, func(m message.Message) any { return answer(m.Title, markdown(m, "  \n")) })
		},
		say: func(text string) any { return answer(cut(text, 20), message.Inert("dingtalk", text)) },
	}
}
