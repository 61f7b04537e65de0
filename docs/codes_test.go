package docs

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// A code of a problem, where it is made.
var code = regexp.MustCompile(`(?:scanError\(|Code: +|\.Code, p\.Message = )"(\w+)"`)

// The table of error codes in docs/operating.md has every code that the program
// gives to a problem.
func TestErrorCodesAreDocumented(t *testing.T) {
	_, table, _ := strings.Cut(docs(t)["docs/operating.md"], "## Error codes\n")
	table, _, _ = strings.Cut(table, "\n## ")
	found := 0
	for file, text := range sources(t, "report/*.go", "handler/*.go", "internal/cloudphone/*.go", "internal/inventory/*.go") {
		for _, m := range code.FindAllStringSubmatch(text, -1) {
			found++
			if !strings.Contains(table, "`"+m[1]) {
				t.Errorf("%s: the code %s is not documented", file, m[1])
			}
		}
	}
	if found < 10 {
		t.Errorf("only %d codes found", found)
	}
}

// sources returns the Go files that match the patterns, without tests.
func sources(t *testing.T, patterns ...string) map[string]string {
	t.Helper()
	texts := map[string]string{}
	for _, pattern := range patterns {
		files, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			if strings.HasSuffix(file, "_test.go") {
				continue
			}
			b, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			texts[file] = string(b)
		}
	}
	return texts
}
