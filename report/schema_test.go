package report_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"matrix-expiry-report/report"
)

// A schema is what this test knows of JSON Schema, and so what schema.json may
// use of it.
type schema struct {
	Schema      string `json:"$schema"`
	ID          string `json:"$id"`
	Title       string
	Ref         string             `json:"$ref"`
	Defs        map[string]*schema `json:"$defs"`
	Description string
	Type        oneOrMore
	Format      string
	Const       any
	Enum        []string
	Minimum     *int
	Properties  map[string]*schema
	Required    []string
	Items       *schema
	AnyOf       []*schema

	PropertyNames        *schema
	AdditionalProperties json.RawMessage
}

type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(o))
	}
	*o = make(oneOrMore, 1)
	return json.Unmarshal(b, &(*o)[0])
}

func load(t *testing.T) *schema {
	t.Helper()
	b, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return parse(t, b)
}

func parse(t *testing.T, b []byte) *schema {
	t.Helper()
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	s := &schema{}
	if err := d.Decode(s); err != nil {
		t.Fatal(err)
	}
	return s
}

// nullable are maps that may be null in JSON; of the rest, pointers and times
// may, lists and counts never are.
var nullable = []string{"tags"}

// What Go writes and what the schema says are the same, in both directions.
func TestSchemaDrift(t *testing.T) {
	for _, d := range drift(load(t), reflect.TypeFor[report.Report]()) {
		t.Error(d)
	}
}

// drift compares root with a Go type and every type that it is made of.
func drift(root *schema, typ reflect.Type) (faults []string) {
	fault := func(format string, args ...any) { faults = append(faults, fmt.Sprintf(format, args...)) }
	used := map[*schema]bool{}
	var object func(path string, s *schema, typ reflect.Type)
	var value func(path string, s *schema, typ reflect.Type, null bool)
	value = func(path string, s *schema, typ reflect.Type, null bool) {
		if typ.Kind() == reflect.Pointer {
			value(path, s, typ.Elem(), true)
			return
		}
		if len(s.AnyOf) == 2 && null && slices.Equal(s.AnyOf[1].Type, oneOrMore{"null"}) {
			value(path, s.AnyOf[0], typ, false)
			return
		}
		if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
			if s = root.Defs[name]; s == nil {
				fault("%s: there is no definition %s", path, name)
				return
			}
			used[s] = true
		}
		var want oneOrMore
		format := ""
		switch {
		case typ == reflect.TypeFor[report.Time]():
			want, format, null = oneOrMore{"string"}, "date-time", true
		case typ.Kind() == reflect.String:
			want = oneOrMore{"string"}
		case typ.Kind() == reflect.Int:
			want = oneOrMore{"integer"}
		case typ.Kind() == reflect.Bool:
			want = oneOrMore{"boolean"}
		case typ.Kind() == reflect.Slice:
			want = oneOrMore{"array"}
		case typ.Kind() == reflect.Map, typ.Kind() == reflect.Struct:
			want = oneOrMore{"object"}
		default:
			fault("%s: this test does not know the Go type %s", path, typ)
			return
		}
		if null {
			want = append(want, "null")
		}
		if !slices.Equal(s.Type, want) || s.Format != format {
			fault("%s: the schema says %q %q, Go writes %q %q", path, s.Type, s.Format, want, format)
		}
		switch typ.Kind() {
		case reflect.Slice:
			if s.Items == nil {
				fault("%s: the schema does not say of what", path)
				return
			}
			value(path+"[]", s.Items, typ.Elem(), false)
		case reflect.Map:
			var of schema
			if err := json.Unmarshal(s.AdditionalProperties, &of); err != nil {
				fault("%s: the schema does not say of what: %v", path, err)
				return
			}
			value(path+"{}", &of, typ.Elem(), false)
		case reflect.Struct:
			if typ != reflect.TypeFor[report.Time]() {
				object(path, s, typ)
			}
		}
	}
	object = func(path string, s *schema, typ reflect.Type) {
		if string(s.AdditionalProperties) != "false" {
			fault("%s: the schema lets further properties in", path)
		}
		if s.Description == "" {
			fault("%s is not described", path)
		}
		unclaimed := maps.Clone(s.Properties)
		for _, field := range reflect.VisibleFields(typ) {
			if field.Anonymous {
				continue // its fields are among the others
			}
			name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
			p := s.Properties[name]
			if p == nil || name == "" {
				fault("%s: the schema has no %q for %s", path, name, field.Name)
				continue
			}
			delete(unclaimed, name)
			if p.Description == "" {
				fault("%s.%s is not described", path, name)
			}
			if required := slices.Contains(s.Required, name); required == (options == "omitempty") {
				fault("%s.%s: required is %t, the Go tag is %q", path, name, required, field.Tag)
			}
			value(path+"."+name, p, field.Type, slices.Contains(nullable, name))
		}
		for name := range unclaimed {
			fault("%s: Go writes no %s", path, name)
		}
		for _, name := range s.Required {
			if s.Properties[name] == nil {
				fault("%s: %s is required and unknown", path, name)
			}
		}
	}
	object("report", root, typ)
	for name, s := range root.Defs {
		if !used[s] {
			fault("nothing uses the definition %s", name)
		}
	}
	slices.Sort(faults)
	return faults
}

func TestSchemaWords(t *testing.T) {
	s := load(t)
	var reasons, severities []string
	for _, reason := range report.Reasons() {
		reasons = append(reasons, string(reason))
	}
	for _, severity := range report.Severities {
		severities = append(severities, string(severity))
	}
	counts := s.Properties["counts"]
	for _, c := range []struct {
		what      string
		got, want []string
	}{
		{"reasons", s.Defs["reason"].Enum, reasons},
		{"severities", s.Defs["finding"].Properties["severity"].Enum, severities},
		{"names in counts", counts.PropertyNames.Enum, append(reasons, "deleted")},
		{"required counts", counts.Required, append(reasons, "deleted")},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: the schema has %q, Go %q", c.what, c.got, c.want)
		}
	}
	if got := s.Properties["version"].Const; got != float64(report.Version) || !strings.HasSuffix(s.ID, fmt.Sprint(":", report.Version)) {
		t.Errorf("the schema is of version %v and called %s, the report of %d", got, s.ID, report.Version)
	}
}

// A check that finds nothing may be one that looks at nothing.
func TestSchemaDriftIsSeen(t *testing.T) {
	type further struct {
		report.Report
		Added string `json:"added"`
	}
	type otherTypes struct {
		report.Report
		Total  *int     `json:"total"`
		Days   string   `json:"days"`
		Listed int      `json:"listed,omitempty"`
		Also   struct{} `json:"problems"`
	}
	for _, c := range []struct {
		typ  reflect.Type
		want string
	}{
		{reflect.TypeFor[further](), `the schema has no "added"`},
		{reflect.TypeFor[otherTypes](), `report.total: the schema says ["integer"] "", Go writes ["integer" "null"]`},
		{reflect.TypeFor[otherTypes](), `report.days: the schema says ["integer"]`},
		{reflect.TypeFor[otherTypes](), `report.listed: required is true`},
		{reflect.TypeFor[otherTypes](), `report.problems: the schema says ["array"]`},
		{reflect.TypeFor[report.Thresholds](), `Go writes no findings`},
	} {
		if got := strings.Join(drift(load(t), c.typ), "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: nobody says %q, only\n%s", c.typ, c.want, got)
		}
	}
	b, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"phone_count": {`, `"phones": {`, "Go writes no phones"},
		{`"$ref": "#/$defs/expiry"`, `"$ref": "#/$defs/finding"`, "definition expiry"},
		{`"description": "Its tags by key; null or empty if it has none."`, `"description": ""`, "finding"},
		{`"additionalProperties": false`, `"additionalProperties": true`, "lets further properties in"},
	} {
		changed := bytes.Replace(b, []byte(c.old), []byte(c.new), 1)
		if bytes.Equal(changed, b) {
			t.Fatalf("the schema has no %s", c.old)
		}
		if got := strings.Join(drift(parse(t, changed), reflect.TypeFor[report.Report]()), "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s for %s: nobody says %q, only\n%s", c.new, c.old, c.want, got)
		}
	}
}

func TestSchemaAccepts(t *testing.T) {
	compiled := compile(t)
	for name, r := range reports() {
		if err := compiled.Validate(decode(t, r)); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// What is no report of version 1 is refused.
func TestSchemaRefuses(t *testing.T) {
	compiled := compile(t)
	change := func(f func(r, finding map[string]any)) any {
		r := decode(t, reports()["full"]).(map[string]any)
		f(r, r["findings"].([]any)[0].(map[string]any))
		return r
	}
	for name, v := range map[string]any{
		"nothing":           map[string]any{},
		"another version":   change(func(r, _ map[string]any) { r["version"] = 2 }),
		"no findings":       change(func(r, _ map[string]any) { delete(r, "findings") }),
		"null findings":     change(func(r, _ map[string]any) { r["findings"] = nil }),
		"an unknown field":  change(func(r, _ map[string]any) { r["x"] = 1 }),
		"another reason":    change(func(_, f map[string]any) { f["reason"] = "tired" }),
		"another also":      change(func(_, f map[string]any) { f["also"] = []any{"tired"} }),
		"another severity":  change(func(_, f map[string]any) { f["severity"] = "mild" }),
		"an absent status":  change(func(_, f map[string]any) { delete(f, "status") }),
		"an empty time":     change(func(_, f map[string]any) { f["expires_at"] = "" }),
		"a time, no zone":   change(func(_, f map[string]any) { f["expires_at"] = "2026-11-22T09:00:00" }),
		"a tag of numbers":  change(func(_, f map[string]any) { f["tags"] = map[string]any{"a": 1} }),
		"days as text":      change(func(_, f map[string]any) { f["days_left"] = "2" }),
		"a further count":   change(func(r, _ map[string]any) { r["counts"].(map[string]any)["tired"] = 1 }),
		"a missing count":   change(func(r, _ map[string]any) { delete(r["counts"].(map[string]any), "deleted") }),
		"fractional phones": change(func(_, f map[string]any) { f["phone_count"] = 2.5 }),
	} {
		if err := compiled.Validate(v); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := compiled.Validate(change(func(_, f map[string]any) { f["status"] = "PAUSED 暂停" })); err != nil {
		t.Errorf("a status that the service adds: %v", err)
	}
}

func compile(t *testing.T) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decode(t *testing.T, r report.Report) any {
	t.Helper()
	b, err := json.Marshal(r)
	if err != nil {
		t.Fatal(err)
	}
	v, err := jsonschema.UnmarshalJSON(bytes.NewReader(b))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// reports are of every shape that the rules make.
func everything(r report.Report, l report.Listing) report.Report {
	r.Matrices, r.Page, r.Pages = l.Matrices, 1, 1
	return r
}

func reports() map[string]report.Report {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	in := func(days int) report.Time { return report.Time{Time: now.AddDate(0, 0, days)} }
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: time.FixedZone("Asia/Shanghai", 8*60*60)}
	l := report.Listing{Total: 20, Regions: []string{"cn-hangzhou"}, Matrices: []report.Matrix{
		{NodeID: "a", Status: report.StatusRunning, ExpiresAt: in(2), CreatedAt: in(-100), ModifiedAt: in(-1), PhoneCount: 25, Tags: map[string]string{"owner": "team-a"}},
		{NodeID: "b", Status: report.StatusFailed},
		{NodeID: "c", Status: "PAUSED", ExpiresAt: in(-2), Tags: map[string]string{}},
		{NodeID: "d", Status: report.StatusDeleting, ModifiedAt: in(-9)},
		{NodeID: "e", Status: report.StatusDeleted},
		{NodeID: "f", Status: report.StatusRunning, ExpiresAt: in(300)},
	}, Problems: []report.Problem{{Endpoint: "host", Region: "cn-shenzhen", Code: "Timeout", Message: "no answer", MayHideMatrices: true}}}
	full := report.Build(rules, l, now)
	full.Deliveries = []report.Delivery{{Channel: "slack", Delivered: true, Messages: 1}, {Channel: "teams", Error: "no answer"}}
	return map[string]report.Report{
		"full":          full,
		"with all":      everything(full, l),
		"of one kind":   full.Filter(func(f report.Finding) bool { return f.Severity == report.Warning }),
		"empty":         report.Build(rules, report.Listing{}, now),
		"nothing read":  report.Build(rules, report.Listing{Problems: l.Problems}, now),
		"nothing to do": report.Build(rules, report.Listing{Matrices: l.Matrices[5:]}, now),
	}
}
