package chat

import (
	"maps"
	"slices"
	"strings"
	"testing"

	"matrix-expiry-report/internal/config"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// Owners of critical findings are mentioned by their ids of each service, which
// differ in form.
func TestMentionsByIDOfService(t *testing.T) {
	r := badDay(4)
	for i := range r.Findings {
		r.Findings[i].Tags = map[string]string{"owner": "team-a"}
	}
	o := message.Options{Language: "en", OwnerTag: "owner", Mentions: map[string][]string{
		"team-a": {"U012AB3CD", "S0614TZR7", "13800138000", "ou_84aad35d084aa403a838cf73ee18467", "ZhangSan", "li.si@corp", "WANG"},
	}}
	room := &fakechat.Server{}
	for _, c := range roomChannels(t, room, nil) {
		if err := c.Send(t.Context(), r, o, "key"); err != nil {
			t.Fatal(err)
		}
	}
	for _, m := range room.Messages() {
		want := map[string][]string{
			"slack": {"<@U012AB3CD>", "<!subteam^S0614TZR7>"}, "dingtalk": {"@13800138000"},
			"feishu": {"<at id=ou_84aad35d084aa403a838cf73ee18467>"}, "wecom": {"<@ZhangSan>", "<@li.si@corp>", "<@WANG>"},
		}[m.Service]
		if got := slices.Compact(slices.Sorted(slices.Values(m.Mentions))); !slices.Equal(got, slices.Sorted(slices.Values(want))) {
			t.Errorf("%s mentions %q, want %q", m.Service, got, want)
		}
	}
}

// An id is warned about if it has a form that mentions nobody, or one that no
// configured channel has.
func TestCheckMentions(t *testing.T) {
	all := []string{"slack", "dingtalk", "feishu", "wecom", "teams", "webhook"}
	for _, c := range []struct {
		id       string
		channels []string
		want     string // part of the warning; empty for none
	}{
		{"U012AB3CD", all, ""},
		{"S0614TZR7", []string{"slack"}, ""},
		{"13800138000", all, ""},
		{"ou_84aad35d084aa403", []string{"feishu"}, ""},
		{"ZhangSan", []string{"slack", "wecom"}, ""},
		{"li.si@corp", []string{"wecom"}, ""},
		{"wangwei01", []string{"wecom"}, ""},
		{"@alice", all, "not by a name with @"},
		{"<@U012AB3CD>", all, "without < > and @"},
		{"<!subteam^S0614TZR7>", all, "without < > and @"},
		{"alice@example.com", all, "not by an e-mail address"},
		{"alice@example.com", []string{"slack"}, "not by an e-mail address"},
		{"u012ab3cd", all, "in upper case"},
		{"u012ab3cd", []string{"slack"}, "in upper case"},
		{"U012AB3CD", []string{"wecom", "dingtalk"}, "no configured channel has ids of this form; configured: dingtalk, wecom"},
		{"13800138000", []string{"slack"}, "no configured channel"},
		{"ZhangSan", []string{"teams"}, "no configured channel"},
		{"anyone", nil, ""},
	} {
		vars := map[string]string{}
		for _, name := range c.channels {
			maps.Copy(vars, services[name].env)
		}
		channels := Load(config.NewEnv(func(name string) string { return vars[name] }))
		got := strings.Join(CheckMentions(map[string][]string{"team-a": {c.id}}, channels), "\n")
		if (got == "") != (c.want == "") || !strings.Contains(got, c.want) || c.want != "" && !strings.Contains(got, `of "team-a"`) {
			t.Errorf("%s in %q: got the warning %q, want %q", c.id, c.channels, got, c.want)
		}
	}
}

// A number that is in both settings is mentioned once.
func TestDingTalkMentionsNumberOnce(t *testing.T) {
	r := badDay(4)
	for i := range r.Findings {
		r.Findings[i].Tags = map[string]string{"owner": "team-a"}
	}
	o := message.Options{Language: "en", OwnerTag: "owner", Mentions: map[string][]string{"team-a": {"13800138000", "+852-12345678"}}}
	for mobiles, want := range map[string][]string{
		"13800138000":                            {"@+852-12345678", "@13800138000"},
		"+86-13800138000,+852-12345678":          {"@+852-12345678", "@13800138000"},
		"13800138000,13900139000,+852-1234-5678": {"@+852-12345678", "@13800138000", "@13900139000"},
	} {
		room := &fakechat.Server{}
		if err := roomChannels(t, room, map[string]string{"DINGTALK_AT_MOBILES": mobiles})[1].Send(t.Context(), r, o, "key"); err != nil {
			t.Fatal(err)
		}
		m := room.Messages()[0]
		if !slices.Equal(m.Mentions, want) {
			t.Errorf("%s: mentions %q, want %q", mobiles, m.Mentions, want)
		}
		for _, id := range want {
			if n := strings.Count(m.Text, id); n != 1 {
				t.Errorf("%s: %s is in the text %d times", mobiles, id, n)
			}
		}
	}
}

// The colour of a card agrees with its title.
func TestCardColour(t *testing.T) {
	fine, empty, failed, unread, notice := badDay(0), badDay(0), badDay(0), badDay(0), badDay(1)
	empty.Total, empty.Listed = 0, 0
	failed.Complete, failed.Listed = false, 0
	unread.Complete = false
	notice.Findings[0].Severity = report.Notice
	for _, c := range []struct {
		r      report.Report
		colour string
	}{{fine, "green"}, {empty, "orange"}, {failed, "red"}, {unread, "orange"}, {notice, "blue"}, {badDay(1), "red"}} {
		bodies, err := sent(t, "feishu", services["feishu"].env, c.r, linked, services["feishu"].ok)
		if err != nil || !strings.Contains(bodies[0], `"template":"`+c.colour+`"`) {
			t.Errorf("want %s: %v, %.300q", c.colour, err, bodies)
		}
	}
}
