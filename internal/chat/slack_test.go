package chat

import (
	"encoding/json"
	"regexp"
	"strings"
	"testing"

	"matrix-expiry-report/internal/locale"
)

// If Slack refuses blocks, the channel posts text with the same rows.
func TestSlackFallsBackToText(t *testing.T) {
	bodies, err := sent(t, "slack", services["slack"].env, badDay(3), linked, response{400, "invalid_blocks"}, response{200, "ok"})
	if err != nil || len(bodies) != 2 || !strings.Contains(bodies[0], `"blocks"`) || strings.Contains(bodies[1], `"blocks"`) || !strings.Contains(bodies[1], "cpn-") {
		t.Errorf("got %v and %q", err, bodies)
	}
}

// Compatible services get text, and may respond with JSON.
func TestSlackCompatibleServices(t *testing.T) {
	env := map[string]string{"SLACK_WEBHOOK_URL": "https://chat.example/hooks/" + token}
	for _, body := range []string{"ok", `{"success":true}`} {
		bodies, err := sent(t, "slack", env, badDay(3), linked, response{200, body})
		if err != nil || len(bodies) != 1 || strings.Contains(bodies[0], `"blocks"`) || !strings.Contains(bodies[0], "<"+console+"|Renew>") {
			t.Errorf("%s: got %v and %q", body, err, bodies)
		}
	}
	if _, err := sent(t, "slack", env, badDay(3), linked, response{200, `{"success":false,"error":"x"}`}); err == nil {
		t.Error("a failure with status 200 counts as delivered")
	}
	if _, err := sent(t, "slack", services["slack"].env, badDay(3), linked, response{200, `{"success":true}`}); err == nil {
		t.Error("Slack responds ok and nothing else")
	}
}

// An underscore within a word is not markup.
func TestSlackKeepsUnderscoresWithinWords(t *testing.T) {
	for in, want := range map[string]string{
		"prod_hz_03": "prod_hz_03", "_x_": "ˍxˍ", "a_b _c": "a_b ˍc", "测_试": "测_试", "> a": "＞ a", "a > b & <c>": "a &gt; b &amp; &lt;c&gt;",
	} {
		if got := slackMarkup.escape(in, true); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// The text of a notification has no markup, link or mention, and begins with the
// title. Its entities are Slack's escapes.
func TestSlackNotificationIsPlain(t *testing.T) {
	markup := regexp.MustCompile("[<>*`~]|://|[UWS]012AB3CD|·$")
	for file, archive := range scenarioFiles(t) {
		r, o := parseScenario(t, archive).report(t)
		o.ReportURL, o.Mentions = console, map[string][]string{"team-a": {"U012AB3CD"}, "team-b": {"S012AB3CD"}, "": {"W012AB3CD"}}
		for _, o.Language = range locale.Languages() {
			m := post(t, "slack", r, o)
			var body struct{ Text string }
			if err := json.Unmarshal(m.Body, &body); err != nil {
				t.Fatal(err)
			}
			title, _, _ := strings.Cut(body.Text, "\n")
			if found := markup.FindString(body.Text); found != "" || title != m.Title && title != slackMarkup.escape(m.Title, true) {
				t.Errorf("%s, %s: %q in the text %q", scenarioName(file), o.Language, found, body.Text)
			}
		}
	}
}
