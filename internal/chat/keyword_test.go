package chat

import (
	"testing"
	"time"

	fakechat "matrix-expiry-report/internal/emulator/chat"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// keywords are those of docs/channels.md by language. Each message has one.
var keywords = map[string][]string{"en": {"matrix", "matrices"}, "zh": {"矩阵"}}

// Robots that require a keyword accept every kind of message: reports, tests and
// notices, in every language.
func TestEveryMessageHasKeyword(t *testing.T) {
	t.Parallel()
	for _, lang := range locale.Languages() {
		room := &fakechat.Server{Keywords: keywords[lang]}
		if len(room.Keywords) == 0 {
			t.Fatalf("add the keywords of %s, also to docs/channels.md", lang)
		}
		now := time.Now()
		room.Now = func() time.Time { now = now.Add(time.Minute); return now } // no rate limit
		for _, c := range roomChannels(t, room, nil) {
			if c.name != "dingtalk" && c.name != "feishu" {
				continue
			}
			for name, m := range everyMessage(t) {
				m.options.Language = lang
				if err := c.Send(t.Context(), m.report, m.options, name); err != nil {
					t.Errorf("%s: %s: %v", lang, name, err)
				}
			}
		}
		if len(room.Messages()) < 2*15 {
			t.Errorf("%s: only %d messages", lang, len(room.Messages()))
		}
	}
}

type sample struct {
	report  report.Report
	options message.Options
}

// everyMessage returns a message of every kind: the scenarios of the golden files
// and those that no listing leads to.
func everyMessage(t *testing.T) map[string]sample {
	t.Helper()
	all := map[string]sample{}
	for file, archive := range scenarioFiles(t) {
		r, o := parseScenario(t, archive).report(t)
		all[scenarioName(file)] = sample{r, o}
	}
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: time.UTC}
	unread := report.Problem{Code: "InternalError", Region: "cn-hangzhou", MayHideMatrices: true}
	one := func(m report.Matrix) report.Report {
		m.NodeID, m.Name = "cpn-1", "x"
		return report.Build(rules, report.Listing{Total: 1, Matrices: []*report.Matrix{&m}}, time.Now())
	}
	undelivered := badDay(1)
	undelivered.Deliveries = []report.Delivery{{Channel: "slack", Error: "slack: HTTP 404"}}
	partly := badDay(0)
	partly.Complete, partly.Problems = false, []report.Problem{unread}
	for name, m := range map[string]sample{
		"test":             {options: message.Options{Test: true}},
		"undelivered":      {undelivered, message.Options{Undelivered: true}},
		"nothing read":     {report: report.Build(rules, report.Listing{Problems: []report.Problem{unread}}, time.Now())},
		"partly read":      {report: partly},
		"invalid settings": {report: report.Build(rules, report.Listing{Problems: []report.Problem{{Code: "InvalidSettings", Message: "EXPIRY_DAYS", MayHideMatrices: true}}}, time.Now())},
		"empty":            {report: report.Build(rules, report.Listing{}, time.Now())},
		"empty region":     {report.Build(rules, report.Listing{}, time.Now()), message.Options{Regions: []string{"cn-hangzhou"}}},
		"one fine":         {report: one(report.Matrix{Status: report.StatusRunning, ExpiresAt: report.Time{Time: time.Now().AddDate(1, 0, 0)}})},
		"one failed":       {report: one(report.Matrix{Status: report.StatusFailed})},
		"one deleted":      {report: one(report.Matrix{Status: report.StatusDeleted})},
	} {
		all[name] = m
	}
	return all
}
