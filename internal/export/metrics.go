package export

import (
	"bytes"
	"io"
	"time"

	"github.com/prometheus/client_golang/prometheus"
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
// An error is the writer's or of two series that collide, which would be a
// mistake in this file.
func Metrics(w io.Writer, r report.Report, took time.Duration) error {
	registry := prometheus.NewRegistry() // of its own: a report, not this process, is measured
	gauge := func(name, help string, labels ...string) *prometheus.GaugeVec {
		g := prometheus.NewGaugeVec(prometheus.GaugeOpts{Name: name, Help: help}, labels)
		registry.MustRegister(g)
		return g
	}
	expiry := gauge("matrix_expiry_seconds", "Seconds from the report until the subscription of a matrix ends, negative after.",
		"node_id", "name", "account", "region")
	findings := gauge("matrix_findings", "Matrices that need somebody, by their first reason and their severity.", "reason", "severity")
	for _, reason := range report.Reasons() {
		for _, severity := range report.Severities {
			findings.WithLabelValues(string(reason), string(severity))
		}
	}
	for _, f := range r.Findings {
		if f.Reason != "" {
			findings.WithLabelValues(visible(string(f.Reason)), visible(string(f.Severity))).Inc()
		}
		if !f.ExpiresAt.IsZero() && f.Status != report.StatusDeleting && f.Status != report.StatusDeleted { // those may end
			expiry.WithLabelValues(visible(f.NodeID), visible(f.Name), visible(f.Account), visible(f.Region)).
				Set(f.ExpiresAt.Sub(r.GeneratedAt.Time).Seconds())
		}
	}
	single := func(name, help string, value float64) { gauge(name, help).WithLabelValues().Set(value) }
	single("matrix_listed", "Matrices that could be read, of every status.", float64(r.Listed))
	single("matrix_expected", "Matrices that there should be, of every status; total in the report.", float64(r.Total))
	complete := 0.0
	if r.Complete {
		complete = 1
	}
	single("matrix_listing_complete", "1 if no matrix may be missing from the report, else 0.", complete)
	single("matrix_phones_affected", "Phones on matrices that need somebody.", float64(r.PhonesAffected))
	single("matrix_report_duration_seconds", "How long the report took to make.", took.Seconds())
	single("matrix_report_timestamp_seconds", "When the report was made, in seconds since 1970.", float64(r.GeneratedAt.UnixMilli())/1000)

	families, err := registry.Gather()
	if err != nil {
		return err
	}
	var b bytes.Buffer // for a page or none: half of one would be taken for all of it
	for _, family := range families {
		if _, err := expfmt.MetricFamilyToText(&b, family); err != nil {
			return err
		}
	}
	_, err = w.Write(b.Bytes())
	return err
}
