// Package deploy tests s.yaml, the RAM policies, the examples and the workflows.
package deploy

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
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

// Workflows use pinned actions and have only the permissions that they need.
func TestWorkflows(t *testing.T) {
	files, err := filepath.Glob("../.github/workflows/*.yml")
	if err != nil || len(files) < 2 {
		t.Fatal(files, err)
	}
	pinned := regexp.MustCompile(`^\s*- uses: actions/[a-z-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, file := range files {
		b, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		var w struct {
			On          any
			Permissions map[string]string
			Jobs        map[string]struct {
				Permissions map[string]string
				Steps       []struct {
					Uses, Run string
					With      map[string]any
				}
			}
		}
		if err := yaml.Unmarshal(b, &w); err != nil {
			t.Fatalf("%s: %v", file, err)
		}
		if len(w.Permissions) != 1 || w.Permissions["contents"] != "read" {
			t.Errorf("%s: the permissions are %v, want contents: read", file, w.Permissions)
		}
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSuffix(line, "\n"); strings.Contains(line, "uses:") && !pinned.MatchString(line) {
				t.Errorf("%s: %s is not pinned", file, line)
			}
		}
		runs := ""
		for name, job := range w.Jobs {
			if len(job.Permissions) > 0 && !(name == "release" && len(job.Permissions) == 1) {
				t.Errorf("%s: the job %s has the permissions %v", file, name, job.Permissions)
			}
			for _, step := range job.Steps {
				runs += step.Run + "\n"
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
					t.Errorf("%s: the job %s persists its credentials", file, name)
				}
			}
		}
		if !strings.Contains(runs, ".ci/run") {
			t.Errorf("%s does not run .ci/run", file)
		}
		for _, command := range regexp.MustCompile(`(?:\./internal/[a-z]+|\.ci/run)`).FindAllString(runs, -1) {
			if _, err := os.Stat(filepath.Join("..", command)); err != nil {
				t.Errorf("%s runs %s: %v", file, command, err)
			}
		}
	}
}

// The notes of a release are the section of its version in CHANGELOG.md.
func TestReleaseNotes(t *testing.T) {
	b, err := os.ReadFile("../.github/workflows/release.yml")
	if err != nil {
		t.Fatal(err)
	}
	command := regexp.MustCompile(`- run: (awk .*)`).FindSubmatch(b)
	if command == nil {
		t.Fatal("release.yml does not extract the notes")
	}
	dir := t.TempDir()
	changelog := "# Changelog\n\n## [Unreleased]\n\n- c\n\n## [1.1.0] - 2027-01-02\n\n### Added\n\n- b\n\n## [1.0.0] - 2027-01-01\n\n- a\n"
	if err := errors.Join(os.WriteFile(dir+"/CHANGELOG.md", []byte(changelog), 0o644), os.Mkdir(dir+"/dist", 0o755)); err != nil {
		t.Fatal(err)
	}
	for version, want := range map[string]string{"v1.1.0": "### Added\n\n- b", "v1.0.0": "- a"} {
		cmd := exec.Command("bash", "-c", string(command[1]))
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GITHUB_REF_NAME="+version)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		notes, err := os.ReadFile(dir + "/dist/notes.md")
		if got := strings.TrimSpace(string(notes)); err != nil || got != want {
			t.Errorf("%s: the notes are %q, want %q (%v)", version, got, want, err)
		}
	}
}

func TestCronJobIsRestrictedAndNotRepeated(t *testing.T) {
	b, err := os.ReadFile("kubernetes/cronjob.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var job struct {
		APIVersion string `yaml:"apiVersion"`
		Kind       string
		Spec       struct {
			Schedule, TimeZone, ConcurrencyPolicy string
			JobTemplate                           struct {
				Spec struct {
					BackoffLimit     int `yaml:"backoffLimit"`
					PodFailurePolicy struct {
						Rules []struct {
							Action      string
							OnExitCodes struct {
								ContainerName, Operator string
								Values                  []int
							} `yaml:"onExitCodes"`
						}
					} `yaml:"podFailurePolicy"`
					Template struct {
						Spec struct {
							RestartPolicy string `yaml:"restartPolicy"`
							Containers    []struct {
								Name            string
								Args            []string
								SecurityContext map[string]any `yaml:"securityContext"`
							}
						}
					}
				}
			} `yaml:"jobTemplate"`
		}
	}
	if err := yaml.Unmarshal(b, &job); err != nil {
		t.Fatal(err)
	}
	inner := job.Spec.JobTemplate.Spec
	rules, containers := inner.PodFailurePolicy.Rules, inner.Template.Spec.Containers
	if job.APIVersion != "batch/v1" || job.Kind != "CronJob" || len(strings.Fields(job.Spec.Schedule)) != 5 || inner.Template.Spec.RestartPolicy != "Never" || len(rules) != 1 || len(containers) != 1 {
		t.Fatalf("%+v", job)
	}
	if rules[0].Action != "FailJob" || !slices.Contains(rules[0].OnExitCodes.Values, 3) {
		t.Errorf("a run with exit code 3 is retried: %+v", rules)
	}
	c := containers[0]
	if !slices.Equal(c.Args, []string{"report", "--post"}) || c.SecurityContext["runAsNonRoot"] != true || c.SecurityContext["readOnlyRootFilesystem"] != true || c.SecurityContext["allowPrivilegeEscalation"] != false {
		t.Errorf("%+v", c)
	}
}

// cron mails the output of every run but those with exit codes 0 and 3.
func TestCronMailsFailuresOnly(t *testing.T) {
	b, err := os.ReadFile("cron.example")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	command := strings.SplitN(lines[len(lines)-1], " ", 6)[5]
	for code, mails := range map[int]bool{0: false, 3: false, 1: true, 2: true} {
		dir := t.TempDir()
		program := fmt.Sprintf("#!/bin/sh\necho \"$1 $2 $SLACK_WEBHOOK_URL\"\nexit %d\n", code)
		if err := errors.Join(os.WriteFile(dir+"/matrix-expiry-report", []byte(program), 0o755), os.WriteFile(dir+"/matrix.env", []byte("SLACK_WEBHOOK_URL=x\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", command)
		cmd.Env = []string{"HOME=" + dir, "PATH=" + dir + ":/usr/bin:/bin"}
		out, err := cmd.CombinedOutput()
		if (string(out) == "report --post x\n") != mails || (err != nil) != mails {
			t.Errorf("exit code %d: output %q, %v", code, out, err)
		}
	}
}
