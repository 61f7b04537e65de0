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
		Matrices: []*Matrix{
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

	if want := []string{"cn-hangzhou", "cn-shanghai"}; !slices.Equal(r.Regions, want) || l.Regions[0] != "cn-shanghai" {
		t.Errorf("got the regions %q, want %q and the listing unchanged", r.Regions, want)
	}

	critical := r.Filter(func(f Finding) bool { return f.Severity == Critical })
	if len(critical.Findings) != 3 || critical.PhonesAffected != 100 || critical.Counts["no_expiry"] != 0 || critical.Counts["failed"] != 1 || critical.Counts["deleted"] != 1 {
		t.Errorf("critical only: %d findings, %d phones, counts %v", len(critical.Findings), critical.PhonesAffected, critical.Counts)
	}
	if len(r.Findings) != 5 || r.Counts["no_expiry"] != 1 {
		t.Error("Filter changed its receiver")
	}
}

// The owner is the value of the owner tag, of findings and of the other matrices.
func TestOwner(t *testing.T) {
	rules, now := defaults(time.UTC), time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	rules.OwnerTag = "team"
	l := Listing{Matrices: []*Matrix{
		{NodeID: "a", Status: StatusFailed, Tags: map[string]string{"team": "team-a", "owner": "x"}},
		{NodeID: "b", Status: StatusFailed, Tags: map[string]string{"owner": "x"}, ExpiresAt: Time{now}},
		{NodeID: "c", Status: StatusRunning, Tags: map[string]string{"team": "team-c"}, ExpiresAt: Time{now.AddDate(1, 0, 0)}},
	}}
	owners := map[string]string{}
	for _, f := range rules.AllMatrices(Build(rules, l, now).Findings, l, now) {
		owners[f.NodeID] = f.Owner
	}
	if want := map[string]string{"a": "team-a", "b": "", "c": "team-c"}; !maps.Equal(owners, want) {
		t.Errorf("owners %v, want %v", owners, want)
	}
}

// A report with a problem that may hide matrices is not complete.
func TestComplete(t *testing.T) {
	rules := defaults(time.UTC)
	one := []*Matrix{{NodeID: "a", Status: "RUNNING", ExpiresAt: Time{time.Now().AddDate(1, 0, 0)}}}
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
	r := Build(defaults(loc), Listing{Total: 2, Matrices: []*Matrix{
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
		`"reason":"expiring","also":[],"severity":"critical","last_day":"2026-11-24","days_left":2`,
		`"expires_at":"2026-11-24T02:00:34+08:00"`, `"tags":{"owner":"a"}`,
		`"expires_at":null`, `"last_day":null,"days_left":null`, `"created_at":null`, `"problems":[]`, `"next_expiry":null`,
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
		r := Build(defaults(time.UTC), Listing{Matrices: []*Matrix{&m}}, now)
		if got := len(r.Problems) == 1 && strings.Contains(r.Problems[0].Message, "API_TIME_ZONE"); got != want || !r.Complete {
			t.Errorf("created in %s: problem %t (%v), complete %t; want the problem %t and a complete report", ahead, got, r.Problems, r.Complete, want)
		}
	}
}

// The next expiry is that of a matrix that needs no attention and is not being
// deleted.
func TestNextExpiry(t *testing.T) {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	in := func(days int) Time { return Time{now.AddDate(0, 0, days)} }
	later := Matrix{NodeID: "later", Status: StatusRunning, ExpiresAt: in(90)}
	for name, c := range map[string]struct {
		other Matrix
		want  string
	}{
		"expires before":          {Matrix{NodeID: "other", Status: StatusRunning, ExpiresAt: in(60)}, "other"},
		"expires after":           {Matrix{NodeID: "other", Status: StatusRunning, ExpiresAt: in(91)}, "later"},
		"is a finding":            {Matrix{NodeID: "other", Status: StatusRunning, ExpiresAt: in(5)}, "later"},
		"is deleting":             {Matrix{NodeID: "other", Status: StatusDeleting, ModifiedAt: in(0), ExpiresAt: in(60)}, "later"},
		"is deleting and expired": {Matrix{NodeID: "other", Status: StatusDeleting, ModifiedAt: in(0), ExpiresAt: in(-60)}, "later"},
		"is deleted":              {Matrix{NodeID: "other", Status: StatusDeleted, ExpiresAt: in(60)}, "later"},
		"is new":                  {Matrix{NodeID: "other", Status: StatusCreating, CreatedAt: in(0)}, "later"},
	} {
		r := Build(defaults(time.UTC), Listing{Matrices: []*Matrix{&c.other, &later}}, now)
		if r.NextExpiry == nil || r.NextExpiry.NodeID != c.want {
			t.Errorf("the other %s: next expiry %+v, want %s", name, r.NextExpiry, c.want)
		}
	}
}

func TestHasWarnings(t *testing.T) {
	for name, c := range map[string]struct {
		p    Problem
		want bool
	}{
		"of the run":                     {Problem{}, true},
		"of an endpoint":                 {Problem{Endpoint: "host"}, false},
		"of the run, hides matrices":     {Problem{MayHideMatrices: true}, false},
		"of an endpoint, hides matrices": {Problem{Endpoint: "host", MayHideMatrices: true}, false},
	} {
		if got := (Report{Problems: []Problem{c.p}}).HasWarnings(); got != c.want {
			t.Errorf("a problem %s: got %t, want %t", name, got, c.want)
		}
	}
}

// The total is unknown if a region is missing and the API counts no more matrices
// than were read.
func TestUnreadRegions(t *testing.T) {
	unread := func(region string) Problem {
		return Problem{Endpoint: "host", Region: region, MayHideMatrices: true}
	}
	for name, c := range map[string]struct {
		r     Report
		known bool
		want  []string
	}{
		"complete":                     {Report{Complete: true, Total: 9, Listed: 9}, true, nil},
		"total known":                  {Report{Total: 9, Listed: 5, Problems: []Problem{unread("b"), unread("a"), unread("b")}}, true, []string{"a", "b"}},
		"total unknown":                {Report{Total: 5, Listed: 5, Problems: []Problem{unread(""), unread("a"), {Region: "c"}}}, false, []string{"a"}},
		"unread region is counted":     {Report{Total: 5, Listed: 5, TotalChecked: true, Regions: []string{"a", "b"}, Problems: []Problem{unread("a"), {Region: "c"}}}, true, []string{"a"}},
		"unread region is not counted": {Report{Total: 5, Listed: 5, TotalChecked: true, Regions: []string{"b"}, Problems: []Problem{unread("a")}}, false, []string{"a"}},
		"total is not checked":         {Report{Total: 5, Listed: 5, Regions: []string{"a"}, Problems: []Problem{unread("a")}}, false, []string{"a"}},
		"more than regions is missing": {Report{Total: 5, Listed: 5, TotalChecked: true, Regions: []string{"a"}, Problems: []Problem{unread("a"), unread("")}}, false, []string{"a"}},
		"nothing read":                 {Report{Problems: []Problem{unread("")}}, false, nil},
	} {
		if known, got := c.r.TotalKnown(), c.r.UnreadRegions(); known != c.known || !slices.Equal(got, c.want) {
			t.Errorf("%s: total known %t, regions %q", name, known, got)
		}
	}
}

// All matrices are the findings, in their order, then the others by expiry.
func TestAllMatrices(t *testing.T) {
	loc := zone(t, "Asia/Shanghai")
	now := at(t, loc, "2026-11-22 09:00:00")
	in := func(days int) Time { return Time{now.AddDate(0, 0, days).UTC()} }
	rules := defaults(loc)
	l := Listing{Matrices: []*Matrix{
		{NodeID: "deleted", Status: StatusDeleted},
		{NodeID: "last", Status: StatusRunning, ExpiresAt: in(200)},
		{NodeID: "failed", Status: StatusFailed, ExpiresAt: in(100)},
		{NodeID: "first", Status: StatusRunning, ExpiresAt: in(100)},
		{NodeID: "expiring", Status: StatusRunning, ExpiresAt: in(20)},
	}}
	found := Build(rules, l, now).Findings
	all := rules.AllMatrices(found, l, now)
	var ids []string
	for _, f := range all {
		ids = append(ids, f.NodeID)
	}
	if want := []string{"failed", "expiring", "first", "last", "deleted"}; !slices.Equal(ids, want) {
		t.Fatalf("got %q, want %q", ids, want)
	}
	if f := all[2]; f.Reason != "" || f.Severity != "" || f.OtherReasons == nil || f.DaysLeft == nil || *f.DaysLeft != 100 || f.ExpiresAt.Location() != loc {
		t.Errorf("a matrix without findings is %+v", f)
	}
	if f := all[4]; f.DaysLeft != nil {
		t.Errorf("without an expiry date: %d days left", *f.DaysLeft)
	}
	if len(found) != 2 || found[0].NodeID != "failed" {
		t.Errorf("AllMatrices changed the findings: %+v", found)
	}
}

// A region without a name counts as none, and the last day of the year 9999 is no
// expiry to come.
func TestAbsentRegionAndExpiry(t *testing.T) {
	now := time.Date(2026, time.November, 22, 9, 0, 0, 0, time.UTC)
	rules := Rules{Days: 30, StuckAfter: time.Hour, Location: zone(t, "Asia/Shanghai")}
	never := Time{time.Date(9999, time.December, 31, 23, 59, 59, 0, time.UTC)}
	r := Build(rules, Listing{Regions: []string{"", "cn-hangzhou"}, Matrices: []*Matrix{{NodeID: "cpn-1", Status: StatusRunning, ExpiresAt: never}}}, now)
	if len(r.Regions) != 1 || r.Regions[0] != "cn-hangzhou" || r.NextExpiry != nil || len(r.Findings) != 0 {
		t.Errorf("got the regions %q, the next expiry %+v and %d findings", r.Regions, r.NextExpiry, len(r.Findings))
	}
	for at, want := range map[Time]bool{never: true, {}: false, {time.Date(9998, time.December, 31, 0, 0, 0, 0, time.UTC)}: false, {time.Date(10000, time.January, 1, 0, 0, 0, 0, time.UTC)}: true} {
		if at.IsNever() != want {
			t.Errorf("%s: IsNever is %t", at, !want)
		}
	}
}
