// Package gobuild builds a program the way it is deployed. The build command,
// the tests and the benchmarks share it, so that all run the same binary.
package gobuild

import (
	"fmt"
	"os"
	"os/exec"
)

// Flags are the flags of go build. Without HTTP/2, which neither the API nor
// the chat services need, the binary is half a megabyte smaller; the others
// make it reproducible.
var Flags = []string{"-tags", "nethttpomithttp2", "-trimpath", "-buildvcs=false"}

// Function lists what to set in the environment to build for Function Compute.
var Function = []string{"GOOS=linux", "GOARCH=amd64", "GOAMD64=v1"}

// Build builds the package pkg of the module in dir into file. The version, if
// not empty, is what the version command prints. The environment is that of
// the process, with env added.
func Build(dir, pkg, file, version string, env ...string) error {
	ldflags := "-s -w -buildid="
	if version != "" {
		ldflags += " -X main.version=" + version
	}
	cmd := exec.Command("go", append(append([]string{"build"}, Flags...), "-ldflags", ldflags, "-o", file, pkg)...)
	cmd.Dir = dir
	cmd.Env = append(append(os.Environ(), "CGO_ENABLED=0"), env...)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("building %s: %w\n%s", pkg, err, out)
	}
	return nil
}
