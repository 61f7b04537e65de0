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

// The policies allow what they are for and nothing more, and each is explained.
func TestPolicies(t *testing.T) {
	files, err := filepath.Glob("ram/*.json")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	explained, err := os.ReadFile("ram/README.md")
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

// Workflows run what is pinned, with no more rights than they need.
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
			t.Errorf("%s: everybody may %v", file, w.Permissions)
		}
		for line := range strings.Lines(string(b)) {
			if line = strings.TrimSuffix(line, "\n"); strings.Contains(line, "uses:") && !pinned.MatchString(line) {
				t.Errorf("%s: %s is not pinned", file, line)
			}
		}
		runs := ""
		for name, job := range w.Jobs {
			if len(job.Permissions) > 0 && !(name == "release" && len(job.Permissions) == 1) {
				t.Errorf("%s: %s may %v", file, name, job.Permissions)
			}
			for _, step := range job.Steps {
				runs += step.Run + "\n"
				if strings.HasPrefix(step.Uses, "actions/checkout@") && step.With["persist-credentials"] != false {
					t.Errorf("%s: %s keeps the token", file, name)
				}
			}
		}
		if !strings.Contains(runs, ".ci/run") {
			t.Errorf("%s tests nothing", file)
		}
		for _, command := range regexp.MustCompile(`(?:\./internal/[a-z]+|\.ci/run)`).FindAllString(runs, -1) {
			if _, err := os.Stat(filepath.Join("..", command)); err != nil {
				t.Errorf("%s runs %s: %v", file, command, err)
			}
		}
		if strings.HasSuffix(file, "release.yml") {
			s := readServerless(t, nil)
			for _, actions := range s.Resources["report"].Actions {
				flags := regexp.MustCompile(`-tags \S+ -trimpath -buildvcs=false`).FindString(actions[0].Run)
				if flags == "" || !strings.Contains(runs, flags) {
					t.Errorf("a release is built otherwise than s.yaml does: %q", flags)
				}
			}
		}
	}
}

func TestKubernetes(t *testing.T) {
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
		t.Errorf("a run that found something is repeated: %+v", rules)
	}
	c := containers[0]
	if !slices.Equal(c.Args, []string{"report", "--post"}) || c.SecurityContext["runAsNonRoot"] != true || c.SecurityContext["readOnlyRootFilesystem"] != true || c.SecurityContext["allowPrivilegeEscalation"] != false {
		t.Errorf("%+v", c)
	}
}

// The line for cron keeps quiet where all is well or the chat knows, and tells
// the rest.
func TestCronLine(t *testing.T) {
	b, err := os.ReadFile("cron.example")
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(b)), "\n")
	command := strings.SplitN(lines[len(lines)-1], " ", 6)[5]
	for code, told := range map[int]bool{0: false, 3: false, 1: true, 2: true} {
		dir := t.TempDir()
		program := fmt.Sprintf("#!/bin/sh\necho \"$1 $2 $SLACK_WEBHOOK_URL\"\nexit %d\n", code)
		if err := errors.Join(os.WriteFile(dir+"/matrix-expiry-report", []byte(program), 0o755), os.WriteFile(dir+"/matrix.env", []byte("SLACK_WEBHOOK_URL=x\n"), 0o600)); err != nil {
			t.Fatal(err)
		}
		cmd := exec.Command("sh", "-c", command)
		cmd.Env = []string{"HOME=" + dir, "PATH=" + dir + ":/usr/bin:/bin"}
		out, err := cmd.CombinedOutput()
		if (string(out) == "report --post x\n") != told || (err != nil) != told {
			t.Errorf("exit %d: %q, %v", code, out, err)
		}
	}
}
