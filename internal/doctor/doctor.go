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
	"matrix-expiry-report/internal/state"
)

// A Status is the outcome of a check.
type Status string

const (
	OK   Status = "ok"
	Warn Status = "warn" // reports are sent, but perhaps not as expected
	Fail Status = "fail" // no report is sent, or not to every channel
)

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
// to every channel.
func (c Checker) Run(ctx context.Context, post bool) []Check {
	channels := func(ctx context.Context) []Check { return c.channels(ctx, post) }
	checks := []func(context.Context) []Check{c.settings, c.identity, c.endpoints, channels, c.timer, c.templates, c.access, c.store}
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

// Print writes checks as text.
func Print(w io.Writer, checks []Check) error {
	var b strings.Builder
	for _, c := range checks {
		fmt.Fprintf(&b, "%-4s  %s: %s\n", c.Status, c.Name, c.Detail)
		if c.Advice != "" {
			fmt.Fprintf(&b, "      → %s\n", c.Advice)
		}
	}
	_, err := io.WriteString(w, b.String())
	return err
}
