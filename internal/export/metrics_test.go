package export

import (
	"bytes"
	"maps"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// readMetrics parses b as Prometheus does, by name and label values, and lints the
// names.
func readMetrics(t *testing.T, b []byte) map[string]map[string]float64 {
	t.Helper()
	if len(b) < 1<<20 { // the linter's time is quadratic in the series
		problems, err := promlint.New(bytes.NewReader(b)).Lint()
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range problems {
			t.Errorf("%s: %s", p.Metric, p.Text)
		}
	}
	parser := expfmt.NewTextParser(model.LegacyValidation)
	families, err := parser.TextToMetricFamilies(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	values := map[string]map[string]float64{}
	for name, family := range families {
		if family.GetType().String() != "GAUGE" || family.GetHelp() == "" {
			t.Errorf("%s is a %s, %q; want a gauge with help", name, family.GetType(), family.GetHelp())
		}
		values[name] = map[string]float64{}
		for _, m := range family.Metric {
			var labels []string
			for _, l := range m.Label {
				labels = append(labels, l.GetValue())
			}
			key := strings.Join(labels, "\t")
			if _, ok := values[name][key]; ok {
				t.Errorf("%s{%q} is repeated", name, labels)
			}
			values[name][key] = m.GetGauge().GetValue()
		}
	}
	return values
}

func TestMetrics(t *testing.T) {
	usual := scenarios()["usual"].WithChanges(now.AddDate(0, 0, -1), []report.Change{{NodeID: "a", Kind: report.New}, {NodeID: "b", Kind: report.New}, {NodeID: "c", Kind: report.Released}})
	usual.Ignored = 3
	got := readMetrics(t, write(t, writeMetrics, usual))
	for name, series := range map[string]map[string]float64{ // labels in order of their names
		"cloudphone_matrix_expiry_timestamp_seconds": {
			"\tfarm-cpn-expired\tcpn-expired\tcn-hangzhou":   float64(now.Unix() - 3*86400),
			"\tfarm-cpn-evening\tcpn-evening\tcn-hangzhou":   float64(now.Unix() + 12*3600),
			"\tfarm-cpn-shenzhen\tcpn-shenzhen\tcn-shenzhen": float64(now.Unix() + 2*86400),
		},
		"cloudphone_region_complete": {"cn-hangzhou": 1, "cn-shenzhen": 1},
		"matrix_expiry_seconds": {
			"\tfarm-cpn-expired\tcpn-expired\tcn-hangzhou":   -3 * 86400,
			"\tfarm-cpn-evening\tcpn-evening\tcn-hangzhou":   12 * 3600,
			"\tfarm-cpn-stuck\tcpn-stuck\tcn-hangzhou":       90 * 86400,
			"\tfarm-cpn-shenzhen\tcpn-shenzhen\tcn-shenzhen": 2 * 86400,
		},
		"matrix_findings":                 {"expired\tcritical": 2, "expiring\tcritical": 4, "expiring\tnotice": 2, "failed\tcritical": 1, "stuck\twarning": 2, "no_expiry\twarning": 0},
		"matrix_changes":                  {"new": 2, "escalated": 0, "renewed": 0, "recovered": 0, "released": 1},
		"matrix_ignored":                  {"": 3},
		"matrix_listed":                   {"": 12},
		"matrix_expected":                 {"": 12},
		"matrix_listing_complete":         {"": 1},
		"matrix_phones_affected":          {"": 290},
		"matrix_report_duration_seconds":  {"": 1.5},
		"matrix_report_timestamp_seconds": {"": float64(now.Unix())},
	} {
		for labels, want := range series {
			if v, ok := got[name][labels]; !ok || v != want {
				t.Errorf("%s{%q} is %v (present: %t), want %v", name, labels, v, ok, want)
			}
		}
	}
	for _, name := range []string{"matrix_expiry_seconds", "cloudphone_matrix_expiry_timestamp_seconds"} {
		if _, ok := got[name]["\tfarm-cpn-deleting\tcpn-deleting\tcn-hangzhou"]; ok || len(got[name]) != 9 {
			t.Errorf("%s has %d series, a deleting matrix: %t; want 9 without it", name, len(got[name]), ok)
		}
	}
	if len(got) != 12 {
		t.Errorf("%d metrics, want these 12", len(got))
	}
}

func TestMetricsIncomplete(t *testing.T) {
	got := readMetrics(t, write(t, writeMetrics, scenarios()["incomplete"]))
	if got["matrix_listing_complete"][""] != 0 || got["matrix_expected"][""] != 131 || got["matrix_listed"][""] != 1 {
		t.Errorf("got %v", got)
	}
	if regions, want := got["cloudphone_region_complete"], map[string]float64{"cn-hangzhou": 1, "cn-shenzhen": 0}; !maps.Equal(regions, want) {
		t.Errorf("regions %v, want %v", regions, want)
	}
	got = readMetrics(t, write(t, writeMetrics, scenarios()["unknown"]))
	if total, ok := got["matrix_expected"]; ok || got["matrix_listed"][""] != 1 || got["cloudphone_region_complete"]["eu-central-1"] != 0 {
		t.Errorf("with a region of unknown size: got %v of %v", got["matrix_listed"], total)
	}
	// An alert distinguishes 0 from an absent series.
	if series := readMetrics(t, write(t, writeMetrics, scenarios()["empty"]))["matrix_findings"]; len(series) != len(report.Reasons())*len(report.Severities) {
		t.Errorf("%d series without findings", len(series))
	}
}

func TestMetricsHostile(t *testing.T) {
	r := hostileReport()
	got := readMetrics(t, write(t, writeMetrics, r))["matrix_expiry_seconds"]
	n := 0
	for _, f := range r.Findings {
		if f.ExpiresAt.IsZero() || f.Status == report.StatusDeleting {
			continue
		}
		n++
		labels := strings.Join([]string{message.Visible(f.Account), message.Visible(f.Name), message.Visible(f.NodeID), message.Visible(f.Region)}, "\t")
		if v, ok := got[labels]; !ok || v != f.ExpiresAt.Sub(now).Seconds() {
			t.Errorf("%.60q is %v (present: %t)", f.Name, v, ok)
		}
	}
	if n != len(got) {
		t.Errorf("%d series for %d findings", len(got), n)
	}
}

func TestMetricsMany(t *testing.T) {
	r := many(20_000)
	got := readMetrics(t, write(t, writeMetrics, r))
	sum := 0.0
	for _, n := range got["matrix_findings"] {
		sum += n
	}
	if len(got["matrix_expiry_seconds"]) != len(r.Findings) || int(sum) != len(r.Findings) {
		t.Errorf("%d series, sum %v, for %d findings", len(got["matrix_expiry_seconds"]), sum, len(r.Findings))
	}
}

// A repeated id has one series, since Prometheus rejects a page with two.
func TestMetricsRepeatedID(t *testing.T) {
	r := report.Build(rules, report.Listing{Matrices: []*report.Matrix{matrix("cpn-1", 2), matrix("cpn-1", 3)}}, now)
	if got := readMetrics(t, write(t, writeMetrics, r)); len(got["matrix_expiry_seconds"]) != 1 || got["matrix_findings"]["expiring\tcritical"] != 2 {
		t.Errorf("got %v", got)
	}
}

func FuzzMetricsLabel(f *testing.F) {
	for _, s := range hostile {
		f.Add(s, int64(time.Hour))
	}
	f.Add("x", int64(math.MinInt64))
	f.Fuzz(func(t *testing.T, s string, took int64) {
		m := matrix("cpn-1", 2)
		m.Name = s
		r := report.Build(rules, report.Listing{Matrices: []*report.Matrix{m}}, now)
		var b bytes.Buffer
		if err := Metrics(&b, r, time.Duration(took)); err != nil {
			t.Fatal(err)
		}
		got := readMetrics(t, b.Bytes())
		if v, ok := got["matrix_expiry_seconds"]["\t"+message.Visible(s)+"\tcpn-1\tcn-hangzhou"]; !ok || v != 2*86400 {
			t.Errorf("%q: %v", s, got["matrix_expiry_seconds"])
		}
	})
}
