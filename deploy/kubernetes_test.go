package deploy

import (
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

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
