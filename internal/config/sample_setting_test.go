package config

import (
	"slices"
	"testing"
)

// quietWeekends reads a setting that is yes or unset.
func quietWeekends(env *Env) bool {
	return env.OneOf("QUIET_WEEKENDS", "", "yes") == "yes"
}

// Reading a setting is all that it needs: its name is known, and an invalid
// value is reported with the valid ones.
func TestSampleSetting(t *testing.T) {
	for value, want := range map[string]struct {
		quiet bool
		err   string
	}{
		"":    {false, ""},
		"yes": {true, ""},
		"no":  {false, `QUIET_WEEKENDS: "no" is not one of yes`},
	} {
		env := NewEnv(func(name string) string { return map[string]string{"QUIET_WEEKENDS": value}[name] })
		got, err := quietWeekends(env), ""
		if env.Err() != nil {
			err = env.Err().Error()
		}
		if got != want.quiet || err != want.err || !slices.Contains(env.Names(), "QUIET_WEEKENDS") {
			t.Errorf("%q: got %v, %q, names %q; want %v, %q", value, got, err, env.Names(), want.quiet, want.err)
		}
	}
}
