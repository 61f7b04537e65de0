package page

import (
	"encoding/xml"
	"html"
	"net/url"
	"regexp"
	"strings"
	"testing"

	"matrix-expiry-report/report"
)

// The favicon is a picture of the state of the report.
func TestIcon(t *testing.T) {
	missing := report.Problem{Region: "cn-hangzhou", Code: "Forbidden.RAM", MayHideMatrices: true}
	seen := map[string]string{}
	for _, c := range []struct {
		name, state string
		l           report.Listing
	}{
		{"critical", "critical", report.Listing{Matrices: []*report.Matrix{expiring("farm", 2), expiring("later", 20)}}},
		{"warning", "warning", report.Listing{Matrices: []*report.Matrix{expiring("farm", 6)}}},
		{"notice", "notice", report.Listing{Matrices: []*report.Matrix{expiring("farm", 20)}}},
		{"fine", "fine", report.Listing{Matrices: []*report.Matrix{expiring("farm", 200)}}},
		{"nothing", "warning", report.Listing{}},
		{"incomplete", "warning", report.Listing{Matrices: []*report.Matrix{expiring("farm", 200)}, Problems: []report.Problem{missing}}},
		{"failed", "critical", report.Listing{Problems: []report.Problem{missing}}},
	} {
		m := regexp.MustCompile(`<link rel="icon" href="data:image/svg\+xml,([^"]+)">`).FindStringSubmatch(html.UnescapeString(pageOf(t, pageReport(c.l))))
		if m == nil {
			t.Fatalf("%s: no favicon", c.name)
		}
		svg, err := url.PathUnescape(m[1])
		if err != nil || xml.Unmarshal([]byte(svg), new(struct{})) != nil || !strings.HasPrefix(svg, `<svg xmlns="http://www.w3.org/2000/svg"`) {
			t.Errorf("%s: %v: %s", c.name, err, svg)
		}
		if state, ok := seen[svg]; ok && state != c.state {
			t.Errorf("%s has the favicon of %s", c.name, state)
		}
		seen[svg] = c.state
	}
	if len(seen) != 4 || !strings.Contains(Policy(), "img-src data:") {
		t.Errorf("%d favicons for 4 states, with the policy %s", len(seen), Policy())
	}
}
