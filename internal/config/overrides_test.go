package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"

	"matrix-expiry-report/internal/locale"
)

func TestOverrides(t *testing.T) {
	base, err := load(map[string]string{"REGIONS": "cn-shanghai"})
	if err != nil {
		t.Fatal(err)
	}
	n := func(v int) *int { return &v }
	for _, tt := range []struct {
		name string
		o    Overrides
		want func(*Settings)
		err  string
	}{
		{"nothing", Overrides{}, func(*Settings) {}, ""},
		{"zero days", Overrides{Days: n(0)}, func(s *Settings) { s.Days = 0 }, ""},
		{"maximal days", Overrides{Days: n(3650)}, func(s *Settings) { s.Days = 3650 }, ""},
		{"regions", Overrides{Regions: []string{"us-east-1", "cn-hangzhou"}}, func(s *Settings) { s.Regions = []string{"us-east-1", "cn-hangzhou"} }, ""},
		{"a region named twice", Overrides{Regions: []string{"us-east-1", "cn-hangzhou", "us-east-1"}}, func(s *Settings) { s.Regions = []string{"us-east-1", "cn-hangzhou"} }, ""},
		{"50 regions and one of them again", Overrides{Regions: append(manyRegions(50), "xx-0")}, func(s *Settings) { s.Regions = manyRegions(50) }, ""},
		{"51 regions", Overrides{Regions: manyRegions(51)}, nil, `regions: "xx-0, … (51)" is not a list of at most 50 regions`},
		{"an empty list of regions", Overrides{Regions: []string{}}, func(*Settings) {}, ""},
		{"everything", Overrides{Days: n(9), Regions: []string{"us-east-1"}, Channels: []string{"slack"}, Language: "zh", NotifyOn: "findings"},
			func(s *Settings) {
				s.Days, s.Regions, s.Language, s.NotifyOn = 9, []string{"us-east-1"}, "zh", "findings"
			}, ""},
		{"negative days", Overrides{Days: n(-1)}, nil, `days: "-1" is not a whole number from 0 to 3650`},
		{"too many days", Overrides{Days: n(3651)}, nil, `days: "3651" is not a whole number from 0 to 3650`},
		{"several errors", Overrides{Days: n(-1), Regions: []string{"Moon", "cn-hangzhou", ""}, Language: "xx", NotifyOn: "never"}, nil,
			"days: \"-1\" is not a whole number from 0 to 3650\nregions: \"Moon\" is not a region such as cn-hangzhou\n" +
				"regions: \"\" is not a region such as cn-hangzhou\nlanguage: \"xx\" is not one of " + strings.Join(locale.Languages(), ", ") + "\nnotify_on: \"never\" is not one of always, findings, changes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, err := base.With(tt.o)
			if tt.err != "" {
				if fmt.Sprint(err) != tt.err {
					t.Errorf("got the error\n%v\nwant\n%s", err, tt.err)
				}
				return
			}
			want := base
			tt.want(&want)
			if err != nil || !reflect.DeepEqual(got, want) {
				t.Errorf("got %+v and the error %v, want %+v", got, err, want)
			}
		})
	}
	if !slices.Equal(base.Regions, []string{"cn-shanghai"}) || base.Days != 30 {
		t.Errorf("With changed its receiver: %+v", base)
	}
}

func manyRegions(n int) (ids []string) {
	for i := range n {
		ids = append(ids, fmt.Sprint("xx-", i))
	}
	return ids
}
