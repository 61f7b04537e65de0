package report

import "time"

// A History is what the records of earlier runs show.
type History struct {
	Version     int         `json:"version"`
	GeneratedAt Time        `json:"generated_at"`
	TimeZone    string      `json:"time_zone"`
	Days        []Day       `json:"days"`                 // at most a year, the oldest first; a day without a report is absent
	Comparison  *Comparison `json:"comparison,omitempty"` // nil unless it was requested
	Problems    []Problem   `json:"problems"`             // of the store
}

// A Day is what a report of a day counted: the last one that was complete or, if
// none was, the last one.
type Day struct {
	Date       Date           `json:"date"`
	At         Time           `json:"at"`         // of the report
	Complete   bool           `json:"complete"`   // if not, there may be more
	Matrices   int            `json:"matrices"`   // that exist
	Findings   int            `json:"findings"`   // matrices that need attention
	Counts     map[string]int `json:"counts"`     // findings by Reason
	Severities map[string]int `json:"severities"` // findings by Severity
}

// A Comparison is what changed between two reports.
type Comparison struct {
	From     Time           `json:"from"`
	To       Time           `json:"to"`
	Complete bool           `json:"complete"` // the later report; if not, nothing in it is recovered or released
	Changes  map[string]int `json:"changes"`  // by ChangeKind
	Changed  []Change       `json:"changed"`  // at most 1,000, ordered by kind
}

// NewDay returns the day of a report at a time, in its zone, with the findings by
// reason and severity.
func NewDay(at time.Time, complete bool, matrices int, reasons map[Reason]int, severities map[Severity]int) Day {
	d := Day{Date: dateOf(at), At: Time{at}, Complete: complete, Matrices: matrices, Counts: map[string]int{}, Severities: map[string]int{}}
	for _, r := range Reasons() {
		d.Counts[string(r)] = reasons[r]
	}
	for _, s := range Severities {
		d.Severities[string(s)] = severities[s]
		d.Findings += severities[s]
	}
	return d
}

// Compared returns the comparison of two reports, with times in the zone of to.
func Compared(from, to time.Time, complete bool, changes []Change) Comparison {
	c := Comparison{From: Time{from.In(to.Location())}, To: Time{to}, Complete: complete}
	c.Changes, c.Changed = countChanges(changes, to.Location())
	if c.Changed == nil {
		c.Changed = []Change{}
	}
	return c
}
