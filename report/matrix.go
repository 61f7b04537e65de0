package report

import "time"

// A Matrix is one Cloud Phone server. The API calls it a node.
type Matrix struct {
	NodeID          string            `json:"node_id"`
	Name            string            `json:"name"`
	Account         string            `json:"account"` // empty if there is only one account
	Region          string            `json:"region"`
	Status          string            `json:"status"`
	ExpiresAt       Time              `json:"expires_at"`
	ExpiresRaw      string            `json:"expires_raw"` // the API's expiry date if it cannot be parsed, truncated
	CreatedAt       Time              `json:"created_at"`
	ModifiedAt      Time              `json:"modified_at"`
	PhoneCount      int               `json:"phone_count"`
	ServerType      string            `json:"server_type"`
	InstanceType    string            `json:"instance_type"`
	BandwidthStatus string            `json:"bandwidth_status"` // BandwidthPackageStatus: 0 being set up, 1 normal, 2 deleted
	Owner           string            `json:"owner"`            // value of its tag Rules.OwnerTag, set by the rules; may be empty
	Tags            map[string]string `json:"tags"`
}

// apply returns m with its times in r.Location, and with its owner.
func (r Rules) apply(m Matrix) Matrix {
	m.ExpiresAt, m.CreatedAt, m.ModifiedAt = m.ExpiresAt.In(r.Location), m.CreatedAt.In(r.Location), m.ModifiedAt.In(r.Location)
	m.Owner = m.Tags[r.OwnerTag]
	return m
}

// The documented values of Matrix.Status, from DescribeCloudPhoneNodes of
// eds-aic 2023-09-30. The API may return others.
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
const (
	StatusCreating  = "CREATING"
	StatusNodeReady = "NODE_READY"
	StatusRunning   = "RUNNING"
	StatusFailed    = "FAILED"
	StatusDeleting  = "DELETING"
	StatusDeleted   = "DELETED"
)

// bandwidthDeleted is the documented BandwidthPackageStatus of a package that is
// gone. The phones of such a matrix are cut off although it runs.
const bandwidthDeleted = "2"

var statuses = []string{StatusCreating, StatusNodeReady, StatusRunning, StatusFailed, StatusDeleting, StatusDeleted}

// A Time is an instant that may be absent. The zero Time is absent and is null
// in JSON.
type Time struct{ time.Time }

// MarshalJSON returns t in RFC 3339 with its own zone, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	if t.Year() > 9999 {
		// RFC 3339 ends with the year 9999, which services use for "never".
		return []byte(`"9999-12-31T23:59:59Z"`), nil
	}
	return t.Time.MarshalJSON()
}

// UnmarshalJSON parses what MarshalJSON writes.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = Time{}
		return nil
	}
	return t.Time.UnmarshalJSON(b)
}

// IsNever reports whether t stands for "never": services write that as the last
// day of the year 9999.
func (t Time) IsNever() bool { return t.Year() >= 9999 }

// LastDay returns the date, in the zone of t, of the instant just before t: the
// last day of what ends at t. It is absent if t is.
func (t Time) LastDay() Date {
	if t.IsZero() {
		return Date{}
	}
	return dateOf(t.Add(-1))
}

// IsMidnight reports whether t is the first instant of a day in its zone. What
// ends then ended on the day before, at 24:00. In a zone whose clocks skip
// midnight on a day, that day begins later.
func (t Time) IsMidnight() bool { return !t.IsZero() && t.LastDay() != dateOf(t.Time) }

// In returns t in loc. An absent Time stays absent.
func (t Time) In(loc *time.Location) Time {
	if t.IsZero() {
		return t
	}
	return Time{t.Time.In(loc)}
}

// compare orders times, absent ones last.
func (t Time) compare(u Time) int {
	switch {
	case t.IsZero() && u.IsZero():
		return 0
	case t.IsZero():
		return 1
	case u.IsZero():
		return -1
	}
	return t.Compare(u.Time)
}

// A Date is a calendar day that may be absent. The zero Date is absent and is null
// in JSON.
type Date struct {
	Year  int
	Month time.Month
	Day   int
}

func dateOf(t time.Time) Date {
	year, month, day := t.Date()
	return Date{year, month, day}
}

// IsZero reports whether d is absent.
func (d Date) IsZero() bool { return d == Date{} }

// Time returns the beginning of d in UTC, for formatting and counting days.
func (d Date) Time() time.Time { return time.Date(d.Year, d.Month, d.Day, 0, 0, 0, 0, time.UTC) }

// String returns d as 2006-01-02, or an empty string if it is absent.
func (d Date) String() string {
	if d.IsZero() {
		return ""
	}
	if d.Year > 9999 {
		return "9999-12-31" // as of a Time
	}
	return d.Time().Format(time.DateOnly)
}

// MarshalJSON returns d as "2006-01-02", or null.
func (d Date) MarshalJSON() ([]byte, error) {
	if d.IsZero() {
		return []byte("null"), nil
	}
	return []byte(`"` + d.String() + `"`), nil
}

// UnmarshalJSON parses what MarshalJSON writes.
func (d *Date) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*d = Date{}
		return nil
	}
	t, err := time.Parse(`"`+time.DateOnly+`"`, string(b))
	if err != nil {
		return err
	}
	*d = dateOf(t)
	return nil
}

// AddDays returns the day that is so many days after d.
func (d Date) AddDays(days int) Date { return dateOf(d.Time().AddDate(0, 0, days)) }

// DaysUntil returns the number of calendar days from the day of an instant, in its
// zone, to d. It is negative if d is past.
func (d Date) DaysUntil(now time.Time) int {
	return int((d.Time().Unix() - dateOf(now).Time().Unix()) / (24 * 60 * 60)) // a Duration ends at 292 years
}
