package arch

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const module = "matrix-expiry-report"

// forbidden are imports that a package must not have, with the reason. A path
// that ends with a slash is a prefix. A dot is every path outside the standard
// library.
var forbidden = []struct{ from, to, why string }{
	{"report", module + "/", "every package may import report, so report imports none of them"},
	{"report", ".", "the rules need only the standard library"},
	{"report", "net", "the rules do no I/O"},
	{"report", "os", "the rules do no I/O"},
	{"report", "log", "the rules return problems; the handler logs them"},
	{"internal/locale", module + "/internal/", "the catalogue depends on its files only"},
	{"internal/message", "net/http", "rendering does no I/O"},
	{"internal/message", "log", "rendering returns errors; the handler logs them"},
	{"internal/message", module + "/internal/chat", "rendering is the same for every chat service"},
	{"internal/message", module + "/internal/config", "rendering takes options, not settings"},
	{"internal/page", "net/http", "rendering does no I/O; the handler serves the page"},
	{"internal/page", "log", "rendering returns errors; the handler logs them"},
	{"internal/page", module + "/internal/chat", "the page is not a message"},
	{"internal/page", module + "/internal/config", "rendering takes options, not settings"},
	{"internal/export", "net", "a format writes bytes; the handler sends them"},
	{"internal/export", "log", "a format returns errors; the handler logs them"},
	{"internal/export", module + "/internal/chat", "a format depends on no service"},
	{"internal/config", module + "/internal/chat", "a channel reads its own settings"},
	{"internal/config", module + "/internal/cloudphone", "settings are plain values"},
	{"internal/cloudphone", module + "/internal/chat", "packages of foreign systems do not import each other"},
	{"internal/cloudphone", module + "/internal/message", "the API client writes no messages"},
	{"internal/cloudphone", "log", "the client returns errors; the handler logs them"},
	{"internal/inventory", "matrix-expiry-report/internal/chat", "spokes never import one another"},
	{"internal/inventory", "github.com/", "the API's client stays in internal/cloudphone"},
	{"internal/inventory", "log", "the listing has its problems; the edge logs"},
	{"internal/chat", module + "/internal/cloudphone", "packages of foreign systems do not import each other"},
	{"internal/chat", "github.com/alibabacloud-go/", "only internal/cloudphone uses the SDK"},
	{"internal/chat", "log", "a channel returns errors; the handler logs them"},
	{"internal/state", module + "/internal/cloudphone", "packages of foreign systems do not import each other"},
	{"internal/state", module + "/internal/chat", "packages of foreign systems do not import each other"},
	{"internal/state", "log", "a session has its problems; the handler logs them"},
	{"handler", "github.com/aliyun/alibabacloud-oss-go-sdk-v2", "only internal/state uses the SDK of OSS"},
	{"handler", module + "/internal/cloudphone", "the handler accepts any source of matrices"},
	{"handler", module + "/internal/chat", "the handler accepts any channel"},
	{"handler", module + "/internal/emulator/", "only demo, preview and the command emulator use the emulator"},
	{"handler", "github.com/alibabacloud-go/", "only internal/cloudphone uses the SDK"},
	{"internal/emulator/cloud", module + "/", "the emulator checks the program and must not repeat its mistakes"},
	{"internal/emulator/cloud", ".", "the emulator must not repeat the mistakes of a library"},
	{"internal/emulator/cloud", "testing", "the program contains the emulator"},
	{"internal/emulator/chat", module + "/", "the emulator checks the program and must not repeat its mistakes"},
	{"internal/emulator/chat", ".", "the emulator must not repeat the mistakes of a library"},
	{"internal/emulator/chat", "testing", "the program contains the emulator"},
	{"internal/emulator/fc", module + "/", "the stand-in checks the deployment and must not repeat its mistakes"},
	{"internal/emulator/fc", ".", "the stand-in must not repeat the mistakes of a library"},
	{"internal/emulator/oss", module + "/", "the emulator checks the program and must not repeat its mistakes"},
	{"internal/emulator/oss", ".", "the emulator must not repeat the mistakes of a library"},
	{"internal/emulator/oss", "testing", "the program contains the emulator"},
	{"internal/fctest", "github.com/aliyun/", "the emulated platform must not repeat the mistakes of its SDK"},
	{"bench/baseline", module + "/", "a baseline shares no code with the program that it is compared with"},
}

// goPackage is a package as go list prints it.
type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

// packages lists the packages of a module by their path within this repository.
func packages(t *testing.T, dir string) map[string]goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = dir
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	all := map[string]goPackage{}
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; {
		var p goPackage
		if err := dec.Decode(&p); errors.Is(err, io.EOF) {
			return all
		} else if err != nil {
			t.Fatal(err)
		}
		all[strings.TrimPrefix(p.ImportPath, module+"/")] = p
	}
}

func TestForbiddenImports(t *testing.T) {
	all := packages(t, "../..")
	for path, p := range packages(t, "../../bench") {
		all[path] = p
	}
	var known []string // paths that a rule may forbid
	for _, p := range all {
		known = append(append(append(append(known, p.ImportPath), p.Imports...), p.TestImports...), p.XTestImports...)
	}
	for _, rule := range forbidden {
		if _, ok := all[rule.from]; !ok {
			t.Errorf("the rule %s must not import %s has no effect: there is no package %s", rule.from, rule.to, rule.from)
		}
		if !slices.ContainsFunc(known, func(path string) bool { return matches(path, rule.to) }) {
			t.Errorf("the rule %s must not import %s has no effect: no package imports %s", rule.from, rule.to, rule.to)
		}
		for _, path := range all[rule.from].Imports {
			if matches(path, rule.to) {
				t.Errorf("%s imports %s: %s", rule.from, path, rule.why)
			}
		}
	}
}

// matches reports whether a rule that forbids to forbids path.
func matches(path, to string) bool {
	first, _, _ := strings.Cut(filepath.ToSlash(path), "/")
	switch {
	case to == ".":
		return strings.Contains(first, ".")
	case strings.HasSuffix(to, "/"):
		return strings.HasPrefix(path, to)
	}
	return path == to || strings.HasPrefix(path, to+"/")
}
