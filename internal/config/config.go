// Package config turns what an operator says, in the environment or with one
// event, into settings. Every mistake is found before anything runs, and all
// are told at once.
//
// To add a setting, read it in [Load] (or, for a channel, in that channel's
// file in internal/chat): the name becomes known by being read, and tests then
// ask for it in s.yaml and in the README.
package config

import (
	"io/fs"
	"log/slog"
	"net/url"
	"slices"
	"strings"
	"time"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// Values of NOTIFY_ON.
const (
	Always     = "always"   // post every run
	OnFindings = "findings" // stay silent when nothing needs anybody and nothing is unknown
)

// TriggerAuth as HTTP_AUTH says that the HTTP trigger authenticates callers.
const TriggerAuth = "trigger"

// Settings are what one run follows.
type Settings struct {
	report.Rules
	Regions      []string // BizRegionId; empty finds them
	Endpoints    []*url.URL
	APIZone      *time.Location // of the API's times without a zone
	Language     string
	NotifyOn     string
	ConsoleURL   string // where people renew
	ReportURL    string // where the whole report is
	HTTPToken    Secret
	HTTPAuth     string
	OwnerTag     string              // the tag that names a matrix's owner
	Mentions     map[string][]string // by owner: how the chat services call them
	Templates    fs.FS               // the user's own; nil for none
	HeartbeatURL *url.URL            // a secret, as its path works as a password; may be nil
	MaxInFlight  int                 // questions to one endpoint at a time
	LogLevel     slog.Level
	Cron         string        // of the timer, for doctor to tell when it runs
	Cache        time.Duration // how long a listing serves further questions
}

// The two public hosts of the Cloud Phone API; which of them knows an account
// depends on the account's site, so both are asked:
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-endpoint
const endpoints = "eds-aic.cn-shanghai.aliyuncs.com,eds-aic.ap-southeast-1.aliyuncs.com"

const renewConsole = "https://billing-cost.console.aliyun.com/renew/manual"

// MaxDays bounds EXPIRY_DAYS and its kin: ten years.
const MaxDays = 3650

// MaxInFlight bounds MAX_IN_FLIGHT: more would only be throttled.
const MaxInFlight = 16

// Load reads the settings of the program itself; mistakes are left in env.
func Load(env *Env) Settings {
	days := env.Int("EXPIRY_DAYS", 30, 0, MaxDays)
	before := len(env.mistakes)
	steps := report.Thresholds{
		CriticalDays: env.Int("CRITICAL_DAYS", 3, 0, MaxDays),
		WarningDays:  env.Int("WARNING_DAYS", 7, 0, MaxDays),
	}
	stepsRead := len(env.mistakes) == before
	s := Settings{
		Rules: report.Rules{
			Days:       days,
			Thresholds: steps,
			StuckAfter: env.Duration("STUCK_AFTER", 24*time.Hour, time.Minute),
			Location:   env.Location("TIME_ZONE", "Asia/Shanghai"),
		},
		Regions:      env.List("REGIONS"),
		APIZone:      env.Location("API_TIME_ZONE", "Asia/Shanghai"),
		Language:     env.OneOf("REPORT_LANGUAGE", locale.Default, locale.Languages()...),
		NotifyOn:     env.OneOf("NOTIFY_ON", Always, Always, OnFindings),
		ConsoleURL:   env.WebLink("CONSOLE_URL", renewConsole),
		ReportURL:    env.WebLink("REPORT_URL", ""),
		OwnerTag:     env.Text("OWNER_TAG", "owner"),
		Mentions:     env.mentions("MENTIONS"),
		Templates:    env.Dir("TEMPLATE_DIR"),
		HTTPToken:    env.Secret("HTTP_TOKEN"),
		HTTPAuth:     env.OneOf("HTTP_AUTH", "", TriggerAuth),
		HeartbeatURL: env.SecretURL("HEARTBEAT_URL", "https://host/path"),
		Cron:         env.Text("CRON", "CRON_TZ=Asia/Shanghai 0 7 9 * * *"),
		Cache:        time.Duration(env.Int("CACHE_SECONDS", 60, 0, 3600)) * time.Second,
		MaxInFlight:  env.Int("MAX_IN_FLIGHT", 4, 1, MaxInFlight),
		LogLevel:     logLevels[env.OneOf("LOG_LEVEL", "info", "debug", "info", "warn", "error")],
	}
	if stepsRead && s.CriticalDays > s.WarningDays {
		env.Refuse("CRITICAL_DAYS", env.Text("CRITICAL_DAYS", "3"), "at most WARNING_DAYS, "+env.Text("WARNING_DAYS", "7"))
	}
	for _, r := range s.Regions {
		if !IsRegion(r) {
			env.Refuse("REGIONS", r, "a region such as cn-hangzhou")
		}
	}
	const anEndpoint = "a host such as eds-aic.cn-shanghai.aliyuncs.com (http:// only on the machine itself)"
	asked := splitList(env.Text("EDS_AIC_ENDPOINT", endpoints))
	if len(asked) == 0 {
		env.Refuse("EDS_AIC_ENDPOINT", env.Text("EDS_AIC_ENDPOINT", ""), anEndpoint)
	}
	for _, e := range asked {
		address := e
		if !strings.Contains(e, "://") {
			address = "https://" + e
		}
		u, err := url.Parse(address)
		if err != nil || !SafeURL(u) || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
			env.refuseAddress("EDS_AIC_ENDPOINT", e, anEndpoint)
			continue
		}
		if !slices.ContainsFunc(s.Endpoints, func(have *url.URL) bool { return have.Host == u.Host }) {
			s.Endpoints = append(s.Endpoints, u)
		}
	}
	return s
}

var logLevels = map[string]slog.Level{"debug": slog.LevelDebug, "info": slog.LevelInfo, "warn": slog.LevelWarn, "error": slog.LevelError}

// mentions reads who is called for which owner: owner=id|id,owner=id.
func (e *Env) mentions(name string) map[string][]string {
	all := map[string][]string{}
	for _, entry := range e.List(name) {
		owner, ids, ok := strings.Cut(entry, "=")
		owner = strings.TrimSpace(owner)
		before := len(all[owner])
		for id := range strings.SplitSeq(ids, "|") {
			if id = strings.TrimSpace(id); id != "" {
				all[owner] = append(all[owner], id)
			}
		}
		if !ok || owner == "" || len(all[owner]) == before {
			e.Refuse(name, entry, "of the form owner=id|id, such as team-a=U012AB3CD|13800138000")
		}
	}
	return all
}
