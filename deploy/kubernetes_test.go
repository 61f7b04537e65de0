package deploy

import (
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"matrix-expiry-report/internal/cli"
	fakechat "matrix-expiry-report/internal/emulator/chat"
	fakecloud "matrix-expiry-report/internal/emulator/cloud"
)

var digest = regexp.MustCompile(`@sha256:[0-9a-f]{64}$`)

type cronJob struct {
	APIVersion string `yaml:"apiVersion"`
	Kind       string
	Spec       struct {
		Schedule    string
		TimeZone    string `yaml:"timeZone"`
		JobTemplate struct {
			Spec struct {
				BackoffLimit     int `yaml:"backoffLimit"`
				PodFailurePolicy struct {
					Rules []struct {
						Action      string
						OnExitCodes struct {
							ContainerName string `yaml:"containerName"`
							Values        []int
						} `yaml:"onExitCodes"`
					}
				} `yaml:"podFailurePolicy"`
				Template struct {
					Spec struct {
						RestartPolicy string `yaml:"restartPolicy"`
						Containers    []container
					}
				}
			}
		} `yaml:"jobTemplate"`
	}
}

type container struct {
	Name, Image     string
	Args            []string
	SecurityContext struct {
		RunAsNonRoot             bool  `yaml:"runAsNonRoot"`
		RunAsUser                int   `yaml:"runAsUser"`
		ReadOnlyRootFilesystem   bool  `yaml:"readOnlyRootFilesystem"`
		AllowPrivilegeEscalation *bool `yaml:"allowPrivilegeEscalation"`
		Capabilities             struct{ Drop []string }
	} `yaml:"securityContext"`
}

func readCronJob(t *testing.T) (job cronJob) {
	t.Helper()
	b, err := os.ReadFile("kubernetes/cronjob.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(b, &job); err != nil {
		t.Fatal(err)
	}
	return job
}

func TestKubernetesCronJob(t *testing.T) {
	job := readCronJob(t)
	inner := job.Spec.JobTemplate.Spec
	rules, containers := inner.PodFailurePolicy.Rules, inner.Template.Spec.Containers
	if job.APIVersion != "batch/v1" || job.Kind != "CronJob" || len(strings.Fields(job.Spec.Schedule)) != 5 || inner.Template.Spec.RestartPolicy != "Never" || len(rules) != 1 || len(containers) != 1 {
		t.Fatalf("%+v", job)
	}
	if _, err := time.LoadLocation(job.Spec.TimeZone); err != nil || job.Spec.TimeZone == "" {
		t.Errorf("timeZone %q: %v", job.Spec.TimeZone, err)
	}
	if rules[0].Action != "FailJob" || rules[0].OnExitCodes.ContainerName != containers[0].Name || !slices.Equal(rules[0].OnExitCodes.Values, []int{2}) {
		t.Errorf("wrong settings are retried: %+v", rules)
	}
	c := containers[0]
	s := c.SecurityContext
	if !s.RunAsNonRoot || s.RunAsUser == 0 || !s.ReadOnlyRootFilesystem || s.AllowPrivilegeEscalation == nil || *s.AllowPrivilegeEscalation || !slices.Equal(s.Capabilities.Drop, []string{"ALL"}) {
		t.Errorf("the container may %+v", s)
	}
	if !digest.MatchString(c.Image) {
		t.Errorf("the image %s has no digest", c.Image)
	}
}

// The container's command delivers with the settings that kubectl makes of a
// file, and its exit codes are those that the job's policy is about.
func TestKubernetesCommand(t *testing.T) {
	cloud, room := httptest.NewServer(&fakecloud.Server{Nodes: fakecloud.Fleet(time.Now())}), &fakechat.Server{}
	chat := httptest.NewServer(room)
	defer cloud.Close()
	defer chat.Close()
	env := map[string]string{"EDS_AIC_ENDPOINT": cloud.URL, "SLACK_WEBHOOK_URL": chat.URL + "/services/T0/B0/x"}
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_ID", "emulator") // read by the credentials library
	t.Setenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET", "emulator-secret")
	run := func(name, value string) int {
		getenv := func(n string) string {
			if n == name {
				return value
			}
			return env[n]
		}
		p := cli.Program{Getenv: getenv, Stdout: t.Output(), Stderr: t.Output()}
		return p.Main(readCronJob(t).Spec.JobTemplate.Spec.Template.Spec.Containers[0].Args)
	}
	if code := run("", ""); code != 0 || len(room.Messages()) != 1 {
		t.Errorf("exit %d, %d messages, want 0 and 1", code, len(room.Messages()))
	}
	if code := run("EXPIRY_DAYS", "soon"); code != 2 {
		t.Errorf("wrong settings: exit %d, want 2", code)
	}
	if code := run("SLACK_WEBHOOK_URL", "http://127.0.0.1:1/services/T0/B0/x"); code != 1 {
		t.Errorf("not delivered: exit %d, want 1", code)
	}
}

func TestDockerfile(t *testing.T) {
	b, err := os.ReadFile("kubernetes/Dockerfile")
	if err != nil {
		t.Fatal(err)
	}
	var user string
	froms := 0
	for line := range strings.Lines(string(b)) {
		switch instruction, rest, _ := strings.Cut(strings.TrimSpace(line), " "); instruction {
		case "FROM":
			froms++
			if !digest.MatchString(rest) && rest != "scratch" {
				t.Errorf("the base %s has no digest", rest)
			}
		case "USER":
			user = rest
		case "RUN":
			t.Errorf("the image runs %s", rest)
		}
	}
	if froms != 1 || user == "" || strings.HasPrefix(user, "0") || strings.HasPrefix(user, "root") {
		t.Errorf("%d bases, user %q", froms, user)
	}
}
