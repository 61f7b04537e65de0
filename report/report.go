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
)

// Version is the version of the report's JSON form.
const Version = 1

// A Listing is what could be read of all matrices.
type Listing struct {
	Matrices []Matrix  // those that were kept, see Rules.Fate, or all
	Others   int       // that were read besides
	Deleted  int       // of the others
	Total    int       // how many there should be, as far as the service says
	Regions  []string  // the regions that hold them
	Problems []Problem // what could not be done
	Mended   []Problem // what went wrong and cost nothing: for the log, not for the report
	Effort   Effort
}

// Listed is how many matrices were read, of every status.
func (l Listing) Listed() int { return len(l.Matrices) + l.Others }

// Complete tells whether no matrix may be missing.
func (l Listing) Complete() bool {
	return l.Listed() >= l.Total && !slices.ContainsFunc(l.Problems, func(p Problem) bool { return p.MayHideMatrices })
}

// Effort is what a listing took.
type Effort struct {
	Calls   int   // questions asked, every try counted
	Retries int   // of them asked again
	Bytes   int64 // of answers, as they came over the network
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
