package state

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

const day = 24 * time.Hour

// expiring returns a matrix with a finding of that severity.
func expiring(id string, severity report.Severity, expires time.Time) Matrix {
	return Matrix{ID: id, Region: "cn-hangzhou", Expires: expires, Reason: report.Expiring, Severity: severity}
}

func fine(id string, expires time.Time) Matrix {
	return Matrix{ID: id, Region: "cn-hangzhou", Expires: expires}
}

// listing returns a complete listing of cn-hangzhou.
func listing(at time.Time, matrices ...Matrix) Listing {
	return Listing{At: at, Complete: true, Areas: []Area{{"", "cn-hangzhou"}}, Matrices: matrices}
}

func incomplete(l Listing) Listing {
	l.Complete, l.Problems = false, []string{"Timeout cn-hangzhou"}
	return l
}

func kinds(changes []Change) string {
	var lines []string
	for _, c := range changes {
		lines = append(lines, fmt.Sprint(c.Kind, " ", c.Matrix.ID))
	}
	return strings.Join(lines, ", ")
}

func TestCompare(t *testing.T) {
	next := testTime.Add(day)
	soon, later := testTime.Add(5*day), testTime.Add(36*day)
	notice, warning, critical := expiring("a", report.Notice, soon), expiring("a", report.Warning, soon), expiring("a", report.Critical, soon)
	failed := Matrix{ID: "a", Region: "cn-hangzhou", Expires: later, Reason: report.Failed, Severity: report.Critical}
	for _, test := range []struct {
		name   string
		before []Matrix
		now    Listing
		want   string
	}{
		{"nothing changed", []Matrix{notice}, listing(next, notice), ""},
		{"an unknown matrix without a finding", nil, listing(next, fine("a", later)), ""},
		{"an unknown matrix with a finding", nil, listing(next, notice), "new a"},
		{"a known matrix with a first finding", []Matrix{fine("a", soon)}, listing(next, notice), "new a"},
		{"a step in severity", []Matrix{notice}, listing(next, warning), "escalated a"},
		{"two steps", []Matrix{notice}, listing(next, critical), "escalated a"},
		{"less severe", []Matrix{critical}, listing(next, warning), ""},
		{"renewed", []Matrix{critical}, listing(next, fine("a", later)), "renewed a"},
		{"renewed for too short", []Matrix{critical}, listing(next, expiring("a", report.Warning, soon.Add(day))), "renewed a"},
		{"renewed without ever having been reported", []Matrix{fine("a", soon)}, listing(next, fine("a", later)), "renewed a"},
		{"renewed and failed", []Matrix{notice}, listing(next, failed), "escalated a, renewed a"},
		{"an earlier expiry", []Matrix{fine("a", later)}, listing(next, fine("a", soon)), ""},
		{"an expiry that becomes known", []Matrix{fine("a", time.Time{})}, listing(next, fine("a", soon)), ""},
		{"an expiry that becomes unknown", []Matrix{fine("a", soon)}, listing(next, fine("a", time.Time{})), ""},
		{"recovered", []Matrix{failed}, listing(next, fine("a", later)), "recovered a"},
		{"released", []Matrix{notice, fine("b", later)}, listing(next), "released a, released b"},
		{"incomplete: not listed", []Matrix{notice}, incomplete(listing(next)), ""},
		{"incomplete: recovered", []Matrix{failed}, incomplete(listing(next, fine("a", later))), ""},
		{"incomplete: renewed", []Matrix{critical}, incomplete(listing(next, fine("a", later))), "renewed a"},
		{"incomplete: new", nil, incomplete(listing(next, notice)), "new a"},
		{"complete, of another region", []Matrix{notice}, Listing{At: next, Complete: true, Areas: []Area{{"", "eu-central-1"}}}, ""},
		{"complete, of another account", []Matrix{notice}, Listing{At: next, Complete: true, Areas: []Area{{"other", "cn-hangzhou"}}}, ""},
		{"a listing that is older", nil, listing(testTime, notice), ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			before := Advance(Snapshot{}, listing(testTime, test.before...), time.UTC)
			k := Baseline{At: testTime}.known(before)
			got := Compare(k, Advance(before, test.now, time.UTC))
			if kinds(got) != test.want {
				t.Errorf("got %q, want %q", kinds(got), test.want)
			}
		})
	}
}

func TestRenewedSaysFromWhenToWhen(t *testing.T) {
	from, to := testTime.Add(day), testTime.Add(32*day)
	before := Advance(Snapshot{}, listing(testTime, expiring("a", report.Critical, from)), time.UTC)
	got := Compare(Baseline{At: testTime}.known(before), Advance(before, listing(testTime.Add(day), fine("a", to)), time.UTC))
	if len(got) != 1 || !got[0].Was.Expires.Equal(from) || !got[0].Matrix.Expires.Equal(to) {
		t.Errorf("got %+v", got)
	}
}

// Each channel is sent each change once, whatever the listings in between could
// show and whichever reports reached it.
func TestChannelsThatMissedReports(t *testing.T) {
	at := func(days int) time.Time { return testTime.Add(time.Duration(days) * day) }
	expires := at(60)
	failed := func(id string) Matrix {
		return Matrix{ID: id, Region: "cn-hangzhou", Expires: expires, Reason: report.Failed, Severity: report.Critical}
	}
	steps := []struct {
		listing Listing
		reached string // channels, by letter
		want    map[string]string
	}{
		{listing(at(0), fine("a", expires), fine("b", expires)), "xy", map[string]string{"x": "first", "y": "first"}},
		{listing(at(1), failed("a"), fine("b", expires)), "x", map[string]string{"x": "new a", "y": "new a"}},
		// Incomplete: a is not listed, so it is still not reported to y.
		{incomplete(listing(at(2), fine("b", expires))), "xy", map[string]string{"x": "", "y": ""}},
		{listing(at(3), failed("a"), failed("b")), "xy", map[string]string{"x": "new b", "y": "new a, new b"}},
		// Incomplete: that a has recovered is not reported yet.
		{incomplete(listing(at(4), fine("a", expires))), "xy", map[string]string{"x": "", "y": ""}},
		{listing(at(5), fine("a", expires), failed("b")), "y", map[string]string{"x": "recovered a", "y": "recovered a"}},
		{listing(at(6), fine("a", expires)), "y", map[string]string{"x": "recovered a, released b", "y": "released b"}},
		{incomplete(listing(at(7), fine("a", expires))), "xy", map[string]string{"x": "", "y": ""}},
		{listing(at(8), fine("a", expires)), "xy", map[string]string{"x": "recovered a, released b", "y": ""}},
		{listing(at(9), fine("a", expires)), "xy", map[string]string{"x": "", "y": ""}},
	}
	var state Snapshot
	known := map[string]*Known{}
	for i, step := range steps {
		state = Advance(state, step.listing, time.UTC)
		for ch, want := range step.want {
			got := "first"
			if k := known[ch]; k != nil {
				got = kinds(Compare(*k, state))
			}
			if got != want {
				t.Errorf("day %d, channel %s: %q, want %q", i, ch, got, want)
			}
			if strings.Contains(step.reached, ch) {
				k := baseline(ch, known[ch], state).known(state)
				known[ch] = &k
			}
		}
	}
}

func TestSinceIsWhenTheFindingWasNew(t *testing.T) {
	at := func(days int) time.Time { return testTime.Add(time.Duration(days) * day) }
	soon := at(20)
	var s Snapshot
	for i, step := range []struct {
		listing Listing
		want    time.Time
	}{
		{listing(at(0), fine("a", soon)), time.Time{}},
		{listing(at(1), expiring("a", report.Notice, soon)), at(1)},
		{incomplete(listing(at(2))), at(1)},
		{listing(at(3), expiring("a", report.Critical, soon)), at(1)},
		{listing(at(4), fine("a", soon.Add(30*day))), time.Time{}},
		{listing(at(5), expiring("a", report.Notice, soon.Add(30*day))), at(5)},
	} {
		s = Advance(s, step.listing, time.UTC)
		if len(s.Matrices) != 1 || !s.Matrices[0].Since.Equal(step.want) {
			t.Errorf("step %d: %+v, want since %s", i, s.Matrices, step.want)
		}
	}
}

func TestMatricesThatNoListingCoversAreForgotten(t *testing.T) {
	s := Advance(Snapshot{}, listing(testTime, fine("a", testTime.Add(day))), time.UTC)
	elsewhere := Listing{Complete: true, Areas: []Area{{"", "eu-central-1"}}}
	for days, want := range map[int]int{1: 1, 89: 1, 90: 0} {
		elsewhere.At = testTime.Add(time.Duration(days) * day)
		if got := Advance(s, elsewhere, time.UTC); len(got.Matrices) != want {
			t.Errorf("after %d days %d matrices are left", days, len(got.Matrices))
		}
	}
}

func TestDuplicateRowsAreOneMatrix(t *testing.T) {
	s := Advance(Snapshot{}, listing(testTime, fine("b", testTime), fine("a", testTime), fine("b", testTime.Add(day))), time.UTC)
	if len(s.Matrices) != 2 || !slices.IsSortedFunc(s.Matrices, compareMatrices) || !s.Matrices[1].Expires.Equal(testTime) {
		t.Errorf("got %+v", s.Matrices)
	}
}
