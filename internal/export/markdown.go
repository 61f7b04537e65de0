package export

import (
	"bufio"
	"fmt"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// Markdown writes r in a language, in GitHub Flavored Markdown
// (https://github.github.com/gfm/, text/markdown; variant=GFM): a summary in one
// line, the problems, and a table of all findings. Values are escaped: they contain
// no markup, HTML, links or mentions. If r was filtered, needing is how many matrices
// need attention in all, otherwise 0.
//
// Markdown returns errors of w, and an error for an unknown language.
func Markdown(w io.Writer, r report.Report, needing int, language string) error {
	c, err := locale.Of(language)
	if err != nil {
		return err
	}
	b := bufio.NewWriter(w) // returns its first error from Flush
	fmt.Fprintf(b, "%s\n", summary(r, needing, c))
	for i, p := range r.Problems {
		if i == 0 {
			fmt.Fprint(b, "\n")
		}
		id := "markdown_harmless" // begins the line, so that a problem cannot start a heading or a list
		if p.MayHideMatrices {
			id = "markdown_hides"
		}
		fmt.Fprintf(b, "- %s\n", c.Text(id, problem(p, c)))
	}
	if len(r.Findings) > 0 {
		fmt.Fprintf(b, "\n| %s |\n| --- | --- | --- | --- | --- | --- | --- | ---: | ---: | --- |\n", strings.Join([]string{
			c.Text("page_severity"), c.Text("page_reason"), c.Text("page_matrix"), "ID", c.Text("page_region"), c.Text("markdown_status"),
			c.Text("page_expires"), c.Text("markdown_days_left"), c.Text("page_phones"), c.Text("page_owner"),
		}, " | "))
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		var reasons []string
		for _, reason := range f.Reasons() {
			reasons = append(reasons, message.ReasonName(c, reason))
		}
		cells := []string{
			inline(severityText(c, f.Severity)), inline(strings.Join(reasons, c.Text("comma"))), inline(message.Name(f.Matrix)), inline(f.NodeID),
			inline(c.Region(f.Region)), inline(f.Status), expiry(c, f.ExpiresAt), daysLeft(f), strconv.Itoa(f.PhoneCount), inline(f.Owner),
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	return b.Flush()
}

// expiry returns a date and time: 24:00 of the last day for midnight.
func expiry(c *locale.Catalog, t report.Time) string {
	switch {
	case t.IsZero():
		return ""
	case t.IsNever():
		return c.Text("never")
	}
	return t.LastDay().String() + " " + hour(t)
}

// severityText names a severity, or returns it unchanged if the catalogue has no
// name.
func severityText(c *locale.Catalog, severity report.Severity) string {
	if id := "page_" + string(severity); slices.Contains(report.Severities, severity) {
		return c.Text(id)
	}
	return string(severity)
}

// summary returns one line: how many matrices need attention, of how many, and
// whether some may be missing.
func summary(r report.Report, needing int, c *locale.Catalog) string {
	when := " · " + c.DateTime(r.GeneratedAt.Time)
	if r.Failed() {
		return "**" + c.Text("title_failed") + "**" + when
	}
	of := map[report.Severity]int{}
	for _, f := range r.Findings {
		of[f.Severity]++
	}
	var how []string
	for _, severity := range report.Severities {
		how = append(how, fmt.Sprintf("%s %d", severityText(c, severity), of[severity]))
	}
	s := "**" + message.Needs(r, needing, c) + "** · " + strings.Join(how, c.Text("comma")) + " · " + c.Text("phones", r.PhonesAffected) + when
	if !r.Complete {
		_, unread := message.Unread(r, c)
		s += " · **" + inline(c.Text("incomplete", unread)) + "**"
	}
	return s
}

// problem returns where and what went wrong, with the id of the request for a
// support case.
func problem(p report.Problem, c *locale.Catalog) string {
	text := message.ProblemText(c, p)
	region := ""
	if p.Region != "" {
		region = c.Region(p.Region)
	}
	if where := strings.TrimSpace(p.Endpoint + " " + p.Account + " " + region); where != "" {
		text = where + c.Text("colon") + text
	}
	out := inline(text)
	if p.Permission != "" {
		out += c.Text("comma") + c.Text("markdown_permission", inline(p.Permission))
	}
	if p.RequestID != "" {
		out += c.Text("comma") + c.Text("request", inline(p.RequestID))
	}
	return out
}

// autolink matches the start of what GitHub turns into a link, a mention or an
// emoji without markup: URLs, people, issues (#1, GH-1), shortcodes (:bomb:). A
// backslash does not prevent that; a zero-width space does.
var autolink = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)[@#:]|www|\bgh-`) })

const zeroWidth = '\u200b'

// escape escapes every character that is markup within a line: with a backslash
// (CommonMark 2.4), or as an entity (CommonMark 2.5) if a backslash is not enough:
// tables split at | and GitHub finds formulas at $ before escapes are read.
var escape = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `~`, `\~`, `!`, `\!`,
	`|`, `&#124;`, `$`, `&#36;`, `&`, `&amp;`, `<`, `&lt;`, `>`, `&gt;`, string(zeroWidth), `&#8203;`,
)

// inline returns s, truncated as in messages, as text within a line or a table cell.
func inline(s string) string {
	s = message.Clean(s)
	s = autolink().ReplaceAllString(s, "$0"+string(zeroWidth))
	return escape.Replace(strings.ReplaceAll(s, ":"+string(zeroWidth)+" ", ": "))
}
