package message

import (
	"fmt"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"matrix-expiry-report/report"
)

func someReport(findings int) report.Report {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	l := report.Listing{Total: findings}
	for i := range findings {
		l.Matrices = append(l.Matrices, report.Matrix{
			NodeID: fmt.Sprintf("cpn-%05d", i), Name: fmt.Sprintf("m-%d", i), Region: "cn-hangzhou", Status: "RUNNING", PhoneCount: 25, InstanceType: fmt.Sprint("unlike-", i),
			ExpiresAt: report.Time{Time: now.AddDate(0, 0, 1+i%30)},
		})
	}
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: time.UTC}
	return report.Build(rules, l, now)
}

// A file of the user's replaces the parts that it defines, and only those.
func TestOwnTemplates(t *testing.T) {
	own := fstest.MapFS{
		"message.tmpl":  {Data: []byte(`{{define "heading"}}[{{.Title}}: {{.Count}}]{{end}}`)},
		"dingtalk.tmpl": {Data: []byte(`{{define "row"}}{{bold .Name}} {{.Why}} {{if eq .Severity "critical"}}NOW{{end}}{{end}}`)},
	}
	o := Options{Language: "en", Own: own}
	for format, want := range map[string][]string{
		"dingtalk": {"[Expires within 3 days: 3]", "**m-0** Mon 23 Nov 09:00, tomorrow NOW"},
		"slack":    {"[Expires within 3 days: 3]", "cpn-00000"},
	} {
		d, err := Compose(format, someReport(5), o)
		if err != nil {
			t.Fatal(err)
		}
		m, err := d.Whole()
		if err != nil {
			t.Fatal(err)
		}
		text := strings.Join(m.Lead, "\n") + m.Groups[0].Heading + m.Groups[0].Rows[0]
		for _, w := range want {
			if !strings.Contains(text, w) {
				t.Errorf("%s: no %q in %q", format, w, text)
			}
		}
		if strings.Contains(text, "TemplateRefused") {
			t.Errorf("%s: refused: %s", format, text)
		}
	}
}

// What cannot be used costs nobody the message, which says what is wrong.
func TestOwnTemplatesThatCannotBeUsed(t *testing.T) {
	for name, c := range map[string]struct{ text, says string }{
		"does not parse":       {`{{define "row"}}{{.Name}`, "slack.tmpl:1"},
		"an unknown field":     {`{{define "row"}}{{.Nmae}}{{end}}`, "slack.tmpl:1:18: Row has no .Nmae"},
		"an unknown function":  {`{{define "row"}}{{env "HOME"}}{{end}}`, `"env" not defined`},
		"an unknown message":   {`{{define "row"}}{{t "nonsense"}}{{end}}`, "nonsense"},
		"fails on some rows":   {`{{define "row"}}{{if eq .ID "cpn-00199"}}{{.Oops}}{{end}}{{end}}`, "Row has no .Oops"},
		"runs for ever":        {`{{define "foot"}}{{template "foot" .}}{{end}}`, "it does too much"},
		"prints for ever":      {`{{define "row"}}` + strings.Repeat("x", 9000) + `{{end}}`, "it does too much"},
		"reaches for a method": {`{{define "foot"}}{{.Severity.String}}{{end}}`, "there is no .String"},
	} {
		t.Run(name, func(t *testing.T) {
			o := Options{Language: "en", Own: fstest.MapFS{"slack.tmpl": {Data: []byte(c.text)}}}
			d, err := Compose("slack", someReport(200), o)
			if err != nil {
				t.Fatal(err)
			}
			m, err := d.Whole()
			if err != nil {
				t.Fatal(err)
			}
			lead := strings.Join(m.Lead, "\n")
			if !strings.Contains(lead, "TemplateRefused") || !strings.Contains(lead, c.says) {
				t.Errorf("the message does not say %q:\n%s", c.says, lead)
			}
			if !strings.Contains(m.Title, "expire within 3 days") || len(m.Groups) != 3 {
				t.Errorf("not the built-in message: %s, %d groups", m.Title, len(m.Groups))
			}
		})
	}
}

// Whatever a user's template does, somebody gets the message, and it is true.
func TestOwnTemplatesThatMakeNoSense(t *testing.T) {
	l := report.Listing{Matrices: []report.Matrix{expiring("farm", 2)}}
	for name, text := range map[string]string{
		"nothing where a value is wanted": `{{define "x"}}{{bold $}}{{end}}{{define "row"}}{{template "x"}}{{end}}`,
		"an empty title":                  `{{define "title"}}{{end}}`,
	} {
		own := fstest.MapFS{"message.tmpl": {Data: []byte(text)}}
		for _, format := range []string{"slack", "dingtalk", "feishu"} {
			d, err := Compose(format, pageReport(l), Options{Language: "en", OwnerTag: "owner", Own: own})
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			if m, err := d.Whole(); err != nil || !strings.Contains(m.Title, "1 expires within 3 days") || !strings.Contains(fmt.Sprint(m.Lead), "TemplateRefused") {
				t.Errorf("%s: %v, %v", name, m, err)
			}
		}
	}
	own := fstest.MapFS{"message.tmpl": {Data: []byte(`{{define "title"}}{{.Needing}} of {{.Total}} need you{{end}}`)}}
	for what, o := range map[string]Options{"No report today": {}, "did not reach": {Undelivered: true}, "A test of": {Test: true}} {
		o.Language, o.Own = "en", own
		r := pageReport(report.Listing{Problems: []report.Problem{{Code: "Forbidden", MayHideMatrices: true}}})
		r.Deliveries = []report.Delivery{{Channel: "slack"}}
		d, err := Compose("dingtalk", r, o)
		if err != nil {
			t.Fatal(err)
		}
		if m, err := d.Whole(); err != nil || !strings.Contains(m.Title, what) {
			t.Errorf("%q, %v; want %q", m.Title, err, what)
		}
	}
}

// Of matrices that look alike, those that failed on other days do not.
func TestFoldingKeepsDays(t *testing.T) {
	var l report.Listing
	for i := range 40 {
		l.Matrices = append(l.Matrices, report.Matrix{NodeID: fmt.Sprint("cpn-", i), Status: "FAILED", CreatedAt: report.Time{Time: pageNow.AddDate(0, 0, -i/10)}})
	}
	d, err := Compose("slack", pageReport(l), Options{Language: "en", OwnerTag: "owner"})
	if err != nil {
		t.Fatal(err)
	}
	m, err := d.Whole()
	if err != nil || len(m.Groups) != 1 || len(m.Groups[0].Rows) != 4 {
		t.Errorf("%v, %v; want a row for each of four days", m.Groups, err)
	}
}
