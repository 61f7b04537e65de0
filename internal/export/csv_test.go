package export

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"io"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"matrix-expiry-report/internal/message"
	"matrix-expiry-report/report"
)

func TestCSVText(t *testing.T) {
	for _, c := range []struct{ in, want string }{
		{"game-01", "game-01"},
		{"", ""},
		{"a=b", "a=b"},
		{"=1+1", "'=1+1"},
		{"+1", "'+1"},
		{"-1", "'-1"},
		{"@A1", "'@A1"},
		{"＝1", "'＝1"},
		{"＋1", "'＋1"},
		{"－1", "'－1"},
		{"＠1", "'＠1"},
		{"\tx", "'x"},
		{"\rx", "'x"},
		{"\nx", "'x"},
		{"\t=1", "'=1"},
		{" =1", "'=1"},
		{"\u202e=1", "'=1"},
		{"\u200d=1", "\u200d'=1"},
		{"\u200c\u200d @x", "\u200c\u200d '@x"},
		{"a;\u200d=1", "a;\u200d'=1"},
		{"\x00=1", "'=1"},
		{"a;=1", "a;'=1"},      // if semicolons separate cells
		{`a";"=1`, `a";"'=1`},  // and quotes are removed
		{"a,-b", "a,'-b"},      // for a reader without quotes
		{"a\n=1", "a =1"},      // no line breaks
		{"'=1", "'=1"},         // unchanged
		{"a\xffb", "a\uFFFDb"}, // not UTF-8
		{"👩‍👧 农场", "👩‍👧 农场"},
	} {
		if got := text(c.in); got != c.want {
			t.Errorf("%q: got %q, want %q", c.in, got, c.want)
		}
	}
}

func TestCSVFormat(t *testing.T) {
	b := write(t, CSV, scenarios()["usual"])
	if !bytes.HasPrefix(b, []byte("\xef\xbb\xbfseverity,reason,")) {
		t.Errorf("starts with %q, want a byte order mark and the header", b[:20])
	}
	if n := bytes.Count(b, []byte("\n")); n != bytes.Count(b, []byte("\r\n")) || bytes.Count(b, []byte("\r")) != n {
		t.Error("some lines do not end with CRLF")
	}
	rows := readCSV(t, b)
	column := func(row []string, name string) string { return row[slices.Index(rows[0], name)] }
	for _, row := range rows[1:] {
		switch column(row, "node_id") {
		case "cpn-expired":
			if got := column(row, "days_left"); got != "-3" {
				t.Errorf("days left %q, want the number -3", got)
			}
			if got := column(row, "expires_at"); got != "2026-11-19T09:00:00+08:00" {
				t.Errorf("expires at %q", got)
			}
			if got := column(row, "last_day") + " " + column(row, "expires_local"); got != "2026-11-19 2026-11-19 09:00:00" {
				t.Errorf("last day and local expiry %q", got)
			}
			if got := column(row, "owner") + column(row, "tags"); got != `team-a{"env":"prod","owner":"team-a"}` {
				t.Errorf("owner and tags %q", got)
			}
		case "cpn-failed":
			if got := column(row, "expires_at") + column(row, "days_left") + column(row, "last_day") + column(row, "expires_local"); got != "" {
				t.Errorf("without an expiry date: got %q, want nothing", got)
			}
		}
	}
}

// What expires at midnight in the report's time zone has the day before as its last
// day.
func TestCSVMidnight(t *testing.T) {
	m := matrix("cpn-1", 2)
	m.ExpiresAt = report.Time{Time: time.Date(2026, 11, 30, 16, 0, 0, 0, time.UTC)}
	rows := readCSV(t, write(t, CSV, report.Build(rules, report.Listing{Matrices: []*report.Matrix{m}}, now)))
	got := map[string]string{}
	for i, name := range rows[0] {
		got[name] = rows[1][i]
	}
	for name, want := range map[string]string{"expires_at": "2026-12-01T00:00:00+08:00", "expires_local": "2026-12-01 00:00:00", "last_day": "2026-11-30", "days_left": "8"} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

// The columns are the properties of a finding in JSON, and the expiry as spreadsheets
// read it.
func TestCSVColumns(t *testing.T) {
	b, err := json.Marshal(report.Finding{Change: report.New, Since: &report.Time{}})
	if err != nil {
		t.Fatal(err)
	}
	var f map[string]any
	if err := json.Unmarshal(b, &f); err != nil {
		t.Fatal(err)
	}
	names := readCSV(t, write(t, CSV, scenarios()["empty"]))[0]
	for _, name := range names {
		if _, ok := f[name]; !ok && name != "expires_local" {
			t.Errorf("the JSON has no %s", name)
		}
	}
	for name := range f {
		if !slices.Contains(names, name) {
			t.Errorf("the table has no column %s", name)
		}
	}
}

func TestCSVHostile(t *testing.T) {
	r := hostileReport()
	rows := readCSV(t, write(t, CSV, r))
	if len(rows) != len(r.Findings)+1 {
		t.Fatalf("%d rows for %d findings", len(rows), len(r.Findings))
	}
	for _, row := range rows {
		for i, cell := range row {
			if rows[0][i] != "days_left" && !harmless(cell) {
				t.Errorf("%s: a spreadsheet would evaluate %q", rows[0][i], cell)
			}
		}
	}
}

func FuzzCSVCell(f *testing.F) {
	for _, s := range hostile {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		m := matrix(s, 2)
		m.Name, m.Region, m.Status, m.Tags = s, s, s, map[string]string{"owner": s, s: s}
		rows := readCSV(t, write(t, CSV, report.Build(rules, report.Listing{Matrices: []*report.Matrix{m}}, now)))
		if m.Status == report.StatusDeleted || m.Status == report.StatusDeleting {
			return
		}
		if len(rows) != 2 {
			t.Fatalf("%d rows, want 2", len(rows))
		}
		for i, cell := range rows[1] {
			if !harmless(cell) {
				t.Errorf("%s: a spreadsheet would evaluate %q", rows[0][i], cell)
			}
		}
		if got, want := strings.ReplaceAll(rows[1][4], "'", ""), strings.ReplaceAll(message.Visible(s), "'", ""); got != want {
			t.Errorf("the name %q became %q", want, got)
		}
	})
}

var cellEnds = regexp.MustCompile(`[,;|\t\r\n]`)

// harmless reports whether no part of cell, however a reader splits it, starts a
// formula.
func harmless(cell string) bool {
	for _, part := range cellEnds.Split(cell, -1) {
		if part = strings.TrimLeft(part, " \"\u200c\u200d"); part != "" && strings.ContainsRune("=+-@＝＋－＠", []rune(part)[0]) {
			return false
		}
	}
	return !strings.ContainsAny(cell, "\t\r\n\x00")
}

func readCSV(t *testing.T, b []byte) [][]string {
	t.Helper()
	in := csv.NewReader(bytes.NewReader(bytes.TrimPrefix(b, []byte("\ufeff"))))
	var rows [][]string
	for {
		row, err := in.Read()
		if err == io.EOF {
			return rows
		}
		if err != nil {
			t.Fatal(err)
		}
		rows = append(rows, row)
	}
}
