package report

import "time"

// A Matrix is one Cloud Phone server; the API says node.
type Matrix struct {
	NodeID       string            `json:"node_id"`
	Name         string            `json:"name"`
	Account      string            `json:"account"`
	Region       string            `json:"region"`
	Status       string            `json:"status"`
	ExpiresAt    Time              `json:"expires_at"`
	CreatedAt    Time              `json:"created_at"`
	ModifiedAt   Time              `json:"modified_at"`
	PhoneCount   int               `json:"phone_count"`
	ServerType   string            `json:"server_type"`
	InstanceType string            `json:"instance_type"`
	Tags         map[string]string `json:"tags"`
}

// Status is what the service says of a matrix. The documented values are
// those of DescribeCloudPhoneNodes, eds-aic 2023-09-30:
// https://www.alibabacloud.com/help/en/ecp/api-eds-aic-2023-09-30-describecloudphonenodes
const (
	StatusCreating  = "CREATING"
	StatusNodeReady = "NODE_READY"
	StatusRunning   = "RUNNING"
	StatusFailed    = "FAILED"
	StatusDeleting  = "DELETING"
	StatusDeleted   = "DELETED"
)

// Time is an instant that may be absent; absent is null in JSON.
type Time struct{ time.Time }

// MarshalJSON writes RFC 3339 with the zone of the report, or null.
func (t Time) MarshalJSON() ([]byte, error) {
	if t.IsZero() {
		return []byte("null"), nil
	}
	if t.Year() > 9999 { // which RFC 3339 cannot write: never, as it seems
		return []byte(`"9999-12-31T23:59:59Z"`), nil
	}
	return t.Time.MarshalJSON()
}

// UnmarshalJSON reads what MarshalJSON writes.
func (t *Time) UnmarshalJSON(b []byte) error {
	if string(b) == "null" {
		*t = Time{}
		return nil
	}
	return t.Time.UnmarshalJSON(b)
}

// In returns the same instant in loc; absent stays absent.
func (t Time) In(loc *time.Location) Time {
	if t.IsZero() {
		return t
	}
	return Time{t.Time.In(loc)}
}
