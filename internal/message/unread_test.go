package message

import (
	"testing"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// An incomplete report names what could not be read, and says how many matrices there
// are as far as that is known.
func TestUnread(t *testing.T) {
	english, err := locale.Of(locale.Default)
	if err != nil {
		t.Fatal(err)
	}
	missing := func(regions ...string) (problems []report.Problem) {
		for _, region := range regions {
			problems = append(problems, report.Problem{Region: region, MayHideMatrices: true})
		}
		return problems
	}
	for name, c := range map[string]struct {
		r    report.Report
		want string
	}{
		"total unknown":   {report.Report{Listed: 118, Total: 118, Problems: missing("eu-central-1")}, "118 matrices read; eu-central-1 could not be read, its number is unknown"},
		"two regions":     {report.Report{Listed: 1, Total: 1, Problems: missing("b", "a", "a")}, "1 matrix read; a, b could not be read, their number is unknown"},
		"five regions":    {report.Report{Listed: 2, Total: 9, Problems: missing("a", "b", "c", "d", "e")}, "2 of about 9 matrices read; a, b, c and 2 more places could not be read"},
		"no region":       {report.Report{Listed: 118, Total: 118, Problems: missing("")}, "118 matrices read; how many others there are is unknown"},
		"only a total":    {report.Report{Listed: 118, Total: 131, Problems: missing("")}, "118 of about 131 matrices could be read"},
		"region and more": {report.Report{Listed: 118, Total: 118, Problems: missing("a", "")}, "118 matrices read; how many others there are is unknown"},
		"region counted":  {report.Report{Listed: 131, Total: 131, TotalChecked: true, Regions: []string{"a"}, Problems: missing("a")}, "131 of 131 matrices read; a could not be checked"},
	} {
		if _, got := Unread(c.r, english); got != c.want {
			t.Errorf("%s: got %q, want %q", name, got, c.want)
		}
	}
}
