package chat

import (
	"net/http"
	"slices"
	"testing"

	"matrix-expiry-report/internal/config"
)

// discordChars is the limit of a message.
// https://docs.discord.com/developers/resources/webhook
const discordChars = 2000

var discordToken = pattern(`^\d+/[\w-]+$`)

// A Discord channel has no mentions: Discord's numeric user ids look like phone
// numbers in MENTIONS.
func loadDiscord(env *config.Env) Channel {
	return Channel{
		url:      webhookURL(env, "DISCORD_WEBHOOK_URL", "https://discord.com/api/webhooks/", "…/…", discordToken),
		isPerson: noPerson,
		formats:  []format{discordBody},
		check:    checkDiscord,
	}
}

var discordMarkup = newMarkdown(escapeMarkdown, "\n", noPerson, nil)

func discordBody(o outgoing) ([]byte, error) {
	text, err := fitText(o.draft, discordChars, chars, discordMarkup)
	if err != nil {
		return nil, err
	}
	return encode(object{"content": text, "allowed_mentions": object{"parse": []string{}}})
}

func checkDiscord(res *http.Response, _ []byte) *Error {
	if res.StatusCode == http.StatusNoContent {
		return nil
	}
	return statusError(res)
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
