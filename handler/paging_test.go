package handler_test

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/report"
)

// expiring returns a source of n matrices of which one expires per interval.
func expiring(n int, interval time.Duration) sourceFunc {
	listing := report.Listing{Regions: []string{"cn-hangzhou"}, Total: n}
	for i := range n {
		listing.Matrices = append(listing.Matrices, &report.Matrix{
			NodeID: fmt.Sprintf("cpn-%05d", i), Region: "cn-hangzhou", Status: "RUNNING",
			CreatedAt: report.Time{Time: time.Now().AddDate(-1, 0, 0)}, ExpiresAt: report.Time{Time: time.Now().Add(time.Minute + time.Duration(i)*interval)},
		})
	}
	return func(context.Context, []string) report.Listing { return listing }
}

// TestAllMatrices checks that all=1 lists every matrix once, in pages, those
// with findings first.
func TestAllMatrices(t *testing.T) {
	w := &world{Handler: newHandler(expiring(2300, 24*time.Hour))}
	w.Settings.Days = 29
	seen := map[string]bool{}
	next := "/report.json?all=1"
	for page := 1; next != ""; page++ {
		rec := w.do("GET", next)
		var got report.Report
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Pages != 3 || got.Page != page || len(got.Findings) != 30 {
			t.Fatalf("%s: %v, page %d of %d, %d findings", next, err, got.Page, got.Pages, len(got.Findings))
		}
		for i, m := range got.Matrices {
			if seen[m.NodeID] {
				t.Errorf("%s is listed twice", m.NodeID)
			}
			seen[m.NodeID] = true
			if page == 1 && i < 30 && m.NodeID != got.Findings[i].NodeID {
				t.Errorf("row %d is %s, want the finding %s", i, m.NodeID, got.Findings[i].NodeID)
			}
		}
		next = nextPage(t, rec)
	}
	if len(seen) != 2300 {
		t.Errorf("%d of 2300 matrices are listed", len(seen))
	}
	rows, err := csv.NewReader(strings.NewReader(strings.TrimPrefix(w.do("GET", "/report.csv?all=1&page=3").Body.String(), "\ufeff"))).ReadAll()
	if err != nil || len(rows) != 1+300 {
		t.Errorf("the last page as CSV has %d rows, %v", len(rows), err)
	}
	for _, path := range []string{"/metrics", "/metrics?all=1", "/metrics?page=1"} {
		if n := strings.Count(w.do("GET", path).Body.String(), "\nmatrix_expiry_seconds{"); n != 2300 {
			t.Errorf("%s: %d matrices have a metric, want all", path, n)
		}
	}
	for _, f := range formats {
		if n := len(w.get(t, "/report.json?page=1").Findings); n != 30 {
			t.Errorf("page=1 without all=1: %d findings, want all", n)
		}
		if rec := w.do("GET", f.path+"?page=7"); rec.Code != 400 || !strings.Contains(rec.Body.String(), "page: 7 is beyond the last page, 1") {
			t.Errorf("%s?page=7: %d %.200s, want 400", f.path, rec.Code, rec.Body)
		}
		if rec := w.do("GET", f.path+"?all=1&page=4"); f.name != "txt" && f.name != "metrics" && f.name != "html" && (rec.Code != 400 || !strings.Contains(rec.Body.String(), "page: 4 is beyond the last page, 3")) {
			t.Errorf("%s?all=1&page=4: %d %.200s, want 400", f.path, rec.Code, rec.Body)
		}
	}
}

// nextPage returns the target of the Link header, or "" on the last page.
func nextPage(t *testing.T, rec *httptest.ResponseRecorder) string {
	t.Helper()
	link := rec.Header().Get("Link")
	m := regexp.MustCompile(`^<([^<>]+)>; rel="next"$`).FindStringSubmatch(link)
	switch {
	case link == "":
		return ""
	case m == nil:
		t.Fatalf("Link: %s", link)
	}
	return m[1]
}

// TestPageOfManyFindings checks that a page of HTML has 500 rows, counts all
// findings, and is small enough for a phone.
func TestPageOfManyFindings(t *testing.T) {
	const all = 5001
	w := &world{Handler: newHandler(expiring(all, time.Second))}
	w.Settings.Days = 1
	row := regexp.MustCompile(`<th scope="row" role="rowheader"><span><bdi>cpn-\d+`)
	for target, want := range map[string]struct {
		rows int
		next string
	}{
		"/report.html":                 {500, "/report.html?page=2"},
		"/report.html?all=1":           {500, "/report.html?all=1&page=2"},
		"/report.html?lang=zh&page=11": {1, ""},
	} {
		rec := w.do("GET", target)
		if n := len(row.FindAllString(rec.Body.String(), -1)); rec.Code != 200 || n != want.rows || nextPage(t, rec) != want.next {
			t.Errorf("%s: %d with %d rows, next %q, want %d, %q", target, rec.Code, n, nextPage(t, rec), want.rows, want.next)
		}
		if !strings.Contains(rec.Body.String(), "5,001") {
			t.Errorf("%s does not count all findings", target)
		}
		compressed := w.do("GET", target, "Accept-Encoding", "gzip").Body.Len()
		t.Logf("%s: %d bytes, %d compressed", target, rec.Body.Len(), compressed)
		if rec.Body.Len() > 420_000 || compressed > 40_000 { // 1.6 Mbit/s, a slow phone's, take 0.2 s
			t.Errorf("%s: %d bytes, %d compressed", target, rec.Body.Len(), compressed)
		}
	}
	if rec := w.do("GET", "/report.html?page=12"); rec.Code != 400 {
		t.Errorf("beyond the last page: %d", rec.Code)
	}
	if n := len(w.get(t, "/report.json").Findings); n != all {
		t.Errorf("%d findings as JSON, want %d", n, all)
	}
}
