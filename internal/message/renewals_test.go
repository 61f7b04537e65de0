package message

import (
	"testing"

	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

func TestRenewals(t *testing.T) {
	for _, c := range []struct {
		renewals *report.Renewals
		reason   report.Reason
		left     int
		en, zh   string
	}{
		{nil, report.Expiring, 3, "", ""},
		{&report.Renewals{Times: 3, Least: 9, Most: 9}, report.Expiring, 9, "renewed 3 times so far, 9 days ahead each time", "此前续费 3 次，均提前 9 天"},
		{&report.Renewals{Times: 3, Least: 9, Most: 9}, report.Expiring, 8, "renewed 3 times so far, 9 days ahead each time; not yet this time", "此前续费 3 次，均提前 9 天；本次尚未续费"},
		{&report.Renewals{Times: 2, Least: 5, Most: 9}, report.Expiring, 5, "renewed 2 times so far, 5 to 9 days ahead", "此前续费 2 次，提前 5 至 9 天"},
		{&report.Renewals{Times: 2, Least: 5, Most: 9}, report.Expired, -1, "renewed 2 times so far, 5 to 9 days ahead; not yet this time", "此前续费 2 次，提前 5 至 9 天；本次尚未续费"},
		{&report.Renewals{Times: 1, Least: 1, Most: 1}, report.Expiring, 20, "renewed once so far, 1 day ahead", "此前续费 1 次，提前 1 天"},
		{&report.Renewals{Times: 4}, report.Expiring, 0, "renewed 4 times so far, on the last day each time", "此前续费 4 次，均在到期当天"},
		{&report.Renewals{Times: 2, Least: 0, Most: 2}, report.Expiring, 3, "renewed 2 times so far, 0 to 2 days ahead", "此前续费 2 次，提前 0 至 2 天"},
		{&report.Renewals{Times: 1, Least: -1, Most: -1}, report.Expired, -1, "renewed once so far, 1 day late", "此前续费 1 次，在到期后 1 天"},
		{&report.Renewals{Times: 2, Least: -3, Most: -1}, report.Expired, -4, "renewed 2 times so far, 1 to 3 days late; not yet this time", "此前续费 2 次，在到期后 1 至 3 天；本次尚未续费"},
		{&report.Renewals{Times: 2, Least: -3, Most: 5}, report.Expiring, 2, "renewed 2 times so far, between 3 days late and 5 days ahead", "此前续费 2 次，最早提前 5 天，最晚到期后 3 天"},
		{&report.Renewals{Times: 3, Least: 9, Most: 9}, report.Failed, 3, "", ""},
	} {
		f := &report.Finding{Reason: c.reason, DaysLeft: &c.left, Renewals: c.renewals}
		for language, want := range map[string]string{"en": c.en, "zh": c.zh} {
			catalog, err := locale.Of(language)
			if err != nil {
				t.Fatal(err)
			}
			if got := Renewals(catalog, f); got != want {
				t.Errorf("%+v with %d days left, %s: %q, want %q", c.renewals, c.left, c.reason, got, want)
			}
		}
	}
	// A failed matrix that expires too says it.
	left := 3
	f := &report.Finding{Reason: report.Failed, OtherReasons: []report.Reason{report.Expiring}, DaysLeft: &left, Renewals: &report.Renewals{Times: 1, Least: 3, Most: 3}}
	catalog, _ := locale.Of("en")
	if got := Renewals(catalog, f); got != "renewed once so far, 3 days ahead" {
		t.Errorf("a failed one that expires: %q", got)
	}
}
