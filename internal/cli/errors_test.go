package cli

import (
	"errors"
	"strings"
	"testing"

	"matrix-expiry-report/handler"
	"matrix-expiry-report/internal/doctor"
)

// With invalid settings, the function posts a report that failed and has each
// error as a problem.
func TestInvalidSettingsAreFailedListing(t *testing.T) {
	var source handler.Source = settingsSource{errs: errors.Join(errors.New("EXPIRY_DAYS: wrong"), errors.New("REGIONS: wrong"))}
	l := source.List(t.Context(), nil)
	if len(l.Problems) != 2 || l.Complete() || l.Listed() != 0 {
		t.Fatalf("got %+v, want two problems and no matrices", l)
	}
	for i, want := range []string{"EXPIRY_DAYS: wrong", "REGIONS: wrong"} {
		if p := l.Problems[i]; p.Message != want || p.Code != "InvalidSettings" {
			t.Errorf("got the problem %+v, want %s", p, want)
		}
	}
}

func TestDoctorOutcome(t *testing.T) {
	invalid := errors.New("EXPIRY_DAYS: wrong")
	for _, c := range []struct {
		invalid  error
		statuses []doctor.Status
		code     int
	}{
		{nil, []doctor.Status{doctor.OK, doctor.NotChecked}, 0},
		{nil, []doctor.Status{doctor.OK, doctor.Warn}, 3},
		{nil, []doctor.Status{doctor.Warn, doctor.Fail}, 1},
		{invalid, []doctor.Status{doctor.Fail}, 2},
	} {
		var checks []doctor.Check
		for _, s := range c.statuses {
			checks = append(checks, doctor.Check{Status: s})
		}
		var stderr strings.Builder
		if code := exitCode(&stderr, doctorOutcome(c.invalid, checks)); code != c.code || stderr.Len() > 0 {
			t.Errorf("%v, %v: exit code %d and %q, want %d and nothing", c.invalid, c.statuses, code, stderr.String(), c.code)
		}
	}
}
