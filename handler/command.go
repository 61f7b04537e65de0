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

// A Command lets people query the report from a chat service.
type Command interface {
	// Path returns the path to which the service posts what people type.
	Path() string
	// Text verifies that the service sent the request, and returns the text that
	// was typed and the language of the channel, or "" if it has none. The error
	// contains no secret.
	Text(header http.Header, body []byte, now time.Time) (text, language string, err error)
	// Reply returns the reply with a report, as JSON in the form of the service.
	Reply(r report.Report, o message.Options) ([]byte, error)
	// ReplyText returns the reply with a text.
	ReplyText(text string) ([]byte, error)
}

// commandTime bounds a reply: Slack waits for three seconds, including the
// transfer both ways.
const commandTime = 2400 * time.Millisecond

// serveCommand answers a command with a reply and never posts. An invalid
// command has status 200, too, as people read the reply in the chat.
func (h *Handler) serveCommand(w *response, r *http.Request, c Command) {
	ctx, cancel := context.WithTimeout(r.Context(), commandTime)
	defer cancel()
	body, ok := readBody(w, r)
	if !ok {
		return
	}
	text, language, err := c.Text(r.Header, body, h.Now())
	if err != nil {
		h.refuse(w, r, err.Error())
		return
	}
	reply, err := h.reply(ctx, c, text, language)
	if err != nil {
		h.logger(ctx).Error("answering a command", "trigger", "http", "path", r.URL.Path, "error", err.Error())
		writeError(w, http.StatusInternalServerError, "InternalError", "the reply could not be written")
		return
	}
	writeJSON(w, http.StatusOK, reply)
}

func (h *Handler) reply(ctx context.Context, c Command, text, language string) ([]byte, error) {
	q, unknown := parseCommand(text)
	if q.Language == "" {
		q.Language = language
	}
	run, err := h.newRun(q.request)
	switch {
	case unknown != "":
		if unknown == helpWord {
			unknown = ""
		}
		text, err := commandHelp(run.settings.Language, unknown)
		if err != nil {
			return nil, err
		}
		return c.ReplyText(text)
	case err != nil:
		return c.ReplyText(oneLine(err))
	}
	res, err := h.findResult(ctx, run, q)
	if err != nil {
		return nil, err
	}
	res.options.Age = res.age
	return c.Reply(res.report, res.options)
}

// stopWords have no effect.
var stopWords = map[string]bool{"到期": true, "矩阵": true, "报告": true, "天": true, "days": true, "report": true, "matrices": true, "expiring": true}

// severityWords are what the messages call severities.
var severityWords = map[string]report.Severity{
	"critical": report.Critical, "warning": report.Warning, "notice": report.Notice,
	"紧急": report.Critical, "警告": report.Warning, "提醒": report.Notice,
}

var daysWord = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`^(\d{1,4})(d|days?|天|天内|天内到期)?$`) })

// helpWord is the canonical word for help.
const helpWord = "help"

// parseCommand parses what people type: days, regions, severities, or a word
// for help. It also returns the first unknown word.
func parseCommand(text string) (q query, unknown string) {
	q = query{format: "chat", page: 1, noWait: true}
	if strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) }) {
		q.Language = "zh"
	}
	for _, word := range strings.Fields(strings.ToLower(text)) {
		days := daysWord().FindStringSubmatch(strings.TrimPrefix(word, "到期"))
		switch {
		case strings.HasPrefix(word, "@"), stopWords[word]:
		case word == helpWord, word == "帮助", word == "?", word == "？":
			return q, helpWord
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

// commandHelp returns what commands are valid, or a reply to an unknown word.
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
