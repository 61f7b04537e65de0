package config

import (
	"fmt"
	"strconv"

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
	values := map[string]string{"language": o.Language, "notify_on": o.NotifyOn}
	if o.Days != nil {
		values["days"] = strconv.Itoa(*o.Days)
	}
	env := NewEnv(func(name string) string { return values[name] })
	s.Days = env.Int("days", s.Days, 0, MaxDays)
	if len(o.Regions) > 0 {
		s.Regions = env.checkRegions("regions", o.Regions)
	}
	s.Language = env.OneOf("language", s.Language, locale.Languages()...)
	s.NotifyOn = env.OneOf("notify_on", s.NotifyOn, Always, OnFindings, OnChanges)
	if s.NotifyOn == OnChanges && s.Store == (Store{}) {
		env.refuse(fmt.Errorf("notify_on: %w", errNeedsStore))
	}
	return s, env.Err()
}
