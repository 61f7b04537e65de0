package chat

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"matrix-expiry-report/internal/config"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// roomChannels are the channels of every kind to a chat room, which counts the
// limits by itself.
func roomChannels(t testing.TB, room *fakechat.Server, more map[string]string) []*Channel {
	t.Helper()
	server := httptest.NewServer(room)
	t.Cleanup(server.Close)
	vars := fakechat.Webhooks(server.URL)
	env := config.NewEnv(func(name string) string {
		if v := more[name]; v != "" {
			return v
		}
		return vars[name]
	})
	channels := Load(env)
	if err := env.Err(); err != nil || len(channels) != len(Kinds) {
		t.Fatalf("got %d channels of %d: %v", len(channels), len(Kinds), err)
	}
	return channels
}

var (
	moreThan   = regexp.MustCompile(`(?:and ([\d,]+) more: |另有 ([\d,]+) 台未列出：)`)
	foldedRow  = regexp.MustCompile(`^(?:[-•] )?(?:\*\*)?([\d,]+)(?: matrices| 台矩阵)`)
	headingRow = regexp.MustCompile(`^(?:\*\*)?[^·\n]+ · ([\d,]+)(?:\*\*)?$|^(?:\*\*)?[^·\n]+（([\d,]+)）(?:\*\*)?$`)
)

func number(t *testing.T, groups []string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.ReplaceAll(strings.Join(groups[1:], ""), ",", ""))
	if err != nil {
		t.Errorf("%q: %v", groups, err)
	}
	return n
}

// Every kind's message for every size of report is taken, adds up, and shows
// its links before its list.
func TestAccepted(t *testing.T) {
	t.Parallel()
	for _, findings := range []int{0, 1, 50, 600, 20_000} {
		t.Run(fmt.Sprint(findings), func(t *testing.T) {
			t.Parallel()
			r := badDay(findings)
			if len(r.Findings) != findings {
				t.Fatalf("the report has %d findings", len(r.Findings))
			}
			for i, kind := range Kinds {
				t.Run(kind.Name, func(t *testing.T) {
					t.Parallel()
					room := &fakechat.Server{}
					c := roomChannels(t, room, nil)[i]
					languages := locale.Languages()
					if findings > 1000 { // it is slow, and the languages differ in bytes alone
						languages = languages[i%2 : i%2+1]
					}
					for _, lang := range languages {
						before := len(room.Messages())
						err := c.Send(t.Context(), r, message.Options{Language: lang, ConsoleURL: console, ReportURL: console + "?all"}, lang)
						posted := room.Messages()[before:]
						switch {
						case err != nil || len(posted) != 1 || !posted[0].Accepted:
							t.Errorf("%s: %v, %.600v", lang, err, posted)
						case c.Name() == "webhook":
							checkOmitted(t, posted[0].Body, findings)
						default:
							checkRows(t, posted[0], findings)
						}
					}
				})
			}
		})
	}
}

// checkRows counts what is shown and what is said to be left out.
func checkRows(t *testing.T, m fakechat.Message, total int) {
	t.Helper()
	rows, shown, left, headed := 0, 0, 0, 0
	for line := range strings.Lines(m.Text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case strings.Contains(line, "cpn-"):
			rows++
			if folded := foldedRow.FindStringSubmatch(line); folded != nil {
				shown += number(t, folded)
			} else {
				shown++
			}
		case moreThan.MatchString(line):
			left = number(t, moreThan.FindStringSubmatch(line))
		case headingRow.MatchString(line):
			headed += number(t, headingRow.FindStringSubmatch(line))
		}
	}
	if shown+left != total || headed < shown || total > 0 && rows == 0 {
		t.Errorf("%s: %d rows show %d, %d are left out, headings say %d, want %d in all:\n%.600s", m.Service, rows, shown, left, headed, total, m.Text)
	}
	body := string(m.Body)
	if _, blocks, ok := strings.Cut(body, `"blocks"`); ok {
		body = blocks
	}
	for _, link := range []string{console, console + "?all"} {
		if i := strings.Index(body, link); total > 0 && (i < 0 || i > strings.Index(body, "cpn-")) {
			t.Errorf("%s: the link %s is missing or stands behind the list", m.Service, link)
		}
	}
	if len(m.Mentions) > 0 {
		t.Errorf("%s: calls %q", m.Service, m.Mentions)
	}
}

func checkOmitted(t *testing.T, body []byte, total int) {
	t.Helper()
	var got struct {
		Type    string
		ID      string
		Title   string
		Omitted int `json:"findings_omitted"`
		Report  report.Report
	}
	if err := json.Unmarshal(body, &got); err != nil {
		t.Fatal(err)
	}
	if n := len(got.Report.Findings); n+got.Omitted != total || got.Type != "matrix.report" || got.ID == "" || got.Title == "" || got.Report.Findings == nil || len(body) < min(total*100, webhookBodyBytes-1000) {
		t.Errorf("webhook: %d findings and %d omitted in %d bytes, want %d: %.200s", n, got.Omitted, len(body), total, body)
	}
}

// Problems alone can be longer than a service takes, and so can a title that
// names regions; then their last are cut, and never the links.
func TestManyProblems(t *testing.T) {
	t.Parallel()
	for _, filler := range []string{"😀", "&"} { // four bytes in UTF-8, five in Slack's markup
		r := badDay(40)
		r.Complete = false
		for i := range 300 {
			r.Problems = append(r.Problems, report.Problem{
				Endpoint: fmt.Sprint("host", i), Region: strings.Repeat("r", 80) + fmt.Sprint(i%3), Code: "InternalError",
				Message: strings.Repeat(filler, 400) + fmt.Sprint(i), MayHideMatrices: true,
			})
		}
		room := &fakechat.Server{}
		for _, c := range roomChannels(t, room, nil) {
			before := len(room.Messages())
			err := c.Send(t.Context(), r, message.Options{Language: "zh", ConsoleURL: console, ReportURL: console + "?all"}, "key")
			posted := room.Messages()[before:]
			if err != nil || len(posted) != 1 || !strings.Contains(string(posted[0].Body), console) && c.Name() != "webhook" {
				t.Errorf("%s: %v, %d posts, the last refused for %s", c.Name(), err, len(posted), posted[len(posted)-1].Why)
			}
		}
	}
}

// A second and a third try are signed anew, and are the same message to those
// who can tell: the room checks every signature by the clock of the bubble.
func TestTriedAgain(t *testing.T) {
	t.Parallel()
	later := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Retry-After", "2")
		w.WriteHeader(http.StatusTooManyRequests)
	}
	for _, kind := range Kinds {
		synctest.Test(t, func(t *testing.T) {
			room := &fakechat.Server{DingTalkSecret: secret, FeishuSecret: secret, WebhookSecret: secret, Faults: []http.HandlerFunc{later, later}}
			env := map[string]string{"DINGTALK_SECRET": secret, "FEISHU_SECRET": secret, "WEBHOOK_SECRET": secret}
			for name, address := range fakechat.Webhooks("https://room.example") {
				if strings.HasPrefix(name, strings.ToUpper(kind.Name)+"_") || kind.Name == "webhook" && name == "WEBHOOK_URL" {
					env[name] = address
				}
			}
			c, _ := channelTo(t, kind.Name, env, room)
			if err := c.Send(t.Context(), badDay(1), message.Options{Language: "en"}, "key"); err != nil {
				t.Fatal(err)
			}
			var stamps, ids []string
			all := room.Messages()
			for _, m := range all {
				var body struct{ Timestamp, MsgUUID string }
				if err := json.Unmarshal(m.Body, &body); err != nil {
					t.Fatal(err)
				}
				stamps = append(stamps, body.Timestamp+m.Query.Get("timestamp")+m.Header.Get("webhook-timestamp"))
				ids = append(ids, body.MsgUUID+m.Header.Get("webhook-id"))
			}
			if len(all) != 3 || !all[2].Accepted {
				t.Fatalf("%s: %d posts, %+v", kind.Name, len(all), all[len(all)-1].Why)
			}
			signs := slices.Contains([]string{"dingtalk", "feishu", "webhook"}, kind.Name)
			if distinct := len(slices.Compact(slices.Clone(stamps))); signs && distinct != 3 || !signs && stamps[0] != "" {
				t.Errorf("%s: signed at %q", kind.Name, stamps)
			}
			if len(slices.Compact(ids)) != 1 || (ids[0] != "") != c.service.idempotent() {
				t.Errorf("%s: got the ids %q, idempotent: %t", kind.Name, ids, c.service.idempotent())
			}
			if messageID(kind.Name, "key") == messageID(kind.Name, "other") {
				t.Errorf("%s: ids do not follow the key", kind.Name)
			}
		})
	}
}

// The vectors are of the vendors' own examples, and made with another program.
func TestSignatures(t *testing.T) {
	if got := dingtalkSignature("SECabc", "1599360473000"); got != "3SJkK5Fm70JVVkwmvZFkgdPlr53Kn2utLHLz9DzuOSc=" {
		t.Errorf("dingtalk: got %s", got)
	}
	if got := feishuSignature("SECabc", "1599360473"); got != "KjJCRpeZcpDq6nFA4wlSAm5ZsE3Y8HuB1O1Sgv2Y9xA=" {
		t.Errorf("feishu: got %s", got)
	}
	s := dingtalkService{webhook: load(t, "dingtalk", answers["dingtalk"].env).service.(dingtalkService).webhook, secret: "SECabc"}
	req, err := s.request(t.Context(), "", nil, time.UnixMilli(1599360473000))
	if err != nil || !strings.Contains(req.URL.RawQuery, "sign=3SJkK5Fm70JVVkwmvZFkgdPlr53Kn2utLHLz9DzuOSc%3D") || !strings.Contains(req.URL.RawQuery, "access_token="+token) {
		t.Errorf("got the query %q, %v", req.URL.RawQuery, err)
	}
}

// sent is what a channel posts, form by form, where all but the last is refused.
func sent(t *testing.T, kind string, env map[string]string, r report.Report, o message.Options, answers ...answer) (bodies []string, err error) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		c, _ := channelTo(t, kind, env, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			var b bytes.Buffer
			b.ReadFrom(r.Body)
			bodies = append(bodies, b.String())
			answers[min(len(bodies), len(answers))-1].ServeHTTP(w, r)
		}))
		o.Language = "en"
		err = c.Send(t.Context(), r, o, "key")
	})
	return bodies, err
}

var linked = message.Options{ConsoleURL: console, ReportURL: console + "?all"}

// Where blocks are refused, the text alone is sent, with the rows in it.
func TestSlackWithoutBlocks(t *testing.T) {
	bodies, err := sent(t, "slack", answers["slack"].env, badDay(3), linked, answer{400, "invalid_blocks"}, answer{200, "ok"})
	if err != nil || len(bodies) != 2 || !strings.Contains(bodies[0], `"blocks"`) || strings.Contains(bodies[1], `"blocks"`) || !strings.Contains(bodies[1], "cpn-") {
		t.Errorf("got %v and %q", err, bodies)
	}
}

// Others that take Slack's messages get the text, and may say so in their way.
func TestLikeSlack(t *testing.T) {
	env := map[string]string{"SLACK_WEBHOOK_URL": "https://chat.example/hooks/" + token}
	for _, yes := range []string{"ok", `{"success":true}`} {
		bodies, err := sent(t, "slack", env, badDay(3), linked, answer{200, yes})
		if err != nil || len(bodies) != 1 || strings.Contains(bodies[0], `"blocks"`) || !strings.Contains(bodies[0], "<"+console+"|Renew>") {
			t.Errorf("%s: got %v and %q", yes, err, bodies)
		}
	}
	if _, err := sent(t, "slack", env, badDay(3), linked, answer{200, `{"success":false,"error":"x"}`}); err == nil {
		t.Error("a 200 that means no is delivered")
	}
	if _, err := sent(t, "slack", answers["slack"].env, badDay(3), linked, answer{200, `{"success":true}`}); err == nil {
		t.Error("Slack itself says ok, and nothing else")
	}
}

// What DingTalk dislikes is sent again without links and bar, with every row.
func TestDingTalkContentPolicy(t *testing.T) {
	bodies, err := sent(t, "dingtalk", answers["dingtalk"].env, badDay(12), linked, answer{200, `{"errcode":430101}`}, answer{200, `{"errcode":0}`})
	if err != nil || len(bodies) != 2 {
		t.Fatalf("got %v and %d bodies", err, len(bodies))
	}
	for i, want := range []bool{true, false} {
		if got := strings.Contains(bodies[i], "://") || strings.Contains(bodies[i], "]("); got != want {
			t.Errorf("form %d: has links: %t", i, got)
		}
		if got := strings.Contains(bodies[i], "▁"); got != want {
			t.Errorf("form %d: has a bar: %t", i, got)
		}
	}
	uuid := regexp.MustCompile(`"msgUuid":"[0-9a-f-]{36}"`)
	if a, b := uuid.FindString(bodies[0]), uuid.FindString(bodies[1]); a == "" || b == "" || a == b {
		t.Errorf("got the ids %s and %s: what was refused may be known by its id", a, b)
	}
	if a, b := strings.Count(bodies[0], "cpn-"), strings.Count(bodies[1], "cpn-"); a != b || a < 12 {
		t.Errorf("%d rows, then %d", a, b)
	}
}

// Owners of what is critical are called by the ids of each service, told apart
// by their shape.
func TestMentions(t *testing.T) {
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
			t.Errorf("%s calls %q, want %q", m.Service, got, want)
		}
	}
}

// The colour of a card says what its title says.
func TestColours(t *testing.T) {
	fine, empty, failed, unread, notice := badDay(0), badDay(0), badDay(0), badDay(0), badDay(1)
	empty.Total, empty.Listed = 0, 0
	failed.Complete, failed.Listed = false, 0
	unread.Complete = false
	notice.Findings[0].Severity = report.Notice
	for _, c := range []struct {
		r      report.Report
		colour string
	}{{fine, "green"}, {empty, "orange"}, {failed, "red"}, {unread, "orange"}, {notice, "blue"}, {badDay(1), "red"}} {
		bodies, err := sent(t, "feishu", answers["feishu"].env, c.r, linked, answers["feishu"].yes)
		if err != nil || !strings.Contains(bodies[0], `"template":"`+c.colour+`"`) {
			t.Errorf("want %s: %v, %.300q", c.colour, err, bodies)
		}
	}
}

// Names as they are mostly: an underscore within a word formats nothing.
func TestUnderscores(t *testing.T) {
	for in, want := range map[string]string{
		"prod_hz_03": "prod_hz_03", "_x_": "ˍxˍ", "a_b _c": "a_b ˍc", "测_试": "测_试", "> a": "＞ a", "a > b & <c>": "a &gt; b &amp; &lt;c&gt;",
	} {
		if got := mrkdwn(in, slackEscapes); got != want {
			t.Errorf("%s: got %s, want %s", in, got, want)
		}
	}
}

// A run that has no time left does not wait, and tells what the service said.
func TestNoTimeToWait(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		requests := 0
		c, _ := channelTo(t, "wecom", answers["wecom"].env, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			requests++
			retryLater(func() string { return "30" }).ServeHTTP(w, r)
		}))
		ctx, stop := context.WithTimeout(t.Context(), 20*time.Second)
		defer stop()
		start := time.Now()
		err := c.Send(ctx, badDay(1), message.Options{Language: "en"}, "key")
		if requests != 1 || time.Since(start) != 0 { // by the bubble's clock
			t.Errorf("%d requests in %s", requests, time.Since(start))
		}
		checkError(t, err, "wecom: HTTP 429", answers["wecom"].env)
	})
}

// A secret may be a text or, as the convention has it, base64 behind whsec_;
// without one nothing is signed.
func TestWebhookSecrets(t *testing.T) {
	for _, key := range []string{"", "plain text", "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"} {
		room := &fakechat.Server{WebhookSecret: key}
		channels := roomChannels(t, room, map[string]string{"WEBHOOK_SECRET": key})
		if err := channels[len(channels)-1].Send(t.Context(), badDay(1), message.Options{Language: "en"}, "key"); err != nil {
			t.Errorf("%s: %v", key, err)
		}
		if signature := room.Messages()[0].Header.Get("webhook-signature"); (signature == "") != (key == "") {
			t.Errorf("%s: signed with %q", key, signature)
		}
	}
}
