package cloudphone

import (
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/report"
)

// timeLayouts are the formats of timestamps, after ParseTime has removed what
// does not matter. Seconds may have a fraction.
var timeLayouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04",
	"2006-01-02",
}

// ParseTime parses a timestamp in one of the formats that the product family and
// common tools use: a date and a time with a space or a T between, dashes or
// slashes in the date, an offset, "UTC", "GMT" or "+0800 CST" behind it, or
// seconds or milliseconds since 1970. Without a zone it is in zone. A timestamp
// that is empty or not after 1970, as an unset one is in databases, is absent. ok
// is false if s is none of these.
func ParseTime(s string, zone *time.Location) (t report.Time, ok bool) {
	if t, err := time.ParseInLocation(time.DateTime, s, zone); err == nil && t.Year() > 1970 { // the documented format
		return report.Time{Time: t}, true
	}
	s = strings.TrimSpace(s)
	if strings.Trim(s, "0-/:T. Z") == "" { // 0000-00-00 00:00:00
		return report.Time{}, true
	}
	parsed, ok := parseEpoch(s)
	if !ok {
		parsed, ok = parseCalendar(s, zone)
	}
	if !ok || parsed.Year() <= 1970 {
		return report.Time{}, ok
	}
	return report.Time{Time: parsed}, true
}

// parseEpoch parses seconds or milliseconds since 1970, which have 10 and 13
// digits from 2001 to 2286.
func parseEpoch(s string) (time.Time, bool) {
	n, err := strconv.ParseUint(s, 10, 63)
	switch {
	case err != nil:
	case len(s) == 10:
		return time.Unix(int64(n), 0), true
	case len(s) == 13:
		return time.UnixMilli(int64(n)), true
	}
	return time.Time{}, false
}

func parseCalendar(s string, zone *time.Location) (time.Time, bool) {
	fields := strings.Fields(s)
	date := strings.ReplaceAll(fields[0], "/", "-")
	fields = fields[1:]
	if !strings.Contains(date, "T") && len(fields) > 0 {
		date += "T" + fields[0]
		fields = fields[1:]
	}
	switch {
	case len(fields) == 1 && (fields[0] == "UTC" || fields[0] == "GMT"):
		date += "Z"
	case len(fields) == 1, len(fields) == 2 && isZoneName(fields[1]): // "+0800", "+0800 CST"
		date += fields[0]
	case len(fields) > 0:
		return time.Time{}, false
	}
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, date, zone); err == nil {
			return t, true
		}
	}
	return time.Time{}, false
}

// isZoneName reports whether s is an abbreviation, which adds nothing to an
// offset. Alone it is ambiguous: CST is a zone of China and of America.
func isZoneName(s string) bool {
	return len(s) >= 2 && len(s) <= 5 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}
