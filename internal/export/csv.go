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

	"matrix-expiry-report/report"
)

// csvColumns are named as in the report's JSON, in an order that suits a
// reader. Programs find them by name, so a new one goes to the end.
var csvColumns = []struct {
	name string
	cell func(f report.Finding, ownerTag string) string
}{
	{"severity", func(f report.Finding, _ string) string { return text(string(f.Severity)) }},
	{"reason", func(f report.Finding, _ string) string { return text(string(f.Reason)) }},
	{"also", func(f report.Finding, _ string) string { return text(join(f.OtherReasons, " ")) }},
	{"node_id", func(f report.Finding, _ string) string { return text(f.NodeID) }},
	{"name", func(f report.Finding, _ string) string { return text(f.Name) }},
	{"account", func(f report.Finding, _ string) string { return text(f.Account) }},
	{"region", func(f report.Finding, _ string) string { return text(f.Region) }},
	{"status", func(f report.Finding, _ string) string { return text(f.Status) }},
	{"expires_at", func(f report.Finding, _ string) string { return instant(f.ExpiresAt) }},
	{"days_left", func(f report.Finding, _ string) string { return daysLeft(f) }},
	{"phone_count", func(f report.Finding, _ string) string { return strconv.Itoa(f.PhoneCount) }},
	{"server_type", func(f report.Finding, _ string) string { return text(f.ServerType) }},
	{"instance_type", func(f report.Finding, _ string) string { return text(f.InstanceType) }},
	{"owner", func(f report.Finding, ownerTag string) string { return text(f.Tags[ownerTag]) }},
	{"created_at", func(f report.Finding, _ string) string { return instant(f.CreatedAt) }},
	{"modified_at", func(f report.Finding, _ string) string { return instant(f.ModifiedAt) }},
	{"tags", func(f report.Finding, _ string) string { return text(tags(f.Tags)) }},
}

// CSV writes the findings of r as a table (RFC 4180, text/csv): a row of
// names, then one row a finding, in the order of the report. Owner is the
// value of the tag called ownerTag, also a list with spaces between, tags a
// JSON object, times RFC 3339; what is absent is empty.
//
// It is made for spreadsheets, which take UTF-8 for something else without a
// byte order mark and run a cell that begins like a formula: such a cell gets
// an apostrophe in front, and no cell holds a line break or anything
// invisible. Who wants the values as they are reads the JSON. A report's
// problems are not in it, so an incomplete report does not show.
//
// Any error is the writer's.
func CSV(w io.Writer, r report.Report, ownerTag string) error {
	if _, err := io.WriteString(w, "\ufeff"); err != nil {
		return err
	}
	table := csv.NewWriter(w)
	table.UseCRLF = true
	row := make([]string, len(csvColumns))
	for i, c := range csvColumns {
		row[i] = c.name
	}
	if err := table.Write(row); err != nil {
		return err
	}
	for _, f := range r.Findings {
		for i, c := range csvColumns {
			row[i] = c.cell(f, ownerTag)
		}
		if err := table.Write(row); err != nil {
			return err
		}
	}
	table.Flush()
	return table.Error()
}

// formula finds where a spreadsheet would begin one: at the start of a cell,
// and after what some locales take for the end of a cell. The characters are
// those of https://owasp.org/www-community/attacks/CSV_Injection, which wants
// the full-width ones, too, as Japanese locales run them.
var formula = sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(`((?:^|[,;|])[" ]*)([=+\-@＝＋－＠])`) })

// text is a cell that no spreadsheet runs.
func text(s string) string {
	cell := visible(s)
	if strings.ContainsAny(cell, ",;|") || strings.IndexAny(cell, `" =+-@＝＋－＠`) == 0 {
		cell = formula().ReplaceAllString(cell, "$1'$2")
	}
	if strings.HasPrefix(s, "\t") || strings.HasPrefix(s, "\r") || strings.HasPrefix(s, "\n") {
		if !strings.HasPrefix(cell, "'") { // OWASP counts these as beginnings, whatever follows
			cell = "'" + cell
		}
	}
	return cell
}

func instant(t report.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.Format(time.RFC3339)
}

func daysLeft(f report.Finding) string {
	if f.DaysLeft == nil {
		return ""
	}
	return strconv.Itoa(*f.DaysLeft)
}

func join(reasons []report.Reason, separator string) string {
	var b strings.Builder
	for i, reason := range reasons {
		if i > 0 {
			b.WriteString(separator)
		}
		b.WriteString(string(reason))
	}
	return b.String()
}

func tags(m map[string]string) string {
	if len(m) == 0 {
		return ""
	}
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false) // people read it
	_ = e.Encode(m)        // strings always can be
	return b.String()
}
