package doctor

import (
	"context"
	"fmt"
	"net"
	"strings"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
)

// maxEnv is the limit of Function Compute for the names and values of all
// variables; from envWarn the next setting may exceed it.
// https://www.alibabacloud.com/help/en/functioncompute/fc/user-guide/environment-variables
const maxEnv, envWarn = 4096, 3584

// settings checks that all settings are valid and a channel is configured.
func (c Checker) settings(context.Context) (checks []Check) {
	if c.SettingsErr != nil {
		for line := range strings.Lines(c.SettingsErr.Error()) {
			checks = append(checks, Check{"settings", Fail, strings.TrimSpace(line), "fix it; no report is sent until then"})
		}
	}
	for _, m := range c.Mistakes {
		advice := "fix it; " + m.Effect()
		if m.Part == config.HTTP {
			advice += "; if the value is longer in .env, # or $ cut it"
		}
		checks = append(checks, Check{"settings", Fail, m.Err.Error(), advice})
	}
	for _, w := range c.Warnings {
		checks = append(checks, Check{"settings", Warn, w, "change it where it is set (see .env.example)"})
	}
	if c.EnvSize > envWarn {
		checks = append(checks, Check{"settings", Warn, fmt.Sprintf("the settings take %d of the %d bytes that a function's environment may have", c.EnvSize, maxEnv),
			"shorten them, such as MENTIONS: above the limit a deploy fails"})
	}
	if len(c.Channels) == 0 {
		checks = append(checks, Check{"settings", Warn, "no channel is configured, so nothing can be posted", "set SLACK_WEBHOOK_URL, DINGTALK_WEBHOOK_URL or another webhook (see README)"})
	}
	if len(checks) > 0 {
		return checks
	}
	names := make([]string, len(c.Channels))
	for i, channel := range c.Channels {
		names[i] = channel.Name()
	}
	return check("settings", OK, fmt.Sprintf("valid; reports expiries within %d days to %s", c.Settings.Days, strings.Join(names, ", ")), "")
}

// loopback names endpoints on this machine. They are an emulator's, which is fine for
// trying the program, but a deployed function cannot reach them.
func (c Checker) loopback(context.Context) []Check {
	var hosts []string
	for _, u := range c.Settings.Endpoints {
		if host := u.Hostname(); host == "localhost" || net.ParseIP(host).IsLoopback() {
			hosts = append(hosts, u.Host)
		}
	}
	if len(hosts) == 0 {
		return nil
	}
	return check("emulator", OK, fmt.Sprintf("EDS_AIC_ENDPOINT is on this machine (%s), so the matrices are not those of your account", strings.Join(hosts, ", ")),
		"remove it before you deploy: a function cannot reach this machine")
}

// timer checks the expression of the timer that s.yaml deploys, and shows when
// it runs next.
func (c Checker) timer(context.Context) []Check {
	var next []string
	t := c.Now()
	for range 3 {
		var err error
		if t, err = c.Settings.NextRun(t); err != nil {
			return check("timer", Fail, fmt.Sprintf("CRON is %q: %v", c.Settings.Cron, err), "use six fields, such as CRON_TZ=Asia/Shanghai 0 7 9 * * *, or @every 60m")
		}
		next = append(next, t.Format("Mon 2 Jan 15:04"))
	}
	return check("timer", OK, fmt.Sprintf("%s runs next on %s (%s)", c.Settings.Cron, strings.Join(next, ", "), c.Settings.Location), "")
}

// templates checks the operator's own templates.
func (c Checker) templates(context.Context) (checks []Check) {
	if c.Settings.Templates == nil {
		return check("templates", OK, "built-in", "")
	}
	for _, channel := range c.Channels {
		if err := message.CheckCustom(channel.Name(), handler.Options(c.Settings)); err != nil {
			checks = append(checks, Check{"templates", Warn, channel.Name() + ": " + err.Error(), "fix it; until then the built-in templates are used, and every message says so"})
		}
	}
	if len(checks) == 0 {
		return check("templates", OK, "TEMPLATE_DIR is valid for every channel", "")
	}
	return checks
}

// access checks who can use the HTTP trigger.
func (c Checker) access(context.Context) []Check {
	const name = "HTTP trigger"
	token := c.Settings.HTTPToken.Reveal()
	trigger := c.Settings.HTTPAuth == config.TriggerAuth
	switch {
	case c.Settings.HTTPOff != "":
		return check(name, NotChecked, "not checked: off until the setting is fixed, except chat commands", "")
	case token != "":
		return check(name, OK, "requests need HTTP_TOKEN", "")
	case trigger && c.Commands > 0:
		return check(name, Fail, "chat commands need authType: anonymous, with which HTTP_AUTH=trigger does not authenticate callers",
			"set HTTP_TOKEN and HTTP_AUTH=token; until then only chat commands are served")
	case trigger:
		return check(name, OK, "the trigger authenticates callers", "check authType in s.yaml: with anonymous, anyone has access")
	}
	return check(name, OK, "access is not configured, so no report is served", "to query reports over HTTP, set HTTP_TOKEN, or HTTP_AUTH=trigger if the trigger authenticates callers")
}
