package config

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/locale"
)

func load(values map[string]string) (Settings, error) {
	env := NewEnv(func(name string) string { return values[name] })
	s := Load(env)
	return s, env.Err()
}

func hosts(s Settings) []string {
	var out []string
	for _, e := range s.Endpoints {
		out = append(out, e.Scheme+"://"+e.Host)
	}
	return out
}

// The README's table has a backslash before each |, which its source shows.
func TestMentionsWithBackslash(t *testing.T) {
	env := NewEnv(func(name string) string { return map[string]string{"MENTIONS": `team-a=U012AB3CD\|13800138000`}[name] })
	if got := Load(env).Mentions["team-a"]; !slices.Equal(got, []string{"U012AB3CD", "13800138000"}) || env.Err() != nil {
		t.Errorf("got %q, %v", got, env.Err())
	}
}

// TestSettings has the default of every setting, valid values and invalid ones.
// A setting without a line fails it.
func TestSettings(t *testing.T) {
	const tooMany = "3651"
	days := func(name string, get func(Settings) int, missing int, good map[string]any) setting {
		return setting{name, func(s Settings) any { return get(s) }, missing, good,
			[]string{"-1", tooMany, "ten", "1.5", "1e2", "99999999999999999999", "7 days"}, "a whole number from 0 to 3650"}
	}
	zones := map[string]any{"UTC": "UTC", "Europe/Berlin": "Europe/Berlin", " Asia/Tokyo ": "Asia/Tokyo"}
	badZones := []string{"Local", "Mars/Olympus", "+08:00", "../zone", "CST8"}
	links := map[string]any{"https://example.com/a?b=c": "https://example.com/a?b=c", "http://intranet/": "http://intranet/"}
	badLinks := []string{"example.com", "ftp://example.com", "https://", "https://:443/x", "javascript:alert(1)", "https://exa mple.com", "https://a\nb", "//example.com"}
	settings := []setting{
		days("EXPIRY_DAYS", func(s Settings) int { return s.Days }, 30, map[string]any{"0": 0, "3650": 3650, " 7 ": 7}),
		days("CRITICAL_DAYS", func(s Settings) int { return s.CriticalDays }, 3, map[string]any{"0": 0, "7": 7}),
		days("WARNING_DAYS", func(s Settings) int { return s.WarningDays }, 7, map[string]any{"3": 3, "3650": 3650}),
		{"STUCK_AFTER", func(s Settings) any { return s.StuckAfter }, 24 * time.Hour,
			map[string]any{"1m": time.Minute, "90m": 90 * time.Minute, "1h30m": 90 * time.Minute},
			[]string{"24", "1d", "59s", "0s", "-1h", "soon"}, "a duration such as 24h or 90m, at least 1m0s"},
		{"TIME_ZONE", func(s Settings) any { return s.Location.String() }, "Asia/Shanghai", zones, badZones, "a time zone such as Asia/Shanghai"},
		{"API_TIME_ZONE", func(s Settings) any { return s.APIZone.String() }, "Asia/Shanghai", zones, badZones, "a time zone such as Asia/Shanghai"},
		{"REGIONS", func(s Settings) any { return s.Regions }, []string(nil),
			map[string]any{"cn-hangzhou": []string{"cn-hangzhou"}, " cn-hangzhou ,, us-east-1,cn-hangzhou": []string{"cn-hangzhou", "us-east-1"}, " , ": []string(nil)},
			[]string{"Hangzhou", "cn", "cn_hangzhou", "cn-hangzhou us-east-1", "cn-hangzhou;us-east-1", "CN-HANGZHOU", "*"}, "a region such as cn-hangzhou"},
		{"REPORT_LANGUAGE", func(s Settings) any { return s.Language }, "en", map[string]any{"zh": "zh", "en": "en"}, []string{"EN", "xx", "zh-CN", "en,zh"}, "one of " + strings.Join(locale.Languages(), ", ")},
		{"NOTIFY_ON", func(s Settings) any { return s.NotifyOn }, "always", map[string]any{"always": "always", "findings": "findings"}, []string{"never", "true"}, "one of always, findings, changes"},
		{"STATE_URL", func(s Settings) any { return s.Store }, Store{},
			map[string]any{
				"oss://my-bucket/reports/state/": Store{Bucket: "my-bucket", Prefix: "reports/state"}, "oss://b0b": Store{Bucket: "b0b"},
				"/var/lib/reports": Store{Folder: "/var/lib/reports"}, "./state": Store{Folder: "./state"}, "../state": Store{Folder: "../state"},
			},
			[]string{
				"my-bucket", "oss://", "oss:///state", "oss:/my-bucket", "oss://My-Bucket/x", "oss://ab", "oss://my-bucket/../x", "oss://my-bucket/a//b", "oss://my-bucket/a b",
				"oss://my-bucket/x?y", "oss://key@my-bucket/x", "s3://my-bucket/x", "file:///var/lib", "https://my-bucket.oss-cn-hangzhou.aliyuncs.com/x",
			}, "of the form oss://bucket/prefix"},
		{"OSS_ENDPOINT", func(s Settings) any { return s.Store }, Store{}, map[string]any{"oss-cn-hangzhou.aliyuncs.com": Store{}}, // without STATE_URL it has no effect
			[]string{
				"http://oss-cn-hangzhou.aliyuncs.com", "https://oss-accelerate.aliyuncs.com", "https://user:pw@oss-cn-hangzhou.aliyuncs.com", "https://example.com",
				"https://oss-cn-hangzhou.aliyuncs.com/bucket", "https://oss-cn-hangzhou.aliyuncs.com.evil.example", "https://my-bucket.oss-cn-hangzhou.aliyuncs.com", "cn-hangzhou",
			}, "an endpoint that names its region"},
		{"REMIND_AT", func(s Settings) any { return s.RemindAt }, []int{30, 14, 7, 3, 1, 0}, map[string]any{"7": []int{7}, " 14, 3,14 ": []int{14, 3}, "0,3650": []int{0, 3650}},
			[]string{"-1", "3651", "7 3", "7d", "none", "7,x"}, "a whole number from 0 to 3650"},
		{"DIGEST_DAY", func(s Settings) any { return fmt.Sprint(s.DigestDay, s.Digest) }, "Monday true",
			map[string]any{"Sunday": "Sunday true", "Saturday": "Saturday true", "none": "Sunday false"}, []string{"monday", "Mon", "0", "never"}, "one of Sunday, Monday, Tuesday, Wednesday, Thursday, Friday, Saturday, none"},
		{"IGNORE", func(s Settings) any { return s.Ignore }, []string(nil), map[string]any{"cpn-1, test-*,cpn-1": []string{"cpn-1", "test-*"}, "[ab]?": []string{"[ab]?"}},
			[]string{"test-[", "[]"}, "the id of a matrix or a pattern"},
		{"CONSOLE_URL", func(s Settings) any { return s.ConsoleURL }, renewConsole, links, badLinks, "an address such as https://host/path"},
		{"REPORT_URL", func(s Settings) any { return s.ReportURL }, "", links, badLinks, "an address such as https://host/path"},
		{"OWNER_TAG", func(s Settings) any { return s.OwnerTag }, "owner", map[string]any{"team": "team", " 负责人 ": "负责人"}, nil, ""},
		{"MENTIONS", func(s Settings) any { return s.Mentions }, map[string][]string{},
			map[string]any{
				"team-a=U012AB3CD": map[string][]string{"team-a": {"U012AB3CD"}},
				"team-a = U012AB3CD | 13800138000 , 运营组=13900139000,": map[string][]string{"team-a": {"U012AB3CD", "13800138000"}, "运营组": {"13900139000"}},
				"team-a=U1,team-a=U2": map[string][]string{"team-a": {"U1", "U2"}},
				"a@example.com=U1||":  map[string][]string{"a@example.com": {"U1"}},
			},
			[]string{"team-a", "team-a=", "=U012AB3CD", "team-a=|", "=", "team-a=U1,team-a="}, "of the form owner=id|id, such as team-a=U012AB3CD|13800138000"},
		{"TEMPLATE_DIR", func(s Settings) any { return s.Templates != nil }, false, map[string]any{".": true, t.TempDir(): true}, []string{"config.go", "no such directory"}, "a readable directory"},
		{"HTTP_AUTH", func(s Settings) any { return s.HTTPAuth }, "", map[string]any{"trigger": "trigger"}, []string{"none", "bearer", "TRIGGER", "token"}, ""},
		{"HTTP_TOKEN", func(s Settings) any { return s.HTTPToken.Reveal() }, "", map[string]any{" a b 3456789012345 ": "a b 3456789012345", "密钥密钥密钥密钥密钥密钥密钥密钥": "密钥密钥密钥密钥密钥密钥密钥密钥"}, []string{"short", "密钥密钥密钥"}, "a token of at least 16 characters"},
		{"HEARTBEAT_URL", func(s Settings) any { return fmt.Sprint(s.HeartbeatURL) }, "<nil>",
			map[string]any{"https://hc.example.com/ping/uuid": "https://hc.example.com/ping/uuid", "http://127.0.0.1:8080/p": "http://127.0.0.1:8080/p"},
			[]string{"http://hc.example.com/ping", "hc.example.com/ping", "https://u:p@hc.example.com/ping", "ftp://hc.example.com", "https://"}, "an address of the form https://host/path"},
		{"CRON", func(s Settings) any { return s.Cron }, "CRON_TZ=Asia/Shanghai 0 7 9 * * *", map[string]any{"@every 60m": "@every 60m"}, nil, ""},
		{"CACHE_SECONDS", func(s Settings) any { return s.Cache }, time.Minute, map[string]any{"0": time.Duration(0), "3600": time.Hour}, []string{"-1", "3601", "1m"}, "a whole number from 0 to 3600"},
		{"MAX_IN_FLIGHT", func(s Settings) any { return s.MaxInFlight }, 4, map[string]any{"1": 1, "16": 16}, []string{"0", "17", "many"}, "a whole number from 1 to 16"},
		{"LOG_LEVEL", func(s Settings) any { return s.LogLevel.String() }, "INFO",
			map[string]any{"debug": "DEBUG", "info": "INFO", "warn": "WARN", "error": "ERROR"}, []string{"DEBUG", "trace", "0"}, "one of debug, info, warn, error"},
		{"EDS_AIC_ENDPOINT", func(s Settings) any { return hosts(s) },
			[]string{"https://eds-aic.cn-shanghai.aliyuncs.com", "https://eds-aic.ap-southeast-1.aliyuncs.com"},
			map[string]any{
				"eds-aic.cn-shanghai.aliyuncs.com":                        []string{"https://eds-aic.cn-shanghai.aliyuncs.com"},
				"https://eds-aic.cn-shanghai.aliyuncs.com/":               []string{"https://eds-aic.cn-shanghai.aliyuncs.com"},
				"a.example.com, b.example.com:8443,https://a.example.com": []string{"https://a.example.com", "https://b.example.com:8443"},
				"http://127.0.0.1:8080":                                   []string{"http://127.0.0.1:8080"},
				"http://127.9.9.9":                                        []string{"http://127.9.9.9"},
				"http://[::1]:8080":                                       []string{"http://[::1]:8080"},
				"http://localhost:8080":                                   []string{"http://localhost:8080"},
				"A.example.com,a.EXAMPLE.com:443,HTTPS://a.example.com/":  []string{"https://a.example.com"},
				"http://127.0.0.1:80,http://127.0.0.1,http://[::1]:80":    []string{"http://127.0.0.1", "http://[::1]"},
				"a.example.com:8443,a.example.com":                        []string{"https://a.example.com:8443", "https://a.example.com"},
			},
			[]string{
				"http://eds-aic.cn-shanghai.aliyuncs.com", "http://localhost.evil.test", "http://127.0.0.1.evil.test", "http://evil.test/localhost", "http://192.168.0.1", "http://[fe80::1]", "http://0.0.0.0",
				"ftp://127.0.0.1", "https://", "https://:443", "https://example.com/path", "https://example.com?x=1", "exa mple.com", "https://example.com:port", "http://0x7f.1", "http://localhost@evil.test", "https://#x", ",",
			}, "a host such as eds-aic.cn-shanghai.aliyuncs.com"},
	}
	env := NewEnv(func(string) string { return "" })
	Load(env)
	if err := env.Err(); err != nil {
		t.Errorf("without values: %v", err)
	}
	var tested []string
	for _, tt := range settings {
		tested = append(tested, tt.name)
		t.Run(tt.name, func(t *testing.T) {
			for _, absent := range []string{"", "  "} {
				s, err := load(map[string]string{tt.name: absent})
				if got := tt.get(s); err != nil || !reflect.DeepEqual(got, tt.missing) {
					t.Errorf("%q: got %#v and the error %v, want %#v", absent, got, err, tt.missing)
				}
			}
			for value, want := range tt.good {
				s, err := load(map[string]string{tt.name: value})
				if got := tt.get(s); err != nil || !reflect.DeepEqual(got, want) {
					t.Errorf("%q: got %#v and the error %v, want %#v", value, got, err, want)
				}
			}
			for _, value := range tt.bad {
				_, err := load(map[string]string{tt.name: value})
				if err == nil || !strings.HasPrefix(err.Error(), tt.name+": ") || !strings.Contains(err.Error(), tt.wanted) || strings.Contains(err.Error(), "\n") {
					t.Errorf("%q: got the error %v, want one line with %s and %q", value, err, tt.name, tt.wanted)
				}
			}
		})
	}
	names := env.Names()
	slices.Sort(names)
	slices.Sort(tested)
	if !slices.Equal(names, tested) {
		t.Errorf("the tested settings are %v, want %v", tested, names)
	}
}

type setting struct {
	name    string
	get     func(Settings) any
	missing any
	good    map[string]any
	bad     []string
	wanted  string
}

func TestCriticalDaysAtMostWarningDays(t *testing.T) {
	for _, tt := range []struct{ critical, warning, want string }{
		{"7", "7", ""},
		{"8", "7", `CRITICAL_DAYS: "8" is not at most WARNING_DAYS, 7`},
		{"0", "0", ""},
		{"8", "many", `WARNING_DAYS: "many" is not a whole number from 0 to 3650`},
		{"many", "2", `CRITICAL_DAYS: "many" is not a whole number from 0 to 3650`},
	} {
		_, err := load(map[string]string{"CRITICAL_DAYS": tt.critical, "WARNING_DAYS": tt.warning})
		if got := fmt.Sprint(err); got != tt.want && !(err == nil && tt.want == "") {
			t.Errorf("CRITICAL_DAYS=%s WARNING_DAYS=%s: got %q, want %q", tt.critical, tt.warning, got, tt.want)
		}
	}
}

// A threshold that is not set gives way to the one that is.
func TestOneThresholdSet(t *testing.T) {
	for _, tt := range []struct {
		critical, warning         string
		wantCritical, wantWarning int
	}{
		{"", "1", 1, 1}, {"", "0", 0, 0}, {"", "5", 3, 5}, {"10", "", 10, 10}, {"5", "", 5, 7}, {"", "", 3, 7},
	} {
		s, err := load(map[string]string{"CRITICAL_DAYS": tt.critical, "WARNING_DAYS": tt.warning})
		if err != nil || s.CriticalDays != tt.wantCritical || s.WarningDays != tt.wantWarning {
			t.Errorf("CRITICAL_DAYS=%s WARNING_DAYS=%s: got %d, %d and %v, want %d, %d", tt.critical, tt.warning, s.CriticalDays, s.WarningDays, err, tt.wantCritical, tt.wantWarning)
		}
	}
}

func TestAllErrorsTogether(t *testing.T) {
	const password = "p4ssw0rd"
	values := map[string]string{
		"EXPIRY_DAYS": "ten", "CRITICAL_DAYS": "-1", "WARNING_DAYS": "x", "STUCK_AFTER": "1d", "TIME_ZONE": "Mars", "API_TIME_ZONE": "Local",
		"REGIONS": "cn-hangzhou,Moon,Mars", "REPORT_LANGUAGE": "xx", "NOTIFY_ON": "never", "CONSOLE_URL": "example.com", "REPORT_URL": "https://me:" + password + "@example.com",
		"MENTIONS": "team-a,team-b=", "HTTP_AUTH": "no", "HEARTBEAT_URL": "http://hc.example.com/" + password,
		"EDS_AIC_ENDPOINT": "http://a.example.com,b.example.com,https://me:" + password + "@c.example.com,me:" + password + "@d.example.com,http://x:" + password + "@:bad",
		"HTTP_TOKEN":       password,
	}
	_, err := load(values)
	if err == nil {
		t.Fatal("got no error")
	}
	lines := map[string]int{}
	for line := range strings.Lines(err.Error()) {
		name, rest, _ := strings.Cut(strings.TrimSpace(line), ": ")
		lines[name]++
		if !strings.Contains(rest, "is not ") {
			t.Errorf("got the line %q, want a valid form in it", line)
		}
	}
	want := map[string]int{
		"EXPIRY_DAYS": 1, "CRITICAL_DAYS": 1, "WARNING_DAYS": 1, "STUCK_AFTER": 1, "TIME_ZONE": 1, "API_TIME_ZONE": 1, "REGIONS": 2, "REPORT_LANGUAGE": 1,
		"NOTIFY_ON": 1, "CONSOLE_URL": 1, "REPORT_URL": 1, "MENTIONS": 2, "HTTP_AUTH": 1, "HTTP_TOKEN": 1, "HEARTBEAT_URL": 1, "EDS_AIC_ENDPOINT": 4,
	}
	if !maps.Equal(lines, want) {
		t.Errorf("got the lines %v, want %v\n%v", lines, want, err)
	}
	if strings.Contains(err.Error(), password) {
		t.Errorf("the error contains a password:\n%v", err)
	}
}

// An invalid value leaves the default.
func TestInvalidValueLeavesDefault(t *testing.T) {
	s, _ := load(map[string]string{"TIME_ZONE": "Mars", "API_TIME_ZONE": "Mars", "EXPIRY_DAYS": "x"})
	if s.Location == nil || s.APIZone == nil || s.Days != 30 {
		t.Errorf("got %+v, want the defaults of invalid values", s.Rules)
	}
}
