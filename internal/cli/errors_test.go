package cli

import (
	"errors"
	"testing"

	"matrix-expiry-report/handler"
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
