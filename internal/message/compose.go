package message

import (
	"errors"
	"slices"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
	"matrix-expiry-report/templates"
)

// Compose renders r for a channel: with <channel>.tmpl where it differs from
// message.tmpl. If custom templates fail, the message is made from the built-in
// ones and says so.
func Compose(channel string, r report.Report, o Options) (*Draft, error) {
	c, err := locale.Of(o.Language)
	if err != nil {
		return nil, err
	}
	return compose(channel, r, o, c)
}

func compose(channel string, r report.Report, o Options, c *locale.Catalog) (*Draft, error) {
	builtIn := func(r report.Report) (*Draft, error) {
		p, err := parseParts(c, sources(channel, nil)...)
		if err != nil {
			return nil, err
		}
		return newDraft(p, r, o, c)
	}
	if !hasCustom(channel, r, o) {
		return builtIn(r)
	}
	fallback := func(err error) (*Draft, error) {
		refused := r
		refused.Problems = append(slices.Clip(r.Problems), report.Problem{Code: "TemplateRefused", Message: err.Error()})
		return builtIn(refused)
	}
	d, err := tryCustom(channel, r, o, c)
	if err != nil {
		return fallback(err)
	}
	d.fallback = fallback
	return d, nil
}

// sources returns the files with the parts of a channel's message, in the order
// in which they are parsed.
func sources(channel string, o *Options) []source {
	var files []source
	for _, name := range []string{"message.tmpl", channel + ".tmpl"} {
		files = append(files, source{templates.Files, name})
		if o != nil && o.Templates != nil {
			files = append(files, source{o.Templates, name})
		}
	}
	return slices.DeleteFunc(files, source.absent)
}

// hasCustom reports whether the message is rendered with custom templates. A
// failed run, undelivered reports and tests never are.
func hasCustom(channel string, r report.Report, o Options) bool {
	return o.Templates != nil && !r.Failed() && !o.Undelivered && !o.Test && len(sources(channel, &o)) > len(sources(channel, nil))
}

// tryCustom returns a draft with custom templates after it has executed every
// part: with all rows, and with none, for the part more.
func tryCustom(channel string, r report.Report, o Options, c *locale.Catalog) (*Draft, error) {
	p, err := parseParts(c, sources(channel, &o)...)
	if err != nil {
		return nil, err
	}
	d, err := newDraft(p, r, o, c)
	if err != nil {
		return nil, err
	}
	rows, err := d.rowsWithin(maxBytes)
	if err != nil {
		return nil, err
	}
	for _, n := range []int{rows, 0} {
		if _, err := d.render(n); err != nil {
			return nil, err
		}
	}
	if d.Title() == "" {
		return nil, errors.New("the part title is empty")
	}
	return d, nil
}

// CheckCustom returns an error if the custom templates of a channel fail for a
// sample report.
func CheckCustom(channel string, o Options) error {
	c, err := locale.Of(o.Language)
	if err != nil {
		return err
	}
	now := time.Date(2026, time.November, 22, 9, 7, 0, 0, time.UTC)
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: time.Hour, Location: time.UTC}
	sample := report.Build(rules, report.Listing{
		Total: 3, Regions: []string{"cn-hangzhou"},
		Matrices: []report.Matrix{
			{NodeID: "cpn-1", Name: "one", Status: report.StatusFailed, PhoneCount: 25, Tags: map[string]string{o.OwnerTag: "owner"}},
			{NodeID: "cpn-2", Name: "two", Status: report.StatusRunning, PhoneCount: 25, ExpiresAt: report.Time{Time: now.AddDate(0, 0, 2)}},
		},
		Problems: []report.Problem{{Code: "Sample", Message: "a sample", MayHideMatrices: true}},
	}, now)
	if hasCustom(channel, sample, o) {
		_, err = tryCustom(channel, sample, o, c)
	}
	return err
}

func newDraft(p *parts, r report.Report, o Options, c *locale.Catalog) (*Draft, error) {
	view, groups := newView(r, o, c)
	d := &Draft{parts: p, view: view, groups: groups, rows: map[[2]int]Line{}}
	d.newRow = func(alike []*report.Finding) Row { return newRow(alike, r, o, c) }
	d.message = Message{Severity: view.Severity, Failed: view.Failed, Mentions: view.Mentions}
	title, err := p.execute("title", view)
	if err != nil {
		return nil, err
	}
	d.message.Title = join(title).String()
	if d.message.Lead, err = p.execute("lead", view); err != nil {
		return nil, err
	}
	d.message.Foot, err = p.execute("foot", view)
	return d, err
}
