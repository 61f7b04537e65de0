package deploy

import (
	"bytes"
	"encoding/json"
	"flag"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"matrix-expiry-report/internal/chat"
	"matrix-expiry-report/internal/config"
	"matrix-expiry-report/internal/npmtest"
)

var update = flag.Bool("update", false, "rewrite the golden files")

// The files as Serverless Devs reads them, by its own parser.
func TestServerlessDevsParser(t *testing.T) {
	t.Parallel()
	parser := filepath.Join(npmtest.Install(t, "@serverless-devs/parse-spec@0.0.29"), "@serverless-devs/parse-spec")
	t.Run("forms", func(t *testing.T) { testForms(t, parser) })
	t.Run("example", func(t *testing.T) { testExample(t, parser) })
}

// testForms draws the golden list of forms of a value that internal/config is
// tested with.
func testForms(t *testing.T, parser string) {
	const golden = "../internal/config/testdata/serverless-devs.json"
	b, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	forms := keys(t, b)
	envs := make([]string, len(forms))
	for i, form := range forms {
		envs[i] = "V=" + form + "\nNEXT=next\n"
	}
	props := parse(t, parser, "edition: 3.0.0\nname: x\naccess: default\nresources:\n  r:\n    component: x\n    props:\n      v: ${env('V', '')}\n", envs...)
	var drawn bytes.Buffer
	drawn.WriteString("{\n")
	for i, form := range forms {
		value := any(nil)
		if props[i] != nil {
			value = props[i]["v"]
		}
		drawn.WriteString("  " + compact(t, form) + ": " + compact(t, value))
		if i < len(forms)-1 {
			drawn.WriteString(",")
		}
		drawn.WriteString("\n")
	}
	drawn.WriteString("}\n")
	switch {
	case bytes.Equal(b, drawn.Bytes()):
	case *update:
		if err := os.WriteFile(golden, drawn.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Errorf("Serverless Devs reads\n%s\n%s has\n%s", drawn.Bytes(), golden, b)
	}
}

// testExample reads s.yaml with .env.example, every line of it in force: the
// function gets the values that the program reads from the same file.
func testExample(t *testing.T, parser string) {
	yaml, err := os.ReadFile("../s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	example := exampleInForce(t)
	props := parse(t, parser, string(yaml), example, "")
	for i, env := range []string{example, ""} {
		if props[i] == nil {
			t.Fatalf("Serverless Devs refuses s.yaml with the settings\n%s", env)
		}
	}
	variables := map[string]string{}
	for name, v := range props[0]["environmentVariables"].(map[string]any) {
		variables[name], _ = v.(string) // the platform takes strings only
		if variables[name] == "" && v != "" {
			t.Errorf("%s is %v, not a string", name, v)
		}
	}
	env := config.NewEnv(func(name string) string { return variables[name] })
	s := config.Load(env)
	channels := chat.Load(env)
	if err := env.Err(); err != nil || len(env.Warnings()) > 0 || len(channels) != 4 {
		t.Errorf("the function reads %d channels with the mistakes %v and the warnings %q", len(channels), err, env.Warnings())
	}
	const token = "0123456789abcdef#0123456789abcdef"
	if got := s.HTTPToken.Reveal(); got != token {
		t.Errorf("HTTP_TOKEN is %q, want %q", got, token)
	}
	for name, want := range readEnv(t, example) {
		switch got, ok := variables[name]; {
		case ok && got != want:
			t.Errorf("%s: the function gets %q, --env-file reads %q", name, got, want)
		case !ok && !slices.Contains([]string{"DEPLOY_REGION", "FUNCTION_NAME", "FUNCTION_ROLE", "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"}, name):
			t.Errorf("s.yaml does not pass %s on", name)
		}
	}
	if props[0]["region"] != "cn-shanghai" || props[0]["functionName"] != "matrix-expiry-report" || props[0]["role"] != "matrix-expiry-report" {
		t.Errorf("got region %v, function %v, role %v", props[0]["region"], props[0]["functionName"], props[0]["role"])
	}
	for _, number := range []string{"cpu", "memorySize", "timeout"} {
		if _, ok := props[0][number].(float64); !ok {
			t.Errorf("%s is %#v, want a number", number, props[0][number])
		}
	}
}

var commented = regexp.MustCompile(`(?m)^# ([A-Z_]+=)`)

// exampleInForce is .env.example with the comment signs before its settings
// taken away.
func exampleInForce(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	return commented.ReplaceAllString(string(b), "$1")
}

// readEnv reads text as --env-file does, and fails if it refuses a value.
func readEnv(t *testing.T, text string) map[string]string {
	t.Helper()
	file := filepath.Join(t.TempDir(), ".env")
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	values, mistakes, err := config.ReadEnvFile(file)
	if mistakes != nil || err != nil {
		t.Fatal(mistakes, err)
	}
	return values
}

// .env.example names settings that exist, with values that can be read.
func TestEnvExample(t *testing.T) {
	values := readEnv(t, exampleInForce(t))
	if len(values) < 15 {
		t.Fatalf("found %d settings: the search is broken", len(values))
	}
	known := append(knownSettings(), "DEPLOY_REGION", "FUNCTION_NAME", "FUNCTION_ROLE", "ALIBABA_CLOUD_ACCESS_KEY_ID", "ALIBABA_CLOUD_ACCESS_KEY_SECRET")
	for _, name := range slices.Sorted(maps.Keys(values)) {
		if !slices.Contains(known, name) {
			t.Errorf("there is no setting %s", name)
		}
	}
	env := config.NewEnv(func(name string) string { return values[name] })
	config.Load(env)
	if channels := chat.Load(env); env.Err() != nil || len(channels) != 4 {
		t.Errorf("%d channels, %v", len(channels), env.Err())
	}
	untouched, err := os.ReadFile("../.env.example")
	if err != nil {
		t.Fatal(err)
	}
	if values := readEnv(t, string(untouched)); len(values) > 0 {
		t.Errorf(".env.example sets %q without being edited", values)
	}
}

// parse runs Serverless Devs' parser on yaml, once for each file of settings.
// Nil stands for an error.
func parse(t *testing.T, parser, yaml string, envs ...string) (props []map[string]any) {
	t.Helper()
	dir := t.TempDir()
	args := []string{"testdata/parse.js", parser}
	for i, env := range envs {
		folder := filepath.Join(dir, strconv.Itoa(i))
		if err := os.Mkdir(folder, 0o755); err != nil {
			t.Fatal(err)
		}
		for name, text := range map[string]string{"s.yaml": yaml, ".env": env} {
			if err := os.WriteFile(filepath.Join(folder, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		args = append(args, folder)
	}
	cmd := exec.CommandContext(t.Context(), "node", args...)
	cmd.Env = []string{"PATH=" + os.Getenv("PATH"), "HOME=" + dir, "AccountID=1234567890123456", "AccessKeyID=emulator", "AccessKeySecret=emulator-secret"}
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &props); err != nil || len(props) != len(envs) {
		t.Fatalf("%v: %s", err, out)
	}
	return props
}

// keys lists the keys of a JSON object in their order.
func keys(t *testing.T, b []byte) (all []string) {
	t.Helper()
	dec := json.NewDecoder(bytes.NewReader(b))
	for i := 0; ; i++ {
		token, err := dec.Token()
		if err != nil {
			t.Fatal(err)
		}
		switch s, ok := token.(string); {
		case token == json.Delim('}'):
			return all
		case ok && i%2 == 1: // after the brace, keys and values alternate
			all = append(all, s)
		}
	}
}

func compact(t *testing.T, v any) string {
	t.Helper()
	var b strings.Builder
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(b.String())
}
