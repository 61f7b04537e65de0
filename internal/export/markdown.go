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

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// Markdown writes r in English, in GitHub Flavored Markdown
// (https://github.github.com/gfm/, text/markdown; variant=GFM): a summary in one
// line, the problems, and a table of all findings. Values are escaped: they contain
// no markup, HTML, links or mentions.
//
// Markdown returns only errors of w.
func Markdown(w io.Writer, r report.Report) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n", summary(r))
	for i, p := range r.Problems {
		if i == 0 {
			fmt.Fprint(b, "\n")
		}
		effect := "Hides nothing" // begins the line, so that a problem cannot start a heading or a list
		if p.MayHideMatrices {
			effect = "May hide matrices"
		}
		fmt.Fprintf(b, "- %s: %s\n", effect, problem(p))
	}
	for i := range r.Findings {
		f := &r.Findings[i]
		if i == 0 {
			fmt.Fprint(b, "\n| Severity | Reason | Name | ID | Region | Status | Expires | Days left | Phones | Owner |\n"+
				"| --- | --- | --- | --- | --- | --- | --- | ---: | ---: | --- |\n")
		}
		reasons := join(append([]report.Reason{f.Reason}, f.OtherReasons...), ", ")
		expires := formatted(f.ExpiresAt, "2006-01-02 15:04")
		if f.ExpiresAt.IsNever() {
			expires = "never"
		}
		cells := []string{
			inline(string(f.Severity)), inline(reasons), inline(message.Name(f.Matrix)), inline(f.NodeID), inline(f.Region),
			inline(f.Status), expires, daysLeft(f), strconv.Itoa(f.PhoneCount), inline(f.Owner),
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	return b.Flush()
}

// summary returns one line: how many matrices need attention, of how many, and
// whether some may be missing.
func summary(r report.Report) string {
	when := ", at " + r.GeneratedAt.Format("2006-01-02 15:04 -07:00") + "."
	if r.Failed() {
		return "**The matrices could not be listed**" + when
	}
	needing, of := 0, map[report.Severity]int{}
	for _, f := range r.Findings {
		if f.Reason != "" { // a request for all matrices has others too
			needing++
			of[f.Severity]++
		}
	}
	var how []string
	for _, severity := range report.Severities {
		how = append(how, fmt.Sprintf("%d %s", of[severity], severity))
	}
	s := fmt.Sprintf("**Need attention: %d of %s** (%s; %s)%s", needing, counted(r.Listed, "matrix", "matrices"),
		strings.Join(how, ", "), counted(r.PhonesAffected, "phone", "phones"), when)
	if !r.Complete {
		s += fmt.Sprintf(" **Incomplete: %d of about %d could be read.**", r.Listed, r.Total)
	}
	return s
}

// problem returns where and what went wrong, with the id of the request for a
// support case.
func problem(p report.Problem) string {
	join := func(separator string, parts ...string) string {
		return strings.Join(slices.DeleteFunc(parts, func(s string) bool { return s == "" }), separator)
	}
	out := inline(join(": ", join(" ", p.Endpoint, p.Account, p.Region), p.Code, p.Message))
	if p.Permission != "" {
		out += "; missing permission: " + inline(p.Permission)
	}
	if p.RequestID != "" {
		out += " (request " + inline(p.RequestID) + ")"
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
