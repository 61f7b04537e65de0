package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"matrix-expiry-report/internal/locale"
)

// Overrides replace settings for one run. They come from the payload of a timer
// event, from another event, or from the query of an HTTP request.
type Overrides struct {
	Days     *int     `json:"days"`
	Regions  []string `json:"regions"`
	Channels []string `json:"channels"` // names of configured channels; empty means all
	Language string   `json:"language"`
	NotifyOn string   `json:"notify_on"`
}

// With returns s with the overrides of o, or the errors of all invalid ones.
func (s Settings) With(o Overrides) (Settings, error) {
	var errs []error
	refuse := func(name, value, wanted string) {
		errs = append(errs, fmt.Errorf("%s: %q is not %s", name, value, wanted))
	}
	if o.Days != nil {
		if *o.Days < 0 || *o.Days > MaxDays {
			refuse("days", strconv.Itoa(*o.Days), fmt.Sprintf("a whole number from 0 to %d", MaxDays))
		}
		s.Days = *o.Days
	}
	if len(o.Regions) > 0 {
		s.Regions = checkRegions(o.Regions, func(value, wanted string) { refuse("regions", value, wanted) })
	}
	s.Language = choose(refuse, "language", o.Language, s.Language, locale.Languages())
	s.NotifyOn = choose(refuse, "notify_on", o.NotifyOn, s.NotifyOn, []string{Always, OnFindings})
	return s, errors.Join(errs...)
}

func choose(refuse func(name, value, wanted string), name, value, fallback string, allowed []string) string {
	if value == "" {
		return fallback
	}
	if !slices.Contains(allowed, value) {
		refuse(name, value, "one of "+strings.Join(allowed, ", "))
	}
	return value
}
