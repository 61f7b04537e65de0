package chat

import (
	"slices"
	"strings"
	"testing"
	"time"
)

func feishuBody(elements string) string {
	return `{"msg_type":"interactive","card":{"schema":"2.0","header":{"title":{"tag":"plain_text","content":"16 expiring"},"template":"red"},"body":{"elements":[` + elements + `]}}}`
}

func TestFeishuKeywords(t *testing.T) {
	run(t, func() *Server { return &Server{Now: clock, Keywords: []string{"矩阵", "matrix"}} }, []postTest{
		{"ok", feishuPath, `{"msg_type":"text","content":{"text":"a matrix"}}`, nil, 200, `"code":0`},
		{"another form", feishuPath, `{"msg_type":"text","content":{"text":"matrices"}}`, nil, 200, `"code":19024`},
	})
}

func TestFeishu(t *testing.T) {
	md := func(text string) string { return `{"tag":"markdown","content":"` + text + `"}` }
	fill := strings.Repeat("a", feishuMaxBodyBytes-len(feishuBody(md(""))))
	const table = `{"tag":"table","columns":[{"name":"id","display_name":"ID","data_type":"text"},{"name":"n","display_name":"Phones"}],"rows":[{"id":"cpn-a","n":25}]}`
	run(t, newServer, []postTest{
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
		{"elements of the old schema", feishuPath, strings.Replace(feishuBody(md("x")), `"body":{`, `"elements":[],"body":{`, 1), nil, 200, `no field`},
		{"no title", feishuPath, strings.Replace(feishuBody(md("x")), "16 expiring", "", 1), nil, 200, `header.title`},
		{"colour", feishuPath, strings.Replace(feishuBody(md("x")), `"red"`, `"pink"`, 1), nil, 200, `template`},
		{"no elements", feishuPath, feishuBody(""), nil, 200, `no elements`},
		{"empty markdown", feishuPath, feishuBody(md("")), nil, 200, `no content`},
		{"note", feishuPath, feishuBody(`{"tag":"note"}`), nil, 200, `no such element`},
		{"table without columns", feishuPath, feishuBody(`{"tag":"table","columns":[],"rows":[]}`), nil, 200, `columns`},
		{"table without rows", feishuPath, feishuBody(`{"tag":"table","columns":[{"name":"a"}]}`), nil, 200, `rows`},
		{"cell of an unknown column", feishuPath, feishuBody(`{"tag":"table","columns":[{"name":"a"}],"rows":[{"b":1}]}`), nil, 200, `not a column`},
	})

	s := newServer()
	send(s, feishuPath, feishuBody(md(`a <at id=all></at> &lt;at id=all&gt;`)+","+table))
	if m := onlyMessage(t, s); m.Title != "16 expiring" || m.Text != "16 expiring\na <at id=all></at> &lt;at id=all&gt;\nID | Phones\ncpn-a | 25" || !slices.Equal(m.Mentions, []string{"<at id=all>"}) {
		t.Errorf("got %q %q %q", m.Title, m.Text, m.Mentions)
	}

	s = newServer()
	for i := range 6 {
		if got := send(s, feishuPath, feishuBody(md("x"))).Body.String(); strings.Contains(got, `"code":0`) != (i < 5) || i == 5 && !strings.Contains(got, "11232") {
			t.Errorf("post %d of one second: %s", i, got)
		}
	}
	now := clock()
	s = &Server{Now: func() time.Time { return now }}
	for i := range 101 {
		now = now.Add(300 * time.Millisecond)
		if got := send(s, feishuPath, feishuBody(md("x"))).Body.String(); strings.Contains(got, `"code":0`) != (i < 100) {
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
	run(t, at(0), []postTest{
		{"ok", feishuPath, vector, nil, 200, `"code":0`},
		{"unsigned", feishuPath, `{"msg_type":"text","content":{"text":"x"}}`, nil, 200, `"code":19021`},
		{"number", feishuPath, strings.Replace(vector, `"1599360473"`, `1599360473`, 1), nil, 200, `"code":19021`},
		{"milliseconds", feishuPath, strings.Replace(vector, `0473"`, `0473000"`, 1), nil, 200, `"code":19021`},
		{"other time", feishuPath, strings.Replace(vector, `0473"`, `0474"`, 1), nil, 200, `"code":19021`},
		{"sign", feishuPath, strings.Replace(vector, `KjJC`, `KjJc`, 1), nil, 200, `"code":19021`},
		{"DingTalk's sign", feishuPath, strings.Replace(vector, "KjJCRpeZcpDq6nFA4wlSAm5ZsE3Y8HuB1O1Sgv2Y9xA=", "3SJkK5Fm70JVVkwmvZFkgdPlr53Kn2utLHLz9DzuOSc=", 1), nil, 200, `"code":19021`},
	})
	run(t, at(time.Hour+time.Second), []postTest{{"late", feishuPath, vector, nil, 200, `"code":19021`}})
	run(t, at(-time.Hour-time.Second), []postTest{{"early", feishuPath, vector, nil, 200, `"code":19021`}})
}
