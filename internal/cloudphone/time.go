package cloudphone

import (
	"strings"
	"time"

	"matrix-expiry-report/report"
)

// The forms in which the product family writes times; seconds may carry a
// fraction. What has no zone is in the zone that the settings name.
var timeLayouts = []string{
	"2006-01-02T15:04:05Z07:00",
	"2006-01-02T15:04:05Z0700",
	"2006-01-02T15:04Z07:00",
	"2006-01-02T15:04:05",
	"2006-01-02T15:04",
	"2006-01-02",
}

// parseTime reads a time of the API. What is empty, unreadable or from before
// 1971 (an unset value written as a date) is absent.
func parseTime(s string, zone *time.Location) report.Time {
	s = strings.TrimSpace(s)
	if len(s) > 10 && s[10] == ' ' {
		s = s[:10] + "T" + strings.TrimSpace(s[11:])
	}
	s = strings.Replace(s, " ", "", 1) // "… +08:00"
	for _, layout := range timeLayouts {
		if t, err := time.ParseInLocation(layout, s, zone); err == nil {
			if t.Year() <= 1970 {
				return report.Time{}
			}
			return report.Time{Time: t}
		}
	}
	return report.Time{}
}

// plainTime reads the one form that the service is documented to write,
// "2006-01-02 15:04:05", faster; what it does not know is parseTime's.
func plainTime(b []byte, zone *time.Location) (report.Time, bool) {
	if b[4] != '-' || b[7] != '-' || b[10] != ' ' || b[13] != ':' || b[16] != ':' {
		return report.Time{}, false
	}
	for _, i := range [...]int{0, 1, 2, 3, 5, 6, 8, 9, 11, 12, 14, 15, 17, 18} {
		if b[i] < '0' || b[i] > '9' {
			return report.Time{}, false
		}
	}
	two := func(i int) int { return int(b[i]-'0')*10 + int(b[i+1]-'0') }
	year, month, day, hour, minute, second := two(0)*100+two(2), two(5), two(8), two(11), two(14), two(17)
	if year <= 1970 || month < 1 || month > 12 || day < 1 || day > 31 || hour > 23 || minute > 59 || second > 59 {
		return report.Time{}, false
	}
	t := time.Date(year, time.Month(month), day, hour, minute, second, 0, zone)
	return report.Time{Time: t}, day <= 28 || t.Day() == day
}
