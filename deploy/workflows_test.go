package deploy

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

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
