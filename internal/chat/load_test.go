package chat

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/config"
)

// Load accepts a full URL, one without its scheme and a token alone, and explains
// what it refuses.
func TestLoad(t *testing.T) {
	t.Parallel()
	const uuid = "693a91f6-7xxx-4bc4-97a0-0ec2sifa5aaa"
	const key = "693a91f6-7abc-4bc4-97a0-0ec2f1fa5aaa"
	for _, tt := range []struct {
		name, value string
		want        string // the URL posted to, or the start of the error
	}{
		{"SLACK_WEBHOOK_URL", "T0Zq8Xk1L/B0Vw3Yt7R/" + token, "https://hooks.slack.com/services/T0Zq8Xk1L/B0Vw3Yt7R/" + token},
		{"SLACK_WEBHOOK_URL", "hooks.slack-gov.com/services/T0/B0/" + token, "https://hooks.slack-gov.com/services/T0/B0/" + token},
		{"SLACK_WEBHOOK_URL", "https://chat.example/hooks/" + token, "https://chat.example/hooks/" + token},
		{"SLACK_WEBHOOK_URL", "https://hooks.slack.com/triggers/T0/1/" + token, "SLACK_WEBHOOK_URL: is not an incoming webhook but one of Workflow Builder"},
		{"SLACK_WEBHOOK_URL", "https://hooks.slack.com/" + token, "SLACK_WEBHOOK_URL: is not an address of the form"},
		{"SLACK_WEBHOOK_URL", "http://chat.example/hooks/" + token, "SLACK_WEBHOOK_URL: is not an address of the form"},
		{"SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/", "SLACK_WEBHOOK_URL: is not an address of the form"},
		{"SLACK_WEBHOOK_URL", "https://hooks.slack.com", "SLACK_WEBHOOK_URL: is not an address of the form"},
		{"SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0", "SLACK_WEBHOOK_URL: is not an address of the form"},
		{"SLACK_WEBHOOK_URL", "https://chat.example/", "SLACK_WEBHOOK_URL: is not an address of the form"},
		{"SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/" + token + ",https://hooks.slack.com/services/T0/B1/" + token, "SLACK_WEBHOOK_URL: has several addresses"},
		{"SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T0/B0/" + token + "\nhttps://hooks.slack.com/services/T0/B1/" + token, "SLACK_WEBHOOK_URL: has several addresses"},
		{"SLACK_WEBHOOK_URL", "T0/B0/" + token + ",T0/B1/" + token, "SLACK_WEBHOOK_URL: is not an address of the form"},
		{"SLACK_WEBHOOK_URL", "hooks.slack.com/services/T0/B0/" + token + ",hooks.slack.com/services/T0/B1/" + token, "SLACK_WEBHOOK_URL: is not an address of the form"},
		{"SLACK_WEBHOOK_URL", "\ufeff\"https://hooks.slack.com/services/T0/B0/" + token + "\"\r", "https://hooks.slack.com/services/T0/B0/" + token},
		{"SLACK_WEBHOOK_URL", token, "SLACK_WEBHOOK_URL: is not an address of the form"},
		{"SLACK_WEBHOOK_URL", "https://hooks.slack.com/services/T…/B…/…", "SLACK_WEBHOOK_URL: is still the placeholder"},
		{"DINGTALK_WEBHOOK_URL", token, "https://oapi.dingtalk.com/robot/send?access_token=" + token},
		{"DINGTALK_WEBHOOK_URL", "https://oapi.dingtalk.io/robot/send?access_token=" + token, "https://oapi.dingtalk.io/robot/send?access_token=" + token},
		{"DINGTALK_WEBHOOK_URL", "oapi.dingtalk.io/robot/send?access_token=" + token, "https://oapi.dingtalk.io/robot/send?access_token=" + token},
		{"DINGTALK_WEBHOOK_URL", "https://oapi.dingtalk.com/robot/send?token=" + token, "DINGTALK_WEBHOOK_URL: is not an address of the form"},
		{"FEISHU_WEBHOOK_URL", uuid, "https://open.feishu.cn/open-apis/bot/v2/hook/" + uuid},
		{"FEISHU_WEBHOOK_URL", "https://open.larksuite.com/open-apis/bot/v2/hook/" + uuid, "https://open.larksuite.com/open-apis/bot/v2/hook/" + uuid},
		{"FEISHU_WEBHOOK_URL", "https://www.feishu.cn/flow/api/trigger-webhook/" + token, "FEISHU_WEBHOOK_URL: is not the address of a custom bot"},
		{"WECOM_WEBHOOK_URL", key, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + key},
		{"WECOM_WEBHOOK_URL", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + key, "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=" + key},
		{"WECOM_WEBHOOK_URL", "https://qyapi.weixin.qq.com/cgi-bin/webhook/send", "WECOM_WEBHOOK_URL: is not an address of the form"},
		{"TEAMS_WEBHOOK_URL", "https://x.webhook.office.com/webhookb2/" + token, "TEAMS_WEBHOOK_URL: is not the address of a flow but that of a connector, which Microsoft has retired"},
		{"TEAMS_WEBHOOK_URL", "https://x.webhook.office.com.example/" + token, "https://x.webhook.office.com.example/" + token},
		{"WEBHOOK_URL", "http://ops.example/" + token, "WEBHOOK_URL: is not an address of the form"},
	} {
		env := config.NewEnv(func(name string) string { return map[string]string{tt.name: tt.value}[name] })
		channels := Load(env)
		if err := env.Err(); err != nil {
			if !strings.HasPrefix(err.Error(), tt.want) || strings.Contains(err.Error(), token[:6]) || len(channels) > 0 {
				t.Errorf("%s=%s: got the error %v and %d channels, want %s", tt.name, tt.value, err, len(channels), tt.want)
			}
			continue
		}
		if len(channels) != 1 {
			t.Errorf("%s=%s: got %d channels", tt.name, tt.value, len(channels))
			continue
		}
		req, err := channels[0].request(t.Context(), "id", []byte("{}"), time.Now())
		if err != nil || req.URL.String() != tt.want {
			t.Errorf("%s=%s: posts to %v (%v), want %s", tt.name, tt.value, req.URL, err, tt.want)
		}
	}
	env := config.NewEnv(func(name string) string {
		return map[string]string{"WEBHOOK_URL": "https://ops.example/x", "WEBHOOK_SECRET": "whsec_???"}[name]
	})
	if Load(env); fmt.Sprint(env.Err()) != "WEBHOOK_SECRET: is not whsec_ and a key in base64, or any other text" {
		t.Errorf("whsec_ without base64: %v", env.Err())
	}
}

// An invalid setting disables its channel, and a wrong number no more than the
// mentions.
func TestMistakesDisableTheirChannel(t *testing.T) {
	t.Parallel()
	values := map[string]string{
		"SLACK_WEBHOOK_URL": "https://hooks.slack.com/", "DINGTALK_WEBHOOK_URL": token, "DINGTALK_AT_MOBILES": "someone", "FEISHU_LANGUAGE": "xx", "WEBHOOK_URL": "x",
	}
	env := config.NewEnv(func(name string) string { return values[name] })
	channels := Load(env)
	got := ""
	for _, m := range env.Mistakes() {
		name, _, _ := strings.Cut(m.Err.Error(), ":")
		got += name + ": " + m.Effect() + "\n"
	}
	want := "SLACK_WEBHOOK_URL: the channel slack is off until then\nDINGTALK_AT_MOBILES: this mention is off until then\n" +
		"FEISHU_LANGUAGE: the default is used until then\nWEBHOOK_URL: the channel webhook is off until then\n"
	if got != want || len(channels) != 1 || channels[0].Name() != "dingtalk" {
		t.Errorf("got %d channels and\n%s\nwant dingtalk and\n%s", len(channels), got, want)
	}
}

// A channel whose secret is invalid is off, as its mistake says: without the
// secret, its messages would be unsigned.
func TestLoadWithPlaceholderAsSecret(t *testing.T) {
	t.Parallel()
	vars := map[string]string{"DINGTALK_WEBHOOK_URL": token, "DINGTALK_SECRET": "SEC…", "WECOM_WEBHOOK_URL": "693a91f6-7abc-4bc4-97a0-0ec2f1fa5aaa"}
	env := config.NewEnv(func(name string) string { return vars[name] })
	channels := Load(env)
	if err := env.Err(); err == nil || err.Error() != "DINGTALK_SECRET: is still the placeholder" {
		t.Errorf("got the error %v", err)
	}
	if len(channels) != 1 || channels[0].Name() != "wecom" {
		t.Errorf("got %d channels, want only wecom", len(channels))
	}
}
