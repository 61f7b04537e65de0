package chat

import (
	"slices"
	"strings"
	"testing"
)

func teamsBody(items string) string {
	return `{"type":"message","attachments":[{"contentType":"application/vnd.microsoft.card.adaptive","contentUrl":null,"content":{"$schema":"http://adaptivecards.io/schemas/adaptive-card.json","type":"AdaptiveCard","version":"1.4","body":[` + items + `]}}]}`
}

func TestTeams(t *testing.T) {
	text := func(s string) string { return `{"type":"TextBlock","text":"` + s + `","wrap":true,"weight":"Bolder"}` }
	empty := teamsBody(text(""))
	card := strings.TrimSuffix(empty[strings.Index(empty, `{"$schema"`):], "}]}")
	fill := strings.Repeat("a", 28*1024-len(card)-strings.Count(card, `"`)-2)
	run(t, newServer, []postTest{
		{"ok", teamsPath, teamsBody(text("x")), nil, 202, ""},
		{"ok new address", "/powerautomate/automations/direct/workflows/1/triggers/manual/paths/invoke", teamsBody(text("x")), nil, 202, ""},
		{"ok 28 KB", teamsPath, teamsBody(text(fill)), nil, 202, ""},
		{"over 28 KB", teamsPath, teamsBody(text(fill + "a")), nil, 413, "28672"},
		{"ok 28 KB in Chinese", teamsPath, teamsBody(text(fill[12:] + "矩阵")), nil, 202, ""},
		{"over 28 KB in Chinese", teamsPath, teamsBody(text(fill[11:] + "矩阵")), nil, 413, "28673"},
		{"over 28 KB in emoji", teamsPath, teamsBody(text(fill[11:] + "😀")), nil, 413, "28673"},
		{"over 28 KB with quotes", teamsPath, teamsBody(text(fill[3:] + `\"`)), nil, 413, "28673"},
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
	s := newServer()
	send(s, teamsPath, teamsBody(text("16 expiring")+`,{"type":"Container","items":[{"type":"FactSet","facts":[{"title":"a","value":"b <at>x</at>"}]}]},`+
		`{"type":"Table","columns":[{"width":1}],"rows":[{"type":"TableRow","cells":[{"type":"TableCell","items":[`+text("cell")+`]}]}]},`+
		`{"type":"ColumnSet","columns":[{"items":[`+text("column")+`]}]},{"type":"RichTextBlock","inlines":[{"type":"TextRun","text":"run"}]}`))
	if m := onlyMessage(t, s); m.Title != "16 expiring" || m.Text != "16 expiring\na: b <at>x</at>\ncell\ncolumn\nrun" || !slices.Equal(m.Mentions, []string{"<at>x</at>"}) {
		t.Errorf("got %+v", m)
	}
}
