// Package report is the vocabulary and the rules of the program: what a matrix
// is, which matrices need attention and why, and what one run reports.
//
// The package is pure: it uses only the standard library and does no I/O, reads
// no clock and writes no log. Callers pass the time.
//
// To add a rule, add a reason and a row to the table in rules.go and a case to
// TestClassify, which fails until there is one. Every list of reasons derives
// from the table.
//
// Read report.go and matrix.go first (the types), then rules.go (which matrices
// need attention), then build.go (from a listing to a report).
package report

import (
	"bytes"
	"encoding/json"
	"slices"
)

// Version is the version of the report's JSON form.
const Version = 1

// A Listing is the matrices that could be read, and how complete they are.
type Listing struct {
	Matrices     []*Matrix // each once, in any order
	Total        int       // number of matrices according to the API
	TotalChecked bool      // see Report.TotalChecked
	Regions      []string  // regions with at least one matrix
	Scanned      []string  // regions that were read to their end, each once
	Problems     []Problem // failures, some of which may hide matrices
	Recovered    []Problem // failures that a retry resolved; only logged
	Stats        Stats
}

// Listed returns how many matrices of any status were read.
func (l Listing) Listed() int { return len(l.Matrices) }

// Complete reports whether no problem may hide matrices.
func (l Listing) Complete() bool {
	return !slices.ContainsFunc(l.Problems, func(p Problem) bool { return p.MayHideMatrices })
}

// Stats are the cost of a listing.
type Stats struct {
	Calls   int   // API requests, each attempt counted
	Retries int   // those of Calls that were retries
	Bytes   int64 // of responses, as transferred
}

// A Finding is a matrix that needs attention.
type Finding struct {
	Matrix
	Reason       Reason   `json:"reason"`    // of the first rule that matches; [Thresholds.PrimaryReason] is what it is shown under
	OtherReasons []Reason `json:"also"`      // of further rules that match, in their order
	Severity     Severity `json:"severity"`  // of its most severe reason
	LastDay      Date     `json:"last_day"`  // the day on which it expires, at the latest at 24:00
	DaysLeft     *int     `json:"days_left"` // calendar days until LastDay, negative afterwards; nil without an expiry date

	// Only with a store of runs.
	Change ChangeKind `json:"change,omitempty"` // since an earlier report; empty for what stays
	Since  *Time      `json:"since,omitempty"`  // since when it has needed attention, as far as remembered

	Renewals *Renewals `json:"renewals,omitempty"` // of the matrix so far, as far as remembered; nil if there were none
}

// Reasons returns every reason of f, or none if it needs no attention.
func (f Finding) Reasons() []Reason {
	if f.Reason == "" {
		return nil
	}
	return append([]Reason{f.Reason}, f.OtherReasons...)
}

// days returns DaysLeft, or 0 if it is nil.
func (f Finding) days() int {
	if f.DaysLeft == nil {
		return 0
	}
	return *f.DaysLeft
}

// A Problem is something that a run could not do.
type Problem struct {
	Endpoint        string `json:"endpoint"`
	Account         string `json:"account"`
	Region          string `json:"region"`
	Code            string `json:"code"`       // of the API, or the program's own
	Message         string `json:"message"`    // in English; messages may word the code in other languages
	Hint            string `json:"-"`          // the part of Message that explains the code
	RequestID       string `json:"request_id"` // of the API request, for support cases
	Permission      string `json:"permission"` // the RAM permission that is missing
	MayHideMatrices bool   `json:"may_hide"`   // the report may lack matrices because of it
}

// A Delivery is the outcome of sending a report to one channel.
type Delivery struct {
	Channel   string `json:"channel"`
	Delivered bool   `json:"delivered"`
	Messages  int    `json:"messages"` // delivered: 2 if a notice about another channel followed the report
	Error     string `json:"error"`
}

// An Expiry is when a matrix expires.
type Expiry struct {
	NodeID    string `json:"node_id"`
	Name      string `json:"name"`
	ExpiresAt Time   `json:"expires_at"`
}

// A Report is the findings of one run and how complete they are.
type Report struct {
	Version     int    `json:"version"`
	GeneratedAt Time   `json:"generated_at"`
	TimeZone    string `json:"time_zone"`
	Days        int    `json:"days"`
	Thresholds
	Complete bool `json:"complete"` // no matrix is missing
	Total    int  `json:"total"`    // matrices of any status that exist, as far as known
	Listed   int  `json:"listed"`   // matrices of any status that were read

	// TotalChecked is whether a query without a region has confirmed Total. If
	// not, matrices in a region that the API does not list would be missing
	// unnoticed.
	TotalChecked bool `json:"total_checked"`

	Regions        []string       `json:"regions"`         // with at least one matrix, sorted
	Counts         map[string]int `json:"counts"`          // findings by Reason, and deleted matrices as "deleted"
	PhonesAffected int            `json:"phones_affected"` // phones on the matrices of Findings
	NextExpiry     *Expiry        `json:"next_expiry"`     // the first after the report's days; nil if none
	Ignored        int            `json:"ignored"`         // findings that are left out: IGNORE or tags snooze them
	IgnoredUntil   Date           `json:"ignored_until"`   // when the first of them is reported again; absent if none is
	Findings       []Finding      `json:"findings"`        // most urgent first
	Problems       []Problem      `json:"problems"`
	ChangesSince   *Time          `json:"changes_since,omitempty"` // of the earlier report; nil if none is remembered
	Changes        map[string]int `json:"changes,omitempty"`       // since then, by ChangeKind
	Changed        []Change       `json:"changed,omitempty"`       // since then, at most 1,000
	Deliveries     []Delivery     `json:"deliveries,omitempty"`    // only of a report that was to be sent
	Matrices       []Matrix       `json:"matrices,omitempty"`      // one page of all matrices, if requested
	Page           int            `json:"page,omitempty"`          // from 1
	Pages          int            `json:"pages,omitempty"`         // number of pages
}

// Brief returns the JSON of r without its findings: the response to a timer or a
// plain event, whose size the platform limits.
func (r Report) Brief() ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	err := enc.Encode(struct {
		Report
		Findings *struct{} `json:"findings,omitempty"` // shadows Report.Findings
	}{Report: r})
	return bytes.TrimSpace(b.Bytes()), err
}

// Failed reports whether nothing could be read.
func (r Report) Failed() bool { return r.Listed == 0 && !r.Complete }

// HasWarnings reports whether a problem hides no matrix and belongs to no
// endpoint, such as a time zone that seems wrong. Such a report may be complete
// and still mislead.
func (r Report) HasWarnings() bool {
	return slices.ContainsFunc(r.Problems, func(p Problem) bool { return !p.MayHideMatrices && p.Endpoint == "" })
}

// TotalKnown reports whether Total counts the matrices that could not be read. It
// does not if a region is missing of which the API returned no total.
func (r Report) TotalKnown() bool { return r.Complete || r.Total > r.Listed || r.unreadAreCounted() }

// unreadAreCounted reports whether the query without a region, which confirmed
// Total, returned the matrices of each region that could not be read.
func (r Report) unreadAreCounted() bool {
	return r.TotalChecked && !slices.ContainsFunc(r.Problems, func(p Problem) bool {
		return p.MayHideMatrices && !slices.Contains(r.Regions, p.Region)
	})
}

// UnreadRegions returns the ids of the regions that may lack matrices, sorted.
func (r Report) UnreadRegions() (ids []string) {
	for _, p := range r.Problems {
		if p.MayHideMatrices && p.Region != "" {
			ids = append(ids, p.Region)
		}
	}
	slices.Sort(ids)
	return slices.Compact(ids)
}
