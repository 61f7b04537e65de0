// Package doctor looks at everything that a run needs, without running: what
// it sees is what the function would see, and each thing that is wrong comes
// with what to do.
//
// To add a check, write a method like the others and a line in [Patient.Examine].
package doctor

import (
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/robfig/cron/v3"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/cloudphone"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// A Status is how well something is. Its order is that of urgency.
type Status string

const (
	OK   Status = "ok"
	Warn Status = "warn" // it works, but not as somebody may expect
	Fail Status = "fail" // no report, or not to everybody
)

// A Check is one thing looked at.
type Check struct {
	Name   string `json:"name"`
	Status Status `json:"status"`
	Detail string `json:"detail"`
	Advice string `json:"advice"` // what to do; empty where nothing is to be done
}

// A Patient is what a run would be made of.
type Patient struct {
	Settings config.Settings
	Mistakes error // of the settings
	Warnings []string
	Source   *cloudphone.Source
	Channels []*chat.Channel
	Commands int // ways to ask from a chat
	Now      func() time.Time
}

// Examine looks at everything. With post it also sends one message, which says
// that it is a test, to every channel.
func (p Patient) Examine(ctx context.Context, post bool) []Check {
	checks := []func(context.Context) []Check{p.settings, p.identity, p.endpoints, p.chats, p.zones, p.timer, p.templates, p.web}
	if post {
		checks = append(checks, p.post)
	}
	results := make([][]Check, len(checks))
	var wg sync.WaitGroup
	for i, check := range checks {
		wg.Go(func() { results[i] = check(ctx) })
	}
	wg.Wait()
	return slices.Concat(results...)
}

// Worst is the most urgent status of all.
func Worst(checks []Check) Status {
	worst := OK
	for _, c := range checks {
		if c.Status == Fail || c.Status == Warn && worst == OK {
			worst = c.Status
		}
	}
	return worst
}

// Print writes the checks for people.
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

func one(name string, status Status, detail, advice string) []Check {
	return []Check{{name, status, detail, advice}}
}

func (p Patient) settings(context.Context) (checks []Check) {
	if p.Mistakes != nil {
		for mistake := range strings.Lines(p.Mistakes.Error()) {
			checks = append(checks, Check{"settings", Fail, strings.TrimSpace(mistake), "mend it: until then no report is made"})
		}
	}
	for _, w := range p.Warnings {
		checks = append(checks, Check{"settings", Warn, w, "rename it where it is set"})
	}
	if len(p.Channels) == 0 {
		checks = append(checks, Check{"settings", Fail, "no channel is set up", "set SLACK_WEBHOOK_URL, DINGTALK_WEBHOOK_URL or another webhook"})
	}
	if len(checks) > 0 {
		return checks
	}
	names := make([]string, len(p.Channels))
	for i, c := range p.Channels {
		names[i] = c.Name()
	}
	return one("settings", OK, fmt.Sprintf("all can be read; %d days ahead, posting to %s", p.Settings.Days, strings.Join(names, ", ")), "")
}

func (p Patient) identity(ctx context.Context) []Check {
	id, err := p.Source.Identity(ctx)
	switch {
	case err != nil && id.From == "":
		return one("credentials", Fail, err.Error(), "give the function a role, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	case err != nil:
		return one("credentials", Warn, "a key came from "+id.From+", but STS does not say whose it is: "+err.Error(), "look at the endpoints below: they decide")
	}
	return one("credentials", OK, fmt.Sprintf("%s, account %s (%s), from %s", id.Arn, id.Account, id.Kind, id.From), "")
}

// How far clocks may be apart: at 15 minutes the service refuses signatures.
const skewWarn, skewFail = time.Minute, 10 * time.Minute

func (p Patient) endpoints(ctx context.Context) (checks []Check) {
	probes, err := p.Source.Probe(ctx)
	if err != nil {
		return one("endpoints", Fail, "not asked, as there is no key", "")
	}
	byEndpoint := map[string][]cloudphone.Probe{}
	known := false // by any of them
	var skew time.Duration
	for _, probe := range probes {
		byEndpoint[probe.Endpoint] = append(byEndpoint[probe.Endpoint], probe)
		known = known || probe.Problem == nil
		if probe.Skew.Abs() > skew.Abs() {
			skew = probe.Skew
		}
	}
	for _, e := range p.Settings.Endpoints {
		checks = append(checks, endpoint(e.Host, byEndpoint[e.Host], known)...)
	}
	clock := Check{"clock", OK, fmt.Sprintf("%s apart from the service's", skew.Abs()), ""}
	if skew.Abs() > skewWarn {
		clock.Status, clock.Advice = Warn, "set this machine's clock: at 15 minutes every call is refused"
	}
	if skew.Abs() > skewFail {
		clock.Status = Fail
	}
	return append(checks, clock)
}

// endpoint sums up what one endpoint has shown. known tells whether any knows
// the account: one that does not is of the other site then.
func endpoint(host string, probes []cloudphone.Probe, known bool) (checks []Check) {
	name := "endpoint " + host
	var regions []string
	all := 0
	for _, probe := range probes {
		switch {
		case probe.Problem != nil:
			status, advice := Fail, "the message says what it usually means; the README has the role's policy"
			switch {
			case known && strings.HasPrefix(probe.Problem.Code, "InvalidAccessKeyId"):
				return one(name, OK, "does not know the account, so it is of the other site", "set EDS_AIC_ENDPOINT to the other endpoint, and this one is not asked any more")
			case known && probe.Problem.Code == "ConnectionFailed":
				return one(name, Warn, probe.Problem.Message, "if it is not your account's site, set EDS_AIC_ENDPOINT to the other endpoint: else every report is incomplete")
			case probe.Region != "":
				status = Warn
			}
			checks = append(checks, Check{strings.TrimSpace(name + " " + probe.Region), status, probe.Problem.Code + ": " + probe.Problem.Message, advice})
		case probe.Region == "":
			all = probe.Matrices
		default:
			regions = append(regions, fmt.Sprintf("%s %d", probe.Region, probe.Matrices))
		}
	}
	if len(regions) > 0 {
		checks = append([]Check{{name, OK, fmt.Sprintf("%d matrices: %s", all, strings.Join(regions, ", ")), ""}}, checks...)
	}
	return checks
}

// chats looks whether the hosts can be reached, and posts nothing.
func (p Patient) chats(ctx context.Context) []Check {
	checks := make([]Check, len(p.Channels))
	var wg sync.WaitGroup
	for i, c := range p.Channels {
		wg.Go(func() {
			checks[i] = Check{"channel " + c.Name(), OK, c.Host().Host + " can be reached; whether the webhook is right, only --post-test tells", ""}
			if through, err := reach(ctx, c.Host()); err != nil {
				checks[i] = Check{"channel " + c.Name(), Fail, fmt.Sprintf("%s cannot be reached%s: %v", c.Host().Host, through, err), "check the address, and that the function may reach the internet (internetAccess, or a VPC with NAT)"}
			}
		})
	}
	wg.Wait()
	return checks
}

// reach makes a connection, and agrees on TLS where that is wanted. Where a
// proxy stands between, it is the proxy that is reached.
func reach(ctx context.Context, u *url.URL) (through string, err error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	host, secure := u.Host, u.Scheme == "https"
	if proxy, err := http.ProxyFromEnvironment(&http.Request{URL: u}); err == nil && proxy != nil {
		host, secure, through = proxy.Host, proxy.Scheme == "https", " through the proxy "+proxy.Hostname()
	}
	if _, _, err := net.SplitHostPort(host); err != nil {
		host = net.JoinHostPort(host, map[bool]string{true: "443", false: "80"}[secure])
	}
	var conn net.Conn
	if secure {
		conn, err = new(tls.Dialer).DialContext(ctx, "tcp", host)
	} else {
		conn, err = new(net.Dialer).DialContext(ctx, "tcp", host)
	}
	if err != nil {
		return through, err
	}
	return through, conn.Close()
}

// zones shows how a time of the API is read, which nobody documents.
func (p Patient) zones(context.Context) []Check {
	const sample = "2026-11-24 02:00:34"
	read := cloudphone.SampleTime(sample, p.Settings.APIZone)
	return one("time zones", OK, fmt.Sprintf("GmtExpired %s is read as %s, and told as %s (%s)", sample,
		read.Format("2006-01-02 15:04:05 -07:00"), read.In(p.Settings.Location).Format("2006-01-02 15:04 -07:00"), p.Settings.Location),
		"compare one matrix with its console; if it is hours off, set API_TIME_ZONE")
}

// expressions are those of Function Compute's timers: six fields, or @every.
// https://www.alibabacloud.com/help/en/functioncompute/fc/user-guide/time-triggers
var expressions = cron.NewParser(cron.Second | cron.Minute | cron.Hour | cron.Dom | cron.Month | cron.Dow | cron.Descriptor)

// timer says when the function will run next, by the expression that s.yaml
// deploys.
func (p Patient) timer(context.Context) []Check {
	schedule, err := expressions.Parse(p.Settings.Cron)
	if err != nil {
		return one("timer", Fail, fmt.Sprintf("CRON is %q: %v", p.Settings.Cron, err), "six fields, such as CRON_TZ=Asia/Shanghai 0 7 9 * * *, or @every 60m")
	}
	var next []string
	at := p.Now().UTC() // the zone of an expression that names none
	for range 3 {
		at = schedule.Next(at)
		next = append(next, at.In(p.Settings.Location).Format("Mon 2 Jan 15:04"))
	}
	return one("timer", OK, fmt.Sprintf("%s runs next on %s (%s)", p.Settings.Cron, strings.Join(next, ", "), p.Settings.Location), "")
}

func (p Patient) templates(context.Context) (checks []Check) {
	if p.Settings.Templates == nil {
		return one("templates", OK, "the built-in ones", "")
	}
	for _, c := range p.Channels {
		if err := message.CheckOwn(c.Name(), handler.Options(p.Settings)); err != nil {
			checks = append(checks, Check{"templates", Warn, c.Name() + ": " + err.Error(), "mend it; until then the built-in ones are used, and every message says so"})
		}
	}
	if len(checks) == 0 {
		return one("templates", OK, "those of TEMPLATE_DIR can be used by every channel", "")
	}
	return checks
}

// leastToken is as short as a token may be that nobody guesses.
const leastToken = 16

func (p Patient) web(context.Context) []Check {
	token := p.Settings.HTTPToken.Reveal()
	switch {
	case token != "" && len(token) < leastToken:
		return one("HTTP trigger", Warn, fmt.Sprintf("HTTP_TOKEN has %d characters", len(token)), "make it longer: openssl rand -hex 32")
	case token != "":
		return one("HTTP trigger", OK, "answers who sends the token", "")
	case p.Settings.HTTPAuth == config.TriggerAuth && p.Commands > 0:
		return one("HTTP trigger", Fail, "questions from a chat need authType: anonymous, with which HTTP_AUTH=trigger says nothing", "set HTTP_TOKEN, and leave HTTP_AUTH empty; until then only the chat's questions are answered")
	case p.Settings.HTTPAuth == config.TriggerAuth:
		return one("HTTP trigger", OK, "leaves it to the trigger who may ask", "with authType: anonymous in s.yaml that would be everybody")
	}
	return one("HTTP trigger", OK, "answers nobody", "set HTTP_TOKEN, or HTTP_AUTH=trigger, to ask over HTTP")
}

// post sends one message that says what it is.
func (p Patient) post(ctx context.Context) (checks []Check) {
	o := handler.Options(p.Settings)
	o.Test = true
	r := report.Build(p.Settings.Rules, report.Listing{}, p.Now())
	for _, c := range p.Channels {
		check := Check{"test message " + c.Name(), OK, "delivered", ""}
		if err := c.Send(ctx, r, o, "test "+p.Now().Format(time.RFC3339Nano)); err != nil {
			check.Status, check.Detail, check.Advice = Fail, err.Error(), "mend the webhook: until then this channel gets no report"
		}
		checks = append(checks, check)
	}
	return checks
}
