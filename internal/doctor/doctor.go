// Package doctor checks what a run needs, without running: settings,
// credentials, endpoints, the clock, channels, templates and the timer. A check
// that does not pass has advice.
//
// To add a check, write a method like the others and add it to [Checker.Run].
package doctor

import (
	"context"
	"fmt"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/inventory"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/internal/state"
)

// A Status is the outcome of a check.
type Status string

const (
	OK         Status = "ok"
	Warn       Status = "warn" // reports are sent, but perhaps not as expected
	Fail       Status = "fail" // no report is sent, or not to every channel
	NotChecked Status = "skip" // something else has to work first
)

// A look is how a status looks in text: its words in a summary, for one and for
// several checks, and its colour on a terminal (ECMA-48).
type look struct {
	Status
	one, other, colour string
}

var looks = []look{
	{OK, "ok", "ok", "32"},
	{Warn, "warning", "warnings", "33"},
	{Fail, "failure", "failures", "1;31"},
	{NotChecked, "not checked", "not checked", "2"},
}

// A Check is one thing that was checked.
type Check struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Detail string `json:"detail"`
	Advice string `json:"advice"` // what to do; may be empty
}

// A Checker checks the parts of a run.
type Checker struct {
	Settings    config.Settings
	SettingsErr error            // the errors of settings that stop the report, one per line; may be nil
	Mistakes    []config.Mistake // that disable other parts
	Warnings    []string
	EnvSize     int // bytes of the settings, see config.Env.Size
	Source      *inventory.Source
	Channels    []*chat.Channel
	Store       func(context.Context) (state.Objects, error) // nil without one
	Commands    int                                          // how many chats can send commands
	Now         func() time.Time
}

// Run runs all checks at the same time. With post it also sends a test message
// to every channel. What fails for one cause is one check.
func (c Checker) Run(ctx context.Context, post bool) []Check {
	channels := func(ctx context.Context) []Check { return c.channels(ctx, post) }
	checks := []func(context.Context) []Check{c.settings, c.loopback, c.cloud, channels, c.timer, c.templates, c.access, c.store}
	if post {
		checks = append(checks, c.testMessages)
	}
	results := make([][]Check, len(checks))
	var wg sync.WaitGroup
	for i, check := range checks {
		wg.Go(func() { results[i] = check(ctx) })
	}
	wg.Wait()
	return slices.Concat(results...)
}

// check returns a single check.
func check(name string, status Status, detail, advice string) []Check {
	return []Check{{name, status, detail, advice}}
}

// Worst returns the worst status of checks.
func Worst(checks []Check) Status {
	for _, s := range []Status{Fail, Warn} {
		if slices.ContainsFunc(checks, func(c Check) bool { return c.Status == s }) {
			return s
		}
	}
	return OK
}

// Print writes checks as text, with a summary as the last line. If columns is not
// 0, longer lines are wrapped between words.
func Print(w io.Writer, checks []Check, columns int, colour bool) error {
	var b strings.Builder
	total := "1 check"
	if len(checks) != 1 {
		total = fmt.Sprintf("%d checks", len(checks))
	}
	counts := map[Status]int{}
	for _, c := range checks {
		counts[c.Status]++
		status := c.Status.text(fmt.Sprintf("%-4s", c.Status), colour)
		fmt.Fprintf(&b, "%s  %s\n", status, wrap(c.Name+": "+c.Detail, 6, columns))
		if c.Advice != "" {
			fmt.Fprintf(&b, "      → %s\n", wrap(c.Advice, 8, columns))
		}
	}
	var summary []string
	for _, s := range looks {
		switch n := counts[s.Status]; n {
		case 0:
		case 1:
			summary = append(summary, s.text("1 "+s.one, colour))
		default:
			summary = append(summary, s.text(fmt.Sprintf("%d %s", n, s.other), colour))
		}
	}
	_, err := fmt.Fprintf(w, "%s\n%s: %s\n", &b, total, strings.Join(summary, ", "))
	return err
}

// wrap returns a text that begins in column indent, with line breaks between the
// words so that it has at most so many columns. 0 columns mean any number.
func wrap(text string, indent, columns int) string {
	if columns == 0 {
		return text
	}
	return strings.Join(message.Wrap(text, columns-indent), "\n"+strings.Repeat(" ", indent))
}

// text returns a text, in the colour of the status if there are colours.
func (s Status) text(text string, colour bool) string {
	i := slices.IndexFunc(looks, func(l look) bool { return l.Status == s })
	if !colour || i < 0 {
		return text
	}
	return "\x1b[" + looks[i].colour + "m" + text + "\x1b[0m"
}

// byCause groups items that have the same cause, in their order.
func byCause[T any](items []T, cause func(T) string) (groups [][]T) {
	place := map[string]int{}
	for _, item := range items {
		i, ok := place[cause(item)]
		if !ok {
			i = len(groups)
			place[cause(item)] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], item)
	}
	return groups
}

// maxNamed is how many subjects a check names.
const maxNamed = 3

// list joins the names of the items, and counts those that are too many.
func list[T any](items []T, name func(T) string) string {
	var names []string
	for _, item := range items[:min(len(items), maxNamed)] {
		names = append(names, name(item))
	}
	if more := len(items) - maxNamed; more > 0 {
		return fmt.Sprintf("%s and %d more", strings.Join(names, ", "), more)
	}
	return strings.Join(names, ", ")
}
