package arch

import (
	"debug/elf"
	"errors"
	"flag"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"

	"matrix-expiry-report/internal/fctest"
)

// dependencies says what is linked into the program as deployed, and what each
// package costs.
const dependencies = "testdata/dependencies"

const dependenciesHead = `What is linked into the program as deployed, other than its own packages: the
bytes of each package's code and data (its strings and types come on top), and
how long its variables and init functions take when the process starts. A new
line is a new dependency, and this is what it costs. Lines whose bytes hardly
changed are kept as they are by

	go test . -run TestDependencies -update

`

// A dependency is a package of another module, or of the standard library.
type dependency struct {
	path    string
	version string // of its module; "" is the standard library
	bytes   uint64
	micros  int
}

func (d dependency) String() string {
	return strings.TrimRight(fmt.Sprintf("%7d  %4d  %s %s", d.bytes, d.micros, d.path, d.version), " ")
}

// near tells whether nothing happened but what any change of the code does to
// what the linker keeps.
func (d dependency) near(o dependency) bool {
	return d.path == o.path && d.version == o.version && max(d.bytes, o.bytes)-min(d.bytes, o.bytes) <= 4096+o.bytes/10
}

// A new dependency, or one that grew, shows in the diff of a file.
func TestDependencies(t *testing.T) {
	linked := linkedPackages(t)
	old, toolchain := readDependencies(t)
	if *update {
		writeDependencies(t, linked, old)
		return
	}
	if toolchain != runtime.Version() { // bytes are the compiler's, and so is the standard library
		standard := func(d dependency) bool { return d.version == "" }
		linked, old = slices.DeleteFunc(linked, standard), slices.DeleteFunc(old, standard)
		for i := range linked {
			linked[i].bytes = 0
		}
		for i := range old {
			old[i].bytes = 0
		}
	}
	byPath := map[string]dependency{}
	for _, d := range old {
		byPath[d.path] = d
	}
	for _, d := range linked {
		o, known := byPath[d.path]
		delete(byPath, d.path)
		switch {
		case !known:
			t.Errorf("new: %s %s, %d bytes", d.path, d.version, d.bytes)
		case !d.near(o):
			t.Errorf("%s was %s, %d bytes; it is %s, %d bytes", d.path, o.version, o.bytes, d.version, d.bytes)
		}
	}
	for path := range byPath {
		t.Errorf("%s is no longer linked", path)
	}
	if t.Failed() {
		t.Log("if that is meant: go test . -run TestDependencies -update, and say in the commit what it is for")
	}
}

// linkedPackages takes the packages from the build, and their bytes from the
// symbols of the binary.
func linkedPackages(t *testing.T) []dependency {
	t.Helper()
	env := append(os.Environ(), "GOOS=linux", "GOARCH=amd64", "GOAMD64=v1", "CGO_ENABLED=0")
	list := exec.Command("go", "list", "-deps", "-tags", "nethttpomithttp2", "-f", `{{if not (and .Module .Module.Main)}}{{.ImportPath}} {{with .Module}}{{.Version}}{{end}}{{end}}`, "matrix-expiry-report")
	list.Env = env
	out, err := list.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	binary := filepath.Join(t.TempDir(), "main")
	build := exec.Command("go", "build", "-tags", "nethttpomithttp2", "-trimpath", "-buildvcs=false", "-o", binary, "matrix-expiry-report")
	build.Env = env
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("building: %v\n%s", err, out)
	}
	bytes := symbolBytes(t, binary)
	var all []dependency
	for line := range strings.Lines(string(out)) {
		path, version, _ := strings.Cut(strings.TrimSuffix(line, "\n"), " ")
		if bytes[path] > 0 { // what the linker leaves out altogether costs nothing
			all = append(all, dependency{path: path, version: version, bytes: bytes[path]})
		}
	}
	return all
}

// symbolBytes adds up the symbols of each package.
func symbolBytes(t *testing.T, binary string) map[string]uint64 {
	t.Helper()
	f, err := elf.Open(binary)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	symbols, err := f.Symbols()
	if err != nil {
		t.Fatal(err)
	}
	sum := map[string]uint64{}
	for _, s := range symbols {
		if int(s.Section) >= len(f.Sections) || f.Sections[s.Section].Type == elf.SHT_NOBITS {
			continue // takes no bytes of the file
		}
		sum[packageOf(s.Name)] += s.Size
	}
	return sum
}

// packageOf is the path before the first dot of the last element: of
// gopkg.in/ini%2ev1.(*Key).String[go.shape.int] it is gopkg.in/ini.v1.
func packageOf(symbol string) string {
	symbol = strings.TrimPrefix(symbol, "type:.eq.")
	name, _, _ := strings.Cut(symbol, "[")
	name, _, _ = strings.Cut(name, "(")
	slash := strings.LastIndexByte(name, '/') + 1
	last, _, _ := strings.Cut(name[slash:], ".")
	path, err := url.PathUnescape(name[:slash] + last)
	if err != nil {
		return ""
	}
	return path
}

// dependencyLine is a line of the file: bytes, microseconds, package, version.
var dependencyLine = regexp.MustCompile(`^ *(\d+) +(\d+)  (\S+)(?: (\S+))?$`)

// readDependencies also gives the toolchain that the file was written with.
func readDependencies(t *testing.T) (all []dependency, toolchain string) {
	t.Helper()
	b, err := os.ReadFile(dependencies)
	if errors.Is(err, fs.ErrNotExist) && *update {
		return nil, ""
	}
	if err != nil {
		t.Fatal(err)
	}
	head, lines, found := strings.Cut(string(b), "  bytes    µs  package, by ")
	if !found || head != dependenciesHead {
		t.Fatalf("%s does not begin as it should", dependencies)
	}
	toolchain, lines, _ = strings.Cut(lines, "\n")
	for line := range strings.Lines(lines) {
		m := dependencyLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			t.Fatalf("%s has a line that is none: %q", dependencies, line)
		}
		d := dependency{path: m[3], version: m[4]}
		d.bytes, _ = strconv.ParseUint(m[1], 10, 64)
		d.micros, _ = strconv.Atoi(m[2])
		all = append(all, d)
	}
	return all, toolchain
}

// writeDependencies keeps the lines where nothing happened, so that a diff has
// only what did.
func writeDependencies(t *testing.T, linked, old []dependency) {
	t.Helper()
	starts := startTimes(t)
	var b strings.Builder
	fmt.Fprintf(&b, "%s  bytes    µs  package, by %s\n", dependenciesHead, runtime.Version())
	slices.SortFunc(linked, func(a, b dependency) int { // the standard library last
		if (a.version == "") != (b.version == "") {
			return strings.Compare(b.version, a.version)
		}
		return strings.Compare(a.path, b.path)
	})
	for _, d := range linked {
		d.micros = starts[d.path]
		if i := slices.IndexFunc(old, d.near); i >= 0 {
			d = old[i]
		}
		fmt.Fprintln(&b, d)
	}
	if err := os.WriteFile(dependencies, []byte(b.String()), 0o644); err != nil {
		t.Fatal(err)
	}
}

var update = flag.Bool("update", false, "rewrite the golden file")

var initLine = regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock`)

// startTimes gives the microseconds before main of each package that needs any,
// the middle of several starts.
func startTimes(t *testing.T) map[string]int {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "main")
	if err := fctest.Build("../..", ".", binary); err != nil {
		t.Fatal(err)
	}
	all := map[string][]int{}
	const starts = 51
	for range starts {
		cmd := exec.Command(binary, "version")
		cmd.Env = append(os.Environ(), "GODEBUG=inittrace=1")
		out, err := cmd.CombinedOutput()
		if err != nil {
			t.Fatalf("%v: %s", err, out)
		}
		for _, m := range initLine.FindAllStringSubmatch(string(out), -1) {
			ms, err := strconv.ParseFloat(m[2], 64)
			if err != nil {
				t.Fatal(err)
			}
			all[m[1]] = append(all[m[1]], int(ms*1000))
		}
	}
	middle := map[string]int{}
	for path, micros := range all {
		slices.Sort(micros)
		middle[path] = micros[len(micros)/2]
	}
	return middle
}
