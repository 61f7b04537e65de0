// Command release builds what is deployed and what a release publishes. It
// runs in the root of the repository, under any shell:
//
//	go run ./internal/release build [-version V]   code/target: the function and its licences
//	go run ./internal/release zip -o FILE          code/target as a zip, the same bytes on any machine
//	go run ./internal/release deployable -o FILE   a zip to deploy without Go: code/target, s.yaml, .env.example
//	go run ./internal/release notes VERSION        the release notes: the version's section of CHANGELOG.md
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
)

// target is the folder that s.yaml uploads.
const target = "code/target"

var errUsage = errors.New("usage: release build [-version V] | zip -o FILE | deployable -o FILE | notes VERSION")

func main() {
	err := run(os.Args[1:], os.Getenv, os.Stdout)
	if err == nil {
		return
	}
	fmt.Fprintln(os.Stderr, "release:", err)
	if errors.Is(err, errUsage) {
		os.Exit(2)
	}
	os.Exit(1)
}

func run(args []string, getenv func(string) string, stdout io.Writer) error {
	if len(args) == 0 {
		return errUsage
	}
	flags := flag.NewFlagSet(args[0], flag.ContinueOnError)
	flags.SetOutput(io.Discard)
	version := flags.String("version", "", "")
	out := flags.String("o", "", "")
	if err := flags.Parse(args[1:]); err != nil {
		return fmt.Errorf("%w: %w", errUsage, err)
	}
	switch {
	case args[0] == "build" && flags.NArg() == 0:
		if err := checkRenamed(getenv); err != nil {
			return err
		}
		return build(".", *version)
	case args[0] == "zip" && *out != "" && flags.NArg() == 0:
		return writeZip(stdout, *out, os.DirFS(target), code)
	case args[0] == "deployable" && *out != "" && flags.NArg() == 0:
		return writeZip(stdout, *out, os.DirFS("."), deployable)
	case args[0] == "notes" && flags.NArg() == 1:
		return notes(stdout, flags.Arg(0))
	}
	return errUsage
}
