package handler

import (
	"context"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
	"unicode"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A Command is a way in which people ask from within a chat service.
type Command interface {
	// Path is where the service sends what people type.
	Path() string
	// Words verifies that the service sent it, and gives what was typed and the
	// language of the channel, if it has one. An error tells no secret.
	Words(header http.Header, body []byte, now time.Time) (words, language string, err error)
	// Reply is a report, or a line of text, in the service's form: JSON.
	Reply(r report.Report, o message.Options) ([]byte, error)
	Say(text string) ([]byte, error)
}

// commandTime is what an answer may take: Slack waits three seconds, and the
// way there and back is part of them.
const commandTime = 2400 * time.Millisecond

// command answers what somebody typed in a chat. It never posts. Whatever is
// wrong with the words is told in the chat, so it is a 200.
func (h *Handler) command(w http.ResponseWriter, r *http.Request, c Command) {
	ctx, cancel := context.WithTimeout(r.Context(), commandTime)
	defer cancel()
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	words, language, err := c.Words(r.Header, body, h.Now())
	if err != nil {
		h.refuse(w, r, err.Error())
		return
	}
	reply, err := h.replyTo(ctx, c, words, language)
	if err != nil {
		h.logger(ctx).Error("answering a command", "trigger", "http", "path", r.URL.Path, "error", err.Error())
		writeError(w, http.StatusInternalServerError, "InternalError", "the answer could not be made")
		return
	}
	writeJSON(w, http.StatusOK, reply)
}

func (h *Handler) replyTo(ctx context.Context, c Command, words, language string) ([]byte, error) {
	q, unknown := readWords(words)
	if q.Language == "" {
		q.Language = language
	}
	j, err := h.with(q.ask)
	switch {
	case unknown != "":
		if unknown == cry {
			unknown = ""
		}
		text, err := commandHelp(j.settings.Language, unknown)
		if err != nil {
			return nil, err
		}
		return c.Say(text)
	case err != nil:
		return c.Say(oneLine(err))
	}
	a, err := h.answer(ctx, j, q)
	if err != nil {
		return nil, err
	}
	a.options.Age = a.age
	return c.Reply(a.report, a.options)
}

// noise are words that ask for nothing that is not asked for anyway.
var noise = map[string]bool{"到期": true, "矩阵": true, "报告": true, "天": true, "days": true, "report": true, "matrices": true, "expiring": true}

// severityWords are what the messages call severities.
var severityWords = map[string]report.Severity{
	"critical": report.Critical, "warning": report.Warning, "notice": report.Notice,
	"紧急": report.Critical, "警告": report.Warning, "提醒": report.Notice,
}

var daysWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\d{1,4})(d|days?|天|天内|天内到期)?$`) })

// cry stands for every cry for help among the words that are not known.
const cry = "help"

// readWords takes what people type: days, regions, severities, or a cry for
// help. It also gives the first word that it does not know.
func readWords(words string) (q query, unknown string) {
	q = query{format: "chat", page: 1, haste: true}
	if strings.ContainsFunc(words, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		q.Language = "zh"
	}
	for _, word := range strings.Fields(strings.ToLower(words)) {
		days := daysWord().FindStringSubmatch(strings.TrimPrefix(word, "到期"))
		switch {
		case strings.HasPrefix(word, "@"), noise[word]:
		case word == cry, word == "帮助", word == "?", word == "？":
			return q, cry
		case days != nil:
			n, err := strconv.Atoi(days[1])
			if err != nil || n > config.MaxDays {
				return q, word
			}
			q.Days = &n
		case severityWords[word] != "":
			q.severities = append(q.severities, severityWords[word])
		case regionNamed(word) != "":
			q.Regions = append(q.Regions, regionNamed(word))
		case config.IsRegion(word):
			q.Regions = append(q.Regions, word)
		default:
			return q, word
		}
	}
	return q, ""
}

// commandHelp returns what can be asked in a chat or, with a word that is not
// known, what could be asked instead.
func commandHelp(language, unknown string) (string, error) {
	c, err := locale.Of(language)
	switch {
	case err != nil:
		return "", err
	case unknown != "":
		return c.Lookup("command_unknown", unknown)
	}
	return c.Lookup("command_help")
}

// regionNamed returns the id of the region that any language calls name, or "".
func regionNamed(name string) string {
	for _, language := range locale.Languages() {
		if c, err := locale.Of(language); err == nil && c.RegionNamed(name) != "" {
			return c.RegionNamed(name)
		}
	}
	return ""
}
