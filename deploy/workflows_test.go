package deploy

import (
	"maps"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"regexp"
	"runtime"
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
			want := map[string]string(nil)
			if name == "release" {
				want = map[string]string{"contents": "write", "id-token": "write", "attestations": "write"}
			}
			if !maps.Equal(job.Permissions, want) {
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

// The first Go of the tests is the one that go.mod requires, and releases are
// built with the toolchain that it names.
func TestGoVersions(t *testing.T) {
	b, err := os.ReadFile("../go.mod")
	if err != nil {
		t.Fatal(err)
	}
	m := regexp.MustCompile(`(?m)^go (\d+\.\d+\.\d+)\n\ntoolchain go(\d+\.\d+\.\d+)$`).FindSubmatch(b)
	if m == nil {
		t.Fatal("go.mod has no go and toolchain lines")
	}
	required := string(m[1])
	if toolchain := string(m[2]); path.Ext(toolchain) == ".0" || !strings.HasPrefix(toolchain, strings.TrimSuffix(required, path.Ext(required))) {
		t.Errorf("the toolchain is go%s, want a patch version of go%s", toolchain, required)
	}
	tests, err := os.ReadFile("../.github/workflows/test.yml")
	if err != nil {
		t.Fatal(err)
	}
	if want := "go: ['" + required + "', stable, next]"; !strings.Contains(string(tests), want) || !strings.Contains(string(tests), "GOTOOLCHAIN: local") {
		t.Errorf("test.yml does not test with %s and the local toolchain", want)
	}
	release, err := os.ReadFile("../.github/workflows/release.yml")
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(release), "go-version-file: go.mod") {
		t.Error("release.yml does not build with the toolchain of go.mod")
	}
}

// The commands of a release build what it publishes, with the checksums of the
// files, and the same bytes in another folder.
func TestReleaseCommands(t *testing.T) {
	t.Parallel()
	b, err := os.ReadFile("../.github/workflows/release.yml")
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	for _, m := range regexp.MustCompile(`(?m)^      - run: ((?:go run \./internal/release|mkdir) .*)$`).FindAllStringSubmatch(string(b), -1) {
		commands = append(commands, m[1])
	}
	if len(commands) != 5 {
		t.Fatalf("found the commands %q", commands)
	}
	release := func() string {
		dir := copyRepository(t)
		changelog := "# Changelog\n\n## [Unreleased]\n\n## [1.2.3] - 2027-01-02\n\n- b\n\n## [1.0.0] - 2027-01-01\n\n- a\n"
		if err := os.WriteFile(filepath.Join(dir, "CHANGELOG.md"), []byte(changelog), 0o644); err != nil {
			t.Fatal(err)
		}
		cmd := exec.CommandContext(t.Context(), "bash", "-e", "-c", strings.Join(commands, "\n"))
		cmd.Dir, cmd.Env = dir, append(os.Environ(), "GITHUB_REF_NAME=v1.2.3")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		return dir
	}
	first, second := release(), release()
	run := func(name string, args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), name, args...)
		cmd.Dir = filepath.Join(first, "dist")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %q: %v\n%s", name, args, err, out)
		}
		return string(out)
	}
	if out := run("sha256sum", "-c", "SHA256SUMS"); strings.Count(out, ": OK") != 2 {
		t.Errorf("the checksums are of\n%s", out)
	}
	for _, name := range []string{"matrix-expiry-report-linux-amd64.zip", "matrix-expiry-report-deploy.zip"} {
		run("cmp", name, filepath.Join(second, "dist", name))
	}
	if runtime.GOOS == "linux" && runtime.GOARCH == "amd64" {
		if out := run("../code/target/main", "version"); out != "1.2.3\n" {
			t.Errorf("the version is %q", out)
		}
	}
	notes, err := os.ReadFile(filepath.Join(first, "notes.md"))
	if text := string(notes); err != nil || !strings.HasPrefix(text, "- b\n") || strings.Contains(text, "- a") || !strings.Contains(text, "GOTOOLCHAIN="+runtime.Version()) || !strings.Contains(text, "build -version 1.2.3") {
		t.Errorf("the notes are\n%s", notes)
	}
}

// copyRepository returns a new folder with what is needed to build the program.
func copyRepository(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	copied := append([]string{"-R"}, "main.go", "go.mod", "go.sum", "handler", "internal", "report", "templates", "deploy", "docs", "s.yaml", ".env.example", ".fcignore", "LICENSE", "NOTICE", "THIRD_PARTY_LICENSES.txt", "README.md", "README.zh.md", dir)
	cmd := exec.CommandContext(t.Context(), "cp", copied...)
	cmd.Dir = ".."
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	return dir
}
