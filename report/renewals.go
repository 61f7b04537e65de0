package report

// Renewals is how often a matrix was renewed, and how many calendar days before
// its last day; a negative number is that many days after it. The zero value is
// that of a matrix that was not renewed.
type Renewals struct {
	Times int `json:"times"`
	Least int `json:"least_ahead"`
	Most  int `json:"most_ahead"`
}

// Add returns r with one more renewal, so many days ahead.
func (r Renewals) Add(ahead int) Renewals {
	if r.Times == 0 {
		return Renewals{1, ahead, ahead}
	}
	return Renewals{r.Times + 1, min(r.Least, ahead), max(r.Most, ahead)}
}

// Overdue reports whether f has fewer days left than at any of its renewals.
func (f Finding) Overdue() bool {
	return f.Renewals != nil && f.DaysLeft != nil && *f.DaysLeft < f.Renewals.Least
}
