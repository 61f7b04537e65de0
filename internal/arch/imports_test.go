package arch

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// Which way the arrows point, and why.
var forbidden = []struct{ from, to, why string }{
	{"report", "matrix-expiry-report/", "the rules are the hub: everything may use them, they use nothing"},
	{"report", ".", "the rules need only the standard library"},
	{"report", "net", "the rules do no I/O"},
	{"report", "os", "the rules do no I/O"},
	{"report", "log", "the rules do not log"},
	{"internal/message", "net/http", "rendering does no network"},
	{"internal/message", "log", "rendering returns its errors"},
	{"internal/message", "matrix-expiry-report/internal/chat", "rendering knows no chat service"},
	{"internal/message", "matrix-expiry-report/internal/config", "rendering takes options, not settings"},
	{"internal/locale", "matrix-expiry-report/internal/", "words know no service"},
	{"internal/page", "net/http", "a page is bytes; the handler serves it"},
	{"internal/page", "matrix-expiry-report/internal/chat", "a page knows no chat service"},
	{"internal/export", "net", "a form is bytes, whoever sends them"},
	{"internal/export", "log", "a form returns its errors"},
	{"internal/export", "matrix-expiry-report/internal/message", "what programs read does not change with a language"},
	{"internal/export", "matrix-expiry-report/internal/", "a form knows the report and nothing else"},
	{"internal/config", "matrix-expiry-report/internal/chat", "everything reads settings; they know no service"},
	{"internal/config", "matrix-expiry-report/internal/cloudphone", "everything reads settings; they know no service"},
	{"internal/cloudphone", "matrix-expiry-report/internal/chat", "spokes never import one another"},
	{"internal/cloudphone", "matrix-expiry-report/internal/message", "the API has nothing to say to people"},
	{"internal/cloudphone", "log", "the client returns its errors; the edge logs"},
	{"internal/chat", "matrix-expiry-report/internal/cloudphone", "spokes never import one another"},
	{"internal/chat", "github.com/alibabacloud-go/", "the SDK stays in internal/cloudphone"},
	{"internal/chat", "log", "channels return their errors; the edge logs"},
	{"handler", "matrix-expiry-report/internal/cloudphone", "the handler takes any source of matrices"},
	{"handler", "matrix-expiry-report/internal/chat", "the handler takes any channel"},
	{"handler", "matrix-expiry-report/internal/emulator", "no fake in the way of the real thing"},
	{"handler", "github.com/alibabacloud-go/", "the SDK stays in internal/cloudphone"},
	{"internal/emulator/cloud", "matrix-expiry-report/", "what checks the program shares nothing with it"},
	{"internal/emulator/cloud", "testing", "the emulator is a program too"},
	{"internal/emulator/cloud", ".", "what checks the program leans on no library that it checks"},
	{"internal/emulator/chat", "matrix-expiry-report/", "what checks the program shares nothing with it"},
	{"internal/emulator/chat", "testing", "the emulator is a program too"},
	{"internal/emulator/chat", ".", "what checks the program leans on no library that it checks"},
	{"bench/baseline", "matrix-expiry-report/", "what the program is compared with shares nothing with it"},
	{"internal/fctest", "github.com/", "what plays the platform shares nothing with its SDK"},
}

func TestImports(t *testing.T) {
	imports := map[string][]string{}
	for _, module := range []string{"../..", "../../bench"} {
		out, err := exec.Command("go", "list", "-C", module, "-f", `{{.ImportPath}} {{join .Imports " "}}`, "./...").Output()
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(out)) {
			fields := strings.Fields(line)
			imports[strings.TrimPrefix(fields[0], "matrix-expiry-report/")] = fields[1:]
		}
	}
	for _, rule := range forbidden {
		if _, ok := imports[rule.from]; !ok {
			t.Errorf("the rule for %s cannot fire: there is no such package", rule.from)
		}
		for _, path := range imports[rule.from] {
			if matches(path, rule.to) {
				t.Errorf("%s imports %s: %s", rule.from, path, rule.why)
			}
		}
	}
}

// matches tells whether path is what a rule forbids: itself, anything under a
// prefix that ends with a slash, or with "." anything outside the standard
// library.
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
