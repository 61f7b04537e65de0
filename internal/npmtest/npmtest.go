// Package npmtest installs packages from npm for tests that need another
// vendor's own program, such as a parser or a client.
package npmtest

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// Install installs packages, each as name@version, into a temporary folder and
// returns its node_modules. Without npm or its registry it skips the test; in
// CI it fails it. No script of a package is run.
func Install(t *testing.T, packages ...string) (modules string) {
	t.Helper()
	skip := t.Skipf
	if os.Getenv("CI") != "" {
		skip = t.Fatalf
	}
	for _, program := range []string{"node", "npm"} {
		if _, err := exec.LookPath(program); err != nil {
			skip("%s is not installed, so the test with %q is skipped", program, packages)
		}
	}
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), "npm", append([]string{"install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", dir}, packages...)...)
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		skip("npm cannot install %q, so the test with them is skipped: %v\n%s", packages, err, out)
	}
	return filepath.Join(dir, "node_modules")
}
