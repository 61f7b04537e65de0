package chat

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"matrix-expiry-report/internal/config"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// roomChannels returns a channel of each kind to an emulated chat, which has the
// limits of the services.
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

// A counter matches texts with a number in one language.
type counter struct {
	more, names, dates, date, heading *regexp.Regexp
	named                             int // names of a row that names counts without these
}

func newCounter(t *testing.T, lang string) counter {
	t.Helper()
	c, err := locale.Of(lang)
	if err != nil {
		t.Fatal(err)
	}
	const any, bold = "ANY", `(?:\*\*)?(?:</?font[^>]*>)?(?:\*\*)?`
	// pattern matches a text in the plural forms of some numbers.
	pattern := func(text func(n int) string) string {
		var forms []string
		for _, n := range []int{1, 3, 7, 21} {
			form := strings.Replace(regexp.QuoteMeta(strings.TrimSpace(text(n))), strconv.Itoa(n), `([\d,]+)`, 1)
			forms = append(forms, strings.Replace(form, any, `[^·\n]+`, 1))
		}
		slices.Sort(forms)
		return "(?:" + strings.Join(slices.Compact(forms), "|") + ")"
	}
	day := `\d+ ?\p{L}+(?:\d+\p{L}+)?` // 8 Dec, 12月8日
	date := strings.ReplaceAll(pattern(func(n int) string { return c.Text("day_count", any, n) }), `[^·\n]+`, day)
	more := pattern(func(n int) string { return c.Text("more", n, any) }) + "|^" + pattern(func(n int) string { return c.Text("more_expiring", n, any) })
	found := counter{
		more:    regexp.MustCompile("^" + more),
		names:   regexp.MustCompile(" " + pattern(func(n int) string { return c.Text("and_others", n, n) })),
		dates:   regexp.MustCompile(`^(?:[-•] )?` + date + `(?: · ` + date + `)*$`),
		date:    regexp.MustCompile(date),
		heading: regexp.MustCompile("^" + bold + pattern(func(n int) string { return c.Text("heading", any, n) }) + bold + "$"),
	}
	if strings.Contains(c.Text("and_others", 6, 9), "6") { // how many there are besides three
		found.named = 3
	}
	return found
}

func number(t *testing.T, groups []string) int {
	t.Helper()
	n, err := strconv.Atoi(strings.ReplaceAll(strings.Join(groups[1:], ""), ",", ""))
	if err != nil {
		t.Errorf("%q: %v", groups, err)
	}
	return n
}

// Messages about reports of any size are accepted, their numbers agree, and
// their links come before the rows.
func TestSendFitsEveryLimit(t *testing.T) {
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
					if findings > 1000 { // slow, and languages differ in bytes only
						languages = languages[i%len(languages):][:1]
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
						case c.Name() == "teams" && len(strconv.QuoteToASCII(string(posted[0].Body))) > 28_000*4/5:
							t.Errorf("%s: less than a fifth of Teams' 28 KB is left", lang)
						default:
							checkRows(t, newCounter(t, lang), posted[0], findings)
						}
					}
				})
			}
		})
	}
}

// checkRows checks that rows and what was left out add up to total.
func checkRows(t *testing.T, c counter, m fakechat.Message, total int) {
	t.Helper()
	rows, shown, left, headed := 0, 0, 0, 0
	for line := range strings.Lines(m.Text) {
		line = strings.TrimRight(line, "\n")
		switch {
		case c.more.MatchString(line):
			left = number(t, c.more.FindStringSubmatch(line))
		case c.heading.MatchString(line):
			headed += number(t, c.heading.FindStringSubmatch(line))
		case c.dates.MatchString(line):
			rows++
			for _, date := range c.date.FindAllStringSubmatch(line, -1) {
				shown += number(t, date)
			}
		case c.names.MatchString(line):
			rows++
			shown += number(t, c.names.FindStringSubmatch(line)) + c.named
		case strings.Contains(line, "cpn-"):
			rows++
			shown++
		}
	}
	if rows > 40 {
		t.Errorf("%s: %d rows", m.Service, rows)
	}
	if shown+left != total || headed < shown || total > 0 && rows == 0 {
		t.Errorf("%s: %d rows show %d, %d left out, headings sum to %d, want %d in all:\n%.600s", m.Service, rows, shown, left, headed, total, m.Text)
	}
	body := string(m.Body)
	if _, blocks, ok := strings.Cut(body, `"blocks"`); ok {
		body = blocks
	}
	for _, link := range []string{console, console + "?all"} {
		if i := strings.Index(body, link); total > 0 && (i < 0 || i > strings.Index(body, "cpn-")) {
			t.Errorf("%s: the link %s is missing or after the rows", m.Service, link)
		}
	}
	if len(m.Mentions) > 0 {
		t.Errorf("%s: mentions %q", m.Service, m.Mentions)
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

// Problems alone may exceed a limit, and so may a title that names regions. Then
// the last problems are left out, never the links.
func TestSendFitsManyProblems(t *testing.T) {
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
			err := c.Send(t.Context(), r, message.Options{Language: locale.Languages()[1], ConsoleURL: console, ReportURL: console + "?all"}, "key")
			posted := room.Messages()[before:]
			if err != nil || len(posted) != 1 || !strings.Contains(string(posted[0].Body), console) && c.Name() != "webhook" {
				t.Errorf("%s: %v, %d posts, the last refused: %s", c.Name(), err, len(posted), posted[len(posted)-1].Why)
			}
		}
	}
}
