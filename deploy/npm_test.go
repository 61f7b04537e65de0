package deploy

import (
	"os"
	"os/exec"
	"path/filepath"
	"testing"
)

// npmInstall installs packages from npm, each as name@version, into a
// temporary folder and returns its node_modules. Without npm, or without a
// registry, the test is skipped; in CI it fails.
func npmInstall(t *testing.T, packages ...string) string {
	t.Helper()
	skip := t.Skipf
	if os.Getenv("CI") != "" {
		skip = t.Fatalf
	}
	if _, err := exec.LookPath("npm"); err != nil {
		skip("npm is not installed, so Serverless Devs' own parser is not tried")
	}
	dir := t.TempDir()
	install := exec.CommandContext(t.Context(), "npm", append([]string{"install", "--no-audit", "--no-fund", "--ignore-scripts", "--loglevel=error", "--prefix", dir}, packages...)...)
	install.Dir = dir
	if out, err := install.CombinedOutput(); err != nil {
		skip("npm cannot install %q, so Serverless Devs' own parser is not tried: %v\n%s", packages, err, out)
	}
	return filepath.Join(dir, "node_modules")
}
