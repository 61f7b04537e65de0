// Package report holds the words and the rules of the program: what a matrix
// is, which matrices need somebody, and what one run found.
//
// It is pure: the standard library only, no I/O, no clock, no log. Time enters
// as a value. To add a rule, add a line to the table in classify.go and a case
// to classify_test.go, which fails until there is one.
//
// Read report.go (the vocabulary), then classify.go (the rules), then
// summarise.go (from a listing to a report).
package report

import (
	"encoding/json"
	"slices"
	"time"
)

// Version is the version of the report's JSON form.
const Version = 1

// A Reason says why a matrix needs somebody.
type Reason string

const (
	Failed        Reason = "failed"         // it was never created properly
	Expired       Reason = "expired"        // its subscription has ended
	Expiring      Reason = "expiring"       // it ends within the report's days
	Stuck         Reason = "stuck"          // it is being created or deleted for too long
	NoExpiry      Reason = "no_expiry"      // nobody can tell when it ends
	UnknownStatus Reason = "unknown_status" // the service uses a status that it does not document
)

// A Severity says how soon somebody is needed. Its order is that of
// [Severities].
type Severity string

const (
	Critical Severity = "critical"
	Warning  Severity = "warning"
	Notice   Severity = "notice"
)

// Severities lists every severity, the most urgent first.
var Severities = []Severity{Critical, Warning, Notice}

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

// A Finding is a matrix that needs somebody.
type Finding struct {
	Matrix
	Reason       Reason   `json:"reason"`
	OtherReasons []Reason `json:"also"` // further reasons, in the order of the rules
	Severity     Severity `json:"severity"`
	DaysLeft     *int     `json:"days_left"` // calendar days until it expires, negative after; nil without an expiry
}

// A Problem is something that a run could not do.
type Problem struct {
	Endpoint        string `json:"endpoint"`
	Account         string `json:"account"`
	Region          string `json:"region"`
	Code            string `json:"code"`
	Message         string `json:"message"`    // in English; templates may have other words for the code
	RequestID       string `json:"request_id"` // of the service, for its support
	Permission      string `json:"permission"` // what a denial says is missing
	MayHideMatrices bool   `json:"may_hide"`   // matrices may be missing from the report because of it
}

// A Delivery is what became of the report in one channel.
type Delivery struct {
	Channel   string `json:"channel"`
	Delivered bool   `json:"delivered"`
	Messages  int    `json:"messages"`
	Error     string `json:"error"`
}

// An Expiry is a matrix and when it ends.
type Expiry struct {
	NodeID    string `json:"node_id"`
	Name      string `json:"name"`
	ExpiresAt Time   `json:"expires_at"`
}

// A Report is the findings of one run and how complete it is.
type Report struct {
	Version     int    `json:"version"`
	GeneratedAt Time   `json:"generated_at"`
	TimeZone    string `json:"time_zone"`
	Days        int    `json:"days"`
	Thresholds
	Complete       bool           `json:"complete"`
	Total          int            `json:"total"`  // how many matrices there should be, of every status
	Listed         int            `json:"listed"` // how many were read
	Regions        []string       `json:"regions"`
	Counts         map[string]int `json:"counts"` // findings by reason, and "deleted"
	PhonesAffected int            `json:"phones_affected"`
	NextExpiry     *Expiry        `json:"next_expiry"` // the first beyond the report's days
	Findings       []Finding      `json:"findings"`
	Problems       []Problem      `json:"problems"`
	Deliveries     []Delivery     `json:"deliveries,omitempty"`
	Matrices       []Matrix       `json:"matrices,omitempty"` // a page of all that were read, where they were asked for
	Page           int            `json:"page,omitempty"`     // from 1
	Pages          int            `json:"pages,omitempty"`
}

// Brief is the report's JSON without its findings: what a timer is answered.
func (r Report) Brief() ([]byte, error) {
	return json.Marshal(struct {
		Report
		Findings *struct{} `json:"findings,omitempty"` // hides the longer one
	}{Report: r})
}

// Failed tells whether nothing at all could be read.
func (r Report) Failed() bool { return r.Listed == 0 && !r.Complete }

// HasWarnings tells whether there is a problem of no endpoint: the report has it all,
// and yet may not be what somebody takes it for.
func (r Report) HasWarnings() bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return !p.MayHideMatrices && p.Endpoint == "" })
}
