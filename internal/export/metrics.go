package export

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// Metrics writes r in Prometheus' text format (version 0.0.4,
// https://prometheus.io/docs/instrumenting/exposition_formats/, text/plain;
// version=0.0.4; charset=utf-8). took is how long the listing took; if it was
// cached, when it was made.
//
// Each of r.Findings with an expiry date has a series with the seconds to it,
// unless the matrix is being deleted. For a series of every matrix, r.Findings must
// be those of [report.Rules.AllMatrices]; findings without a reason are not counted.
//
// Every count has a series, even if it is 0, so that an alert can distinguish 0
// from a failed scrape. The counts of an incomplete report are lower bounds, and
// matrix_listing_complete is 0: alert on that too.
//
// Metrics returns only errors of w. Prometheus' own library would write the same,
// and the tests read it with that library, but it imports protobuf, a tenth of the
// program's size and start time.
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
			findings.add(1, message.Visible(string(f.Reason)), message.Visible(string(f.Severity)))
		}
		if !f.ExpiresAt.IsZero() && f.Status != report.StatusDeleting && f.Status != report.StatusDeleted { // which may end
			expiry.set(f.ExpiresAt.Sub(r.GeneratedAt.Time).Seconds(), message.Visible(f.Account), message.Visible(f.Name), message.Visible(f.NodeID), message.Visible(f.Region))
		}
	}
	single := func(v float64) series { return series{"": v} }
	var b bytes.Buffer // a scraper would accept half a page
	single(float64(r.Total)).write(&b, "matrix_expected", "Matrices of any status that exist, as far as known; total in the report.")
	expiry.write(&b, "matrix_expiry_seconds", "Seconds from the report until the subscription of a matrix ends; negative afterwards.", "account", "name", "node_id", "region")
	findings.write(&b, "matrix_findings", "Matrices that need attention, by their first reason and their severity.", "reason", "severity")
	single(float64(r.Listed)).write(&b, "matrix_listed", "Matrices of any status that were read.")
	single(map[bool]float64{true: 1}[r.Complete]).write(&b, "matrix_listing_complete", "1 if no matrix is missing from the report, else 0.")
	single(float64(r.PhonesAffected)).write(&b, "matrix_phones_affected", "Phones on matrices that need attention.")
	single(took.Seconds()).write(&b, "matrix_report_duration_seconds", "How long it took to build the report.")
	single(float64(r.GeneratedAt.UnixMilli())/1000).write(&b, "matrix_report_timestamp_seconds", "When the report was built, in seconds since 1970.")
	_, err := w.Write(b.Bytes())
	return err
}

// A series holds values by label values, which are joined by a NUL that none of
// them contains.
type series map[string]float64

func (s series) set(value float64, labels ...string) { s[strings.Join(labels, "\x00")] = value }
func (s series) add(value float64, labels ...string) { s[strings.Join(labels, "\x00")] += value }

// write writes s as a gauge with the given labels, or nothing if s has no values.
func (s series) write(b *bytes.Buffer, name, help string, labels ...string) {
	if len(s) == 0 {
		return
	}
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %[1]s gauge\n", name, help)
	for _, key := range slices.Sorted(maps.Keys(s)) {
		b.WriteString(name)
		separator := "{"
		for i, value := range strings.Split(key, "\x00")[:len(labels)] {
			b.WriteString(separator + labels[i] + `="`)
			escapeLabel.WriteString(b, value)
			b.WriteByte('"')
			separator = ","
		}
		if len(labels) > 0 {
			b.WriteByte('}')
		}
		fmt.Fprintf(b, " %s\n", strconv.FormatFloat(s[key], 'g', -1, 64))
	}
}

var escapeLabel = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
