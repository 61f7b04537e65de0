package export

import (
	"bytes"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"matrix-expiry-report/report"
)

// Metrics writes r in Prometheus' text format (version 0.0.4,
// https://prometheus.io/docs/instrumenting/exposition_formats/, text/plain;
// version=0.0.4; charset=utf-8). Only matrices that need somebody, and are not
// being deleted, have a series of their own. took is how long the report took
// to make.
//
// Every count has a series even where it is 0, so that an alert can tell 0
// from no answer. Of an incomplete report, counts are lower bounds and
// matrix_listing_complete is 0: alert on that as well.
//
// An error is the writer's. (What a registry of client_golang would do besides
// is what it measures of a process, at 0.3 MB and a millisecond of every start.)
func Metrics(w io.Writer, r report.Report, took time.Duration) error {
	findings := series{}
	for _, reason := range report.Reasons() {
		for _, severity := range report.Severities {
			findings.set(0, string(reason), string(severity))
		}
	}
	expiry := series{}
	for _, f := range r.Findings {
		if f.Reason != "" {
			findings.add(1, visible(string(f.Reason)), visible(string(f.Severity)))
		}
		if !f.ExpiresAt.IsZero() && f.Status != report.StatusDeleting && f.Status != report.StatusDeleted { // those may end
			expiry.set(f.ExpiresAt.Sub(r.GeneratedAt.Time).Seconds(), visible(f.Account), visible(f.Name), visible(f.NodeID), visible(f.Region))
		}
	}
	complete := 0.0
	if r.Complete {
		complete = 1
	}
	single := func(v float64) series { return series{"": v} }
	families := []*dto.MetricFamily{
		expiry.family("matrix_expiry_seconds", "Seconds from the report until the subscription of a matrix ends, negative after.", "account", "name", "node_id", "region"),
		findings.family("matrix_findings", "Matrices that need somebody, by their first reason and their severity.", "reason", "severity"),
		single(float64(r.Listed)).family("matrix_listed", "Matrices that could be read, of every status."),
		single(float64(r.Total)).family("matrix_expected", "Matrices that there should be, of every status; total in the report."),
		single(complete).family("matrix_listing_complete", "1 if no matrix may be missing from the report, else 0."),
		single(float64(r.PhonesAffected)).family("matrix_phones_affected", "Phones on matrices that need somebody."),
		single(took.Seconds()).family("matrix_report_duration_seconds", "How long the report took to make."),
		single(float64(r.GeneratedAt.UnixMilli())/1000).family("matrix_report_timestamp_seconds", "When the report was made, in seconds since 1970."),
	}
	slices.SortFunc(families, func(a, b *dto.MetricFamily) int { return strings.Compare(a.GetName(), b.GetName()) })
	var b bytes.Buffer // for a page or none: half of one would be taken for all of it
	for _, family := range families {
		if len(family.Metric) == 0 {
			continue
		}
		if _, err := expfmt.MetricFamilyToText(&b, family); err != nil {
			return err
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// A series has values by the values of its labels, one behind another: none has
// a character that is not visible.
type series map[string]float64

func (s series) set(value float64, labels ...string) { s[strings.Join(labels, "\x00")] = value }
func (s series) add(value float64, labels ...string) { s[strings.Join(labels, "\x00")] += value }

// family is a gauge with the names of the labels, which are in the order of the
// alphabet.
func (s series) family(name, help string, labels ...string) *dto.MetricFamily {
	family := &dto.MetricFamily{Name: &name, Help: &help, Type: dto.MetricType_GAUGE.Enum()}
	for _, key := range slices.Sorted(maps.Keys(s)) {
		m := &dto.Metric{Gauge: &dto.Gauge{Value: new(s[key])}}
		for i, value := range strings.Split(key, "\x00")[:len(labels)] {
			m.Label = append(m.Label, &dto.LabelPair{Name: &labels[i], Value: &value})
		}
		family.Metric = append(family.Metric, m)
	}
	return family
}
