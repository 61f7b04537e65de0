package deploy

import (
	"encoding/json"
	"encoding/xml"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// A policy allows only reading, and changes to what belongs to this program, and
// its README explains it.
func TestPoliciesAreMinimalAndExplained(t *testing.T) {
	files, err := filepath.Glob("ram/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	explained, err := os.ReadFile("ram/README.md")
	if err != nil {
		t.Fatal(err)
	}
	trustActions := []string{"sts:AssumeRole"}
	for _, file := range files {
		if !strings.Contains(string(explained), "`"+filepath.Base(file)+"`") {
			t.Errorf("ram/README.md does not explain %s", file)
		}
		for _, s := range readPolicy(t, file).Statement {
			trust := strings.HasSuffix(file, "-trust.json")
			if s.Effect != "Allow" || len(s.Action) == 0 || trust != (len(s.Principal) == 1) || trust == (len(s.Resource) > 0) {
				t.Errorf("%s: %+v", file, s)
			}
			for _, action := range s.Action {
				service, name, _ := strings.Cut(action, ":")
				reads := strings.HasPrefix(name, "Describe") || strings.HasPrefix(name, "Get") || strings.HasPrefix(name, "List")
				own := slices.ContainsFunc(s.Resource, func(r string) bool {
					return strings.Contains(r, "/matrix-expiry-report") || strings.HasSuffix(r, "project/serverless-*")
				})
				switch {
				case strings.Contains(action, "*"):
					t.Errorf("%s allows %s", file, action)
				case !reads && !own && !(trust && slices.Contains(trustActions, action)):
					t.Errorf("%s allows %s on %v", file, action, s.Resource)
				case action == "ram:PassRole" && s.Condition == nil:
					t.Errorf("%s passes the role to any service", file)
				}
				if !strings.Contains(string(explained), service+":") {
					t.Errorf("ram/README.md does not explain %s of %s", action, file)
				}
			}
		}
	}
}

// Actions that a policy must allow or must not have, and on what.
func TestPolicyActions(t *testing.T) {
	const mine = "acs:fc:*:*:functions/matrix-expiry-report*"
	for _, tt := range []struct{ file, action, resource string }{
		{"deployer.json", "fc:GetTempBucketToken", "*"}, // the upload of the code belongs to no function
		{"deployer.json", "fc:CreateFunction", mine},
		{"deployer.json", "fc:CreateTrigger", mine},
		{"deployer.json", "fc:PutAsyncInvokeConfig", mine},
		{"deployer.json", "log:GetLogStoreLogs", "acs:log:*:*:project/serverless-*"}, // s logs
		{"deployer.json", "fc:ListFunctions", ""},                                    // never called
		{"function.json", "ecd:DescribeCloudPhoneNodes", "*"},
		{"function.json", "ecd:DescribeRegions", "*"},
		{"function.json", "eds-aic:DescribeCloudPhoneNodes", "*"},
		{"function.json", "eds-aic:DescribeRegions", "*"},
		{"function.json", "oss:PutObject", "acs:oss:*:*:BUCKET/matrix-expiry-report/*"},
		{"function.json", "oss:GetObject", "acs:oss:*:*:BUCKET/matrix-expiry-report/*"},
		{"function.json", "oss:DeleteObject", "acs:oss:*:*:BUCKET/matrix-expiry-report/*"},
		{"function.json", "oss:ListObjects", "acs:oss:*:*:BUCKET"},
		{"member-account.json", "ecd:DescribeCloudPhoneNodes", "*"},
		{"member-account.json", "ecd:DescribeRegions", "*"},
		{"member-account.json", "eds-aic:DescribeCloudPhoneNodes", "*"},
		{"member-account.json", "eds-aic:DescribeRegions", "*"},
	} {
		got := ""
		for _, s := range readPolicy(t, "ram/"+tt.file).Statement {
			if slices.Contains(s.Action, tt.action) {
				got = strings.Join(s.Resource, " ")
			}
		}
		if got != tt.resource {
			t.Errorf("%s allows %s on %q, want %q", tt.file, tt.action, got, tt.resource)
		}
	}
}

// The role lists only what the program stored, and the rule that removes old
// objects covers the same names. The program itself keeps records for 90 days.
func TestStateStoreHasOnePrefix(t *testing.T) {
	const prefix = "matrix-expiry-report/"
	listed := false
	for _, s := range readPolicy(t, "ram/function.json").Statement {
		if slices.Contains(s.Action, "oss:ListObjects") {
			condition, _ := s.Condition["StringLike"].(map[string]any)
			listed = condition["oss:Prefix"] == prefix+"*"
		}
	}
	if !listed {
		t.Error("function.json lists objects of any prefix")
	}
	b, err := os.ReadFile("oss/lifecycle.xml")
	if err != nil {
		t.Fatal(err)
	}
	var rules struct {
		Rule []struct {
			Prefix, Status string
			Days           int `xml:"Expiration>Days"`
		}
	}
	if err := xml.Unmarshal(b, &rules); err != nil || len(rules.Rule) != 1 {
		t.Fatalf("lifecycle.xml has %d rules (%v), want 1", len(rules.Rule), err)
	}
	if r := rules.Rule[0]; r.Prefix != prefix || r.Status != "Enabled" || r.Days <= 90 {
		t.Errorf("the rule of lifecycle.xml is %+v", r)
	}
}

type policy struct {
	Version   string
	Statement []struct {
		Effect    string
		Action    oneOrMore
		Resource  oneOrMore
		Principal map[string][]string
		Condition map[string]any
	}
}

func readPolicy(t *testing.T, file string) (p policy) {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(b, &p); err != nil || p.Version != "1" || len(p.Statement) == 0 {
		t.Fatalf("%s: %v", file, err)
	}
	return p
}

// oneOrMore is a string or an array of strings.
type oneOrMore []string

func (o *oneOrMore) UnmarshalJSON(b []byte) error {
	if b[0] == '[' {
		return json.Unmarshal(b, (*[]string)(o))
	}
	*o = make(oneOrMore, 1)
	return json.Unmarshal(b, &(*o)[0])
}
