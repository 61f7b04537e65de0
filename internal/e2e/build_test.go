package e2e

import (
	"path/filepath"
	"testing"

	"matrix-expiry-report/internal/gobuild"
)

// build builds the binary as s.yaml does and returns its path.
func build(t testing.TB) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "main")
	if err := gobuild.Build("../..", ".", file, ""); err != nil {
		t.Fatal(err)
	}
	return file
}
