package export

import (
	"bufio"
	"cmp"
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
// Each of r.Findings with an expiry date has a series with that date, unless the
// matrix is being deleted. For a series of every matrix, r.Findings must be those of
// [report.Rules.AllMatrices]; findings without a reason are not counted.
//
// Every count has a series, even if it is 0, so that an alert can distinguish 0
// from a failed scrape. The counts of an incomplete report are lower bounds, and
// matrix_listing_complete is 0: alert on that too. matrix_expected has no series if
// a region is missing and how many matrices it has is unknown.
//
// Metrics returns only errors of w, after which a part may be written. Prometheus'
// own library would write the same, and the tests read it with that library, but it
// imports protobuf, a tenth of the program's size and start time.
func Metrics(w io.Writer, r report.Report, took time.Duration) error {
	b := bufio.NewWriter(w) // returns its first error from Flush
	expiring, regions := withExpiry(r.Findings), completeRegions(r)
	gauge(b, len(expiring), "cloudphone_matrix_expiry_timestamp_seconds", "When the subscription of a matrix ends, in seconds since 1970.")
	for _, f := range expiring {
		matrixSample(b, "cloudphone_matrix_expiry_timestamp_seconds", f, float64(f.ExpiresAt.Unix()))
	}
	gauge(b, len(regions), "cloudphone_region_complete", "1 if every matrix of a region was read, else 0.")
	for _, id := range slices.Sorted(maps.Keys(regions)) {
		sample(b, "cloudphone_region_complete", oneIf(regions[id]), "region", id)
	}
	if r.TotalKnown() {
		single(b, "matrix_expected", "Matrices of any status that exist, as far as known; total in the report.", float64(r.Total))
	}
	gauge(b, len(expiring), "matrix_expiry_seconds", "Deprecated: use cloudphone_matrix_expiry_timestamp_seconds. Seconds from the report until the subscription of a matrix ends; negative afterwards.")
	for _, f := range expiring {
		matrixSample(b, "matrix_expiry_seconds", f, f.ExpiresAt.Sub(r.GeneratedAt.Time).Seconds())
	}
	if len(r.Changes) > 0 {
		gauge(b, len(report.ChangeKinds), "matrix_changes", "Matrices that changed since the last report that was delivered.")
		for _, kind := range report.ChangeKinds {
			sample(b, "matrix_changes", float64(r.Changes[string(kind)]), "change", string(kind))
		}
	}
	writeFindings(b, r)
	single(b, "matrix_ignored", "Matrices that need attention and are left out by IGNORE or tags.", float64(r.Ignored))
	single(b, "matrix_listed", "Matrices of any status that were read.", float64(r.Listed))
	single(b, "matrix_listing_complete", "1 if no matrix is missing from the report, else 0.", oneIf(r.Complete))
	single(b, "matrix_phones_affected", "Phones on matrices that need attention.", float64(r.PhonesAffected))
	single(b, "matrix_report_duration_seconds", "How long it took to build the report.", took.Seconds())
	single(b, "matrix_report_timestamp_seconds", "When the report was built, in seconds since 1970.", float64(r.GeneratedAt.UnixMilli())/1000)
	return b.Flush()
}

// withExpiry returns the findings with an expiry date whose matrix is not being
// deleted, each id once: Prometheus rejects a page with two equal series.
func withExpiry(findings []report.Finding) (all []*report.Finding) {
	type id struct{ account, node string }
	seen := make(map[id]bool, len(findings))
	for i := range findings {
		f := &findings[i]
		key := id{message.Visible(f.Account), message.Visible(f.NodeID)}
		if f.ExpiresAt.IsZero() || f.Status == report.StatusDeleting || f.Status == report.StatusDeleted || seen[key] {
			continue
		}
		seen[key] = true
		all = append(all, f)
	}
	return all
}

// completeRegions returns the regions of r and those that a problem names, and whether
// all their matrices were read.
func completeRegions(r report.Report) map[string]bool {
	complete := map[string]bool{}
	for _, id := range r.Regions {
		complete[message.Visible(id)] = true
	}
	for _, id := range r.UnreadRegions() {
		complete[message.Visible(id)] = false
	}
	delete(complete, "")
	return complete
}

// writeFindings writes the number of findings of each reason and severity.
func writeFindings(b *bufio.Writer, r report.Report) {
	type kind struct{ reason, severity string }
	count := map[kind]int{}
	for _, reason := range report.Reasons() {
		for _, severity := range report.Severities {
			count[kind{string(reason), string(severity)}] = 0
		}
	}
	for _, f := range r.Findings {
		if f.Reason != "" {
			count[kind{message.Visible(string(f.Reason)), message.Visible(string(f.Severity))}]++
		}
	}
	kinds := slices.SortedFunc(maps.Keys(count), func(a, b kind) int {
		return cmp.Or(cmp.Compare(a.reason, b.reason), cmp.Compare(a.severity, b.severity))
	})
	gauge(b, len(kinds), "matrix_findings", "Matrices that need attention, by their first reason and their severity.")
	for _, k := range kinds {
		sample(b, "matrix_findings", float64(count[k]), "reason", k.reason, "severity", k.severity)
	}
}

// gauge writes the header of a gauge, unless it has no samples.
func gauge(b *bufio.Writer, samples int, name, help string) {
	if samples > 0 {
		fmt.Fprintf(b, "# HELP %s %s\n# TYPE %[1]s gauge\n", name, help)
	}
}

// single writes a gauge with one sample.
func single(b *bufio.Writer, name, help string, value float64) {
	gauge(b, 1, name, help)
	sample(b, name, value)
}

func matrixSample(b *bufio.Writer, name string, f *report.Finding, value float64) {
	sample(b, name, value, "account", message.Visible(f.Account), "name", message.Visible(f.Name), "node_id", message.Visible(f.NodeID), "region", message.Visible(f.Region))
}

// sample writes one sample; labels are names, each followed by its value.
func sample(b *bufio.Writer, name string, value float64, labels ...string) {
	b.WriteString(name)
	separator := byte('{')
	for i := 0; i+1 < len(labels); i += 2 {
		b.WriteByte(separator)
		b.WriteString(labels[i])
		b.WriteString(`="`)
		escapeLabel.WriteString(b, labels[i+1])
		b.WriteByte('"')
		separator = ','
	}
	if len(labels) > 0 {
		b.WriteByte('}')
	}
	b.WriteByte(' ')
	b.Write(strconv.AppendFloat(b.AvailableBuffer(), value, 'f', -1, 64))
	b.WriteByte('\n')
}

// oneIf returns 1 for true.
func oneIf(is bool) float64 {
	if is {
		return 1
	}
	return 0
}

var escapeLabel = strings.NewReplacer(`\`, `\\`, `"`, `\"`, "\n", `\n`)
