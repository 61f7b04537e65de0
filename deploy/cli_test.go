package deploy

import (
	"archive/zip"
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/npmtest"
)

// The command line of Serverless Devs with a component that records what it
// gets. Its own parser package reads .env once, the command line twice.
func TestServerlessDevsCommandLine(t *testing.T) {
	t.Parallel()
	program := filepath.Join(npmtest.Install(t, "@serverless-devs/s@3.1.10"), ".bin/s")
	t.Run("deploy", func(t *testing.T) { testDeploy(t, program) })
	t.Run("without Go", func(t *testing.T) { testDeployWithoutGo(t, program) })
	t.Run("accepted", func(t *testing.T) { testAcceptedForms(t, program) })
}

// sDeploy runs `s deploy` in dir, with fc3 replaced, and returns the properties
// that the component gets.
func sDeploy(t *testing.T, program, dir, yaml, env string, variables ...string) (props map[string]any, output string, err error) {
	t.Helper()
	recorder, err := filepath.Abs("testdata/recorder")
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{"s.yaml": strings.Replace(yaml, "component: fc3\n", "component: "+recorder+"\n", 1), ".env": env} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	goEnv, err := exec.CommandContext(t.Context(), "go", "env", "GOPATH", "GOCACHE").Output()
	if err != nil {
		t.Fatal(err)
	}
	folders := strings.Fields(string(goEnv))
	cmd := exec.CommandContext(t.Context(), program, "deploy", "-y")
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), variables...), "HOME="+homeOfDeployer(t), "GOPATH="+folders[0], "GOCACHE="+folders[1],
		"AccountID="+account, "AccessKeyID=emulator", "AccessKeySecret=emulator-secret")
	out, err := cmd.CombinedOutput()
	if err != nil {
		return nil, string(out), err
	}
	b, err := os.ReadFile(filepath.Join(dir, "recorded.json"))
	if err == nil {
		err = json.Unmarshal(b, &props)
	}
	return props, string(out), err
}

// testDeploy runs the build of s.yaml, and compares the properties with those
// that TestFirstMessage deploys. An old name stops the deployment.
func testDeploy(t *testing.T, program string) {
	clone := copyRepository(t)
	yaml, err := os.ReadFile(filepath.Join(clone, "s.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	example := exampleInForce(t)
	got, out, err := sDeploy(t, program, clone, string(yaml), example)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := resolve(t, readEnv(t, example)); !reflect.DeepEqual(got, want) {
		t.Errorf("Serverless Devs passes\n%v\nwant\n%v", got, want)
	}
	if info, err := os.Stat(filepath.Join(clone, "code/target/main")); err != nil || info.Mode()&0o111 == 0 {
		t.Errorf("the function was not built: %v", err)
	}
	for old, now := range map[string]string{"FC_FUNCTION": "FUNCTION_NAME", "FC_ROLE": "FUNCTION_ROLE", "FC_REGION": "DEPLOY_REGION"} {
		if _, out, err := sDeploy(t, program, clone, string(yaml), old+"=mine\n"); err == nil || !strings.Contains(out, old+" is now "+now) {
			t.Errorf("with %s: got the error %v and the output\n%s", old, err, out)
		}
	}
}

// homeOfDeployer returns a temporary home folder. The deployer leaves processes
// that go on writing there, so removing it may fail, which is no error.
func homeOfDeployer(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "deployer")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	return dir
}

// testDeployWithoutGo deploys the zip of a release in an empty folder, with a
// PATH that has no Go.
func testDeployWithoutGo(t *testing.T, program string) {
	clone := copyRepository(t)
	for _, args := range [][]string{{"build"}, {"deployable", "-o", "dist/deploy.zip"}} {
		cmd := exec.CommandContext(t.Context(), "go", append([]string{"run", "./internal/release"}, args...)...)
		cmd.Dir = clone
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
	}
	z, err := zip.OpenReader(filepath.Join(clone, "dist/deploy.zip"))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir := filepath.Join(t.TempDir(), "unpacked")
	if err := os.CopyFS(dir, z); err != nil {
		t.Fatal(err)
	}
	yaml, err := os.ReadFile(filepath.Join(dir, "s.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	node, err := exec.LookPath("node")
	if err != nil {
		t.Fatal(err)
	}
	tools := t.TempDir()
	if err := os.Symlink(node, filepath.Join(tools, "node")); err != nil {
		t.Fatal(err)
	}
	got, out, err := sDeploy(t, program, dir, string(yaml), "", "PATH="+tools)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	if want := resolve(t, nil); !reflect.DeepEqual(got, want) {
		t.Errorf("Serverless Devs passes\n%v\nwant\n%v", got, want)
	}
}

// testAcceptedForms puts every form of a value that --env-file accepts into one
// .env: the command line reads each as --env-file does. A value with a $ can be
// set in the environment.
func testAcceptedForms(t *testing.T, program string) {
	b, err := os.ReadFile("../internal/config/testdata/serverless-devs.json")
	if err != nil {
		t.Fatal(err)
	}
	var env, yaml strings.Builder
	yaml.WriteString("edition: 3.0.0\nname: x\naccess: default\nresources:\n  r:\n    component: fc3\n    props:\n      DOLLAR: ${env('DOLLAR', '')}\n")
	forms := map[string]string{}
	for i, form := range keys(t, b) {
		name := fmt.Sprint("V", i)
		file := filepath.Join(t.TempDir(), ".env")
		if err := os.WriteFile(file, []byte(name+"="+form+"\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, mistakes, err := config.ReadEnvFile(file); err != nil || mistakes != nil {
			continue
		}
		forms[name] = form
		fmt.Fprintf(&env, "%s=%s\n", name, form)
		fmt.Fprintf(&yaml, "      %s: ${env('%[1]s', '')}\n", name)
	}
	want := readEnv(t, env.String())
	want["DOLLAR"] = "a$b#c"
	props, out, err := sDeploy(t, program, t.TempDir(), yaml.String(), env.String(), "DOLLAR=a$b#c")
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	got := map[string]string{}
	for name, v := range props {
		got[name] = fmt.Sprint(v)
	}
	if len(forms) < 30 {
		t.Errorf("only %d forms are accepted", len(forms))
	}
	if !maps.Equal(got, want) {
		for name := range want {
			if got[name] != want[name] {
				t.Errorf("%s: Serverless Devs reads %q, --env-file %q", forms[name], got[name], want[name])
			}
		}
	}
}
