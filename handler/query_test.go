package handler_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/internal/locale"
	"matrix-expiry-report/report"
)

// TestFilters checks which findings each parameter selects, and that the counts
// are those of the selected findings.
func TestFilters(t *testing.T) {
	w := setup(t)
	for query, want := range map[string]func(report.Finding) bool{
		"":                                       func(report.Finding) bool { return true },
		"severity=critical":                      func(f report.Finding) bool { return f.Severity == report.Critical },
		"severity=critical,warning":              func(f report.Finding) bool { return f.Severity != report.Notice },
		"reason=failed":                          func(f report.Finding) bool { return f.Reason == report.Failed },
		"reason=stuck,no_expiry":                 func(f report.Finding) bool { return f.Reason != report.Failed && f.Reason != report.Expired },
		"region=cn-hangzhou":                     func(f report.Finding) bool { return f.Region == "cn-hangzhou" },
		"owner=team-a":                           func(f report.Finding) bool { return f.Tags["owner"] == "team-a" },
		"owner=team-a,%20team-b":                 func(f report.Finding) bool { return f.Tags["owner"] == "team-a" || f.Tags["owner"] == "team-b" },
		"owner=team-a&owner=team-b":              func(f report.Finding) bool { return f.Tags["owner"] == "team-a" || f.Tags["owner"] == "team-b" },
		"severity=critical,%20warning":           func(f report.Finding) bool { return f.Severity != report.Notice },
		"region=cn-hangzhou,%20eu-central-1%20,": func(f report.Finding) bool { return f.Region == "cn-hangzhou" || f.Region == "eu-central-1" },
		"days=%203%20": func(f report.Finding) bool {
			return f.DaysLeft == nil || *f.DaysLeft <= 3 || f.Reason != report.Expiring
		},
		"days=3&severity=": func(f report.Finding) bool {
			return f.DaysLeft == nil || *f.DaysLeft <= 3 || f.Reason != report.Expiring
		},
	} {
		r := w.get(t, "/report?"+query)
		counted := 0
		for reason, n := range r.Counts {
			if reason != "deleted" {
				counted += n
			}
		}
		if len(r.Findings) == 0 || counted != len(r.Findings) {
			t.Errorf("%s: %d findings, %d counted", query, len(r.Findings), counted)
		}
		if !strings.HasPrefix(query, "region") && r.Listed != 131 {
			t.Errorf("%s: %d listed, want 131", query, r.Listed)
		}
		for _, f := range r.Findings {
			if !want(f) {
				t.Errorf("%s: has %s, %s, %s, %s", query, f.NodeID, f.Severity, f.Reason, f.Region)
			}
		}
	}
}

// TestFilterByFurtherReason checks that a reason selects a finding of which it is
// not the first reason.
func TestFilterByFurtherReason(t *testing.T) {
	w := &world{Handler: newHandler(sourceFunc(func(context.Context, []string) report.Listing {
		return report.Listing{Matrices: []*report.Matrix{{NodeID: "cpn-1", Status: "FAILED", ExpiresAt: report.Time{Time: time.Now().Add(-time.Hour)}}}}
	}))}
	for reason, want := range map[string]int{"failed": 1, "expired": 1, "stuck": 0} {
		if n := len(w.get(t, "/report?reason="+reason).Findings); n != want {
			t.Errorf("reason=%s selects %d findings, want %d", reason, n, want)
		}
	}
}

// TestOwnersWithCommasAndSpaces selects owners whose names have commas and
// spaces, as a repeated parameter, joined as the platform joins that, and as the
// page shows them.
func TestOwnersWithCommasAndSpaces(t *testing.T) {
	owners := []string{"team a, night", "team a", "night", " padded ", "two  spaces", "a,b,c"}
	w := setup(t)
	w.cloud.Nodes = nil
	for i, owner := range owners {
		w.cloud.Nodes = append(w.cloud.Nodes, fakecloud.Node{
			NodeId: fmt.Sprint("cpn-", i), RegionId: "cn-hangzhou", Status: "FAILED", Tags: []fakecloud.Tag{{Key: "owner", Value: owner}},
		})
	}
	for _, c := range []struct {
		given, want []string
	}{
		{[]string{"team a, night"}, owners[:1]},
		{[]string{"team a"}, owners[1:2]},
		{[]string{"night", "team a"}, owners[1:3]},
		{[]string{"team a, night,night"}, []string{"team a, night", "night"}},
		{[]string{"team a, night", "a,b,c", "team a"}, []string{"team a, night", "team a", "a,b,c"}},
		{[]string{"padded"}, owners[3:4]},
		{[]string{"two spaces"}, owners[4:5]},
		{[]string{"night,team a"}, owners[1:3]},
	} {
		var got []string
		for _, f := range w.get(t, "/report?"+url.Values{"owner": c.given}.Encode()).Findings {
			got = append(got, f.Tags["owner"])
		}
		slices.Sort(got)
		if want := slices.Sorted(slices.Values(c.want)); !slices.Equal(got, want) {
			t.Errorf("%q: got %q, want %q", c.given, got, want)
		}
	}
	for _, unknown := range []string{"a,b", "team", "team a, nobody"} {
		rec := w.do("GET", "/report?"+url.Values{"owner": {unknown}}.Encode())
		if rec.Code != 400 || !strings.Contains(rec.Body.String(), "is not the owner of a matrix") || !strings.Contains(rec.Body.String(), "two  spaces") {
			t.Errorf("%s: %d %s, want 400 with the owners", unknown, rec.Code, rec.Body)
		}
	}
}

// TestOwnerOfFailedListing checks that a request for an owner's matrices gets the
// reason if the listing fails, and what is known if it is incomplete.
func TestOwnerOfFailedListing(t *testing.T) {
	w := setup(t)
	w.cloud.Faults = []fakecloud.Fault{{Respond: fakecloud.APIError(403, "Forbidden.RAM", "no")}}
	for _, query := range []string{"owner=team-a", "owner=team-z", "page=9"} {
		if rec := w.do("GET", "/report?"+query); rec.Code != 502 || !strings.Contains(rec.Body.String(), "Forbidden.RAM") {
			t.Errorf("%s: %d %s, want 502 with the reason", query, rec.Code, rec.Body)
		}
	}
	w.cloud.Faults[0].Action, w.cloud.Faults[0].Region = "DescribeCloudPhoneNodes", "-"
	if rec := w.do("GET", "/report?owner=team-z"); rec.Code != 200 || rec.Header().Get("X-Report-Complete") != "false" {
		t.Errorf("an owner who may be in the region that could not be read: %d %.300s", rec.Code, rec.Body)
	}
}

// TestNotifyWithInvalidQuery checks that a wrong query is refused whatever the
// body says.
func TestNotifyWithInvalidQuery(t *testing.T) {
	w := setup(t)
	for _, query := range []string{"days=abc", "days=7,8", "days=4000", "days=-1", "region=Moon", "lang=xx", "days=7&days=abc"} {
		for _, body := range []string{"", "{}", `{"days":7,"regions":["cn-hangzhou"],"language":"en"}`, "{", `{"post":false}`} {
			if rec := w.send("POST", "/notify?"+query, body); rec.Code != 400 || !strings.Contains(rec.Body.String(), `"InvalidParameter"`) {
				t.Errorf("%s %s: %d %s, want 400", query, body, rec.Code, rec.Body)
			}
		}
	}
	if n := len(w.room.Messages()); n > 0 {
		t.Errorf("%d messages were posted", n)
	}
}

// TestTookIsOfThisAnswer checks that took_ms is the time of the request, not the
// age of the listing.
func TestTookIsOfThisAnswer(t *testing.T) {
	w := setup(t)
	now := time.Now()
	w.Now = func() time.Time { return now }
	w.do("GET", "/report")
	now = now.Add(30 * time.Second)
	w.log.Reset()
	rec := w.do("GET", "/report")
	if !strings.Contains(w.log.String(), `"took_ms":0}`) || rec.Header().Get("Age") != "30" {
		t.Errorf("age %s, and the log is %s", rec.Header().Get("Age"), w.log)
	}
}

func TestInvalidQueries(t *testing.T) {
	w := setup(t)
	for query, want := range map[string]string{
		"days=-1":                   "days: \\\"-1\\\" is not a whole number from 0 to 3650",
		"days=1,2":                  "from 0 to 3650",
		"days=1e3":                  "from 0 to 3650",
		"region=Moon":               "cn-hangzhou",
		"severity=bad":              "is not one of critical, warning, notice",
		"reason=old":                "failed, expired, expiring, stuck",
		"owner=nobody":              "team-a",
		"lang=xx":                   strings.Join(locale.Languages(), ", "),
		"format=pdf":                "is not one of json, ",
		"all=yes":                   "0, 1",
		"all=1&page=0":              "from 1",
		"page=1,2":                  "from 1",
		"page=99999999999999999999": "from 1",
		"all=1&page=2":              "page: 2 is beyond the last page, 1",
		"all=1&format=txt":          "csv, md",
		"until=soon":                "is not a day",
		"sort=up":                   "sort: not a parameter of /report; available: all, days, format, ignored, lang, owner, page, reason, region, severity, signature, until",
		"%zz":                       "malformed query",
	} {
		if rec := w.do("GET", "/report?"+query); rec.Code != 400 || !strings.Contains(rec.Body.String(), `"InvalidParameter"`) || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %d %s; want 400 with %q", query, rec.Code, rec.Body, want)
		}
	}
	if rec := w.do("GET", "/report?days=x&lang=y&reason=z"); strings.Count(rec.Body.String(), "is not") != 3 {
		t.Errorf("three errors: %s", rec.Body)
	}
}

// TestNotifyParameters checks that POST /notify takes the parameters that apply
// to a whole report, and no other, even without a value.
func TestNotifyParameters(t *testing.T) {
	w := setup(t)
	for _, name := range []string{"severity", "reason", "owner", "all", "page", "format", "until", "signature"} {
		want := name + ": not a parameter of /notify; available: days, lang, region"
		if rec := w.do("POST", "/notify?"+name); rec.Code != 400 || !strings.Contains(rec.Body.String(), want) {
			t.Errorf("%s: %d %s; want 400 with %q", name, rec.Code, rec.Body, want)
		}
	}
	if n := len(w.room.Messages()); n > 0 {
		t.Errorf("%d messages were posted", n)
	}
	for _, c := range []struct {
		query, body string
		days        int
		region      string
		chinese     bool
	}{
		{"?days=3&region=cn-hangzhou&lang=zh", "", 3, "cn-hangzhou", true},
		{"?days=3&region=cn-hangzhou&lang=zh", `{}`, 3, "cn-hangzhou", true},
		{"?days=3&region=cn-hangzhou&lang=zh", `{"days":7,"regions":["cn-shanghai"],"language":"en"}`, 7, "cn-shanghai", false},
	} {
		rec := w.send("POST", "/notify"+c.query, c.body, "Accept", "image/png")
		var r report.Report
		if err := json.Unmarshal(rec.Body.Bytes(), &r); err != nil || rec.Code != 200 || r.Days != c.days || len(r.Regions) != 1 || r.Regions[0] != c.region {
			t.Errorf("%s %s: %d %v, %d days, regions %q", c.query, c.body, rec.Code, err, r.Days, r.Regions)
		}
		messages := w.room.Messages()
		if title := messages[len(messages)-1].Title; strings.Contains(title, "台") != c.chinese {
			t.Errorf("%s %s: posted %s", c.query, c.body, title)
		}
	}
}

// TestNarrowedReportsClaimNothing checks that a report of a part claims neither
// that all is well nor that there are no other findings.
func TestNarrowedReportsClaimNothing(t *testing.T) {
	w := setup(t)
	en, err := locale.Of("en")
	if err != nil {
		t.Fatal(err)
	}
	for query, want := range map[string]string{
		"":                  "23 of 131 matrices need",
		"severity=critical": en.Text("lead_narrowed", 7, 23, 131),
		"owner=team-a":      en.Text("lead_narrowed", len(w.get(t, "/report?owner=team-a").Findings), 23, 131),
		"severity=notice&region=eu-central-1&reason=failed": en.Text("title_none_asked", len(w.get(t, "/report?region=eu-central-1").Findings), w.get(t, "/report?region=eu-central-1").Listed),
	} {
		for _, path := range []string{"/report.txt?", "/report.html?"} {
			body := w.do("GET", path+query).Body.String()
			if !strings.Contains(body, want) || strings.Contains(body, en.Text("page_nothing")) || strings.Contains(body, "are fine") {
				t.Errorf("%s%s: no %q in %.2500s", path, query, want, body[strings.Index(body, "</style>")+1:])
			}
		}
	}
}
