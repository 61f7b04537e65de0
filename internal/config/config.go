// Package config reads the settings of the program from environment variables,
// and the overrides of a single run from an event.
//
// An invalid setting disables one [Part] of the program, such as a channel, until
// it is fixed; the rest works. [Load] reads every setting, even after an invalid
// one, so that all mistakes are reported together. They never contain a secret.
//
// To add a setting, read it in [Load] or, for a channel, in that channel's file
// in internal/chat. An Env records the names that are read, and tests require
// each of them in s.yaml and in the READMEs.
package config

import (
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// Values of NOTIFY_ON.
const (
	Always     = "always"   // post every run
	OnFindings = "findings" // post only if something needs attention or could not be read
	OnChanges  = "changes"  // post only if something changed or is due; needs a Store
)

var errNeedsStore = errors.New("changes needs STATE_URL, which is not set")

// Values of HTTP_AUTH.
const (
	TriggerAuth = "trigger" // the HTTP trigger authenticates callers
	TokenAuth   = "token"   // callers must send HTTP_TOKEN; also the effect of an empty HTTP_AUTH if HTTP_TOKEN is set
)

// MinToken is the minimum length of HTTP_TOKEN, in characters.
const MinToken = 16

// Settings are the settings of one run.
type Settings struct {
	report.Rules
	Regions      []string // region ids such as cn-hangzhou; empty means all regions
	Endpoints    []*url.URL
	APIZone      *time.Location // of API timestamps without a zone
	Language     string
	NotifyOn     string // Always, OnFindings or OnChanges
	ConsoleURL   string // where a subscription is renewed
	ReportURL    string // where the whole report is shown; may be empty
	HTTPToken    Secret
	HTTPAuth     string              // TriggerAuth, TokenAuth or empty
	HTTPOff      string              // why HTTP is off; empty if it is not
	Mentions     map[string][]string // ids of people in the chats, by owner
	Templates    fs.FS               // the operator's own templates; nil if none
	HeartbeatURL *url.URL            // a secret; nil if none
	MaxInFlight  int                 // concurrent requests to one endpoint
	LogLevel     slog.Level
	Cron         string        // of the timer, see NextRun
	Cache        time.Duration // how long HTTP requests share a listing
	Store        Store
	RemindAt     []int // days left at which OnChanges reports an expiring matrix again
	DigestDay    time.Weekday
	Digest       bool // OnChanges posts a weekly summary, on DigestDay
}

// defaultEndpoints are the public hosts of the Cloud Phone API. Accounts of the
// China site and international accounts use different ones, so both are queried.
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-endpoint
const defaultEndpoints = "eds-aic.cn-shanghai.aliyuncs.com,eds-aic.ap-southeast-1.aliyuncs.com"

const renewConsole = "https://billing-cost.console.aliyun.com/renew/manual"

// MaxDays limits EXPIRY_DAYS, CRITICAL_DAYS and WARNING_DAYS to ten years.
const MaxDays = 3650

// MaxInFlight limits MAX_IN_FLIGHT. The API would throttle more requests.
const MaxInFlight = 16

var logLevels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// Load reads all settings except those of channels and commands. For each invalid
// setting it records a mistake in env (see [Env.Mistakes]) and uses the default.
func Load(env *Env) Settings {
	s := Settings{
		Rules:       env.For(Reports).rules(),
		Regions:     env.For(Reports).checkRegions("REGIONS", env.List("REGIONS")),
		APIZone:     env.For(Reports).Location("API_TIME_ZONE", "Asia/Shanghai"),
		Language:    env.OneOf("REPORT_LANGUAGE", locale.Default, locale.Languages()...),
		Store:       env.For(State).store(),
		RemindAt:    env.days("REMIND_AT", 30, 14, 7, 3, 1, 0),
		ConsoleURL:  env.For(Link).WebLink("CONSOLE_URL", renewConsole),
		ReportURL:   env.For(Link).WebLink("REPORT_URL", ""),
		Mentions:    env.For(Mention).mentions("MENTIONS"),
		Templates:   env.Dir("TEMPLATE_DIR"),
		Cron:        env.Text("CRON", "CRON_TZ=Asia/Shanghai 0 7 9 * * *"),
		Cache:       time.Duration(env.Int("CACHE_SECONDS", 60, 0, 3600)) * time.Second,
		MaxInFlight: env.Int("MAX_IN_FLIGHT", 4, 1, MaxInFlight),
		LogLevel:    logLevels[env.OneOf("LOG_LEVEL", "info", "debug", "info", "warn", "error")],
	}
	s.OwnerTag = env.Text("OWNER_TAG", "owner")
	s.NotifyOn = env.notifyOn(s.Store)
	s.Ignore = env.globs("IGNORE")
	s.DigestDay, s.Digest = env.weekday("DIGEST_DAY", time.Monday)
	s.HTTPToken, s.HTTPAuth, s.HTTPOff = env.For(HTTP).access()
	s.HeartbeatURL = env.For(Heartbeat).SecretURL("HEARTBEAT_URL", "https://host/path")
	s.Endpoints = env.For(Reports).endpoints("EDS_AIC_ENDPOINT")
	return s
}

// rules reads the rules of the report. If only one of the two thresholds is set and
// critical would exceed warning, the other takes the same value.
func (e *Env) rules() report.Rules {
	r := report.Rules{
		Days:       e.Int("EXPIRY_DAYS", 30, 0, MaxDays),
		StuckAfter: e.Duration("STUCK_AFTER", 24*time.Hour, time.Minute),
		Location:   e.Location("TIME_ZONE", "Asia/Shanghai"),
	}
	mistakes := len(e.mistakes)
	r.WarningDays = e.Int("WARNING_DAYS", 7, 0, MaxDays)
	r.CriticalDays = e.Int("CRITICAL_DAYS", min(3, r.WarningDays), 0, MaxDays)
	if r.CriticalDays > r.WarningDays && len(e.mistakes) == mistakes {
		if warning := e.Text("WARNING_DAYS", ""); warning != "" {
			e.Refuse("CRITICAL_DAYS", e.Text("CRITICAL_DAYS", ""), "at most WARNING_DAYS, "+warning)
		}
		r.WarningDays = r.CriticalDays
	}
	return r
}

// access reads how callers are authenticated, and returns why HTTP is off, or "".
func (e *Env) access() (token Secret, auth, off string) {
	mistakes := len(e.mistakes)
	token, auth = e.Secret("HTTP_TOKEN"), e.Text("HTTP_AUTH", "")
	switch {
	case auth != "" && auth != TriggerAuth && auth != TokenAuth:
		e.RefuseSecret("HTTP_AUTH", "one of "+TriggerAuth+", "+TokenAuth) // it may be the token
	case auth == TokenAuth && token == "":
		e.refuse(errors.New("HTTP_AUTH: token needs HTTP_TOKEN, which is not set"))
	}
	if token != "" && utf8.RuneCountInString(token.Reveal()) < MinToken {
		e.RefuseSecret("HTTP_TOKEN", fmt.Sprintf("a token of at least %d characters, such as from openssl rand -hex 32", MinToken))
	}
	var reasons []string
	for _, m := range e.mistakes[mistakes:] {
		reasons = append(reasons, m.Err.Error())
	}
	return token, auth, strings.Join(reasons, "; ")
}

var defaultPorts = map[string]string{"https": ":443", "http": ":80"}

// endpoints reads a list of hosts or URLs of the API, each once.
func (e *Env) endpoints(name string) (all []*url.URL) {
	const wanted = "a host such as eds-aic.cn-shanghai.aliyuncs.com (http:// only on a loopback address)"
	list := splitList(e.Text(name, defaultEndpoints), ",")
	if len(list) == 0 {
		e.Refuse(name, e.Text(name, ""), wanted)
	}
	for _, v := range list {
		address := v
		if !strings.Contains(v, "://") {
			address = "https://" + v
		}
		u, err := url.Parse(address)
		if err != nil || !SafeURL(u) || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			e.Refuse(name, v, wanted)
			continue
		}
		u.Host = strings.TrimSuffix(strings.ToLower(u.Host), defaultPorts[u.Scheme])
		if !slices.ContainsFunc(all, func(other *url.URL) bool { return other.Scheme == u.Scheme && other.Host == u.Host }) {
			all = append(all, u)
		}
	}
	return all
}

// mentions reads the ids of the people to mention, by owner: owner=id|id,owner=id.
func (e *Env) mentions(name string) map[string][]string {
	all := map[string][]string{}
	for _, entry := range e.List(name) {
		owner, list, _ := strings.Cut(entry, "=")
		owner = strings.TrimSpace(owner)
		ids := splitList(strings.ReplaceAll(list, `\|`, "|"), "|") // \| as in the source of the README's table
		if owner == "" || len(ids) == 0 {
			e.Refuse(name, entry, "of the form owner=id|id, such as team-a=U012AB3CD|13800138000")
			continue
		}
		all[owner] = append(all[owner], ids...)
	}
	return all
}

// maxRegions is how many regions may be set. Each is at least one API request.
const maxRegions = 50

// checkRegions returns each region once, and refuses what is invalid.
func (e *Env) checkRegions(name string, ids []string) []string {
	var regions []string
	for _, id := range ids {
		if !IsRegion(id) {
			e.Refuse(name, id, "a region such as cn-hangzhou")
		}
		if !slices.Contains(regions, id) {
			regions = append(regions, id)
		}
	}
	if n := len(regions); n > maxRegions {
		e.Refuse(name, fmt.Sprintf("%s, … (%d)", regions[0], n), fmt.Sprintf("a list of at most %d regions", maxRegions))
		regions = regions[:maxRegions]
	}
	return regions
}
