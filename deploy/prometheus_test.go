package deploy

import (
	"encoding/json"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"matrix-expiry-report/internal/export"
	"matrix-expiry-report/report"
)

// written returns the labels of each metric that the program writes, without those
// that are deprecated.
func written(t *testing.T) map[string][]string {
	t.Helper()
	now := time.Date(2026, 11, 26, 9, 7, 0, 0, time.UTC)
	rules := report.Rules{Days: 30, Location: time.UTC}
	listing := report.Listing{Total: 1, Regions: []string{"cn-hangzhou"}, Matrices: []*report.Matrix{{NodeID: "cpn-1", Status: report.StatusRunning, ExpiresAt: report.Time{Time: now.Add(time.Hour)}}}}
	var b strings.Builder
	if err := export.Metrics(&b, report.Build(rules, listing, now), time.Second); err != nil {
		t.Fatal(err)
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(b.String()))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]string{}
	for name, family := range families {
		if strings.HasPrefix(family.GetHelp(), "Deprecated") {
			continue
		}
		all[name] = []string{"job", "instance"} // added by the scrape
		for _, label := range family.GetMetric()[0].GetLabel() {
			all[name] = append(all[name], label.GetName())
		}
	}
	return all
}

var (
	metric   = regexp.MustCompile(`\b(?:cloudphone|matrix)_\w+`)
	selector = regexp.MustCompile(`\b((?:cloudphone|matrix)_\w+)\{([^}]*)\}`)
	label    = regexp.MustCompile(`(\w+)\s*(?:=~|!~|!=|=)`)
)

// checkQuery reports what an expression names and the program does not write.
func checkQuery(t *testing.T, where, query string, known map[string][]string) {
	t.Helper()
	names := metric.FindAllString(query, -1)
	if len(names) == 0 {
		t.Errorf("%s asks for no metric of the program: %s", where, query)
	}
	for _, name := range names {
		if _, ok := known[name]; !ok {
			t.Errorf("%s asks for %s, which is not written", where, name)
		}
	}
	for _, m := range selector.FindAllStringSubmatch(query, -1) {
		for _, l := range label.FindAllStringSubmatch(m[2], -1) {
			if !slices.Contains(known[m[1]], l[1]) {
				t.Errorf("%s selects by %s, which %s has not: %s", where, l[1], m[1], query)
			}
		}
	}
}

type rules struct {
	Groups []struct {
		Rules []struct {
			Alert, Expr string
			Annotations map[string]string
		}
	}
}

func readRules(t *testing.T) (r rules) {
	t.Helper()
	b, err := os.ReadFile("prometheus/rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &r); err != nil || len(r.Groups) == 0 || len(r.Groups[0].Rules) < 4 {
		t.Fatalf("%v: %+v", err, r)
	}
	return r
}

// Each alert asks for metrics that are written, and its runbook is a heading.
func TestPrometheusRules(t *testing.T) {
	known := written(t)
	for _, group := range readRules(t).Groups {
		for _, rule := range group.Rules {
			checkQuery(t, rule.Alert, rule.Expr, known)
			file, anchor, _ := strings.Cut(rule.Annotations["runbook_url"], "#")
			text, err := os.ReadFile(filepath.Join("..", file))
			if err != nil {
				t.Fatalf("%s: %v", rule.Alert, err)
			}
			heading := regexp.MustCompile(`(?m)^#+ ` + rule.Alert + `$`)
			if anchor != strings.ToLower(rule.Alert) || !heading.Match(text) {
				t.Errorf("%s: %s has no heading %s for #%s", rule.Alert, file, rule.Alert, anchor)
			}
		}
	}
}

type dashboard struct {
	UID        string
	Templating struct {
		List []struct {
			Name, Type, Definition string
		}
	}
	Panels []struct {
		ID      int
		Title   string
		GridPos struct{ X, Y, W, H int }
		Targets []struct{ Expr, RefID string }
	}
}

func readDashboard(t *testing.T) (d dashboard) {
	t.Helper()
	b, err := os.ReadFile("grafana/dashboard.json")
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &d); err != nil || len(d.Panels) < 8 {
		t.Fatalf("%v: %d panels", err, len(d.Panels))
	}
	return d
}

// Each query of the dashboard asks for metrics that are written, and each
// metric is on the dashboard.
func TestGrafanaDashboard(t *testing.T) {
	d := readDashboard(t)
	known := written(t)
	shown := map[string]bool{}
	seen := map[int]bool{}
	for _, p := range d.Panels {
		if seen[p.ID] || p.ID == 0 || p.Title == "" || len(p.Targets) == 0 || p.GridPos.X+p.GridPos.W > 24 {
			t.Errorf("panel %d, %q, at %+v", p.ID, p.Title, p.GridPos)
		}
		seen[p.ID] = true
		for _, target := range p.Targets {
			checkQuery(t, "panel "+p.Title, target.Expr, known)
			for _, name := range metric.FindAllString(target.Expr, -1) {
				shown[name] = true
			}
		}
	}
	for _, v := range d.Templating.List {
		if v.Type == "query" {
			checkQuery(t, "variable "+v.Name, v.Definition, known)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(known)) {
		if !shown[name] {
			t.Errorf("no panel shows %s", name)
		}
	}
}

// promtool checks the alerts, tests them, and parses the dashboard's queries.
func TestPromtool(t *testing.T) {
	if _, err := exec.LookPath("promtool"); err != nil {
		if os.Getenv("CI") != "" {
			t.Fatal("promtool is not installed: .ci/run installs it")
		}
		t.Skip("promtool is not installed (Debian's package prometheus), so the alerts are not tested")
	}
	promtool := func(args ...string) {
		t.Helper()
		if out, err := exec.CommandContext(t.Context(), "promtool", args...).CombinedOutput(); err != nil {
			t.Errorf("promtool %q: %v\n%s", args, err, out)
		}
	}
	promtool("check", "config", "--agent", "--syntax-only", "prometheus/agent.yaml")
	promtool("check", "rules", "prometheus/rules.yaml")
	promtool("test", "rules", "prometheus/rules_test.yaml")

	tests, err := os.ReadFile("prometheus/rules_test.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, group := range readRules(t).Groups {
		for _, rule := range group.Rules {
			if strings.Count(string(tests), "alertname: "+rule.Alert) < 2 {
				t.Errorf("%s is not tested both ways", rule.Alert)
			}
		}
	}

	type query struct {
		Record string `yaml:"record"`
		Expr   string `yaml:"expr"`
	}
	var queries []query
	for _, p := range readDashboard(t).Panels {
		for _, target := range p.Targets {
			queries = append(queries, query{"query", target.Expr})
		}
	}
	b, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "dashboard", "rules": queries}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "dashboard.yaml")
	if err := os.WriteFile(file, b, 0o600); err != nil {
		t.Fatal(err)
	}
	promtool("check", "rules", "--lint=none", file)
}
