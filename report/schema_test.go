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

// A schema is the part of JSON Schema that this test understands, and so the part
// that schema.json may use.
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

func load(t *testing.T) *schema { return loadFile(t, "schema.json") }

func loadFile(t *testing.T, name string) *schema {
	t.Helper()
	b, err := os.ReadFile(name)
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

// nullable are the maps that may be null in JSON. Pointers, times and dates may be
// null too; lists and the counts never are.
var nullable = []string{"tags"}

// The schema describes exactly what Go encodes.
func TestSchemaMatchesGo(t *testing.T) {
	for _, d := range drift(load(t), reflect.TypeFor[report.Report]()) {
		t.Error(d)
	}
}

// drift returns the differences between root and a Go type, with all the types
// that it contains.
func drift(root *schema, typ reflect.Type) []string {
	c := comparison{root: root, used: map[*schema]bool{}}
	c.object("report", root, typ)
	for name, s := range root.Defs {
		if !c.used[s] {
			c.fault("definition %s is not used", name)
		}
	}
	slices.Sort(c.faults)
	return c.faults
}

type comparison struct {
	root   *schema
	used   map[*schema]bool // the definitions that are referred to
	faults []string
}

func (c *comparison) fault(format string, args ...any) {
	c.faults = append(c.faults, fmt.Sprintf(format, args...))
}

// object compares s with the fields of a struct.
func (c *comparison) object(path string, s *schema, typ reflect.Type) {
	if string(s.AdditionalProperties) != "false" {
		c.fault("%s: schema allows additional properties", path)
	}
	if s.Description == "" {
		c.fault("%s has no description", path)
	}
	unclaimed := maps.Clone(s.Properties)
	for _, field := range reflect.VisibleFields(typ) {
		if field.Anonymous || field.Tag.Get("json") == "-" {
			continue // VisibleFields has the fields of an anonymous one too
		}
		name, options, _ := strings.Cut(field.Tag.Get("json"), ",")
		p := s.Properties[name]
		if p == nil || name == "" {
			c.fault("%s: schema has no %q for %s", path, name, field.Name)
			continue
		}
		delete(unclaimed, name)
		if p.Description == "" {
			c.fault("%s.%s has no description", path, name)
		}
		if required := slices.Contains(s.Required, name); required == (options == "omitempty") {
			c.fault("%s.%s: required is %t, the Go tag is %q", path, name, required, field.Tag)
		}
		c.value(path+"."+name, p, field.Type, slices.Contains(nullable, name))
	}
	for name := range unclaimed {
		c.fault("%s: Go encodes no %s", path, name)
	}
	for _, name := range s.Required {
		if s.Properties[name] == nil {
			c.fault("%s: %s is required but not a property", path, name)
		}
	}
}

// value compares s with a Go type, whose values may be null.
func (c *comparison) value(path string, s *schema, typ reflect.Type, null bool) {
	if typ.Kind() == reflect.Pointer {
		c.value(path, s, typ.Elem(), true)
		return
	}
	if len(s.AnyOf) == 2 && null && slices.Equal(s.AnyOf[1].Type, oneOrMore{"null"}) {
		c.value(path, s.AnyOf[0], typ, false)
		return
	}
	if name, ok := strings.CutPrefix(s.Ref, "#/$defs/"); ok {
		if s = c.root.Defs[name]; s == nil {
			c.fault("%s: no definition %s", path, name)
			return
		}
		c.used[s] = true
	}
	want, format := schemaType(typ)
	if want == "" {
		c.fault("%s: unsupported Go type %s", path, typ)
		return
	}
	types := oneOrMore{want}
	if null || format != "" {
		types = append(types, "null")
	}
	if !slices.Equal(s.Type, types) || s.Format != format {
		c.fault("%s: schema has %q %q, Go encodes %q %q", path, s.Type, s.Format, types, format)
	}
	switch want {
	case "array":
		if s.Items == nil {
			c.fault("%s: schema has no items", path)
			return
		}
		c.value(path+"[]", s.Items, typ.Elem(), false)
	case "object":
		if typ.Kind() == reflect.Struct {
			c.object(path, s, typ)
			return
		}
		var of schema
		if err := json.Unmarshal(s.AdditionalProperties, &of); err != nil {
			c.fault("%s: additionalProperties: %v", path, err)
			return
		}
		c.value(path+"{}", &of, typ.Elem(), false)
	}
}

// schemaType returns the type and format by which a schema describes a Go type.
func schemaType(typ reflect.Type) (name, format string) {
	switch typ {
	case reflect.TypeFor[report.Time]():
		return "string", "date-time"
	case reflect.TypeFor[report.Date]():
		return "string", "date"
	}
	return map[reflect.Kind]string{
		reflect.String: "string", reflect.Int: "integer", reflect.Bool: "boolean",
		reflect.Slice: "array", reflect.Map: "object", reflect.Struct: "object",
	}[typ.Kind()], ""
}

func TestSchemaReasons(t *testing.T) {
	s := load(t)
	var reasons, severities []string
	for _, reason := range report.Reasons() {
		reasons = append(reasons, string(reason))
	}
	for _, severity := range report.Severities {
		severities = append(severities, string(severity))
	}
	for _, reason := range reasons {
		if !strings.Contains(s.Defs["reason"].Description, reason+", ") {
			t.Errorf("the schema does not describe the reason %s", reason)
		}
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
		{"properties of counts", slices.Sorted(maps.Keys(counts.Properties)), slices.Sorted(slices.Values(append(reasons, "deleted")))},
	} {
		if !slices.Equal(c.got, c.want) {
			t.Errorf("%s: schema has %q, want %q", c.what, c.got, c.want)
		}
	}
	if got := s.Properties["version"].Const; got != float64(report.Version) || !strings.HasSuffix(s.ID, fmt.Sprint(":", report.Version)) {
		t.Errorf("schema has version %v and the id %s, want version %d", got, s.ID, report.Version)
	}
}

// The comparison with Go finds differences of every kind.
func TestSchemaDriftIsFound(t *testing.T) {
	type additional struct {
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
		{reflect.TypeFor[additional](), `schema has no "added"`},
		{reflect.TypeFor[otherTypes](), `report.total: schema has ["integer"] "", Go encodes ["integer" "null"]`},
		{reflect.TypeFor[otherTypes](), `report.days: schema has ["integer"]`},
		{reflect.TypeFor[otherTypes](), `report.listed: required is true`},
		{reflect.TypeFor[otherTypes](), `report.problems: schema has ["array"]`},
		{reflect.TypeFor[report.Thresholds](), `Go encodes no findings`},
	} {
		if got := strings.Join(drift(load(t), c.typ), "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s: got\n%s\nwant %q", c.typ, got, c.want)
		}
	}
	b, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ old, new, want string }{
		{`"phone_count": {`, `"phones": {`, "Go encodes no phones"},
		{`"$ref": "#/$defs/expiry"`, `"$ref": "#/$defs/finding"`, "definition expiry"},
		{`"description": "Its tags by key; null or empty if it has none."`, `"description": ""`, "finding"},
		{`"additionalProperties": false`, `"additionalProperties": true`, "allows additional properties"},
	} {
		changed := bytes.Replace(b, []byte(c.old), []byte(c.new), 1)
		if bytes.Equal(changed, b) {
			t.Fatalf("schema has no %s", c.old)
		}
		if got := strings.Join(drift(parse(t, changed), reflect.TypeFor[report.Report]()), "\n"); !strings.Contains(got, c.want) {
			t.Errorf("%s replaced by %s: got\n%s\nwant %q", c.old, c.new, got, c.want)
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

func TestSchemaRejects(t *testing.T) {
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
		"a count as text":   change(func(r, _ map[string]any) { r["counts"].(map[string]any)["failed"] = "1" }),
		"fractional phones": change(func(_, f map[string]any) { f["phone_count"] = 2.5 }),
	} {
		if err := compiled.Validate(v); err == nil {
			t.Errorf("%s is accepted", name)
		}
	}
	if err := compiled.Validate(change(func(_, f map[string]any) { f["status"] = "PAUSED 暂停" })); err != nil {
		t.Errorf("an undocumented status: %v", err)
	}
}

func compile(t *testing.T) *jsonschema.Schema { return compileFile(t, "schema.json") }

func compileFile(t *testing.T, name string) *jsonschema.Schema {
	t.Helper()
	c := jsonschema.NewCompiler()
	c.AssertFormat()
	s, err := c.Compile(name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func decode(t *testing.T, r any) any {
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

// reports returns reports of every shape, by name.
func reports() map[string]report.Report {
	now := time.Date(2026, 11, 22, 9, 0, 0, 0, time.UTC)
	in := func(days int) report.Time { return report.Time{Time: now.AddDate(0, 0, days)} }
	rules := report.Rules{Days: 30, Thresholds: report.Thresholds{CriticalDays: 3, WarningDays: 7}, StuckAfter: 24 * time.Hour, Location: time.FixedZone("Asia/Shanghai", 8*60*60), OwnerTag: "owner"}
	l := report.Listing{Total: 20, Regions: []string{"cn-hangzhou"}, Matrices: []*report.Matrix{
		{NodeID: "a", Status: report.StatusRunning, ExpiresAt: in(2), CreatedAt: in(-100), ModifiedAt: in(-1), PhoneCount: 25, Tags: map[string]string{"owner": "team-a"}},
		{NodeID: "b", Status: report.StatusFailed},
		{NodeID: "c", Status: "PAUSED", ExpiresAt: in(-2), Tags: map[string]string{}},
		{NodeID: "d", Status: report.StatusDeleting, ModifiedAt: in(-9)},
		{NodeID: "e", Status: report.StatusDeleted},
		{NodeID: "f", Status: report.StatusRunning, ExpiresAt: in(300)},
		{NodeID: "g", Status: report.StatusRunning, ExpiresRaw: "soon", BandwidthStatus: "2"},
		{NodeID: "h", Status: report.StatusFailed, ExpiresAt: report.Time{Time: time.Date(9999, 12, 31, 16, 0, 0, 0, time.UTC)}},
	}, Problems: []report.Problem{{Endpoint: "host", Region: "cn-shenzhen", Code: "Timeout", Message: "no answer", MayHideMatrices: true}}}
	full := report.Build(rules, l, now)
	full.Findings[0].Renewals = &report.Renewals{Times: 3, Least: -1, Most: 9}
	full.Deliveries = []report.Delivery{{Channel: "slack", Delivered: true, Messages: 1}, {Channel: "teams", Error: "no answer"}}
	withMatrices := full
	for _, m := range l.Matrices {
		withMatrices.Matrices = append(withMatrices.Matrices, *m)
	}
	withMatrices.Page, withMatrices.Pages = 1, 1
	return map[string]report.Report{
		"full":          full,
		"all matrices":  withMatrices,
		"warnings only": full.Filter(func(f report.Finding) bool { return f.Severity == report.Warning }),
		"empty":         report.Build(rules, report.Listing{}, now),
		"nothing read":  report.Build(rules, report.Listing{Problems: l.Problems}, now),
		"nothing to do": report.Build(rules, report.Listing{Matrices: l.Matrices[5:6]}, now),
	}
}
