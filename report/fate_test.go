package report

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

// sieve makes the listing that a source makes with the fate of each matrix.
func sieve(l Listing, rules Rules, now time.Time) Listing {
	var kept, later []Matrix
	for _, m := range l.Matrices {
		switch rules.Fate(&m, now) {
		case Keep:
			kept = append(kept, m)
		case Later:
			later = append(later, m)
		case Gone:
			l.Deleted++
		}
	}
	if len(later) > 0 {
		kept = append(kept, slices.MinFunc(later, func(a, b Matrix) int { return a.ExpiresAt.Compare(b.ExpiresAt.Time) }))
	}
	l.Others, l.Matrices = len(l.Matrices)-len(kept), kept
	if len(later) > 0 {
		slices.SortFunc(l.Matrices, func(a, b Matrix) int { return slices.Compare([]byte(a.NodeID), []byte(b.NodeID)) })
	}
	return l
}

// Whatever the matrices are, the report of those that are kept is that of all.
func TestWhatIsDroppedChangesNoReport(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	loc := zone(t, "Asia/Shanghai")
	now := at(t, loc, "2026-11-22 23:59:30")
	statuses := []string{StatusRunning, StatusRunning, StatusCreating, StatusNodeReady, StatusFailed, StatusDeleting, StatusDeleted, "ODD", ""}
	moment := func() Time {
		if random.IntN(10) == 0 {
			return Time{}
		}
		return Time{now.Add(time.Duration(random.IntN(90*24)-30*24) * time.Hour).Add(time.Duration(random.IntN(7200)-3600) * time.Second)}
	}
	for round := range 2000 {
		rules := defaults(loc)
		rules.Days = random.IntN(40)
		var l Listing
		for i := range random.IntN(8) {
			l.Matrices = append(l.Matrices, Matrix{
				NodeID: fmt.Sprint("cpn-", i), Status: statuses[random.IntN(len(statuses))], PhoneCount: random.IntN(40),
				ExpiresAt: moment(), CreatedAt: moment(), ModifiedAt: moment(),
			})
		}
		l.Total = len(l.Matrices) + random.IntN(2)
		whole, err := json.Marshal(Build(rules, l, now))
		if err != nil {
			t.Fatal(err)
		}
		some, err := json.Marshal(Build(rules, sieve(l, rules, now), now))
		if err != nil {
			t.Fatal(err)
		}
		if string(whole) != string(some) {
			t.Fatalf("round %d, of all:\n%s\nof those that are kept:\n%s", round, whole, some)
		}
	}
}
