package locale

import (
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Date returns the day of t as the language writes it, with the year only if it
// is not that of now.
func (c *Catalog) Date(t, now time.Time) string {
	id := "date"
	if t.Year() != now.Year() {
		id = "date_year"
	}
	return c.Text(id, c.Text("weekday_"+strconv.Itoa(int(t.Weekday()))), strconv.Itoa(t.Day()),
		c.Text("month_"+strconv.Itoa(int(t.Month()))), strconv.Itoa(t.Year()))
}

// DateTime returns t with date, time and zone: "Sun 22 Nov 2026 09:07 UTC+8".
func (c *Catalog) DateTime(t time.Time) string {
	return c.Date(t, time.Time{}) + " " + t.Format("15:04") + " " + offset(t)
}

// Distance returns how far away a day is: "in 3 days", "today", "2 days ago".
func (c *Catalog) Distance(days int) string {
	switch {
	case days == 0:
		return c.Text("today")
	case days == 1:
		return c.Text("tomorrow")
	case days == -1:
		return c.Text("yesterday")
	case days < 0:
		return c.Text("days_ago", -days)
	}
	return c.Text("in_days", days)
}

// offset returns the zone of t as UTC+8 or UTC-3:30.
func offset(t time.Time) string {
	short := strings.NewReplacer("+00:00", "", "+0", "+", "-0", "-", ":00", "")
	return short.Replace(t.Format("UTC-07:00"))
}

// Region returns the name of a region, its id if the language has no name for it,
// or words for no region if the id is empty.
func (c *Catalog) Region(id string) string {
	if id == "" {
		return c.Text("no_region")
	}
	if c.Has("region_" + id) {
		return c.Text("region_" + id)
	}
	return id
}

// RegionNamed returns the id of the region that the language calls name, in
// whatever case, or "".
func (c *Catalog) RegionNamed(name string) string {
	for _, id := range slices.Sorted(maps.Keys(c.messages)) {
		if region, ok := strings.CutPrefix(id, "region_"); ok && strings.EqualFold(c.Text(id), name) {
			return region
		}
	}
	return ""
}
