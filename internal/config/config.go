// Package config reads the settings of the program from environment variables,
// and the overrides of a single run from an event.
//
// Load reads every setting, also after an invalid one, so that all errors are
// reported together. Secrets never appear in them.
//
// To add a setting, read it in [Load] or, for a channel, in that channel's file
// in internal/chat. An Env records the names that are read, and tests require
// each of them in s.yaml and in the READMEs.
package config

import (
	"fmt"
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
	OnFindings = "findings" // post only if something needs attention or could not be read
)

// TriggerAuth is the value of HTTP_AUTH by which the HTTP trigger authenticates
// callers.
const TriggerAuth = "trigger"

// Settings are the settings of one run.
type Settings struct {
	report.Rules
	Regions      []string // ids as in BizRegionId; empty means all regions
	Endpoints    []*url.URL
	APIZone      *time.Location // of API timestamps that name no zone
	Language     string
	NotifyOn     string // Always or OnFindings
	ConsoleURL   string // where a subscription is renewed
	ReportURL    string // where the whole report is shown; may be empty
	HTTPToken    Secret
	HTTPAuth     string              // TriggerAuth or empty
	OwnerTag     string              // the tag whose value is the owner of a matrix
	Mentions     map[string][]string // ids of people in the chats, by owner
	Templates    fs.FS               // the operator's own templates; nil if none
	HeartbeatURL *url.URL            // works as a password; nil if none
	MaxInFlight  int                 // concurrent requests to one endpoint
	LogLevel     slog.Level
	Cron         string        // of the timer, shown by doctor
	Cache        time.Duration // how long a listing serves further requests
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

// Load reads the settings of the program itself. An invalid value leaves the
// default, and an error in env.
func Load(env *Env) Settings {
	days := env.Int("EXPIRY_DAYS", 30, 0, MaxDays)
	errs := len(env.errs)
	thresholds := report.Thresholds{
		CriticalDays: env.Int("CRITICAL_DAYS", 3, 0, MaxDays),
		WarningDays:  env.Int("WARNING_DAYS", 7, 0, MaxDays),
	}
	validThresholds := len(env.errs) == errs
	s := Settings{
		Rules: report.Rules{
			Days:       days,
			Thresholds: thresholds,
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
	if validThresholds && s.CriticalDays > s.WarningDays {
		env.Refuse("CRITICAL_DAYS", env.Text("CRITICAL_DAYS", "3"), "at most WARNING_DAYS, "+env.Text("WARNING_DAYS", "7"))
	}
	s.Regions = checkRegions(s.Regions, func(value, wanted string) { env.Refuse("REGIONS", value, wanted) })
	s.Endpoints = env.endpoints("EDS_AIC_ENDPOINT")
	return s
}

// endpoints reads a list of hosts or URLs of the API, each host once.
func (e *Env) endpoints(name string) (all []*url.URL) {
	const wanted = "a host such as eds-aic.cn-shanghai.aliyuncs.com (http:// only on a loopback address)"
	list := splitList(e.Text(name, defaultEndpoints))
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
			e.refuseURL(name, v, wanted)
			continue
		}
		if !slices.ContainsFunc(all, func(other *url.URL) bool { return other.Host == u.Host }) {
			all = append(all, u)
		}
	}
	return all
}

// mentions reads the ids of the people to mention, by owner: owner=id|id,owner=id.
func (e *Env) mentions(name string) map[string][]string {
	all := map[string][]string{}
	for _, entry := range e.List(name) {
		owner, ids, ok := strings.Cut(entry, "=")
		owner = strings.TrimSpace(owner)
		before := len(all[owner])
		ids = strings.ReplaceAll(ids, `\|`, "|") // as in the source of the README's table
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

// maxRegions bounds the regions that may be named, each of which is at least one
// API request.
const maxRegions = 50

// checkRegions returns each region once, and calls refuse for what is invalid.
func checkRegions(ids []string, refuse func(value, wanted string)) []string {
	var regions []string
	for _, id := range ids {
		if !IsRegion(id) {
			refuse(id, "a region such as cn-hangzhou")
		}
		if !slices.Contains(regions, id) {
			regions = append(regions, id)
		}
	}
	if len(regions) > maxRegions {
		refuse(fmt.Sprintf("%s, … (%d)", regions[0], len(regions)), fmt.Sprintf("a list of at most %d regions", maxRegions))
		regions = regions[:maxRegions]
	}
	return regions
}
