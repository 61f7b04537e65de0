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
