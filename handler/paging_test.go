package handler_test

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"time"

	fakecloud "matrix-expiry-report/internal/emulator/cloud"
	"matrix-expiry-report/report"
)

// With all=1 every matrix is listed, in pages, those that need somebody first.
func TestAllMatrices(t *testing.T) {
	w := setup(t)
	w.cloud.Nodes = nil
	for i := range 2300 {
		w.cloud.Nodes = append(w.cloud.Nodes, fakecloud.Node{
			NodeId: fmt.Sprintf("cpn-%04d", i), RegionId: "cn-hangzhou", Status: "RUNNING",
			GmtCreate: fakecloud.Time(time.Now().AddDate(-1, 0, 0)), GmtExpired: fakecloud.Time(time.Now().AddDate(0, 0, i+1)),
		})
	}
	seen := map[string]bool{}
	next := "/report.json?all=1"
	for pages := 0; next != ""; pages++ {
		rec := w.do("GET", next)
		var got report.Report
		if err := json.Unmarshal(rec.Body.Bytes(), &got); err != nil || got.Pages != 3 || got.Page != pages+1 || len(got.Findings) != 30 {
			t.Fatalf("%s: %v, page %d of %d, %d findings", next, err, got.Page, got.Pages, len(got.Findings))
		}
		for i, m := range got.Matrices {
			if seen[m.NodeID] {
				t.Errorf("%s is listed twice", m.NodeID)
			}
			seen[m.NodeID] = true
			if pages == 0 && i < 30 && m.NodeID != got.Findings[i].NodeID {
				t.Errorf("row %d is %s, want %s, which needs somebody", i, m.NodeID, got.Findings[i].NodeID)
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
	for _, path := range []string{"/metrics", "/metrics?all=1"} {
		if n := strings.Count(w.do("GET", path).Body.String(), "\nmatrix_expiry_seconds{"); n != 2300 {
			t.Errorf("%s: %d matrices have a metric, want all", path, n)
		}
	}
}

// nextPage is where the Link header leads; empty on the last page.
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

// A browser is shown five thousand findings at a time; what counts them counts all.
func TestALongPage(t *testing.T) {
	w := setup(t)
	w.cloud.Nodes = nil
	for i := range 11_000 {
		w.cloud.Nodes = append(w.cloud.Nodes, fakecloud.Node{
			NodeId: fmt.Sprintf("cpn-%05d", i), RegionId: "cn-hangzhou", Status: "RUNNING",
			GmtCreate: fakecloud.Time(time.Now().AddDate(-1, 0, 0)), GmtExpired: fakecloud.Time(time.Now().AddDate(0, 0, 10).Add(time.Duration(i) * time.Second)),
		})
	}
	seen := map[string]bool{}
	pages := 0
	for next := "/report.html?severity=notice"; next != ""; pages++ {
		rec := w.do("GET", next)
		page := rec.Body.String()
		for _, row := range regexp.MustCompile(`<th scope="row" role="rowheader"><bdi>(cpn-\d+)`).FindAllStringSubmatch(page, -1) {
			seen[row[1]] = true
		}
		if len(seen) != min(11_000, 5000*(pages+1)) || !strings.Contains(page, "11,000 of 11,000 matrices need somebody") || !strings.Contains(page, "page=3&amp;severity=notice") && pages < 2 {
			t.Errorf("%s: %d seen", next, len(seen))
		}
		next = nextPage(t, rec)
	}
	if pages != 3 {
		t.Errorf("%d pages", pages)
	}
	var all report.Report
	if err := json.Unmarshal(w.do("GET", "/report.json").Body.Bytes(), &all); err != nil || len(all.Findings) != 11_000 {
		t.Errorf("%d findings as JSON, %v", len(all.Findings), err)
	}
}
