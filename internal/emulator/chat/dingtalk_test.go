package chat

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func TestDingTalkKeywords(t *testing.T) {
	run(t, func() *Server { return &Server{Now: clock, Keywords: []string{"矩阵", "matrix"}} }, []postTest{
		{"ok in the text", dingTalkPath, `{"msgtype":"text","text":{"content":"a matrix"}}`, nil, 200, `"errcode":0`},
		{"ok in the title", dingTalkPath, `{"msgtype":"markdown","markdown":{"title":"矩阵","text":"x"}}`, nil, 200, `"errcode":0`},
		{"another form", dingTalkPath, `{"msgtype":"text","text":{"content":"matrices"}}`, nil, 200, `"errcode":310000`},
	})
}

func TestDingTalk(t *testing.T) {
	body := func(text string) string {
		return `{"msgtype":"markdown","markdown":{"title":"16 expiring","text":"` + text + `"}}`
	}
	fill := strings.Repeat("a", dingTalkMaxBodyBytes-len(body("")))
	run(t, newServer, []postTest{
		{"ok markdown", dingTalkPath, body("x"), nil, 200, `{"errcode":0,"errmsg":"ok"}`},
		{"ok text", dingTalkPath, `{"msgtype":"text","text":{"content":"x"},"at":{"isAtAll":true}}`, nil, 200, `"errcode":0`},
		{"ok 20000 bytes", dingTalkPath, body(fill), nil, 200, `"errcode":0`},
		{"20001 bytes", dingTalkPath, body(fill + "a"), nil, 200, `"errcode":460101`},
		{"no token", "/robot/send", body("x"), nil, 200, `"errcode":300005`},
		{"content type", dingTalkPath, body("x"), []string{"Content-Type", "text/plain"}, 200, `"errcode":43004`},
		{"not JSON", dingTalkPath, `{`, nil, 200, `"errcode":40035`},
		{"no title", dingTalkPath, `{"msgtype":"markdown","markdown":{"text":"x"}}`, nil, 200, `"errcode":40035`},
		{"no text", dingTalkPath, `{"msgtype":"markdown","markdown":{"title":"x","text":" "}}`, nil, 200, `"errcode":40035`},
		{"no markdown", dingTalkPath, `{"msgtype":"markdown"}`, nil, 200, `"errcode":40035`},
		{"no content", dingTalkPath, `{"msgtype":"text","text":{}}`, nil, 200, `"errcode":40035`},
		{"uuid of a number", dingTalkPath, `{"msgtype":"text","text":{"content":"x"},"msgUuid":1}`, nil, 200, `"errcode":40035`},
		{"file", dingTalkPath, `{"msgtype":"file"}`, nil, 200, `"errcode":400105`},
		{"at of a string", dingTalkPath, `{"msgtype":"text","text":{"content":"x"},"at":"all"}`, nil, 200, `"errcode":404`},
		{"mobiles of a string", dingTalkPath, `{"msgtype":"text","text":{"content":"x"},"at":{"atMobiles":"138"}}`, nil, 200, `"errcode":404`},
		{"mobiles of numbers", dingTalkPath, `{"msgtype":"text","text":{"content":"x"},"at":{"atMobiles":[138]}}`, nil, 200, `"errcode":404`},
		{"all of a string", dingTalkPath, `{"msgtype":"text","text":{"content":"x"},"at":{"isAtAll":"true"}}`, nil, 200, `"errcode":404`},
	})

	s := newServer()
	send(s, dingTalkPath, `{"msgtype":"markdown","markdown":{"title":"16 expiring","text":"a\n\n@138 b"},"at":{"atMobiles":["138","139"],"isAtAll":false}}`)
	if m := onlyMessage(t, s); m.Title != "16 expiring" || m.Text != "a\n\n@138 b" || !slices.Equal(m.Mentions, []string{"@138"}) || m.Query.Get("access_token") != "t" {
		t.Errorf("got %+v", m)
	}
}

func TestDingTalkSignature(t *testing.T) {
	const body = `{"msgtype":"text","text":{"content":"x"}}`
	const vector = dingTalkPath + "&timestamp=1599360473000&sign=3SJkK5Fm70JVVkwmvZFkgdPlr53Kn2utLHLz9DzuOSc%3D"
	at := func(skew time.Duration) func() *Server {
		return func() *Server {
			return &Server{DingTalkSecret: "SECabc", Now: func() time.Time { return time.Unix(1599360473, 0).Add(skew) }}
		}
	}
	run(t, at(0), []postTest{
		{"ok", vector, body, nil, 200, `"errcode":0`},
		{"unsigned", dingTalkPath, body, nil, 200, `"errcode":310000,"errmsg":"invalid timestamp`},
		{"seconds", strings.Replace(vector, "473000", "473", 1), body, nil, 200, `invalid timestamp`},
		{"other time", strings.Replace(vector, "473000", "473001", 1), body, nil, 200, `"errcode":310000,"errmsg":"sign not match`},
		{"encoded twice", strings.Replace(vector, "%3D", "%253D", 1), body, nil, 200, `sign not match`},
		{"without sign", dingTalkPath + "&timestamp=1599360473000", body, nil, 200, `sign not match`},
		{"appended twice", vector + "&timestamp=1599360473000", body, nil, 200, `invalid timestamp`},
	})
	run(t, at(time.Hour), []postTest{{"ok late", vector, body, nil, 200, `"errcode":0`}})
	run(t, at(time.Hour+time.Second), []postTest{{"too late", vector, body, nil, 200, `invalid timestamp`}})
	run(t, at(-time.Hour-time.Second), []postTest{{"too early", vector, body, nil, 200, `invalid timestamp`}})
}

func TestDingTalkRate(t *testing.T) {
	now := clock()
	s := &Server{Now: func() time.Time { return now }}
	post := func(path string) string {
		return send(s, path, `{"msgtype":"text","text":{"content":"x"}}`).Body.String()
	}
	for i := range 20 {
		if got := post(dingTalkPath); !strings.Contains(got, `"errcode":0`) {
			t.Fatalf("post %d: %s", i, got)
		}
		now = now.Add(time.Second)
	}
	for _, wait := range []time.Duration{0, 9 * time.Minute} {
		now = now.Add(wait)
		if got := post(dingTalkPath); !strings.Contains(got, `"errcode":130101`) {
			t.Errorf("after %v: %s", wait, got)
		}
	}
	if got := post(dingTalkPath + "2"); !strings.Contains(got, `"errcode":0`) {
		t.Errorf("another robot: %s", got)
	}
	now = now.Add(time.Minute)
	if got := post(dingTalkPath); !strings.Contains(got, `"errcode":0`) {
		t.Errorf("after the pause: %s", got)
	}
}

func TestDingTalkShowsRepeatedMessageOnce(t *testing.T) {
	s := newServer()
	for _, uuid := range []string{"a", "a", "b"} {
		if w := send(s, dingTalkPath, `{"msgtype":"text","text":{"content":"x"},"msgUuid":"`+uuid+`"}`); !strings.Contains(w.Body.String(), `"errcode":0`) {
			t.Errorf("%s: %s", uuid, w.Body)
		}
	}
	// A refused message does not use up its msgUuid.
	send(s, dingTalkPath, `{"msgtype":"text","text":{},"msgUuid":"c"}`)
	send(s, dingTalkPath, `{"msgtype":"text","text":{"content":"x"},"msgUuid":"c"}`)
	accepted := 0
	for _, m := range s.Messages() {
		if m.Accepted {
			accepted++
		}
	}
	if accepted != 3 {
		t.Errorf("%d shown, want a, b and c", accepted)
	}
}
