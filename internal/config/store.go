package config

import (
	"fmt"
	"net/url"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Store is where runs are remembered: a folder or a bucket of OSS. The zero
// Store is none.
type Store struct {
	Folder         string
	Bucket, Prefix string
	Endpoint       *url.URL // of OSS; nil for the internal endpoint of the function's region
	Region         string   // that Endpoint names; empty if it is on a loopback address
}

const (
	storeForm    = "of the form oss://bucket/prefix, or the path of a folder such as /var/lib/matrix-expiry-report"
	endpointForm = "an endpoint that names its region, such as https://oss-cn-hangzhou.aliyuncs.com (http:// only on a loopback address)"
)

// store reads where runs are remembered. An invalid value turns the store off.
func (e *Env) store() (s Store) {
	mistakes := len(e.mistakes)
	v := e.Text("STATE_URL", "")
	location, isOSS := strings.CutPrefix(v, "oss://")
	bucket, prefix, _ := strings.Cut(location, "/")
	prefix = strings.Trim(prefix, "/")
	switch {
	case v == "":
	case isOSS && isBucket(bucket) && isPrefix(prefix):
		s.Bucket, s.Prefix = bucket, prefix
	case !isOSS && (filepath.IsAbs(v) || strings.HasPrefix(v, "./") || strings.HasPrefix(v, "../")):
		s.Folder = v
	default:
		e.Refuse("STATE_URL", v, storeForm)
	}
	if v := e.Text("OSS_ENDPOINT", ""); v != "" {
		if s.Endpoint, s.Region = parseOSSEndpoint(v); s.Endpoint == nil {
			e.Refuse("OSS_ENDPOINT", v, endpointForm)
		}
	}
	if v == "" || len(e.mistakes) > mistakes {
		return Store{}
	}
	return s
}

// isBucket reports whether s has the form of a bucket's name:
// https://www.alibabacloud.com/help/en/oss/user-guide/bucket-naming-conventions
func isBucket(s string) bool {
	return regexp.MustCompile(`^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$`).MatchString(s)
}

// isPrefix reports whether names in a bucket can begin with s and a slash.
func isPrefix(s string) bool {
	return s == "" || s == path.Clean(s) && !strings.HasPrefix(s, "..") && regexp.MustCompile(`^[A-Za-z0-9._/-]{1,200}$`).MatchString(s)
}

// parseOSSEndpoint parses a host or a URL of OSS, and returns the region that the
// host names: public, internal and dual-stack endpoints do. It returns nil for
// another value.
// https://www.alibabacloud.com/help/en/oss/user-guide/regions-and-endpoints
func parseOSSEndpoint(v string) (endpoint *url.URL, region string) {
	if !strings.Contains(v, "://") {
		v = "https://" + v
	}
	u, err := url.Parse(v)
	if err != nil || !SafeURL(u) || strings.Trim(u.Path, "/") != "" || u.RawQuery != "" {
		return nil, ""
	}
	endpoint = &url.URL{Scheme: u.Scheme, Host: strings.ToLower(u.Host)}
	if isLoopback(u.Hostname()) {
		return endpoint, ""
	}
	hosts := regexp.MustCompile(`^(?:oss-([a-z0-9-]+?)(?:-internal)?|([a-z0-9-]+)\.oss)\.aliyuncs\.com$`)
	m := hosts.FindStringSubmatch(endpoint.Hostname())
	if m == nil || !IsRegion(m[1]+m[2]) || strings.HasPrefix(m[1], "accelerate") {
		return nil, ""
	}
	return endpoint, m[1] + m[2]
}

// notifyOn reads when a report is posted. OnChanges needs a store.
func (e *Env) notifyOn(s Store) string {
	v := e.OneOf("NOTIFY_ON", Always, Always, OnFindings, OnChanges)
	if v != OnChanges || s != (Store{}) {
		return v
	}
	if e.Text("STATE_URL", "") == "" { // an invalid one is a mistake of its own
		e.refuse(fmt.Errorf("NOTIFY_ON: %w", errNeedsStore))
	}
	return Always
}

// days reads a list of days left.
func (e *Env) days(name string, fallback ...int) (days []int) {
	for _, v := range e.List(name) {
		n, err := strconv.Atoi(v)
		if err != nil || n < 0 || n > MaxDays {
			e.Refuse(name, v, fmt.Sprintf("a whole number from 0 to %d", MaxDays))
			return fallback
		}
		days = append(days, n)
	}
	if len(days) == 0 {
		return fallback
	}
	return days
}

// weekday reads a day of the week, or none. It reports whether there is one.
func (e *Env) weekday(name string, fallback time.Weekday) (time.Weekday, bool) {
	var names []string
	for d := range time.Weekday(7) {
		names = append(names, d.String())
	}
	i := slices.Index(names, e.OneOf(name, fallback.String(), append(names, "none")...))
	return time.Weekday(max(i, 0)), i >= 0
}

// globs reads patterns of ids or names.
func (e *Env) globs(name string) (patterns []string) {
	for _, v := range e.List(name) {
		if _, err := path.Match(v, ""); err != nil {
			e.Refuse(name, v, "the id of a matrix or a pattern of names such as test-*")
			continue
		}
		patterns = append(patterns, v)
	}
	return patterns
}
