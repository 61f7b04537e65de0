package chat

import (
	"slices"
	"strings"
	"testing"
)

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
	run(t, newServer, []postTest{
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

	s := newServer()
	send(s, slackPath, slackBody(header("16 expiring"), section(`&lt;!channel&gt; <!here> <@U123|me>`), divider, context[:strings.Index(context, ",{")]+"]}",
		`{"type":"rich_text","elements":[`+line(`{"type":"emoji","name":"warning"},{"type":"text","text":" <!channel> "},{"type":"link","url":"https://x.example","text":"console"}`)+
			`,{"type":"rich_text_list","style":"ordered","elements":[`+item+`,`+line(`{"type":"date","timestamp":1,"format":"{date}","fallback":"1 Jan"}`)+`]}]}`))
	m := onlyMessage(t, s)
	wantText := "16 expiring\n&lt;!channel&gt; <!here> <@U123|me>\nx\n:warning: <!channel> console\nx\n1 Jan"
	if m.Title != "16 expiring" || m.Text != wantText || m.Service != "slack" || !slices.Equal(m.Mentions, []string{"<!here>", "<@U123|me>"}) {
		t.Errorf("got %q %q %q, want text %q", m.Title, m.Text, m.Mentions, wantText)
	}
	s = newServer()
	send(s, slackPath, `{"text":"first\nsecond <!channel>"}`)
	if m := onlyMessage(t, s); m.Title != "first" || m.Text != "first\nsecond <!channel>" || !slices.Equal(m.Mentions, []string{"<!channel>"}) {
		t.Errorf("got %+v", m)
	}
}
