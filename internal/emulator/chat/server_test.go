package chat

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

func clock() time.Time { return time.Date(2026, 11, 22, 1, 7, 0, 0, time.UTC) }

const (
	slackPath    = "/services/T000/B000/XXXX"
	dingTalkPath = "/robot/send?access_token=t"
	feishuPath   = "/open-apis/bot/v2/hook/abc-123"
	weComPath    = "/cgi-bin/webhook/send?key=k"
	teamsPath    = "/workflows/0123/triggers/manual/paths/invoke?sig=x"
)

func send(r *Server, path, body string, headers ...string) *httptest.ResponseRecorder {
	req := httptest.NewRequest("POST", path, strings.NewReader(body))
	req.Header.Set("Content-Type", "application/json; charset=utf-8")
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, req)
	return w
}

// try is one post and what is to become of it.
type try struct {
	name, path, body string
	headers          []string
	status           int
	answer           string // within the body of the answer
}

// run gives each try a room of its own.
func run(t *testing.T, room func() *Server, tries []try) {
	t.Helper()
	for _, tt := range tries {
		r := room()
		w := send(r, tt.path, tt.body, tt.headers...)
		if w.Code != tt.status || !strings.Contains(w.Body.String(), tt.answer) || tt.answer == "" && w.Body.Len() > 0 {
			t.Errorf("%s: got %d %s, want %d %s", tt.name, w.Code, w.Body, tt.status, tt.answer)
		}
		all := r.Messages()
		if len(all) != 1 {
			t.Errorf("%s: %d messages", tt.name, len(all))
			continue
		}
		accepted := strings.HasPrefix(tt.name, "ok")
		if m := all[0]; m.Accepted != accepted || (m.Why == "") != accepted || string(m.Body) != tt.body {
			t.Errorf("%s: accepted %v, because of %q", tt.name, m.Accepted, m.Why)
		}
	}
}

func plain() *Server { return &Server{Now: clock} }

func only(t *testing.T, r *Server) Message {
	t.Helper()
	all := r.Messages()
	if len(all) != 1 || !all[0].Accepted {
		t.Fatalf("got %+v, want one accepted message", all)
	}
	return all[0]
}

func TestRoutes(t *testing.T) {
	r := &Server{}
	for path, want := range map[string]int{
		"/": 404, "/services/T0/B0": 404, "/services/x/B0/C0": 404, "/hook/x": 404, "/robot/send/": 404, "/triggers/T0/1/x": 404, "/open-apis/bot/hook/x": 404, "/workflows/": 404,
	} {
		if w := send(r, path, "{}"); w.Code != want {
			t.Errorf("%s: got %d, want %d", path, w.Code, want)
		}
	}
	w := httptest.NewRecorder()
	r.ServeHTTP(w, httptest.NewRequest("GET", slackPath, nil))
	if w.Code != 405 || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET: %d %v", w.Code, w.Header())
	}
	if w := send(r, slackPath, strings.Repeat(" ", maxRequestBytes+1)); w.Code != 413 {
		t.Errorf("huge: %d", w.Code)
	}
	if all := r.Messages(); len(all) != 0 {
		t.Errorf("kept %+v", all)
	}
}

func TestRoomFaults(t *testing.T) {
	var seen string
	r := &Server{Now: clock, Faults: []http.HandlerFunc{
		func(w http.ResponseWriter, req *http.Request) {
			b := make([]byte, 5)
			req.Body.Read(b)
			seen = string(b)
			w.WriteHeader(500)
		},
		nil,
		func(w http.ResponseWriter, req *http.Request) {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(429)
		},
	}}
	var got []int
	for range 4 {
		got = append(got, send(r, slackPath, `{"text":"x"}`).Code)
	}
	if want := []int{500, 200, 429, 200}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if seen != `{"tex` {
		t.Errorf("the fault read %q", seen)
	}
	all := r.Messages()
	if len(all) != 4 || all[0].Accepted || all[0].Why != "fault" || !all[1].Accepted || all[2].Accepted || !all[3].Accepted {
		t.Errorf("got %+v", all)
	}
}

func TestManyPostsAtOnce(t *testing.T) {
	r := &Server{Faults: []http.HandlerFunc{nil, nil}}
	var wg sync.WaitGroup
	for i := range 20 {
		wg.Go(func() { send(r, slackPath, `{"text":"x"}`) })
		wg.Go(func() {
			send(r, dingTalkPath, fmt.Sprintf(`{"msgtype":"text","text":{"content":"x"},"msgUuid":"%d"}`, i%10))
		})
	}
	wg.Wait()
	if got := len(r.Messages()); got != 30 {
		t.Errorf("%d messages, want 20 and 10 different ones", got)
	}
}

func slackBody(blocks ...string) string {
	return `{"text":"fallback","blocks":[` + strings.Join(blocks, ",") + `]}`
}

func section(text string) string {
	return `{"type":"section","text":{"type":"mrkdwn","text":"` + text + `"}}`
}

func rich(parts string) string { return slackBody(`{"type":"rich_text","elements":[` + parts + `]}`) }

func line(elements string) string {
	return `{"type":"rich_text_section","elements":[` + elements + `]}`
}

func TestSlack(t *testing.T) {
	header := func(text string) string {
		return `{"type":"header","text":{"type":"plain_text","text":"` + text + `"}}`
	}
	context := `{"type":"context","elements":[` + strings.TrimSuffix(strings.Repeat(`{"type":"mrkdwn","text":"x"},`, 10), ",") + `]}`
	const divider = `{"type":"divider"}`
	item := line(`{"type":"text","text":"x"}`)
	run(t, plain, []try{
		{"ok text", slackPath, `{"text":"x","unfurl_links":false,"unfurl_media":false,"replace_original":false}`, nil, 200, "ok"},
		{"ok 50 blocks", slackPath, slackBody(slices.Repeat([]string{divider}, 50)...), nil, 200, "ok"},
		{"51 blocks", slackPath, slackBody(slices.Repeat([]string{divider}, 51)...), nil, 400, "invalid_blocks"},
		{"no blocks", slackPath, slackBody(), nil, 400, "invalid_blocks"},
		{"form", slackPath, `payload={}`, []string{"Content-Type", "application/x-www-form-urlencoded"}, 400, "invalid_payload"},
		{"charset", slackPath, `{"text":"x"}`, []string{"Content-Type", "application/json; charset=gbk"}, 400, "invalid_payload"},
		{"not JSON", slackPath, `{"text":"x"`, nil, 400, "invalid_payload"},
		{"two objects", slackPath, `{"text":"x"}{}`, nil, 400, "invalid_payload"},
		{"array", slackPath, `[]`, nil, 400, "invalid_payload"},
		{"null", slackPath, `null`, nil, 400, "invalid_payload"},
		{"invalid UTF-8", slackPath, "{\"text\":\"a\xff\"}", nil, 400, "invalid_payload"},
		{"text of a number", slackPath, `{"text":1}`, nil, 400, "invalid_payload"},
		{"unfurl of a string", slackPath, `{"text":"x","unfurl_links":"no"}`, nil, 400, "invalid_payload"},
		{"blocks of a string", slackPath, `{"text":"x","blocks":"[]"}`, nil, 400, "invalid_payload"},
		{"attachments", slackPath, `{"text":"x","attachments":[]}`, nil, 400, "invalid_attachments"},
		{"no text", slackPath, `{"blocks":[` + divider + `]}`, nil, 400, "no_text"},
		{"blank text", slackPath, `{"text":" \n"}`, nil, 400, "no_text"},
		{"ok text 4000", slackPath, `{"text":"` + strings.Repeat("中", 4000) + `"}`, nil, 200, "ok"},
		{"text 4001", slackPath, `{"text":"` + strings.Repeat("a", 4001) + `"}`, nil, 400, "msg_too_long"},
		{"channel", slackPath, `{"text":"x","channel":"#general"}`, nil, 404, "channel_not_found"},
		{"ok header 150", slackPath, slackBody(header(strings.Repeat("中", 150))), nil, 200, "ok"},
		{"header 151", slackPath, slackBody(header(strings.Repeat("a", 151))), nil, 400, "invalid_blocks"},
		{"header in UTF-16", slackPath, slackBody(header(strings.Repeat("😀", 76))), nil, 400, "invalid_blocks"},
		{"header in mrkdwn", slackPath, slackBody(`{"type":"header","text":{"type":"mrkdwn","text":"x"}}`), nil, 400, "invalid_blocks"},
		{"header without text", slackPath, slackBody(`{"type":"header"}`), nil, 400, "invalid_blocks"},
		{"ok section 3000", slackPath, slackBody(section(strings.Repeat("a", 3000))), nil, 200, "ok"},
		{"section 3001", slackPath, slackBody(section(strings.Repeat("a", 3001))), nil, 400, "invalid_blocks"},
		{"section empty", slackPath, slackBody(section("")), nil, 400, "invalid_blocks"},
		{"section without text", slackPath, slackBody(`{"type":"section"}`), nil, 400, "invalid_blocks"},
		{"ok fields", slackPath, slackBody(`{"type":"section","fields":[{"type":"mrkdwn","text":"x"}]}`), nil, 200, "ok"},
		{"11 fields", slackPath, slackBody(`{"type":"section","fields":[` + strings.Repeat(`{"type":"mrkdwn","text":"x"},`, 10) + `{"type":"mrkdwn","text":"x"}]}`), nil, 400, "invalid_blocks"},
		{"long field", slackPath, slackBody(`{"type":"section","fields":[{"type":"mrkdwn","text":"` + strings.Repeat("a", 2001) + `"}]}`), nil, 400, "invalid_blocks"},
		{"ok context", slackPath, slackBody(context), nil, 200, "ok"},
		{"context 11", slackPath, slackBody(strings.Replace(context, "[", `[{"type":"mrkdwn","text":"x"},`, 1)), nil, 400, "invalid_blocks"},
		{"unknown key of a text", slackPath, slackBody(`{"type":"section","text":{"type":"mrkdwn","text":"x","color":"red"}}`), nil, 400, "invalid_blocks"},
		{"emoji of mrkdwn", slackPath, slackBody(`{"type":"section","text":{"type":"mrkdwn","text":"x","emoji":true}}`), nil, 400, "invalid_blocks"},
		{"ok verbatim", slackPath, slackBody(`{"type":"section","expand":true,"text":{"type":"mrkdwn","text":"x","verbatim":true}}`), nil, 200, "ok"},
		{"unknown key of a block", slackPath, slackBody(`{"type":"divider","color":"red"}`), nil, 400, "invalid_blocks"},
		{"unknown block", slackPath, slackBody(`{"type":"banner"}`), nil, 400, "invalid_blocks"},
		{"alert", slackPath, slackBody(`{"type":"alert","text":"x"}`), nil, 400, "invalid_blocks"},
		{"table", slackPath, slackBody(`{"type":"table","rows":[]}`), nil, 400, "invalid_blocks"},
		{"markdown", slackPath, slackBody(`{"type":"markdown","text":"x"}`), nil, 500, ""},
		{"block id twice", slackPath, slackBody(`{"type":"divider","block_id":"a"}`, `{"type":"divider","block_id":"a"}`), nil, 400, "invalid_blocks"},
		{"ok 12,000 in all", slackPath, slackBody(slices.Repeat([]string{section(strings.Repeat("a", 3000))}, 4)...), nil, 200, "ok"},
		{"12,001 in all", slackPath, slackBody(append(slices.Repeat([]string{section(strings.Repeat("a", 3000))}, 4), section("a"))...), nil, 400, "msg_blocks_too_long"},
		{"ok button", slackPath, slackBody(`{"type":"actions","elements":[{"type":"button","url":"https://x.example","text":{"type":"plain_text","text":"x"}}]}`), nil, 200, "ok"},
		{"button without url", slackPath, slackBody(`{"type":"actions","elements":[{"type":"button","text":{"type":"plain_text","text":"x"}}]}`), nil, 400, "invalid_blocks"},
		{"ok image", slackPath, slackBody(`{"type":"image","image_url":"https://x.example/a.png","alt_text":"x"}`), nil, 200, "ok"},
		{"image without alt", slackPath, slackBody(`{"type":"image","image_url":"https://x.example/a.png"}`), nil, 400, "invalid_blocks"},
		{"ok list", slackPath, rich(`{"type":"rich_text_list","style":"bullet","indent":0,"border":0,"offset":0,"elements":[` + item + `,` + item + `]}`), nil, 200, "ok"},
		{"list without style", slackPath, rich(`{"type":"rich_text_list","elements":[` + item + `]}`), nil, 400, "invalid_blocks"},
		{"list of texts", slackPath, rich(`{"type":"rich_text_list","style":"bullet","elements":[{"type":"text","text":"x"}]}`), nil, 400, "invalid_blocks"},
		{"list of quotes", slackPath, rich(`{"type":"rich_text_list","style":"bullet","elements":[` + strings.Replace(item, "section", "quote", 1) + `]}`), nil, 400, "invalid_blocks"},
		{"12,001 in rich text", slackPath, rich(line(strings.Repeat(`{"type":"text","text":"`+strings.Repeat("a", 3000)+`"},`, 4) + `{"type":"text","text":"a"}`)), nil, 400, "msg_blocks_too_long"},
		{"list too deep", slackPath, rich(`{"type":"rich_text_list","style":"bullet","indent":9,"elements":[` + item + `]}`), nil, 400, "invalid_blocks"},
		{"empty list", slackPath, rich(`{"type":"rich_text_list","style":"bullet","elements":[]}`), nil, 400, "invalid_blocks"},
		{"ok quote", slackPath, rich(`{"type":"rich_text_quote","elements":[{"type":"text","text":"x","style":{"bold":true}}]}`), nil, 200, "ok"},
		{"ok preformatted", slackPath, rich(`{"type":"rich_text_preformatted","elements":[{"type":"text","text":"x"}]}`), nil, 200, "ok"},
		{"empty rich text", slackPath, rich(``), nil, 400, "invalid_blocks"},
		{"rich text of a text", slackPath, rich(`{"type":"text","text":"x"}`), nil, 400, "invalid_blocks"},
		{"empty text element", slackPath, rich(line(`{"type":"text","text":""}`)), nil, 400, "invalid_blocks"},
		{"unknown style", slackPath, rich(line(`{"type":"text","text":"x","style":{"loud":true}}`)), nil, 400, "invalid_blocks"},
		{"unknown element", slackPath, rich(line(`{"type":"blink","text":"x"}`)), nil, 400, "invalid_blocks"},
		{"link without url", slackPath, rich(line(`{"type":"link","text":"x"}`)), nil, 400, "invalid_blocks"},
		{"link with empty text", slackPath, rich(line(`{"type":"link","url":"https://x.example","text":""}`)), nil, 400, "invalid_blocks"},
		{"date of a string", slackPath, rich(line(`{"type":"date","timestamp":"1","format":"{date}"}`)), nil, 400, "invalid_blocks"},
		{"date without format", slackPath, rich(line(`{"type":"date","timestamp":1}`)), nil, 400, "invalid_blocks"},
		{"emoji without name", slackPath, rich(line(`{"type":"emoji"}`)), nil, 400, "invalid_blocks"},
		{"broadcast to all", slackPath, rich(line(`{"type":"broadcast","range":"all"}`)), nil, 400, "invalid_blocks"},
		{"user without id", slackPath, rich(line(`{"type":"user"}`)), nil, 400, "invalid_blocks"},
	})

	r := plain()
	send(r, slackPath, slackBody(header("16 expiring"), section(`&lt;!channel&gt; <!here> <@U123|me>`), divider, context[:strings.Index(context, ",{")]+"]}",
		`{"type":"rich_text","elements":[`+line(`{"type":"emoji","name":"warning"},{"type":"text","text":" <!channel> "},{"type":"link","url":"https://x.example","text":"console"}`)+
			`,{"type":"rich_text_list","style":"ordered","elements":[`+item+`,`+line(`{"type":"date","timestamp":1,"format":"{date}","fallback":"1 Jan"}`)+`]}]}`))
	m := only(t, r)
	wantText := "16 expiring\n&lt;!channel&gt; <!here> <@U123|me>\nx\n:warning: <!channel> console\nx\n1 Jan"
	if m.Title != "16 expiring" || m.Text != wantText || m.Service != "slack" || !slices.Equal(m.Mentions, []string{"<!here>", "<@U123|me>"}) {
		t.Errorf("got %q %q %q, want text %q", m.Title, m.Text, m.Mentions, wantText)
	}
	r = plain()
	send(r, slackPath, `{"text":"first\nsecond <!channel>"}`)
	if m := only(t, r); m.Title != "first" || m.Text != "first\nsecond <!channel>" || !slices.Equal(m.Mentions, []string{"<!channel>"}) {
		t.Errorf("got %+v", m)
	}
}

func TestDingTalk(t *testing.T) {
	body := func(text string) string {
		return `{"msgtype":"markdown","markdown":{"title":"16 expiring","text":"` + text + `"}}`
	}
	fill := strings.Repeat("a", dingTalkMaxBodyBytes-len(body("")))
	run(t, plain, []try{
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

	r := plain()
	send(r, dingTalkPath, `{"msgtype":"markdown","markdown":{"title":"16 expiring","text":"a\n\n@138 b"},"at":{"atMobiles":["138","139"],"isAtAll":false}}`)
	if m := only(t, r); m.Title != "16 expiring" || m.Text != "a\n\n@138 b" || !slices.Equal(m.Mentions, []string{"@138"}) || m.Query.Get("access_token") != "t" {
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
	run(t, at(0), []try{
		{"ok", vector, body, nil, 200, `"errcode":0`},
		{"unsigned", dingTalkPath, body, nil, 200, `"errcode":310000,"errmsg":"invalid timestamp`},
		{"seconds", strings.Replace(vector, "473000", "473", 1), body, nil, 200, `invalid timestamp`},
		{"other time", strings.Replace(vector, "473000", "473001", 1), body, nil, 200, `"errcode":310000,"errmsg":"sign not match`},
		{"encoded twice", strings.Replace(vector, "%3D", "%253D", 1), body, nil, 200, `sign not match`},
		{"without sign", dingTalkPath + "&timestamp=1599360473000", body, nil, 200, `sign not match`},
		{"appended twice", vector + "&timestamp=1599360473000", body, nil, 200, `invalid timestamp`},
	})
	run(t, at(time.Hour), []try{{"ok late", vector, body, nil, 200, `"errcode":0`}})
	run(t, at(time.Hour+time.Second), []try{{"too late", vector, body, nil, 200, `invalid timestamp`}})
	run(t, at(-time.Hour-time.Second), []try{{"too early", vector, body, nil, 200, `invalid timestamp`}})
}

func TestDingTalkRate(t *testing.T) {
	now := clock()
	r := &Server{Now: func() time.Time { return now }}
	post := func(path string) string {
		return send(r, path, `{"msgtype":"text","text":{"content":"x"}}`).Body.String()
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

func TestDingTalkShowsARepeatedMessageOnce(t *testing.T) {
	r := plain()
	for _, uuid := range []string{"a", "a", "b"} {
		if w := send(r, dingTalkPath, `{"msgtype":"text","text":{"content":"x"},"msgUuid":"`+uuid+`"}`); !strings.Contains(w.Body.String(), `"errcode":0`) {
			t.Errorf("%s: %s", uuid, w.Body)
		}
	}
	// One that was refused was not seen.
	send(r, dingTalkPath, `{"msgtype":"text","text":{},"msgUuid":"c"}`)
	send(r, dingTalkPath, `{"msgtype":"text","text":{"content":"x"},"msgUuid":"c"}`)
	accepted := 0
	for _, m := range r.Messages() {
		if m.Accepted {
			accepted++
		}
	}
	if accepted != 3 {
		t.Errorf("%d shown, want a, b and c", accepted)
	}
}

func feishuBody(elements string) string {
	return `{"msg_type":"interactive","card":{"schema":"2.0","header":{"title":{"tag":"plain_text","content":"16 expiring"},"template":"red"},"body":{"elements":[` + elements + `]}}}`
}

func TestFeishu(t *testing.T) {
	md := func(text string) string { return `{"tag":"markdown","content":"` + text + `"}` }
	fill := strings.Repeat("a", feishuMaxBodyBytes-len(feishuBody(md(""))))
	const table = `{"tag":"table","columns":[{"name":"id","display_name":"ID","data_type":"text"},{"name":"n","display_name":"Phones"}],"rows":[{"id":"cpn-a","n":25}]}`
	run(t, plain, []try{
		{"ok card", feishuPath, feishuBody(md("x") + `,{"tag":"hr"},` + table), nil, 200, `"code":0`},
		{"ok text", feishuPath, `{"msg_type":"text","content":{"text":"x"}}`, nil, 200, `"StatusCode":0`},
		{"ok 20 KB", feishuPath, feishuBody(md(fill)), nil, 200, `"code":0`},
		{"over 20 KB", feishuPath, feishuBody(md(fill + "a")), nil, 200, `"code":9499`},
		{"content type", feishuPath, feishuBody(md("x")), []string{"Content-Type", ""}, 200, `"code":9499`},
		{"not JSON", feishuPath, `{`, nil, 200, `"code":9499`},
		{"no msg_type", feishuPath, `{"card":{}}`, nil, 200, `unknown msg_type`},
		{"no card", feishuPath, `{"msg_type":"interactive","content":{"text":"x"}}`, nil, 200, `params error, unknown card value`},
		{"empty text", feishuPath, `{"msg_type":"text","content":{}}`, nil, 200, `"code":9499`},
		{"schema", feishuPath, strings.Replace(feishuBody(md("x")), "2.0", "1.0", 1), nil, 200, `card.schema`},
		{"elements of the old schema", feishuPath, strings.Replace(feishuBody(md("x")), `"body":{`, `"elements":[],"body":{`, 1), nil, 200, `no member`},
		{"no title", feishuPath, strings.Replace(feishuBody(md("x")), "16 expiring", "", 1), nil, 200, `header.title`},
		{"colour", feishuPath, strings.Replace(feishuBody(md("x")), `"red"`, `"pink"`, 1), nil, 200, `template`},
		{"no elements", feishuPath, feishuBody(""), nil, 200, `no elements`},
		{"empty markdown", feishuPath, feishuBody(md("")), nil, 200, `no content`},
		{"note", feishuPath, feishuBody(`{"tag":"note"}`), nil, 200, `no such element`},
		{"table without columns", feishuPath, feishuBody(`{"tag":"table","columns":[],"rows":[]}`), nil, 200, `columns`},
		{"table without rows", feishuPath, feishuBody(`{"tag":"table","columns":[{"name":"a"}]}`), nil, 200, `rows`},
		{"cell of no column", feishuPath, feishuBody(`{"tag":"table","columns":[{"name":"a"}],"rows":[{"b":1}]}`), nil, 200, `no column`},
	})

	r := plain()
	send(r, feishuPath, feishuBody(md(`a <at id=all></at> &lt;at id=all&gt;`)+","+table))
	if m := only(t, r); m.Title != "16 expiring" || m.Text != "16 expiring\na <at id=all></at> &lt;at id=all&gt;\nID | Phones\ncpn-a | 25" || !slices.Equal(m.Mentions, []string{"<at id=all>"}) {
		t.Errorf("got %q %q %q", m.Title, m.Text, m.Mentions)
	}

	r = plain()
	for i := range 6 {
		if got := send(r, feishuPath, feishuBody(md("x"))).Body.String(); strings.Contains(got, `"code":0`) != (i < 5) || i == 5 && !strings.Contains(got, "11232") {
			t.Errorf("post %d of one second: %s", i, got)
		}
	}
	now := clock()
	r = &Server{Now: func() time.Time { return now }}
	for i := range 101 {
		now = now.Add(300 * time.Millisecond)
		if got := send(r, feishuPath, feishuBody(md("x"))).Body.String(); strings.Contains(got, `"code":0`) != (i < 100) {
			t.Errorf("post %d of one minute: %s", i, got)
		}
	}
}

func TestFeishuSignature(t *testing.T) {
	const vector = `{"timestamp":"1599360473","sign":"KjJCRpeZcpDq6nFA4wlSAm5ZsE3Y8HuB1O1Sgv2Y9xA=","msg_type":"text","content":{"text":"x"}}`
	at := func(skew time.Duration) func() *Server {
		return func() *Server {
			return &Server{FeishuSecret: "SECabc", Now: func() time.Time { return time.Unix(1599360473, 0).Add(skew) }}
		}
	}
	run(t, at(0), []try{
		{"ok", feishuPath, vector, nil, 200, `"code":0`},
		{"unsigned", feishuPath, `{"msg_type":"text","content":{"text":"x"}}`, nil, 200, `"code":19021`},
		{"number", feishuPath, strings.Replace(vector, `"1599360473"`, `1599360473`, 1), nil, 200, `"code":19021`},
		{"milliseconds", feishuPath, strings.Replace(vector, `0473"`, `0473000"`, 1), nil, 200, `"code":19021`},
		{"other time", feishuPath, strings.Replace(vector, `0473"`, `0474"`, 1), nil, 200, `"code":19021`},
		{"sign", feishuPath, strings.Replace(vector, `KjJC`, `KjJc`, 1), nil, 200, `"code":19021`},
		{"DingTalk's sign", feishuPath, strings.Replace(vector, "KjJCRpeZcpDq6nFA4wlSAm5ZsE3Y8HuB1O1Sgv2Y9xA=", "3SJkK5Fm70JVVkwmvZFkgdPlr53Kn2utLHLz9DzuOSc=", 1), nil, 200, `"code":19021`},
	})
	run(t, at(time.Hour+time.Second), []try{{"late", feishuPath, vector, nil, 200, `"code":19021`}})
	run(t, at(-time.Hour-time.Second), []try{{"early", feishuPath, vector, nil, 200, `"code":19021`}})
}

func TestWeCom(t *testing.T) {
	body := func(kind, text string) string {
		return `{"msgtype":"` + kind + `","` + kind + `":{"content":"` + text + `"}}`
	}
	run(t, plain, []try{
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
	r := plain()
	send(r, weComPath, body("markdown", `# 16 expiring\na <@all>`))
	if m := only(t, r); m.Title != "# 16 expiring" || m.Text != "# 16 expiring\na <@all>" || !slices.Equal(m.Mentions, []string{"<@all>"}) {
		t.Errorf("got %+v", m)
	}
	r = plain()
	for i := range 21 {
		if got := send(r, weComPath, body("markdown", "x")).Body.String(); strings.Contains(got, `"errcode":0`) != (i < 20) || i == 20 && !strings.Contains(got, "45009") {
			t.Errorf("post %d: %s", i, got)
		}
	}
}

func teamsBody(items string) string {
	return `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null,"content":{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4","body":[` + items + `]}}]}`
}

func TestTeams(t *testing.T) {
	text := func(s string) string { return `{"type":"TextBlock","text":"` + s + `","wrap":true,"weight":"Bolder"}` }
	fill := strings.Repeat("a", teamsMaxBodyBytes-len(teamsBody(text(""))))
	run(t, plain, []try{
		{"ok", teamsPath, teamsBody(text("x")), nil, 202, ""},
		{"ok new address", "/powerautomate/automations/direct/workflows/1/triggers/manual/paths/invoke", teamsBody(text("x")), nil, 202, ""},
		{"ok 28 KB", teamsPath, teamsBody(text(fill)), nil, 202, ""},
		{"over 28 KB", teamsPath, teamsBody(text(fill + "a")), nil, 413, "28672"},
		{"ok actions", teamsPath, strings.Replace(teamsBody(text("x")), `"body"`, `"actions":[{"type":"Action.OpenUrl","title":"x","url":"https://x.example"}],"body"`, 1), nil, 202, ""},
		{"action without url", teamsPath, strings.Replace(teamsBody(text("x")), `"body"`, `"actions":[{"type":"Action.OpenUrl","title":"x"}],"body"`, 1), nil, 400, "url"},
		{"content type", teamsPath, teamsBody(text("x")), []string{"Content-Type", "text/plain"}, 400, "InvalidRequestContent"},
		{"not JSON", teamsPath, `{`, nil, 400, "InvalidRequestContent"},
		{"no type", teamsPath, strings.Replace(teamsBody(text("x")), "message", "", 1), nil, 400, "type"},
		{"no attachments", teamsPath, `{"type":"message","attachments":[]}`, nil, 400, "attachments"},
		{"bare card", teamsPath, `{"type":"AdaptiveCard"}`, nil, 400, "type"},
		{"content type of the card", teamsPath, strings.Replace(teamsBody(text("x")), "card.adaptive", "card.o365", 1), nil, 400, "contentType"},
		{"type of the card", teamsPath, strings.Replace(teamsBody(text("x")), "AdaptiveCard", "Card", 1), nil, 400, "AdaptiveCard"},
		{"version", teamsPath, strings.Replace(teamsBody(text("x")), `"1.4"`, `1.4`, 1), nil, 400, "version"},
		{"empty body", teamsPath, teamsBody(""), nil, 400, "body"},
		{"empty text", teamsPath, teamsBody(text("")), nil, 400, "text"},
		{"unknown element", teamsPath, teamsBody(`{"type":"Marquee"}`), nil, 400, "no such element"},
		{"unknown colour", teamsPath, teamsBody(`{"type":"TextBlock","text":"x","color":"red"}`), nil, 400, "color"},
		{"fact without value", teamsPath, teamsBody(`{"type":"FactSet","facts":[{"title":"a"}]}`), nil, 400, "fact"},
		{"empty container", teamsPath, teamsBody(`{"type":"Container","items":[]}`), nil, 400, "items"},
		{"row of another type", teamsPath, teamsBody(`{"type":"Table","columns":[{"width":1}],"rows":[{"type":"Row"}]}`), nil, 400, "TableRow"},
	})
	r := plain()
	send(r, teamsPath, teamsBody(text("16 expiring")+`,{"type":"Container","items":[{"type":"FactSet","facts":[{"title":"a","value":"b <at>x</at>"}]}]},`+
		`{"type":"Table","columns":[{"width":1}],"rows":[{"type":"TableRow","cells":[{"type":"TableCell","items":[`+text("cell")+`]}]}]},`+
		`{"type":"ColumnSet","columns":[{"items":[`+text("column")+`]}]},{"type":"RichTextBlock","inlines":[{"type":"TextRun","text":"run"}]}`))
	if m := only(t, r); m.Title != "16 expiring" || m.Text != "16 expiring\na: b <at>x</at>\ncell\ncolumn\nrun" || !slices.Equal(m.Mentions, []string{"<at>x</at>"}) {
		t.Errorf("got %+v", m)
	}
}

func TestWebhook(t *testing.T) {
	const body = `{"a":1}`
	// Worked out apart from this package, with 1763773200 for the time.
	const sign = "v1,HrRqH85yVLSl7PC1f8HKJ8p0F4CkVUNyoOSTiFR8pW0="
	at := func(secret string, skew time.Duration) func() *Server {
		return func() *Server {
			return &Server{WebhookSecret: secret, Now: func() time.Time { return time.Unix(1763773200, 0).Add(skew) }}
		}
	}
	with := func(change ...string) []string {
		return append([]string{"Content-Type", "application/json", "webhook-id", "msg_1", "webhook-timestamp", "1763773200", "webhook-signature", sign}, change...)
	}
	filled := `{"a":"` + strings.Repeat("a", webhookMaxBodyBytes-8) + `"}`
	run(t, at("", 0), []try{
		{"ok unsigned", "/hook", body, with("webhook-signature", ""), 204, ""},
		{"ok 64 KB", "/hook", filled, with(), 204, ""},
		{"over 64 KB", "/hook", filled + " ", with(), 413, "65536"},
		{"not JSON", "/hook", `{`, with(), 400, "JSON"},
		{"content type", "/hook", body, with("Content-Type", "text/plain"), 415, "content type"},
		{"no id", "/hook", body, with("webhook-id", ""), 400, "webhook-id"},
		{"id with a dot", "/hook", body, with("webhook-id", "a.b"), 400, "webhook-id"},
		{"no timestamp", "/hook", body, with("webhook-timestamp", ""), 400, "webhook-timestamp"},
		{"milliseconds", "/hook", body, with("webhook-timestamp", "1763773200000"), 401, "webhook-timestamp"},
	})
	for _, secret := range []string{"secret-key-0123456789", "whsec_c2VjcmV0LWtleS0wMTIzNDU2Nzg5"} {
		run(t, at(secret, 0), []try{
			{"ok signed", "/hook", body, with(), 204, ""},
			{"ok one of two", "/hook", body, with("webhook-signature", "v1,AAAA "+sign), 204, ""},
			{"body", "/hook", `{"a":2}`, with(), 401, "webhook-signature"},
			{"id", "/hook", body, with("webhook-id", "msg_2"), 401, "webhook-signature"},
			{"timestamp", "/hook", body, with("webhook-timestamp", "1763773201"), 401, "webhook-signature"},
			{"unsigned", "/hook", body, with("webhook-signature", ""), 401, "webhook-signature"},
			{"version", "/hook", body, with("webhook-signature", strings.TrimPrefix(sign, "v1,")), 401, "webhook-signature"},
		})
	}
	run(t, at("other", 0), []try{{"secret", "/hook", body, with(), 401, "webhook-signature"}})
	run(t, at("secret-key-0123456789", 5*time.Minute), []try{{"ok late", "/hook", body, with(), 204, ""}})
	run(t, at("secret-key-0123456789", 5*time.Minute+time.Second), []try{{"late", "/hook", body, with(), 401, "off by"}})
	run(t, at("secret-key-0123456789", -5*time.Minute-time.Second), []try{{"early", "/hook", body, with(), 401, "off by"}})

	r := at("", 0)()
	send(r, "/hook", `{"title":"16 expiring"}`, with()...)
	if m := only(t, r); m.Title != "16 expiring" || m.Text != `{"title":"16 expiring"}` || m.Header.Get("webhook-id") != "msg_1" {
		t.Errorf("got %+v", m)
	}
}
