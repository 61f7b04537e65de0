// Command matrix-expiry-report reports which Alibaba Cloud Phone matrices
// failed, have expired or expire soon. Function Compute starts it without
// arguments; see "matrix-expiry-report help" for the command line.
package main

import (
	"os"

	"matrix-expiry-report/internal/cli"
)

// version is set by the linker: -ldflags "-X main.version=1.2.3".
var version string

func main() {
	p := cli.Program{Getenv: os.Getenv, Stdout: os.Stdout, Stderr: os.Stderr, Version: version}
	os.Exit(p.Main(os.Args[1:]))
}
