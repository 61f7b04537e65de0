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
// An error is the writer's. (Prometheus' own library would write the same, and
// the tests read it with that; but it brings protobuf, which is a tenth of the
// program and of the time that it takes to start.)
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
	var b bytes.Buffer // for a page or none: half of one would be taken for all of it
	single(float64(r.Total)).write(&b, "matrix_expected", "Matrices that there should be, of every status; total in the report.")
	expiry.write(&b, "matrix_expiry_seconds", "Seconds from the report until the subscription of a matrix ends, negative after.", "account", "name", "node_id", "region")
	findings.write(&b, "matrix_findings", "Matrices that need somebody, by their first reason and their severity.", "reason", "severity")
	single(float64(r.Listed)).write(&b, "matrix_listed", "Matrices that could be read, of every status.")
	single(complete).write(&b, "matrix_listing_complete", "1 if no matrix may be missing from the report, else 0.")
	single(float64(r.PhonesAffected)).write(&b, "matrix_phones_affected", "Phones on matrices that need somebody.")
	single(took.Seconds()).write(&b, "matrix_report_duration_seconds", "How long the report took to make.")
	single(float64(r.GeneratedAt.UnixMilli())/1000).write(&b, "matrix_report_timestamp_seconds", "When the report was made, in seconds since 1970.")
	_, err := w.Write(b.Bytes())
	return err
}

// A series has values by the values of its labels, one behind another: none has
// a character that is not visible.
type series map[string]float64

func (s series) set(value float64, labels ...string) { s[strings.Join(labels, "\x00")] = value }
func (s series) add(value float64, labels ...string) { s[strings.Join(labels, "\x00")] += value }

// write makes a gauge of s with the names of the labels. Without any value there
// is none.
func (s series) write(b *bytes.Buffer, name, help string, labels ...string) {
	if len(s) == 0 {
		return
	}
	fmt.Fprintf(b, "# HELP %s %s\n# TYPE %[1]s gauge\n", name, help)
	for _, key := range slices.Sorted(maps.Keys(s)) {
		value := s[key]
		b.WriteString(name)
		before := "{"
		for _, label := range labels {
			var of string
			of, key, _ = strings.Cut(key, "\x00")
			b.WriteString(before)
			b.WriteString(label)
			b.WriteString(`="`)
			escapeLabel.WriteString(b, of)
			b.WriteByte('"')
			before = ","
		}
		if len(labels) > 0 {
			b.WriteByte('}')
		}
		b.WriteByte(' ')
		b.Write(strconv.AppendFloat(b.AvailableBuffer(), value, 'g', -1, 64))
		b.WriteByte('\n')
	}
}

var escapeLabel = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
