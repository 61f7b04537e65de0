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

	"matrix-expiry-report/internal/gobuild"
)

// dependencies is the golden file of the packages that are linked into the
// program.
const dependencies = "testdata/dependencies"

const dependenciesHead = `The packages linked into the program as deployed, without its own: the bytes of
each package's code and data, without strings and types, and the time that its
initialization takes when the process starts. A new line is a new dependency
with its cost. To update the file:

	go test ./internal/arch -run TestDependencies -update

The update keeps lines whose size has changed by less than 4 KiB and a tenth.

`

// dependency is a package of another module or of the standard library.
type dependency struct {
	path    string
	version string // of its module; empty for the standard library
	bytes   uint64
	micros  int // of initialization
}

func (d dependency) String() string {
	return strings.TrimRight(fmt.Sprintf("%7d  %4d  %s %s", d.bytes, d.micros, d.path, d.version), " ")
}

// near reports whether d is the same version as o and its size differs only as
// much as any change of the program makes it, since the linker omits unused
// functions.
func (d dependency) near(o dependency) bool {
	return d.path == o.path && d.version == o.version && max(d.bytes, o.bytes)-min(d.bytes, o.bytes) <= 4096+o.bytes/10
}

// A new dependency, or one whose version or size changed, must be in the golden
// file, and so in the diff of the change.
func TestDependencies(t *testing.T) {
	linked := linkedPackages(t)
	old, toolchain := readDependencies(t)
	if *update {
		writeDependencies(t, linked, old)
		return
	}
	if toolchain != runtime.Version() { // sizes and the standard library differ by toolchain
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
			t.Errorf("%s %s is new, %d bytes", d.path, d.version, d.bytes)
		case !d.near(o):
			t.Errorf("%s was %s, %d bytes; it is now %s, %d bytes", d.path, o.version, o.bytes, d.version, d.bytes)
		}
	}
	for path := range byPath {
		t.Errorf("%s is no longer linked", path)
	}
	if t.Failed() {
		t.Log("if this is intended: go test ./internal/arch -run TestDependencies -update, and give the reason in the commit message")
	}
}

// linkedPackages returns the packages of the build with the sizes of their
// symbols in the binary.
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
		if bytes[path] > 0 { // the linker may omit all of a package
			all = append(all, dependency{path: path, version: version, bytes: bytes[path]})
		}
	}
	return all
}

// symbolBytes returns the sum of the sizes of each package's symbols.
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
			continue // takes no space in the file
		}
		sum[packageOf(s.Name)] += s.Size
	}
	return sum
}

// packageOf returns the package of a symbol: gopkg.in/ini.v1 of
// gopkg.in/ini%2ev1.(*Key).String[go.shape.int].
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

// dependencyLine matches a line of the file: bytes, microseconds, package,
// version.
var dependencyLine = regexp.MustCompile(`^ *(\d+) +(\d+)  (\S+)(?: (\S+))?$`)

// readDependencies returns the lines of the golden file and the toolchain that
// wrote it.
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
		t.Fatalf("%s does not begin with its usual text", dependencies)
	}
	toolchain, lines, _ = strings.Cut(lines, "\n")
	for line := range strings.Lines(lines) {
		m := dependencyLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
		if m == nil {
			t.Fatalf("%s: invalid line %q", dependencies, line)
		}
		d := dependency{path: m[3], version: m[4]}
		d.bytes, _ = strconv.ParseUint(m[1], 10, 64)
		d.micros, _ = strconv.Atoi(m[2])
		all = append(all, d)
	}
	return all, toolchain
}

// writeDependencies writes the golden file. It keeps lines that are near the
// old ones, so that a diff shows only real changes.
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

var update = flag.Bool("update", false, "update the golden file and the table of packages")

var initLine = regexp.MustCompile(`(?m)^init (\S+) @\S+ ms, (\S+) ms clock`)

// startTimes returns the microseconds of initialization of each package that
// has any, as the median of several starts.
func startTimes(t *testing.T) map[string]int {
	t.Helper()
	binary := filepath.Join(t.TempDir(), "main")
	if err := gobuild.Build("../..", ".", binary, ""); err != nil {
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
	median := map[string]int{}
	for path, micros := range all {
		slices.Sort(micros)
		median[path] = micros[len(micros)/2]
	}
	return median
}
