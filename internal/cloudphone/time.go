package cloudphone

import (
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/report"
)

// clockLayouts and zoneLayouts together are the formats of timestamps, after
// parseCalendar has removed what does not matter. Seconds may have a fraction.
var (
	clockLayouts = []string{"2006-01-02 15:04:05", "2006-01-02 15:04", "2006-01-02"}
	zoneLayouts  = []string{"", "Z07:00", "Z0700", " Z07:00", " Z0700", " -0700 MST"}
	namedUTC     = strings.NewReplacer(" UTC", "Z", " GMT", "Z")
)

// ParseTime parses a timestamp in one of the formats that the product family and
// common tools use: a date and a time with a space or a T between, dashes or
// slashes in the date, an offset, "UTC", "GMT" or "+0800 CST" behind it, or
// seconds or milliseconds since 1970. Without a zone it is in zone. For a timestamp
// that is empty or not after 1970, as databases write an unset one, it returns the
// absent time and ok is true. ok is false if s has none of these formats.
func ParseTime(s string, zone *time.Location) (t report.Time, ok bool) {
	if t, err := time.ParseInLocation(time.DateTime, s, zone); err == nil && t.Year() > 1970 { // the documented format
		return report.Time{Time: t}, true
	}
	s = strings.TrimSpace(s)
	if strings.Trim(s, "0-/:T. Z") == "" { // 0000-00-00 00:00:00
		return report.Time{}, true
	}
	parsed, ok := time.Time{}, true
	switch n, err := strconv.ParseUint(s, 10, 63); {
	case err == nil && len(s) == 10: // seconds from 2001 to 2286
		parsed = time.Unix(int64(n), 0)
	case err == nil && len(s) == 13:
		parsed = time.UnixMilli(int64(n))
	default:
		parsed, ok = parseCalendar(s, zone)
	}
	if !ok || parsed.Year() <= 1970 {
		return report.Time{}, ok
	}
	return report.Time{Time: parsed}, true
}

// parseCalendar parses a date and a time. A zone that is a mere abbreviation does
// not count: CST is a zone of China and of America.
func parseCalendar(s string, zone *time.Location) (time.Time, bool) {
	s = strings.ReplaceAll(strings.Join(strings.Fields(s), " "), "/", "-")
	if len(s) > len(time.DateOnly) && s[len(time.DateOnly)] == 'T' {
		s = s[:len(time.DateOnly)] + " " + s[len(time.DateOnly)+1:]
	}
	for _, s := range []string{s, namedUTC.Replace(s)} {
		for _, clock := range clockLayouts {
			for _, suffix := range zoneLayouts {
				if t, err := time.ParseInLocation(clock+suffix, s, zone); err == nil {
					return t, true
				}
			}
		}
	}
	return time.Time{}, false
}
