package chat

import (
	"slices"
	"strings"
	"testing"

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
