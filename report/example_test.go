package report_test

import (
	"fmt"
	"time"

	"matrix-expiry-report/report"
)

var (
	beijing = time.FixedZone("UTC+8", 8*60*60)
	today   = time.Date(2026, time.November, 22, 9, 7, 0, 0, beijing)
	rules   = report.Rules{
		Days:       30,
		Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7},
		StuckAfter: 24 * time.Hour,
		Location:   beijing,
	}
	listing = report.Listing{
		Total: 3,
		Matrices: []*report.Matrix{
			{NodeID: "cpn-1", Status: report.StatusRunning, ExpiresAt: on(24, time.November), PhoneCount: 25},
			{NodeID: "cpn-2", Status: report.StatusFailed, PhoneCount: 25},
			{NodeID: "cpn-3", Status: report.StatusRunning, ExpiresAt: on(31, time.December), PhoneCount: 40},
		},
	}
)

func on(day int, month time.Month) report.Time {
	return report.Time{Time: time.Date(2026, month, day, 12, 0, 0, 0, beijing)}
}

func Example() {
	r := report.Build(rules, listing, today)
	fmt.Println("complete:", r.Complete, "phones affected:", r.PhonesAffected)
	for _, f := range r.Findings {
		fmt.Println(f.Severity, f.NodeID, f.Reason, f.OtherReasons)
	}
	fmt.Println("next:", r.NextExpiry.NodeID, r.NextExpiry.ExpiresAt.Format(time.DateOnly))
	// Output:
	// complete: true phones affected: 50
	// critical cpn-1 expiring []
	// critical cpn-2 failed [no_expiry]
	// next: cpn-3 2026-12-31
}

func ExampleRules_Classify() {
	m := report.Matrix{NodeID: "cpn-4", Status: report.StatusRunning, ExpiresAt: on(28, time.November)}
	f, ok := rules.Classify(m, today)
	fmt.Println(ok, f.Severity, f.Reason, *f.DaysLeft)

	m.ExpiresAt = on(31, time.December)
	_, ok = rules.Classify(m, today)
	fmt.Println(ok)
	// Output:
	// true warning expiring 6
	// false
}

func ExampleReport_Filter() {
	r := report.Build(rules, listing, today)
	expiring := r.Filter(func(f report.Finding) bool { return f.Reason == report.Expiring })
	fmt.Println(len(expiring.Findings), expiring.Counts["failed"], expiring.PhonesAffected)
	// Output: 1 0 25
}

func ExampleThresholds_PrimaryReason() {
	days := 20
	f := report.Finding{Reason: report.Expiring, OtherReasons: []report.Reason{report.Stuck}, DaysLeft: &days}
	fmt.Println(rules.PrimaryReason(f)) // stuck is a warning; 20 days left are a notice
	// Output: stuck
}

func ExampleDaysBetween() {
	evening := time.Date(2026, time.November, 22, 23, 59, 0, 0, beijing)
	fmt.Println(report.DaysBetween(evening, evening.Add(time.Minute), beijing))
	// Output: 1
}
