package report_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"testing"
)

// Version 1 of the JSON is frozen, since other programs read it: a property keeps
// its name and type. Properties may be added; to change one takes a new version.
func TestVersion1IsFrozen(t *testing.T) {
	b, err := os.ReadFile("testdata/schema-v1.json")
	if err != nil {
		t.Fatal(err)
	}
	var then, now map[string]any
	if err := json.Unmarshal(b, &then); err != nil {
		t.Fatal(err)
	}
	if b, err = os.ReadFile("schema.json"); err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &now); err != nil {
		t.Fatal(err)
	}
	for _, broken := range broken("", then, now) {
		t.Error(broken)
	}
	// The check finds every change that breaks a reader.
	for name, change := range map[string]func(schema map[string]any){
		"a property is removed":       func(s map[string]any) { delete(s["properties"].(map[string]any), "total") },
		"a property changes its type": func(s map[string]any) { s["properties"].(map[string]any)["total"] = map[string]any{"type": "string"} },
		"a property becomes optional": func(s map[string]any) { s["required"] = []any{"version"} },
		"a definition is removed":     func(s map[string]any) { delete(s["$defs"].(map[string]any), "finding") },
		"a reason is renamed": func(s map[string]any) {
			s["$defs"].(map[string]any)["reason"].(map[string]any)["enum"] = []any{"lapsed"}
		},
	} {
		var other map[string]any
		if err := json.Unmarshal(b, &other); err != nil {
			t.Fatal(err)
		}
		change(other)
		if len(broken("", then, other)) == 0 {
			t.Errorf("not found: %s", name)
		}
	}
}

// broken lists what then has and now lacks or has changed. Titles and descriptions
// may change.
func broken(path string, then, now any) (faults []string) {
	switch then := then.(type) {
	case map[string]any:
		now, ok := now.(map[string]any)
		if !ok {
			return []string{path + " is not an object any more"}
		}
		for key, value := range then {
			if key == "description" || key == "title" {
				continue
			}
			if _, ok := now[key]; !ok {
				faults = append(faults, path+"/"+key+" is missing")
				continue
			}
			faults = append(faults, broken(path+"/"+key, value, now[key])...)
		}
	case []any: // required, enum, type
		now, _ := now.([]any)
		for _, value := range then {
			if !slices.ContainsFunc(now, func(v any) bool { return reflect.DeepEqual(v, value) }) {
				faults = append(faults, path+" lacks a value")
			}
		}
	default:
		if !reflect.DeepEqual(then, now) {
			faults = append(faults, path+" has another value")
		}
	}
	return faults
}
