package handler

import (
	"cmp"
	"context"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"golang.org/x/text/width"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A Command lets people query the report from a chat service.
type Command interface {
	// Path returns the path to which the service posts what people type.
	Path() string
	// IsProbe reports whether the service only checks the address, without a
	// signature. The response has no body.
	IsProbe(body []byte) bool
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
func (h *Handler) serveCommand(w *response, r *http.Request, c Command) error {
	ctx, cancel := context.WithTimeout(r.Context(), commandTime)
	defer cancel()
	body, err := readBody(r)
	if err != nil || c.IsProbe(body) {
		return err
	}
	text, language, err := c.Text(r.Header, body, h.Now())
	if err != nil {
		return h.refuse(r, err.Error())
	}
	reply, err := h.reply(ctx, c, text, language)
	if err != nil {
		h.logger(ctx).Error("answering a command", "trigger", "http", "path", r.URL.Path, "error", err.Error())
		return httpError{http.StatusInternalServerError, "InternalError", "the reply could not be written"}
	}
	writeJSON(w, reply)
	return nil
}

// reply returns the reply to the text of a command, in the language of the channel
// or, without one, of the settings.
func (h *Handler) reply(ctx context.Context, c Command, text, language string) ([]byte, error) {
	var catalogs []*locale.Catalog
	for _, language := range locale.Languages() {
		catalog, err := locale.Of(language)
		if err != nil {
			return nil, err
		}
		catalogs = append(catalogs, catalog)
	}
	cmd := parseCommand(text, cmp.Or(language, h.Settings.Language), catalogs)
	own, err := locale.Of(cmd.Language)
	switch {
	case err != nil:
		return nil, err
	case cmd.help:
		return c.ReplyText(own.Text("command_help"))
	case cmd.unknown != "":
		return c.ReplyText(own.Text("command_unknown", cmd.unknown))
	}
	run, err := h.newRun(cmd.request)
	if err != nil {
		return c.ReplyText(oneLine(err))
	}
	res, err := h.findResult(ctx, run, cmd.query)
	if err != nil {
		return nil, err
	}
	res.options.Age = res.age
	return c.Reply(res.report, res.options)
}

// A typedCommand is the parsed text of a command.
type typedCommand struct {
	query
	help    bool
	unknown string // the first word that no language has
}

// splitWords splits the text of a command into words, in lower case, without
// control characters and in the narrow forms of full-width letters, digits and
// punctuation.
func splitWords(text string) []string {
	text = strings.ToLower(width.Fold.String(message.Clean(text)))
	return strings.FieldsFunc(text, func(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;、。", r) })
}

// parseCommand parses days, regions, severities and words for help, in any
// language. The reply is in the given language.
func parseCommand(text, language string, catalogs []*locale.Catalog) typedCommand {
	cmd := typedCommand{query: query{format: "chat", page: 1}}
	cmd.Language = language
	for _, word := range splitWords(text) {
		known := func(c *locale.Catalog) bool { return cmd.add(word, c) }
		if !strings.HasPrefix(word, "@") && !slices.ContainsFunc(catalogs, known) { // @ is the robot
			cmd.unknown = cmp.Or(cmd.unknown, word)
		}
	}
	return cmd
}

// add adds the meaning of a word in one language to the command. It reports false
// if there is none. Ids of regions and numbers are words of every language.
func (cmd *typedCommand) add(word string, c *locale.Catalog) (known bool) {
	is := func(id string) bool { return slices.Contains(c.Words(id), word) }
	for _, severity := range report.Severities {
		if is("command_words_" + string(severity)) {
			cmd.severities = append(cmd.severities, severity)
			return true
		}
	}
	days, isDays := parseDays(word, c)
	region := cmp.Or(c.RegionNamed(word), word)
	switch {
	case is("command_words_ignored"), is("command_words_days"): // "14 days" is two words
	case is("command_words_help"):
		cmd.help = true
	case isDays:
		cmd.Days = &days
	case config.IsRegion(region):
		cmd.Regions = append(cmd.Regions, region)
	default:
		return false
	}
	return true
}

// parseDays parses a number of days such as 7, 7d or report7d: a word that is
// ignored, a number, and a word for days, of which only the number is required.
func parseDays(word string, c *locale.Catalog) (days int, ok bool) {
	for _, prefix := range c.Words("command_words_ignored") {
		if rest, ok := strings.CutPrefix(word, prefix); ok {
			word = rest
			break
		}
	}
	unit := strings.TrimLeft(word, "0123456789")
	days, err := strconv.Atoi(strings.TrimSuffix(word, unit))
	known := unit == "" || slices.Contains(c.Words("command_words_days"), unit)
	return days, err == nil && days <= config.MaxDays && known
}
