package chat

import (
	"net/http"
	"regexp"
	"slices"
	"testing"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
)

// discordChars is the limit of a message.
// https://docs.discord.com/developers/resources/webhook
const discordChars = 2000

type discordService struct{ target }

var discordToken = regexp.MustCompile(`^\d+/[\w-]+$`)

func loadDiscord(env *config.Env) service {
	const name, form = "DISCORD_WEBHOOK_URL", "https://discord.com/api/webhooks/…/…"
	u := webhookURL(env, name, form, discordToken, "https://discord.com/api/webhooks/")
	if u == nil {
		return nil
	}
	return discordService{target{u}}
}

// discordMarkup mentions nobody: the service has ids that MENTIONS cannot tell
// from phone numbers.
var discordMarkup = newMarkdown(escapeMarkdown, func(string) bool { return false }, nil)

func (s discordService) bodies(o outgoing) ([][]byte, error) {
	text := func(m message.Message) string { return markdownText(m, discordMarkup, "\n") }
	m, err := fitToLimit(o.draft, func(m message.Message) bool { return chars(text(m)) <= discordChars })
	if err != nil {
		return nil, err
	}
	body, err := encode(map[string]any{"content": text(m), "allowed_mentions": map[string]any{"parse": []string{}}})
	return [][]byte{body}, err
}

func (s discordService) checkResponse(status int, header http.Header, _ []byte) *Error {
	if status == http.StatusNoContent {
		return nil
	}
	return statusError(status, header)
}

// The example of a channel passes the conformance test.
func TestSampleChannel(t *testing.T) {
	builtIn := Kinds
	Kinds = append(slices.Clip(Kinds), Kind{"discord", loadDiscord})
	defer func() { Kinds = builtIn }()
	testConformance(t, "discord", responses{
		env: map[string]string{"DISCORD_WEBHOOK_URL": "https://discord.com/api/webhooks/1012345678901234567/" + token},
		ok:  response{204, ""},
		failures: []failure{
			{response{404, `{"message":"Unknown Webhook","code":10015}`}, "HTTP 404", 1},
			{response{400, `{"content":["Must be 2000 or fewer in length."]}`}, "HTTP 400", 1},
		},
	})
}
