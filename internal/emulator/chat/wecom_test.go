package chat

import (
	"slices"
	"strings"
	"testing"
)

func TestWeCom(t *testing.T) {
	body := func(kind, text string) string {
		return `{"msgtype":"` + kind + `","` + kind + `":{"content":"` + text + `"}}`
	}
	run(t, newServer, []postTest{
		{"ok", weComPath, body("markdown", "x"), nil, 200, `{"errcode":0,"errmsg":"ok"}`},
		{"ok 4096 bytes", weComPath, body("markdown_v2", strings.Repeat("中", 1365)+"a"), nil, 200, `"errcode":0`},
		{"4098 bytes", weComPath, body("markdown", strings.Repeat("中", 1366)), nil, 200, `"errcode":40058,"errmsg":"markdown.content exceed max length 4096"`},
		{"text 2049 bytes", weComPath, body("text", strings.Repeat("a", 2049)), nil, 200, `"errcode":40058`},
		{"empty", weComPath, body("markdown", " "), nil, 200, `"errcode":44004`},
		{"other content", weComPath, `{"msgtype":"markdown","text":{"content":"x"}}`, nil, 200, `"errcode":44004`},
		{"no type", weComPath, `{}`, nil, 200, `"errcode":40008`},
		{"no key", "/cgi-bin/webhook/send", body("markdown", "x"), nil, 200, `"errcode":93000`},
		{"not JSON", weComPath, `{`, nil, 200, `"errcode":47001`},
		{"content type", weComPath, body("markdown", "x"), []string{"Content-Type", "text/plain"}, 200, `"errcode":43004`},
		{"mentions of a string", weComPath, `{"msgtype":"text","text":{"content":"x","mentioned_list":"@all"}}`, nil, 200, `"errcode":47001`},
	})
	s := newServer()
	send(s, weComPath, body("markdown", `# 16 expiring\na <@all>`))
	if m := onlyMessage(t, s); m.Title != "# 16 expiring" || m.Text != "# 16 expiring\na <@all>" || !slices.Equal(m.Mentions, []string{"<@all>"}) {
		t.Errorf("got %+v", m)
	}
	s = newServer()
	for i := range 21 {
		if got := send(s, weComPath, body("markdown", "x")).Body.String(); strings.Contains(got, `"errcode":0`) != (i < 20) || i == 20 && !strings.Contains(got, "45009") {
			t.Errorf("post %d: %s", i, got)
		}
	}
}
