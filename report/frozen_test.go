package report_test

import (
	"encoding/json"
	"os"
	"reflect"
	"slices"
	"testing"
)

// Version 1 of the JSON is frozen: what it had, it goes on to have, of the same
// kind. Programs of others read it. New properties may come, a changed one is a
// new version.
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
	// The check itself sees what would break somebody.
	for name, change := range map[string]func(schema map[string]any){
		"a property goes":        func(s map[string]any) { delete(s["properties"].(map[string]any), "total") },
		"a property changes":     func(s map[string]any) { s["properties"].(map[string]any)["total"] = map[string]any{"type": "string"} },
		"a property may be gone": func(s map[string]any) { s["required"] = []any{"version"} },
		"a kind of finding goes": func(s map[string]any) { delete(s["$defs"].(map[string]any), "finding") },
		"a reason is called anew": func(s map[string]any) {
			s["$defs"].(map[string]any)["reason"].(map[string]any)["enum"] = []any{"lapsed"}
		},
	} {
		var other map[string]any
		if err := json.Unmarshal(b, &other); err != nil {
			t.Fatal(err)
		}
		change(other)
		if len(broken("", then, other)) == 0 {
			t.Errorf("%s, and nobody sees it", name)
		}
	}
}

// broken lists where now takes away or changes what then promised. Words for
// people may change.
func broken(path string, then, now any) (faults []string) {
	switch then := then.(type) {
	case map[string]any:
		now, ok := now.(map[string]any)
		if !ok {
			return []string{path + " is of another kind"}
		}
		for key, value := range then {
			if key == "description" || key == "title" {
				continue
			}
			if _, ok := now[key]; !ok {
				faults = append(faults, path+"/"+key+" is gone")
				continue
			}
			faults = append(faults, broken(path+"/"+key, value, now[key])...)
		}
	case []any: // required, enum, type: none may go
		now, _ := now.([]any)
		for _, value := range then {
			if !slices.ContainsFunc(now, func(v any) bool { return reflect.DeepEqual(v, value) }) {
				faults = append(faults, path+" has lost a value")
			}
		}
	default:
		if !reflect.DeepEqual(then, now) {
			faults = append(faults, path+" is another value")
		}
	}
	return faults
}
