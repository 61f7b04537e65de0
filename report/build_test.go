package report

import (
	"encoding/json"
	"maps"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestBuild(t *testing.T) {
	loc := zone(t, "Asia/Shanghai")
	now := at(t, loc, "2026-11-22 09:00:00")
	expiry := func(s string) Time { return Time{at(t, loc, s).UTC()} }
	l := Listing{
		Total:   8,
		Regions: []string{"cn-shanghai", "cn-hangzhou"},
		Matrices: []Matrix{
			{NodeID: "late", Status: "RUNNING", ExpiresAt: expiry("2027-03-01 00:00:00"), PhoneCount: 25},
			{NodeID: "next", Name: "game", Status: "RUNNING", ExpiresAt: expiry("2027-01-04 00:00:00"), PhoneCount: 25},
			{NodeID: "c", Status: "RUNNING", ExpiresAt: expiry("2026-12-01 00:00:00"), PhoneCount: 25},
			{NodeID: "b", Status: "RUNNING", PhoneCount: 25},
			{NodeID: "z", Status: "FAILED", PhoneCount: 40},
			{NodeID: "a2", Status: "RUNNING", ExpiresAt: expiry("2026-11-23 00:00:00"), PhoneCount: 30},
			{NodeID: "a1", Status: "RUNNING", ExpiresAt: expiry("2026-11-23 00:00:00"), PhoneCount: 30},
			{NodeID: "gone", Status: "DELETED", PhoneCount: 25},
		},
	}
	r := Build(defaults(loc), l, now.UTC())
	var ids []string
	for _, f := range r.Findings {
		ids = append(ids, f.NodeID)
	}
	if want := []string{"a1", "a2", "z", "b", "c"}; !slices.Equal(ids, want) {
		t.Errorf("order %q, want %q: by severity, expiry (absent ones last) and id", ids, want)
	}
	if r.PhonesAffected != 150 || r.Listed != 8 || r.Total != 8 || !r.Complete || r.Failed() {
		t.Errorf("got %d phones, %d of %d listed, complete %t", r.PhonesAffected, r.Listed, r.Total, r.Complete)
	}
	want := map[string]int{"deleted": 1}
	for _, reason := range Reasons() {
		want[string(reason)] = map[Reason]int{Failed: 1, Expiring: 3, NoExpiry: 1}[reason]
	}
	if !maps.Equal(r.Counts, want) {
		t.Errorf("got the counts %v, want %v", r.Counts, want)
	}
	if r.NextExpiry == nil || r.NextExpiry.NodeID != "next" {
		t.Errorf("next expiry is %+v, want next", r.NextExpiry)
	}
	if got := r.Findings[0].ExpiresAt.Format(time.RFC3339); got != "2026-11-23T00:00:00+08:00" {
		t.Errorf("expiry %s, want it in the report's zone", got)
	}

	critical := r.Filter(func(f Finding) bool { return f.Severity == Critical })
	if len(critical.Findings) != 3 || critical.PhonesAffected != 100 || critical.Counts["no_expiry"] != 0 || critical.Counts["failed"] != 1 || critical.Counts["deleted"] != 1 {
		t.Errorf("critical only: %d findings, %d phones, counts %v", len(critical.Findings), critical.PhonesAffected, critical.Counts)
	}
	if len(r.Findings) != 5 || r.Counts["no_expiry"] != 1 {
		t.Error("Filter changed its receiver")
	}
}

// A report with a problem that may hide matrices is not complete.
func TestComplete(t *testing.T) {
	rules := defaults(time.UTC)
	one := []Matrix{{NodeID: "a", Status: "RUNNING", ExpiresAt: Time{time.Now().AddDate(1, 0, 0)}}}
	for name, c := range map[string]struct {
		l                Listing
		complete, failed bool
	}{
		"all matrices":              {Listing{Matrices: one, Total: 1}, true, false},
		"an empty account":          {Listing{}, true, false},
		"fewer than the total":      {Listing{Matrices: one, Total: 2}, false, false},
		"more than the total":       {Listing{Matrices: one, Total: 0}, true, false},
		"a problem that may hide":   {Listing{Matrices: one, Total: 1, Problems: []Problem{{MayHideMatrices: true}}}, false, false},
		"a problem that hides none": {Listing{Matrices: one, Total: 1, Problems: []Problem{{}}}, true, false},
		"nothing read, a problem":   {Listing{Problems: []Problem{{MayHideMatrices: true}}}, false, true},
		"nothing read, a total":     {Listing{Total: 5}, false, true},
	} {
		r := Build(rules, c.l, time.Now())
		if r.Complete != c.complete || r.Failed() != c.failed {
			t.Errorf("%s: complete %t, failed %t; want %t, %t", name, r.Complete, r.Failed(), c.complete, c.failed)
		}
	}
}

// Other programs rely on the names in the JSON.
func TestJSON(t *testing.T) {
	loc := zone(t, "Asia/Shanghai")
	now := at(t, loc, "2026-11-22 09:00:00")
	r := Build(defaults(loc), Listing{Total: 2, Matrices: []Matrix{
		{NodeID: "cpn-1", Name: "one", Region: "cn-hangzhou", Status: "RUNNING", PhoneCount: 25, ExpiresAt: Time{at(t, loc, "2026-11-24 02:00:34")}, Tags: map[string]string{"owner": "a"}},
		{NodeID: "cpn-2", Status: "RUNNING"},
	}}, now)
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`"version":1,"generated_at":"2026-11-22T09:00:00+08:00","time_zone":"Asia/Shanghai","days":30`,
		`"complete":true,"total":2,"listed":2`, `"phones_affected":25`,
		`"node_id":"cpn-1","name":"one","account":"","region":"cn-hangzhou","status":"RUNNING"`,
		`"reason":"expiring","also":[],"severity":"critical","days_left":2`,
		`"expires_at":"2026-11-24T02:00:34+08:00"`, `"tags":{"owner":"a"}`,
		`"expires_at":null`, `"days_left":null`, `"created_at":null`, `"problems":[]`, `"next_expiry":null`,
	} {
		if !strings.Contains(string(b), want) {
			t.Errorf("got %s\nwant it to contain %s", b, want)
		}
	}
	if strings.Contains(string(b), "deliveries") {
		t.Error("deliveries of a report that was not to be sent")
	}
	var back Report
	if err := json.Unmarshal(b, &back); err != nil {
		t.Fatal(err)
	}
	if again, _ := json.Marshal(back); string(again) != string(b) {
		t.Errorf("decoded and encoded again:\n%s\nwant\n%s", b, again)
	}
	brief, err := r.Brief()
	if err != nil || strings.Contains(string(brief), `"findings"`) || !strings.Contains(string(brief), `"counts"`) {
		t.Errorf("brief: %v %s", err, brief)
	}
}

// A creation time in the future shows a wrong time zone, unless the clocks merely
// differ.
func TestCreationInFuture(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	for ahead, want := range map[time.Duration]bool{-time.Hour: false, 10 * time.Minute: false, 10*time.Minute + time.Second: true, 8 * time.Hour: true} {
		m := Matrix{NodeID: "cpn-1", Status: "RUNNING", CreatedAt: Time{now.Add(ahead)}, ExpiresAt: Time{now.AddDate(1, 0, 0)}}
		r := Build(defaults(time.UTC), Listing{Matrices: []Matrix{m}}, now)
		if got := len(r.Problems) == 1 && strings.Contains(r.Problems[0].Message, "API_TIME_ZONE"); got != want || !r.Complete {
			t.Errorf("created in %s: problem %t (%v), complete %t; want the problem %t and a complete report", ahead, got, r.Problems, r.Complete, want)
		}
	}
}

// A subscription that never ends may have an expiry at the end of the year 9999,
// which is the year 10000 in time zones to the east.
func TestExpiryBeyond9999(t *testing.T) {
	east := time.FixedZone("UTC+8", 8*3600)
	b, err := json.Marshal(Time{time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC).In(east)})
	if err != nil || string(b) != `"9999-12-31T23:59:59Z"` {
		t.Errorf("%s, %v", b, err)
	}
}
