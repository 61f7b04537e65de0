package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

// csvColumns have the names of the report's JSON. Programs find them by name, but
// spreadsheets by position, so a new column is added at the end.
var csvColumns = []struct {
	name string
	cell func(f *report.Finding) string
}{
	{"severity", func(f *report.Finding) string { return text(string(f.Severity)) }},
	{"reason", func(f *report.Finding) string { return text(string(f.Reason)) }},
	{"also", func(f *report.Finding) string { return text(join(f.OtherReasons, " ")) }},
	{"node_id", func(f *report.Finding) string { return text(f.NodeID) }},
	{"name", func(f *report.Finding) string { return text(f.Name) }},
	{"account", func(f *report.Finding) string { return text(f.Account) }},
	{"region", func(f *report.Finding) string { return text(f.Region) }},
	{"status", func(f *report.Finding) string { return text(f.Status) }},
	{"expires_at", func(f *report.Finding) string { return formatted(f.ExpiresAt, time.RFC3339) }},
	{"days_left", func(f *report.Finding) string { return daysLeft(f) }},
	{"phone_count", func(f *report.Finding) string { return strconv.Itoa(f.PhoneCount) }},
	{"server_type", func(f *report.Finding) string { return text(f.ServerType) }},
	{"instance_type", func(f *report.Finding) string { return text(f.InstanceType) }},
	{"owner", func(f *report.Finding) string { return text(f.Owner) }},
	{"created_at", func(f *report.Finding) string { return formatted(f.CreatedAt, time.RFC3339) }},
	{"modified_at", func(f *report.Finding) string { return formatted(f.ModifiedAt, time.RFC3339) }},
	{"tags", func(f *report.Finding) string { return text(tags(f.Tags)) }},
	{"expires_raw", func(f *report.Finding) string { return text(f.ExpiresRaw) }},
	{"bandwidth_status", func(f *report.Finding) string { return text(f.BandwidthStatus) }},
	{"last_day", func(f *report.Finding) string { return f.LastDay.String() }},
	{"expires_local", func(f *report.Finding) string { return formatted(f.ExpiresAt, time.DateTime) }},
	{"change", func(f *report.Finding) string { return text(string(f.Change)) }},
	{"since", func(f *report.Finding) string {
		if f.Since == nil {
			return ""
		}
		return formatted(*f.Since, time.RFC3339)
	}},
}

// CSV writes the findings of r as a table (RFC 4180, text/csv): a header, then one
// row per finding in the order of the report. The column "also" holds the further
// reasons, separated by spaces, and "tags" a JSON object. Times are in RFC 3339, and
// absent values are empty. Spreadsheets read "last_day" as a date, and
// "expires_local", the expiry in the report's time zone, as a date and time.
//
// The table is made for spreadsheets. They need a byte order mark to detect UTF-8,
// and evaluate a cell that looks like a formula: such a cell gets a leading
// apostrophe, and cells have no line breaks or invisible characters. For exact
// values use the JSON. The table has no problems, so it does not show that a report
// is incomplete.
//
// CSV returns only errors of w.
func CSV(w io.Writer, r report.Report) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	table := csv.NewWriter(w)
	table.UseCRLF = true
	row := make([]string, len(csvColumns))
	for i, c := range csvColumns {
		row[i] = c.name
	}
	_ = table.Write(row) // its error is that of table.Error
	for i := range r.Findings {
		for column, c := range csvColumns {
			row[column] = c.cell(&r.Findings[i])
		}
		_ = table.Write(row)
	}
	table.Flush()
	return table.Error()
}

// formula matches the start of a formula: at the start of a cell, and after the
// characters that separate cells in some locales. The characters are those of
// https://owasp.org/www-community/attacks/CSV_Injection, with their full-width
// forms, which Japanese locales evaluate. Joiners may be in front, as spreadsheets
// ignore them.
var formula = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`((?:^|[,;|])[" \x{200c}\x{200d}]*)([=+\-@＝＋－＠])`)
})

// text returns s as a cell that no spreadsheet evaluates.
func text(s string) string {
	cell := message.Visible(s)
	if strings.ContainsAny(cell, ",;|") || strings.IndexAny(cell, "\" =+-@＝＋－＠\u200c\u200d") == 0 { // else formula cannot match
		cell = formula().ReplaceAllString(cell, "$1'$2")
	}
	if strings.IndexAny(s, "\t\r\n") == 0 && !strings.HasPrefix(cell, "'") { // OWASP lists these too, whatever follows them
		cell = "'" + cell
	}
	return cell
}

func formatted(t report.Time, layout string) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(layout)
}

func daysLeft(f *report.Finding) string {
	if f.DaysLeft == nil {
		return ""
	}
	return strconv.Itoa(*f.DaysLeft)
}

func join(reasons []report.Reason, separator string) string {
	names := make([]string, len(reasons))
	for i, reason := range reasons {
		names[i] = string(reason)
	}
	return strings.Join(names, separator)
}

func tags(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read the table
	_ = e.Encode(m)        // strings cannot fail to encode
	return b.String()
}
