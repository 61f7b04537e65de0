package report_test

import (
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"

	"matrix-expiry-report/internal/npmtest"
)

// ajv in strict mode, the usual validator of JavaScript, accepts the schema and every
// report. It rejects them if the schema lacks a field.
func TestSchemaInStrictAjv(t *testing.T) {
	t.Parallel()
	modules := npmtest.Install(t, "ajv@8.20.0", "ajv-formats@3.0.1")
	b, err := os.ReadFile("schema.json")
	if err != nil {
		t.Fatal(err)
	}
	type object = map[string]any
	change := func(f func(schema, finding object)) any {
		var schema object
		if err := json.Unmarshal(b, &schema); err != nil {
			t.Fatal(err)
		}
		f(schema, schema["$defs"].(object)["finding"].(object))
		return schema
	}
	remove := func(of object, name string) {
		delete(of["properties"].(object), name)
		of["required"] = slices.DeleteFunc(of["required"].([]any), func(v any) bool { return v == name })
	}
	schemas := object{
		"schema":                   json.RawMessage(b),
		"without owner":            change(func(_, finding object) { remove(finding, "owner") }),
		"without total":            change(func(schema, _ object) { remove(schema, "total") }),
		"without a required field": change(func(_, finding object) { delete(finding["properties"].(object), "owner") }),
		"with an unknown format":   change(func(_, finding object) { finding["properties"].(object)["last_day"].(object)["format"] = "day" }),
		"with an unknown keyword":  change(func(schema, _ object) { schema["requires"] = []any{"version"} }),
	}
	found := ajv(t, modules, object{"schemas": schemas, "reports": reports()})
	if s := found["schema"]; s.Error != "" || len(s.Reports) > 0 || len(found) != len(schemas) {
		t.Errorf("the schema: %q, the reports: %q", s.Error, s.Reports)
	}
	for name, want := range map[string]string{
		"without owner":            "data/findings/0 must NOT have additional properties",
		"without total":            "data must NOT have additional properties",
		"without a required field": `required property "owner" is not defined`,
		"with an unknown format":   `unknown format "day"`,
		"with an unknown keyword":  `unknown keyword: "requires"`,
	} {
		if got := found[name].Error + found[name].Reports["full"]; !strings.Contains(got, want) {
			t.Errorf("%s: got %q, want %q", name, got, want)
		}
	}
}

// A verdict is what ajv finds with one schema.
type verdict struct {
	Error   string            // of the schema
	Reports map[string]string // the errors of each invalid report
}

// ajv validates reports with each schema.
func ajv(t *testing.T, modules string, input any) (found map[string]verdict) {
	t.Helper()
	b, err := json.Marshal(input)
	if err != nil {
		t.Fatal(err)
	}
	node := exec.CommandContext(t.Context(), "node", "testdata/ajv.cjs", modules)
	node.Stdin, node.Stderr = bytes.NewReader(b), t.Output()
	out, err := node.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &found); err != nil {
		t.Fatal(err)
	}
	return found
}
