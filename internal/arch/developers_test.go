package arch

import (
	"os"
	"os/exec"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
)

const developers = "../../docs/developers.md"

// packageRow is a row of the table of packages: path, purpose and imports.
var packageRow = regexp.MustCompile("(?m)^\\| `([a-z0-9/.]+)` \\| (.+) \\| (.*)\\|$")

// The table of packages in docs/developers.md lists every package with exactly
// the packages of the program that it imports, each above the package itself.
func TestPackageTable(t *testing.T) {
	all := packages(t, "../..")
	text, err := os.ReadFile(developers)
	if err != nil {
		t.Fatal(err)
	}
	if *update {
		text = packageRow.ReplaceAllFunc(text, func(row []byte) []byte {
			m := packageRow.FindSubmatch(row)
			return []byte("| `" + string(m[1]) + "` | " + string(m[2]) + " | " + importsCell(all[pathOf(string(m[1]))]) + "|")
		})
		if err := os.WriteFile(developers, text, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	listed := map[string]bool{}
	for _, m := range packageRow.FindAllSubmatch(text, -1) {
		p, ok := all[pathOf(string(m[1]))]
		if !ok {
			t.Errorf("the table lists %s, which is not a package", m[1])
			continue
		}
		if want := importsCell(p); string(m[3]) != want {
			t.Errorf("the table has the imports [%s] for %s, want [%s] (run with -update)", strings.TrimSpace(string(m[3])), m[1], strings.TrimSpace(want))
		}
		for _, other := range ownImports(p) {
			if !listed[other] {
				t.Errorf("%s imports %s, which is not above it in the table", m[1], other)
			}
		}
		listed[pathOf(string(m[1]))] = true
	}
	for p := range all {
		if !listed[p] {
			t.Errorf("the table does not list %s", p)
		}
	}
}

// Every file and identifier that docs/developers.md names in "One run" exists.
func TestRunDescriptionNamesWhatExists(t *testing.T) {
	text, err := os.ReadFile(developers)
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(text), "\n## One run\n")
	section, _, _ = strings.Cut(section, "\n## ")
	dirs := map[string]string{}
	for p := range packages(t, "../..") {
		if !strings.Contains(p, "/emulator/") { // whose names are not unique
			dirs[path.Base(p)] = p
		}
	}
	checked := 0
	for _, m := range regexp.MustCompile("`([^`]+)`").FindAllStringSubmatch(section, -1) {
		checked++
		name := m[1]
		if strings.Contains(name, "/") || name == "main.go" {
			if _, err := os.Stat("../../" + name); err != nil {
				t.Error(err)
			}
			continue
		}
		pkg, ident, _ := strings.Cut(name, ".")
		if out, err := exec.Command("go", "doc", "./../../"+dirs[pkg], ident).CombinedOutput(); err != nil {
			t.Errorf("%s: %s", name, out)
		}
	}
	if checked < 10 {
		t.Errorf("only %d names found", checked)
	}
}

// pathOf returns the path of a package by its name in the table.
func pathOf(name string) string { return strings.Replace(name, "main.go", module, 1) }

// ownImports returns the packages of the program that p imports.
func ownImports(p goPackage) []string {
	var own []string
	for _, other := range p.Imports {
		if rest, ok := strings.CutPrefix(other, module+"/"); ok {
			own = append(own, rest)
		}
	}
	slices.Sort(own)
	return own
}

// importsCell returns the third cell of the row of p.
func importsCell(p goPackage) string {
	cell := ""
	for i, other := range ownImports(p) {
		if i > 0 {
			cell += ", "
		}
		cell += "`" + other + "`"
	}
	if cell != "" {
		cell += " "
	}
	return cell
}
