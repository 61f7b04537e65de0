package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// The policies allow what they are for and nothing more, and each is explained.
func TestPolicies(t *testing.T) {
	files, err := filepath.Glob("deploy/ram/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	explained, err := os.ReadFile("deploy/ram/README.md")
	if err != nil {
		t.Fatal(err)
	}
	everything := []string{"mns:SendMessage", "ram:PassRole", "sts:AssumeRole"} // that is neither reading nor of this function
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var policy struct {
			Version   string
			Statement []struct {
				Effect    string
				Action    oneOrMore
				Resource  oneOrMore
				Principal map[string][]string
				Condition map[string]any
			}
		}
		if err := json.Unmarshal(b, &policy); err != nil || policy.Version != "1" || len(policy.Statement) == 0 {
			t.Fatalf("%s: %v", file, err)
		}
		if !strings.Contains(string(explained), "`"+filepath.Base(file)+"`") {
			t.Errorf("%s is not explained", file)
		}
		for _, s := range policy.Statement {
			trust := strings.HasSuffix(file, "-trust.json")
			if s.Effect != "Allow" || len(s.Action) == 0 || trust != (len(s.Principal) == 1) || trust == (len(s.Resource) > 0) {
				t.Errorf("%s: %+v", file, s)
			}
			for _, action := range s.Action {
				service, name, _ := strings.Cut(action, ":")
				reads := strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List")
				mine := slices.ContainsFunc(s.Resource, func(r string) bool {
					return strings.Contains(r, "/matrix-expiry-report") || strings.HasSuffix(r, "project/serverless-*")
				})
				switch {
				case strings.Contains(action, "*"):
					t.Errorf("%s allows %s", file, action)
				case !reads && !mine && !(trust && slices.Contains(everything, action)):
					t.Errorf("%s allows %s on %v", file, action, s.Resource)
				case action == "ram:PassRole" && s.Condition == nil:
					t.Errorf("%s passes the role to whatever service", file)
				}
				if !strings.Contains(string(explained), service+":") {
					t.Errorf("nothing explains %s of %s", action, file)
				}
			}
		}
	}
}

type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(o))
	}
	*o = make(oneOrMore, 1)
	return json.Unmarshal(b, &(*o)[0])
}
