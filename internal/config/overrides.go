package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"matrix-expiry-report/internal/locale"
)

// Overrides are what one event asks for instead of the settings: the payload
// of a timer, a plain event, or the query of an HTTP request.
type Overrides struct {
	Days     *int     `json:"days"`
	Regions  []string `json:"regions"`
	Channels []string `json:"channels"` // names of configured channels; empty means all
	Language string   `json:"language"`
	NotifyOn string   `json:"notify_on"`
}

// With returns the settings as changed by o, or every mistake of o.
func (s Settings) With(o Overrides) (Settings, error) {
	var errs []error
	refuse := func(name string, got any, wanted string) {
		errs = append(errs, fmt.Errorf("%s: %q is not %s", name, fmt.Sprint(got), wanted))
	}
	if o.Days != nil {
		if *o.Days < 0 || *o.Days > MaxDays {
			refuse("days", *o.Days, fmt.Sprintf("a whole number from 0 to %d", MaxDays))
		}
		s.Days = *o.Days
	}
	for _, r := range o.Regions {
		if !IsRegion(r) {
			refuse("regions", r, "a region such as cn-hangzhou")
		}
	}
	if len(o.Regions) > 0 {
		s.Regions = o.Regions
	}
	s.Language = choose(refuse, "language", o.Language, s.Language, locale.Languages())
	s.NotifyOn = choose(refuse, "notify_on", o.NotifyOn, s.NotifyOn, []string{Always, OnFindings})
	return s, errors.Join(errs...)
}

func choose(refuse func(name string, got any, wanted string), name, asked, set string, allowed []string) string {
	if asked == "" {
		return set
	}
	if !slices.Contains(allowed, asked) {
		refuse(name, asked, "one of "+strings.Join(allowed, ", "))
	}
	return asked
}
