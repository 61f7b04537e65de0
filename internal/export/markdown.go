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

	"matrix-expiry-report/report"
)

// Markdown writes r for people who read it where GitHub's Markdown is known
// (https://github.github.com/gfm/, text/markdown; variant=GFM), in English: a
// line that sums it up, what could not be done, and a table of every finding.
// Owner is the value of the tag called ownerTag. Values from outside are text
// and nothing else: no markup, no HTML, no links, no mentions.
//
// Any error is the writer's.
func Markdown(w io.Writer, r report.Report, ownerTag string) error {
	b := bufio.NewWriter(w)
	fmt.Fprintf(b, "%s\n", summary(r))
	for i, p := range r.Problems {
		if i == 0 {
			fmt.Fprint(b, "\n")
		}
		effect := "Hides nothing" // fixed words first, so that no problem can begin a heading or a list
		if p.MayHideMatrices {
			effect = "May hide matrices"
		}
		fmt.Fprintf(b, "- %s: %s\n", effect, problem(p))
	}
	for i, f := range r.Findings {
		if i == 0 {
			fmt.Fprint(b, "\n| Severity | Reason | Name | ID | Region | Status | Expires | Days left | Phones | Owner |\n"+
				"| --- | --- | --- | --- | --- | --- | --- | ---: | ---: | --- |\n")
		}
		reasons := join(append([]report.Reason{f.Reason}, f.OtherReasons...), ", ")
		expires := ""
		if !f.ExpiresAt.IsZero() {
			expires = f.ExpiresAt.Format("2006-01-02 15:04")
		}
		cells := []string{
			inert(string(f.Severity)), inert(reasons), inert(nameOf(f.Matrix)), inert(f.NodeID), inert(f.Region),
			inert(f.Status), expires, daysLeft(f), strconv.Itoa(f.PhoneCount), inert(f.Tags[ownerTag]),
		}
		fmt.Fprintf(b, "| %s |\n", strings.Join(cells, " | "))
	}
	return b.Flush()
}

// summary says in one line how many matrices need somebody, of how many, and
// whether any may be missing.
func summary(r report.Report) string {
	when := ", at " + r.GeneratedAt.Format("2006-01-02 15:04 -07:00") + "."
	if r.Failed() {
		return "**The matrices could not be listed**" + when
	}
	var how []string
	needing := 0
	for _, f := range r.Findings {
		if f.Reason != "" { // others are listed with them where all were asked for
			needing++
		}
	}
	for _, severity := range report.Severities {
		n := 0
		for _, f := range r.Findings {
			if f.Severity == severity {
				n++
			}
		}
		how = append(how, fmt.Sprintf("%d %s", n, severity))
	}
	s := fmt.Sprintf("**Need attention: %d of %s** (%s; %s)%s", needing, counted(r.Listed, "matrix", "matrices"),
		strings.Join(how, ", "), counted(r.PhonesAffected, "phone", "phones"), when)
	if !r.Complete {
		s += fmt.Sprintf(" **Incomplete: %d of about %d could be read.**", r.Listed, r.Total)
	}
	return s
}

// problem tells what went wrong, where, and what who asks for help is asked for.
func problem(p report.Problem) string {
	where := []string{p.Endpoint, p.Account, p.Region}
	where = slices.DeleteFunc(where, func(s string) bool { return s == "" })
	what := []string{strings.Join(where, " "), p.Code, p.Message}
	what = slices.DeleteFunc(what, func(s string) bool { return s == "" })
	out := inert(strings.Join(what, ": "))
	if p.Permission != "" {
		out += "; missing permission: " + inert(p.Permission)
	}
	if p.RequestID != "" {
		out += " (request " + inert(p.RequestID) + ")"
	}
	return out
}

// trigger begins what GitHub makes a link, a mention or a picture of without
// any markup: addresses, people, issues (#1, GH-1), shortcodes (:bomb:). A
// backslash does not keep it from doing so, a space without width does.
var trigger = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`(?i)[@#:]|www|\bgh-`) })

const noWidth = '\u200b'

// escape keeps every character that Markdown acts on within a line: with a
// backslash (CommonMark 2.4), or as an entity, which never is markup
// (CommonMark 2.5), where a backslash does not do: tables look for the bar
// before anything else, and GitHub for formulas ($).
var escape = strings.NewReplacer(
	`\`, `\\`, "`", "\\`", `*`, `\*`, `_`, `\_`, `[`, `\[`, `]`, `\]`, `~`, `\~`, `!`, `\!`,
	`|`, `&#124;`, `$`, `&#36;`, `&`, `&amp;`, `<`, `&lt;`, `>`, `&gt;`, string(noWidth), `&#8203;`,
)

// inert is s as text within a line or a cell, at most maxRunes of it.
func inert(s string) string {
	s = short(s)
	if low := strings.ToLower(s); strings.ContainsAny(low, "@#:") || strings.Contains(low, "www") || strings.Contains(low, "gh-") {
		s = trigger().ReplaceAllString(s, "$0"+string(noWidth))
	}
	return escape.Replace(strings.ReplaceAll(s, ":"+string(noWidth)+" ", ": "))
}
