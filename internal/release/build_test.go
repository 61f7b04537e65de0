package main

import (
	"debug/elf"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestBuildRefusesOldNames(t *testing.T) {
	for _, r := range renamed {
		getenv := func(name string) string { return map[string]string{r.old: "x"}[name] }
		err := run([]string{"build"}, getenv, nil)
		if err == nil || !strings.Contains(err.Error(), r.old+" is now "+r.now) {
			t.Errorf("%s: got the error %v, want it to name %s", r.old, err, r.now)
		}
	}
	all := func(string) string { return "x" }
	if err := checkRenamed(all); err == nil || strings.Count(err.Error(), "\n") != len(renamed)-1 {
		t.Errorf("got %v, want a line for each name", err)
	}
	if err := checkRenamed(func(name string) string { return map[string]string{"FUNCTION_NAME": "x", "DEPLOY_REGION": "y"}[name] }); err != nil {
		t.Errorf("new names: %v", err)
	}
}

// The build leaves the function, the licences and templates of the user's own,
// and no file of settings.
func TestBuildShipsNoSettings(t *testing.T) {
	root := t.TempDir()
	module := map[string]string{"go.mod": "module example.com/m\n\ngo 1.26\n", "main.go": "package main\n\nvar version string\n\nfunc main() { println(version) }\n"}
	for _, name := range append(shipped, ".env", target+"/.env", target+"/.env.local", target+"/templates/slack.tmpl") {
		module[name] = name
	}
	for name, text := range module {
		file := filepath.Join(root, name)
		if err := os.MkdirAll(filepath.Dir(file), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := build(root, "1.2.3"); err != nil {
		t.Fatal(err)
	}
	entries, err := os.ReadDir(filepath.Join(root, target))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	if got := strings.Join(names, " "); got != ".fcignore LICENSE NOTICE THIRD_PARTY_LICENSES.txt main templates" {
		t.Errorf("the code has %s", got)
	}
	f, err := elf.Open(filepath.Join(root, target, "main"))
	if err != nil {
		t.Fatalf("not a program for Linux: %v", err)
	}
	defer f.Close()
	if f.Machine != elf.EM_X86_64 {
		t.Errorf("built for %s", f.Machine)
	}
	if libraries, _ := f.ImportedLibraries(); len(libraries) > 0 {
		t.Errorf("links %v", libraries)
	}
}

func TestRunRefusesWrongUsage(t *testing.T) {
	for _, args := range [][]string{nil, {"ship"}, {"build", "x"}, {"zip"}, {"deployable"}, {"notes"}, {"zip", "-o"}, {"build", "-x"}} {
		if err := run(args, func(string) string { return "" }, nil); err == nil || !strings.HasPrefix(err.Error(), errUsage.Error()) {
			t.Errorf("%q: got the error %v, want the usage", args, err)
		}
	}
}
